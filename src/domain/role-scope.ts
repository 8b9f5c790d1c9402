/**
 * Where a role can be given: the whole server, a tenant, a subscription, a resource group, a managed cluster or identity.
 *
 * Gives the scope in one spelling, so that no two texts mean the same place and none means more than it shows.
 */
import { MintmarkError } from './errors.ts';
import { SERVER_SCOPE, tenantScope } from './principal.ts';
import {
  assertResourceName, MANAGED_CLUSTER_TYPE, MANAGED_IDENTITY_TYPE, managedClusterId, managedIdentityId, RESOURCE_GROUP_TYPE, resourceGroupId, resourceKey, subscriptionScope,
} from './resource-id.ts';

export interface RoleScope {
  /** The subscription that the scope is or lies in, as it was spelt; null for the server and the tenant. */
  readonly subscriptionId: string | null;
  /** The scope, with the subscription in its own spelling. */
  spelt(subscriptionId: string): string;
}

const IN_SUBSCRIPTION = /^\/subscriptions\/([\w-]{1,80})(?:\/resourceGroups\/([^/]+)(?:\/providers\/([^/]+\/[^/]+)\/([^/]+))?)?$/i;

/** Types of resources that can be a scope → their id. */
const RESOURCES = {
  [MANAGED_CLUSTER_TYPE]: managedClusterId,
  [MANAGED_IDENTITY_TYPE]: managedIdentityId,
} as const;

/** @throws MintmarkError `InvalidRequestContent`, `InvalidResourceName`. */
export function readRoleScope(text: string, tenantId: string): RoleScope {
  if (text === SERVER_SCOPE) return { subscriptionId: null, spelt: () => SERVER_SCOPE };
  if (resourceKey(text) === resourceKey(tenantScope(tenantId))) return { subscriptionId: null, spelt: () => tenantScope(tenantId) };
  const [, subscriptionId, group, typeName, name] = IN_SUBSCRIPTION.exec(text) ?? [];
  const type = (Object.keys(RESOURCES) as readonly (keyof typeof RESOURCES)[]).find((known) => resourceKey(known) === resourceKey(typeName ?? ''));
  if (subscriptionId === undefined || (typeName !== undefined && type === undefined)) throw noScope(text, tenantId);
  assertResourceName(RESOURCE_GROUP_TYPE, group ?? 'none');
  if (type !== undefined) assertResourceName(type, name!);
  return { subscriptionId, spelt: (id) => scopeIn(id, group, type === undefined ? null : RESOURCES[type](id, group!, name!)) };
}

function scopeIn(subscriptionId: string, group: string | undefined, resource: string | null): string {
  if (resource !== null) return resource;
  return group === undefined ? subscriptionScope(subscriptionId) : resourceGroupId(subscriptionId, group);
}

const noScope = (text: string, tenantId: string): MintmarkError => new MintmarkError(
  'InvalidRequestContent',
  `'${text.slice(0, 200)}' is no scope of a role in this tenant. It is '/' for the whole server, '${tenantScope(tenantId)}' for the tenant, or the id of a subscription, resource group, managed cluster or managed identity in it.`,
  { target: 'scope' },
);
