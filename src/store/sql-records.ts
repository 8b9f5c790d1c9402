/** Operations, request keys, records of tokens, the server's own keys and settings in SQL; and their end. */
import { type Kysely, sql } from 'kysely';
import { after, DAY, HOUR } from '../domain/durations.ts';
import { OPERATION_DAYS, REPEAT_HOURS } from '../domain/operation.ts';
import { TOKEN_RECORD_DAYS } from '../domain/service-account-token.ts';
import { Columns, ms, textRecord } from './columns.ts';
import { prepared } from './prepared.ts';
import { operationOf, operationRow } from './resource-rows.ts';
import { one } from './sql-accounts.ts';
import { sweepSigners } from './sql-signers.ts';
import type { Tables } from './sql-tables.ts';
import type { ServerKey, StoreReader, StoreWriter } from './store.ts';

type Reads = Pick<StoreReader, 'operation' | 'operationsEndingBy' | 'requestedOperation' | 'liveTokens' | 'serverKeys' | 'setting'>;
type Writes = Pick<StoreWriter, 'putOperation' | 'rememberRequest' | 'recordToken' | 'putServerKey' | 'deleteServerKey' | 'putSetting' | 'sweep'>;

/** The ring's version, if its active key is this one. */
const versionSignedBy = prepared((db, { issuerId, kid }: { issuerId: string; kid: string }) =>
  db.selectFrom('key_rings').innerJoin('signing_keys', 'signing_keys.issuer_id', 'key_rings.issuer_id').select('key_rings.version')
    .where('key_rings.issuer_id', '=', issuerId).where('signing_keys.kid', '=', kid).where('signing_keys.state', '=', 'active'));
const insertToken = prepared((db, row: Tables['issued_tokens']) => {
  const { issuer_id, jti, kid, subject, audiences, issued_at, expires_at } = row;
  return db.insertInto('issued_tokens').values({ issuer_id, jti, kid, subject, audiences, issued_at, expires_at });
});

export const recordReads = (db: Kysely<Tables>): Reads => ({
  operation: async (id) => one(await db.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirst(), operationOf),
  operationsEndingBy: async (change, limit) =>
    (await db.selectFrom('operations').selectAll().where('status', '=', sql.lit('InProgress' as const)).where('ends_with_change', '<=', change)
      .orderBy('ends_with_change').orderBy('id').limit(limit).execute()).map(operationOf),
  requestedOperation: async (key, since) =>
    (await db.selectFrom('requests').select('operation_id').where('key', '=', key).where('at', '>', ms(since)).executeTakeFirst())?.operation_id ?? null,
  async liveTokens(issuerId, at) {
    const rows = await db.selectFrom('issued_tokens').select((of) => ['kid', of.fn.countAll().as('tokens')])
      .where('issuer_id', '=', issuerId).where('expires_at', '>', ms(at)).groupBy('kid').orderBy('kid').execute();
    return new Map(rows.map(({ kid, tokens }) => [kid, Number(tokens)]));
  },
  serverKeys: async (purpose) => (await db.selectFrom('server_keys').selectAll().where('purpose', '=', purpose).orderBy('created_at', 'desc').orderBy('kid').execute()).map(serverKeyOf),
  setting: async (name) => (await db.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst())?.value ?? null,
});

export const recordWrites = (db: Kysely<Tables>, now: Date): Writes => ({
  async putOperation(operation) {
    const row = operationRow(operation);
    await db.insertInto('operations').values(row).onConflict((on) => on.column('id').doUpdateSet(row)).execute();
  },
  async rememberRequest(key, operationId) {
    const row = { key, operation_id: operationId, at: ms(now) };
    await db.insertInto('requests').values(row).onConflict((on) => on.column('key').doUpdateSet(row)).execute();
  },
  async recordToken(token, ringVersion) {
    const [ring] = await versionSignedBy(db, token);
    if (ring?.version !== ringVersion) return false;
    const { jti, kid, subject } = token;
    await insertToken(db, { issuer_id: token.issuerId, jti, kid, subject, audiences: JSON.stringify(token.audiences), issued_at: ms(token.issuedAt), expires_at: ms(token.expiresAt) });
    return true;
  },
  async putServerKey({ purpose, kid, publicJwk, sealed, createdAt }) {
    const row = { purpose, kid, public_jwk: JSON.stringify(publicJwk), sealed, created_at: ms(createdAt) };
    await db.insertInto('server_keys').values(row).onConflict((on) => on.columns(['purpose', 'kid']).doUpdateSet(row)).execute();
  },
  async deleteServerKey(purpose, kid) {
    await db.deleteFrom('server_keys').where('purpose', '=', purpose).where('kid', '=', kid).execute();
  },
  async putSetting(name, value) {
    await db.insertInto('settings').values({ name, value }).onConflict((on) => on.column('name').doUpdateSet({ value })).execute();
  },
  async sweep() {
    await db.deleteFrom('issued_tokens').where('expires_at', '<=', ms(after(now, -TOKEN_RECORD_DAYS * DAY))).execute();
    await db.deleteFrom('operations').where('ended_at', '<=', ms(after(now, -OPERATION_DAYS * DAY))).execute();
    await db.deleteFrom('requests').where('at', '<=', ms(after(now, -REPEAT_HOURS * HOUR))).execute();
    await sweepSigners(db, now);
  },
});

function serverKeyOf(row: Tables['server_keys']): ServerKey {
  const column = new Columns(row, `the server's ${row.purpose} key ${row.kid}`);
  return { purpose: column.text('purpose'), kid: column.text('kid'), publicJwk: column.json('public_jwk', textRecord), sealed: column.bytes('sealed'), createdAt: column.date('created_at') };
}
