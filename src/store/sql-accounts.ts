/** Tenants, subscriptions, principals and their roles in SQL. */
import type { Kysely } from 'kysely';
import type { Principal, Role, RoleAssignment, Subscription, Tenant } from '../domain/principal.ts';
import { resourceKey } from '../domain/resource-id.ts';
import { Columns, ms, texts } from './columns.ts';
import type { Tables } from './sql-tables.ts';
import type { StoreReader, StoreWriter } from './store.ts';

const ROLES = Object.keys({ Owner: true, Contributor: true, Reader: true } satisfies Record<Role, true>) as readonly Role[];

type Reads = Pick<StoreReader, 'tenant' | 'tenants' | 'subscription' | 'subscriptions' | 'principal' | 'roleAssignments'>;
type Writes = Pick<StoreWriter, 'putTenant' | 'putSubscription' | 'putPrincipal' | 'putRoleAssignment'>;

export const accountReads = (db: Kysely<Tables>): Reads => ({
  tenant: async (id) => one(await db.selectFrom('tenants').selectAll().where('key', '=', resourceKey(id)).executeTakeFirst(), tenantOf),
  tenants: async () => (await db.selectFrom('tenants').selectAll().orderBy('key').execute()).map(tenantOf),
  subscription: async (id) => one(await db.selectFrom('subscriptions').selectAll().where('key', '=', resourceKey(id)).executeTakeFirst(), subscriptionOf),
  subscriptions: async (tenantId) => (await db.selectFrom('subscriptions').selectAll().where('tenant_key', '=', resourceKey(tenantId)).orderBy('key').execute()).map(subscriptionOf),
  principal: async (id) => one(await db.selectFrom('principals').selectAll().where('key', '=', resourceKey(id)).executeTakeFirst(), principalOf),
  roleAssignments: async (principalId) =>
    (await db.selectFrom('role_assignments').selectAll().where('principal_key', '=', resourceKey(principalId)).orderBy('scope_key').orderBy('role').execute()).map(roleAssignmentOf),
});

export const accountWrites = (db: Kysely<Tables>): Writes => ({
  async putTenant(tenant) {
    const row = { key: resourceKey(tenant.id), id: tenant.id, display_name: tenant.displayName, created_at: ms(tenant.createdAt) };
    await db.insertInto('tenants').values(row).onConflict((on) => on.column('key').doUpdateSet(row)).execute();
  },
  async putSubscription({ id, tenantId, displayName, createdAt }) {
    const row = { key: resourceKey(id), id, tenant_key: resourceKey(tenantId), tenant_id: tenantId, display_name: displayName, created_at: ms(createdAt) };
    await db.insertInto('subscriptions').values(row).onConflict((on) => on.column('key').doUpdateSet(row)).execute();
  },
  async putPrincipal({ id, tenantId, displayName, secretHashes, createdAt }) {
    const row = { key: resourceKey(id), id, tenant_id: tenantId, display_name: displayName, secret_hashes: JSON.stringify(secretHashes), created_at: ms(createdAt) };
    await db.insertInto('principals').values(row).onConflict((on) => on.column('key').doUpdateSet(row)).execute();
  },
  async putRoleAssignment({ principalId, role, scope }) {
    const row = { principal_key: resourceKey(principalId), principal_id: principalId, role, scope_key: resourceKey(scope), scope };
    await db.insertInto('role_assignments').values(row).onConflict((on) => on.columns(['principal_key', 'scope_key', 'role']).doUpdateSet(row)).execute();
  },
});

/** What `make` gives for a row that was found, else null. */
export const one = <Row, T>(row: Row | undefined, make: (row: Row) => T): T | null => (row === undefined ? null : make(row));

function tenantOf(row: Tables['tenants']): Tenant {
  const column = new Columns(row, `the tenant ${row.id}`);
  return { id: column.text('id'), displayName: column.text('display_name'), createdAt: column.date('created_at') };
}

function subscriptionOf(row: Tables['subscriptions']): Subscription {
  const column = new Columns(row, `the subscription ${row.id}`);
  return { id: column.text('id'), tenantId: column.text('tenant_id'), displayName: column.text('display_name'), createdAt: column.date('created_at') };
}

function principalOf(row: Tables['principals']): Principal {
  const column = new Columns(row, `the principal ${row.id}`);
  return {
    id: column.text('id'), tenantId: column.text('tenant_id'), displayName: column.text('display_name'),
    secretHashes: column.json('secret_hashes', texts), createdAt: column.date('created_at'),
  };
}

function roleAssignmentOf(row: Tables['role_assignments']): RoleAssignment {
  const column = new Columns(row, `a role assignment of the principal ${row.principal_id}`);
  return { principalId: column.text('principal_id'), role: column.oneOf('role', ROLES), scope: column.text('scope') };
}
