/** Tenants, subscriptions, principals and their roles in SQL. */
import { type Kysely, sql } from 'kysely';
import { type ClientSecret, type Principal, type RoleAssignment, ROLES, type Subscription, type Tenant } from '../domain/principal.ts';
import { resourceKey } from '../domain/resource-id.ts';
import { Columns, ms, msOrNull, object } from './columns.ts';
import { listed, pageStart, rolePageStart, rolePosition } from './page.ts';
import { prepared } from './prepared.ts';
import type { Tables } from './sql-tables.ts';
import type { StoreReader, StoreWriter } from './store.ts';

type Reads = Pick<StoreReader, 'tenant' | 'tenants' | 'subscription' | 'subscriptions' | 'principal' | 'principals' | 'roleAssignments' | 'roleAssignmentsAt' | 'roleAssignmentsBelow'>;
type Puts = Pick<StoreWriter, 'putTenant' | 'putSubscription' | 'putPrincipal' | 'putRoleAssignment'>;
type Deletes = Pick<StoreWriter, 'deleteTenant' | 'deleteSubscription' | 'deletePrincipal' | 'deleteRoleAssignments' | 'deleteRoleAssignment' | 'deleteRoleAssignmentsWithin'>;

const subscriptionAt = prepared((db, { key }: { key: string }) => db.selectFrom('subscriptions').selectAll().where('key', '=', key));
const rolesOf = prepared((db, { key }: { key: string }) => db.selectFrom('role_assignments').selectAll().where('principal_key', '=', key).orderBy('scope_key').orderBy('role'));

export const accountReads = (db: Kysely<Tables>): Reads => ({
  tenant: async (id) => one(await db.selectFrom('tenants').selectAll().where('key', '=', resourceKey(id)).executeTakeFirst(), tenantOf),
  tenants: async () => (await db.selectFrom('tenants').selectAll().orderBy('key').execute()).map(tenantOf),
  subscription: async (id) => one((await subscriptionAt(db, { key: resourceKey(id) }))[0], subscriptionOf),
  subscriptions: async (tenantId) => (await db.selectFrom('subscriptions').selectAll().where('tenant_key', '=', resourceKey(tenantId)).orderBy('key').execute()).map(subscriptionOf),
  principal: async (id) => one(await db.selectFrom('principals').selectAll().where('key', '=', resourceKey(id)).executeTakeFirst(), principalOf),
  async principals(tenantId, page) {
    const start = pageStart(page);
    const rows = await db.selectFrom('principals').selectAll().where(sql`lower(tenant_id)`, '=', resourceKey(tenantId))
      .$if(start !== null, (query) => query.where('key', '>', start)).orderBy('key').limit(page.limit + 1).execute();
    return listed(rows.map(principalOf), page.limit, ({ id }) => resourceKey(id));
  },
  roleAssignments: async (principalId) => (await rolesOf(db, { key: resourceKey(principalId) })).map(roleAssignmentOf),
  roleAssignmentsAt: async (scope) =>
    (await db.selectFrom('role_assignments').selectAll().where('scope_key', '=', resourceKey(scope)).orderBy('principal_key').orderBy('role').execute()).map(roleAssignmentOf),
  async roleAssignmentsBelow(scope, page) {
    const start = rolePageStart(page);
    const outer = resourceKey(scope).replace(/\/$/, '');
    const rows = await db.selectFrom('role_assignments').selectAll().where('scope_key', '>', `${outer}/`).where('scope_key', '<', `${outer}0`)
      .$if(start !== null, (query) => query.where(sql<boolean>`(scope_key, principal_key, role) > (${sql.join(start!)})`))
      .orderBy('scope_key').orderBy('principal_key').orderBy('role').limit(page.limit + 1).execute();
    return listed(rows.map(roleAssignmentOf), page.limit, (one) => JSON.stringify(rolePosition(one)));
  },
});

export const accountWrites = (db: Kysely<Tables>): Puts & Deletes => ({ ...accountPuts(db), ...accountDeletes(db) });

const accountPuts = (db: Kysely<Tables>): Puts => ({
  async putTenant(tenant) {
    const row = { key: resourceKey(tenant.id), id: tenant.id, display_name: tenant.displayName, created_at: ms(tenant.createdAt) };
    await db.insertInto('tenants').values(row).onConflict((on) => on.column('key').doUpdateSet(row)).execute();
  },
  async putSubscription({ id, tenantId, displayName, createdAt }) {
    const row = { key: resourceKey(id), id, tenant_key: resourceKey(tenantId), tenant_id: tenantId, display_name: displayName, created_at: ms(createdAt) };
    await db.insertInto('subscriptions').values(row).onConflict((on) => on.column('key').doUpdateSet(row)).execute();
  },
  async putPrincipal({ id, tenantId, displayName, secrets, createdAt }) {
    const row = { key: resourceKey(id), id, tenant_id: tenantId, display_name: displayName, secret_hashes: JSON.stringify(secrets.map(storedSecret)), created_at: ms(createdAt) };
    await db.insertInto('principals').values(row).onConflict((on) => on.column('key').doUpdateSet(row)).execute();
  },
  async putRoleAssignment({ principalId, role, scope, name }) {
    const row = { principal_key: resourceKey(principalId), principal_id: principalId, role, scope_key: resourceKey(scope), scope, name: name ?? null };
    await db.insertInto('role_assignments').values(row).onConflict((on) => on.columns(['principal_key', 'scope_key', 'role']).doUpdateSet(row)).execute();
  },
});

const accountDeletes = (db: Kysely<Tables>): Deletes => ({
  async deleteTenant(id) {
    await db.deleteFrom('tenants').where('key', '=', resourceKey(id)).execute();
  },
  async deleteSubscription(id) {
    await db.deleteFrom('subscriptions').where('key', '=', resourceKey(id)).execute();
  },
  async deletePrincipal(id) {
    await db.deleteFrom('principals').where('key', '=', resourceKey(id)).execute();
  },
  async deleteRoleAssignments(principalId) {
    await db.deleteFrom('role_assignments').where('principal_key', '=', resourceKey(principalId)).execute();
  },
  async deleteRoleAssignment({ principalId, scope, role }) {
    await db.deleteFrom('role_assignments').where('principal_key', '=', resourceKey(principalId)).where('scope_key', '=', resourceKey(scope)).where('role', '=', role).execute();
  },
  async deleteRoleAssignmentsWithin(scope) {
    const outer = resourceKey(scope).replace(/\/$/, '');
    await db.deleteFrom('role_assignments').where('scope_key', '=', outer).execute();
    await db.deleteFrom('role_assignments').where('scope_key', '>=', `${outer}/`).where('scope_key', '<', `${outer}0`).execute();
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
    secrets: column.json('secret_hashes', secretsOf), createdAt: column.date('created_at'),
  };
}

function roleAssignmentOf(row: Tables['role_assignments']): RoleAssignment {
  const column = new Columns(row, `a role assignment of the principal ${row.principal_id}`);
  const name = column.textOrNull('name');
  return { principalId: column.text('principal_id'), role: column.oneOf('role', ROLES), scope: column.text('scope'), ...(name === null ? {} : { name }) };
}

const storedSecret = ({ id, hash, createdAt, usedAt }: ClientSecret): object => ({ id, hash, createdAt: ms(createdAt), usedAt: msOrNull(usedAt) });

function secretsOf(value: unknown): readonly ClientSecret[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const secrets = value.map((item) => secretOf(object(item) ?? {}));
  return secrets.every((secret) => secret !== undefined) ? secrets : undefined;
}

function secretOf({ id, hash, createdAt, usedAt }: Readonly<Record<string, unknown>>): ClientSecret | undefined {
  const [created, used] = [instantOf(createdAt), usedAt === null ? null : instantOf(usedAt)];
  return typeof id === 'string' && typeof hash === 'string' && created !== undefined && used !== undefined ? { id, hash, createdAt: created, usedAt: used } : undefined;
}

function instantOf(value: unknown): Date | undefined {
  const at = new Date(typeof value === 'number' ? value : Number.NaN);
  return Number.isNaN(at.getTime()) ? undefined : at;
}
