/**
 * Where a role can be given: the whole server, a tenant, a subscription, a resource group or a managed cluster.
 *
 * Gives the scope in one spelling, so that no two texts mean the same place and none means more than it shows.
 */
import { MintmarkError } from './errors.ts';
import { SERVER_SCOPE, tenantScope } from './principal.ts';
import { assertResourceName, MANAGED_CLUSTER_TYPE, managedClusterId, RESOURCE_GROUP_TYPE, resourceGroupId, resourceKey, subscriptionScope } from './resource-id.ts';

export interface RoleScope {
  /** The subscription that the scope is or lies in, as it was spelt; null for the server and the tenant. */
  readonly subscriptionId: string | null;
  /** The scope, with the subscription in its own spelling. */
  spelt(subscriptionId: string): string;
}

const IN_SUBSCRIPTION = /^\/subscriptions\/([\w-]{1,80})(?:\/resourceGroups\/([^/]+)(?:\/providers\/Microsoft\.ContainerService\/managedClusters\/([^/]+))?)?$/i;

/** @throws MintmarkError `InvalidRequestContent`, `InvalidResourceName`. */
export function readRoleScope(text: string, tenantId: string): RoleScope {
  if (text === SERVER_SCOPE) return { subscriptionId: null, spelt: () => SERVER_SCOPE };
  if (resourceKey(text) === resourceKey(tenantScope(tenantId))) return { subscriptionId: null, spelt: () => tenantScope(tenantId) };
  const [, subscriptionId, group, cluster] = IN_SUBSCRIPTION.exec(text) ?? [];
  if (subscriptionId === undefined) throw new MintmarkError('InvalidRequestContent', `'${text.slice(0, 200)}' is no scope of a role in this tenant. It is '/' for the whole server, '${tenantScope(tenantId)}' for the tenant, or the id of a subscription, resource group or managed cluster in it.`, { target: 'scope' });
  assertResourceName(RESOURCE_GROUP_TYPE, group ?? 'none');
  assertResourceName(MANAGED_CLUSTER_TYPE, cluster ?? 'none');
  return { subscriptionId, spelt: (id) => scopeIn(id, group, cluster) };
}

function scopeIn(subscriptionId: string, group: string | undefined, cluster: string | undefined): string {
  if (group === undefined) return subscriptionScope(subscriptionId);
  return cluster === undefined ? resourceGroupId(subscriptionId, group) : managedClusterId(subscriptionId, group, cluster);
}
