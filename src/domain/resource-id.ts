/**
 * Azure resource ids: `/subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{type}/{name}`.
 *
 * Ids are compared without regard to case and shown in the spelling in which they were created; the key of a
 * resource is its id in lower case.
 */
import { MintmarkError } from './errors.ts';

export const RESOURCE_GROUP_TYPE = 'Microsoft.Resources/resourceGroups';
export const MANAGED_CLUSTER_TYPE = 'Microsoft.ContainerService/managedClusters';
export const MANAGED_IDENTITY_TYPE = 'Microsoft.ManagedIdentity/userAssignedIdentities';
export const KUBECONFIG_TYPE = 'Mintmark.Oidc/kubeconfigs';
export const FEDERATED_CREDENTIAL_TYPE = `${MANAGED_IDENTITY_TYPE}/federatedIdentityCredentials`;

/** What a name of each type may look like (Azure's own rules), and in words. */
const NAME_RULES: Readonly<Record<string, { readonly pattern: RegExp; readonly words: string }>> = {
  [RESOURCE_GROUP_TYPE]: { pattern: /^[-\w().]{0,89}[-\w()]$/, words: '1 to 90 letters, digits, underscores, parentheses, hyphens and periods, without a period at the end' },
  [MANAGED_CLUSTER_TYPE]: { pattern: /^[a-z0-9]([-\w]{0,61}[a-z0-9])?$/i, words: '1 to 63 letters, digits, underscores and hyphens, with a letter or digit at both ends' },
  [MANAGED_IDENTITY_TYPE]: { pattern: /^[a-z0-9][-\w]{2,127}$/i, words: '3 to 128 letters, digits, underscores and hyphens, with a letter or digit first' },
  [FEDERATED_CREDENTIAL_TYPE]: { pattern: /^[a-z0-9][-\w]{2,119}$/i, words: '3 to 120 letters, digits, underscores and hyphens, with a letter or digit first' },
};

export const subscriptionScope = (subscriptionId: string): string => `/subscriptions/${subscriptionId}`;

export const resourceGroupId = (subscriptionId: string, group: string): string => `${subscriptionScope(subscriptionId)}/resourceGroups/${group}`;

export const managedClusterId = (subscriptionId: string, group: string, name: string): string => `${resourceGroupId(subscriptionId, group)}/providers/${MANAGED_CLUSTER_TYPE}/${name}`;

export const managedIdentityId = (subscriptionId: string, group: string, name: string): string => `${resourceGroupId(subscriptionId, group)}/providers/${MANAGED_IDENTITY_TYPE}/${name}`;

/** Below its identity, as a resource of its own. */
export const kubeconfigId = (clusterId: string, user: string): string => `${clusterId}/providers/${KUBECONFIG_TYPE}/${user}`;

export const federatedCredentialId = (identityId: string, name: string): string => `${identityId}/federatedIdentityCredentials/${name}`;

/** The name of the resource group that a resource is in, in the spelling of its id; empty when it is in none. */
export const resourceGroupOf = (id: string): string => id.split('/')[4] ?? '';

/** The form by which ids are compared and stored. */
export const resourceKey = (id: string): string => id.toLowerCase();

/** Whether `id` is `scope` or lies below it. */
export const isWithin = (id: string, scope: string): boolean => {
  const [inner, outer] = [resourceKey(id), resourceKey(scope).replace(/\/$/, '')];
  return inner === outer || inner.startsWith(`${outer}/`);
};

/** `target`: where the name was given. @throws MintmarkError `InvalidResourceName` with the rule for names of that type. */
export function assertResourceName(type: string, name: string, target = 'name'): string {
  const rule = NAME_RULES[type];
  if (rule === undefined || rule.pattern.test(name)) return name;
  throw new MintmarkError('InvalidResourceName', `'${name.slice(0, 100)}' can not be the name of a resource of type ${type}: it has ${rule.words}.`, { target });
}
