/** Resources and issuers in SQL. A resource is found by its key, the lower-case id; what lies below a scope is a range of keys. */
import type { Kysely } from 'kysely';
import { resourceKey } from '../domain/resource-id.ts';
import { ms } from './columns.ts';
import { listed, pageStart } from './page.ts';
import { prepared } from './prepared.ts';
import { issuerOf, issuerRow, resourceOf, resourceRow } from './resource-rows.ts';
import { issuerUsedBefore } from './ring-commit.ts';
import { one } from './sql-accounts.ts';
import { type ResourceRow, type Tables, YES } from './sql-tables.ts';
import type { Page, StoreReader, StoreWriter } from './store.ts';

type Reads = Pick<StoreReader, 'resource' | 'resources' | 'identityByClientId' | 'identityByPrincipalId' | 'issuer' | 'issuerByPath' | 'issuerIds'>;
type Writes = Pick<StoreWriter, 'putResource' | 'deleteResource' | 'insertIssuer' | 'markIssuerDeleted'>;
type ResourceQuery = Parameters<StoreReader['resources']>[0];

const resourceAt = prepared((db, { key }: { key: string }) => db.selectFrom('resources').selectAll().where('key', '=', key));
const issuerOfId = prepared((db, { id }: { id: string }) => db.selectFrom('issuers').selectAll().where('id', '=', id));

export const resourceReads = (db: Kysely<Tables>): Reads => ({
  resource: async (id) => one((await resourceAt(db, { key: resourceKey(id) }))[0], resourceOf),
  async resources(query, page) {
    const rows = await resourceRows(db, query, page);
    return listed(rows.map(resourceOf), page.limit, ({ id }) => resourceKey(id));
  },
  identityByClientId: async (clientId) => one(await db.selectFrom('resources').selectAll().where('client_key', '=', resourceKey(clientId)).executeTakeFirst(), resourceOf),
  identityByPrincipalId: async (principalId) => one(await db.selectFrom('resources').selectAll().where('principal_key', '=', resourceKey(principalId)).executeTakeFirst(), resourceOf),
  issuer: async (id) => one((await issuerOfId(db, { id }))[0], issuerOf),
  issuerByPath: async (path) => one(await db.selectFrom('issuers').selectAll().where('path', '=', path).executeTakeFirst(), issuerOf),
  issuerIds: async () => (await db.selectFrom('key_rings').select('issuer_id').where('documented', '=', YES).orderBy('issuer_id').execute()).map((row) => row.issuer_id),
});

export const resourceWrites = (db: Kysely<Tables>): Writes => ({
  async putResource(resource) {
    const row = resourceRow(resource);
    await db.insertInto('resources').values(row).onConflict((on) => on.column('key').doUpdateSet(row)).execute();
  },
  async deleteResource(id) {
    const { numDeletedRows } = await db.deleteFrom('resources').where('key', '=', resourceKey(id)).executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  },
  async insertIssuer(issuer) {
    const { numInsertedOrUpdatedRows } = await db.insertInto('issuers').values(issuerRow(issuer)).onConflict((on) => on.doNothing()).executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 0n) throw issuerUsedBefore(issuer);
  },
  async markIssuerDeleted(id, at) {
    await db.updateTable('issuers').set({ deleted_at: ms(at) }).where('id', '=', id).where('deleted_at', 'is', null).execute();
  },
});

/** One row more than the page holds. The scope itself is looked up alone, so that both look-ups go straight to their key. */
async function resourceRows(db: Kysely<Tables>, { type, scope, withIssuer }: ResourceQuery, page: Page): Promise<readonly ResourceRow[]> {
  const start = pageStart(page);
  const outer = resourceKey(scope).replace(/\/$/, '');
  const ofType = db.selectFrom('resources').selectAll().where('type', '=', type).$if(withIssuer === true, (query) => query.where('issuer_id', 'is not', null));
  const itself = start === null ? await ofType.where('key', '=', outer).execute() : [];
  const below = await ofType
    .where('key', start === null || start < `${outer}/` ? '>=' : '>', start === null || start < `${outer}/` ? `${outer}/` : start)
    .where('key', '<', `${outer}0`)
    .orderBy('key').limit(page.limit + 1 - itself.length).execute();
  return [...itself, ...below];
}
