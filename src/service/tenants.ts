/**
 * Tenants and their subscriptions, and how the first of each come into a store.
 *
 * Nothing goes while something is in it: a tenant with subscriptions, a subscription with resource groups. Leaves to the
 * guard who may do it, to `people.ts` the principals.
 */
import { MintmarkError } from '../domain/errors.ts';
import { type Subscription, type Tenant, tenantScope } from '../domain/principal.ts';
import { RESOURCE_GROUP_TYPE, subscriptionScope } from '../domain/resource-id.ts';
import type { Bearer } from '../keys/access-token.ts';
import type { Store, StoreReader, StoreWriter } from '../store/store.ts';
import { isVisible, isVisibleTenant } from './access.ts';
import { keepingAnOwner } from './people.ts';

export interface Tenants {
  /** Those that the bearer can see. */
  list(bearer: Bearer): Promise<readonly Tenant[]>;
  /** Creates or renames. */
  put(id: string, displayName: string): Promise<{ readonly tenant: Tenant; readonly created: boolean }>;
  /** Takes its principals and their roles away too. @throws MintmarkError `TenantNotFound`; `OperationNotAllowed` while there are subscriptions in it, or with the last Owner of the server. */
  remove(id: string): Promise<void>;
  /** The subscriptions of a tenant that the bearer can see. */
  subscriptions(bearer: Bearer, tenantId: string): Promise<readonly Subscription[]>;
  /** Creates or renames. @throws MintmarkError `OperationNotAllowed` for an id of another tenant. */
  putSubscription(tenantId: string, id: string, displayName: string): Promise<{ readonly subscription: Subscription; readonly created: boolean }>;
  /** Takes away the roles in it too. @throws MintmarkError `SubscriptionNotFound`; `OperationNotAllowed` while there are resource groups in it. */
  removeSubscription(tenantId: string, id: string): Promise<void>;
}

/** Principals that are looked at at once. */
const BATCH = 1000;

export function createTenants(store: Store): Tenants {
  return {
    list: (bearer) => store.read(async (tx) => {
      const [all, assignments] = [await tx.tenants(), await tx.roleAssignments(bearer.principalId)];
      return all.filter((tenant) => isVisibleTenant(tenant, bearer, assignments));
    }),
    put: (id, displayName) => store.write(async (tx) => {
      const stored = await tx.tenant(id);
      const tenant = { id, createdAt: tx.now, ...stored, displayName };
      await tx.putTenant(tenant);
      return { tenant, created: stored === null };
    }),
    remove: (id) => store.write((tx) => keepingAnOwner(tx, () => removeTenant(tx, id))),
    subscriptions: (bearer, tenantId) => store.read(async (tx) => {
      const [all, assignments] = [await tx.subscriptions(tenantId), await tx.roleAssignments(bearer.principalId)];
      return all.filter((subscription) => isVisible(subscription, assignments));
    }),
    putSubscription: (tenantId, id, displayName) => store.write(async (tx) => {
      const [tenant, stored] = [await existingTenant(tx, tenantId), await tx.subscription(id)];
      if (stored !== null && stored.tenantId !== tenant.id) throw new MintmarkError('OperationNotAllowed', `The id '${id}' is taken by a subscription of another tenant. Choose another; a random UUID never collides.`);
      const subscription = { id, tenantId: tenant.id, createdAt: tx.now, ...stored, displayName };
      await tx.putSubscription(subscription);
      return { subscription, created: stored === null };
    }),
    removeSubscription: (tenantId, id) => store.write((tx) => removeSubscription(tx, tenantId, id)),
  };
}

async function existingTenant(tx: StoreReader, id: string): Promise<Tenant> {
  const tenant = await tx.tenant(id);
  if (tenant === null) throw new MintmarkError('TenantNotFound', `The tenant '${id.slice(0, 80)}' could not be found.`);
  return tenant;
}

async function removeTenant(tx: StoreWriter, tenantId: string): Promise<void> {
  const { id } = await existingTenant(tx, tenantId);
  const subscriptions = await tx.subscriptions(id);
  if (subscriptions.length > 0) throw new MintmarkError('OperationNotAllowed', `The tenant '${id}' has ${subscriptions.length} subscriptions, such as '${subscriptions[0]!.id}'. Delete them first.`);
  for (let left = true; left;) {
    const page = await tx.principals(id, { limit: BATCH });
    for (const principal of page.items) {
      await tx.deleteRoleAssignments(principal.id);
      await tx.deletePrincipal(principal.id);
    }
    left = page.next !== null;
  }
  await tx.deleteRoleAssignmentsWithin(tenantScope(id));
  await tx.deleteTenant(id);
}

async function removeSubscription(tx: StoreWriter, tenantId: string, subscriptionId: string): Promise<void> {
  const stored = await tx.subscription(subscriptionId);
  if (stored === null || stored.tenantId !== tenantId) throw new MintmarkError('SubscriptionNotFound', `The subscription '${subscriptionId.slice(0, 80)}' could not be found in this tenant.`);
  const groups = await tx.resources({ type: RESOURCE_GROUP_TYPE, scope: subscriptionScope(stored.id) }, { limit: 1 });
  if (groups.items.length > 0) throw new MintmarkError('OperationNotAllowed', `The subscription '${stored.id}' has resource groups, such as '${groups.items[0]!.name}'. Delete them first.`);
  await tx.deleteRoleAssignmentsWithin(subscriptionScope(stored.id));
  await tx.deleteSubscription(stored.id);
}
