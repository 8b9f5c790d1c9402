/** The first tenant, subscription and Owner of a store that has none; and a new secret for an Owner whose secret is lost. */
import { randomUUID } from 'node:crypto';
import { MintmarkError } from '../domain/errors.ts';
import { SERVER_SCOPE } from '../domain/principal.ts';
import { resourceKey } from '../domain/resource-id.ts';
import type { Store } from '../store/store.ts';
import { makeClientSecret } from './client-secrets.ts';

export interface Bootstrapped {
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly clientId: string;
  /** Told this once. */
  readonly clientSecret: string;
}

/** @throws MintmarkError `OperationNotAllowed` for a store that has a tenant already; nothing is changed then. */
export async function bootstrap(store: Store, names: { readonly tenant: string; readonly subscription: string }): Promise<Bootstrapped> {
  const { clientSecret, stored } = await makeClientSecret();
  const [tenantId, subscriptionId, clientId] = [randomUUID(), randomUUID(), randomUUID()];
  await store.write(async (tx) => {
    const [first] = await tx.tenants();
    if (first !== undefined) throw new MintmarkError('OperationNotAllowed', `The store was bootstrapped already: it has the tenant '${first.id}', made at ${first.createdAt.toISOString()}. Log in as its Owner; if the secret is lost, 'mintmark admin reset-owner' makes a new one.`);
    const createdAt = tx.now;
    await tx.putTenant({ id: tenantId, displayName: names.tenant, createdAt });
    await tx.putSubscription({ id: subscriptionId, tenantId, displayName: names.subscription, createdAt });
    await tx.putPrincipal({ id: clientId, tenantId, displayName: 'First Owner', secrets: [stored(createdAt)], createdAt });
    await tx.putRoleAssignment({ principalId: clientId, role: 'Owner', scope: SERVER_SCOPE });
  });
  return { tenantId, subscriptionId, clientId, clientSecret };
}

/**
 * Gives an Owner of the whole server a new secret, in place of all others; the oldest of them when none is named.
 * @throws MintmarkError `ResourceNotFound` where there is no such Owner.
 */
export async function resetOwner(store: Store, clientId: string | null): Promise<Omit<Bootstrapped, 'subscriptionId'>> {
  const { clientSecret, stored } = await makeClientSecret();
  return store.write(async (tx) => {
    const ids = (await tx.roleAssignmentsAt(SERVER_SCOPE)).filter(({ role }) => role === 'Owner').map(({ principalId }) => principalId);
    const owners = (await Promise.all(ids.map((id) => tx.principal(id)))).filter((principal) => principal !== null);
    const [owner] = owners.filter(({ id }) => clientId === null || resourceKey(id) === resourceKey(clientId)).toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    if (owner === undefined) throw new MintmarkError('ResourceNotFound', clientId === null ? "The store has no Owner of the whole server. Make one with 'mintmark admin bootstrap'." : `The store has no Owner of the whole server with the client id '${clientId.slice(0, 80)}'; it has ${owners.map(({ id }) => id).join(', ') || 'none'}.`);
    await tx.putPrincipal({ ...owner, secrets: [stored(tx.now)] });
    return { tenantId: owner.tenantId, clientId: owner.id, clientSecret };
  });
}
