/**
 * Key rings in SQL: the ring, its keys, sealed halves, events and calendar.
 *
 * A commit writes only the keys that changed, all under one store-wide change number. What a commit has to satisfy is
 * in `ring-commit.ts`.
 */
import type { Kysely, Selectable } from 'kysely';
import type { KeyRing, SigningKey } from '../domain/key-ring.ts';
import type { KeyEvent } from '../domain/key-ring-change.ts';
import { type EnrolledSigner, writeOffsCountSince } from '../domain/signer.ts';
import { Columns, ms, msOrNull } from './columns.ts';
import { keyEventOf, keyEventRow, keyRingOf, keyRingRow, signingKeyOf, signingKeyRow, verifyOnlyKeyOf, verifyOnlyKeyRow } from './key-ring-rows.ts';
import { listed, numberedPageStart } from './page.ts';
import { prepared } from './prepared.ts';
import { assertBirth, assertSuccessor, revokedKids, sealedToDestroy } from './ring-commit.ts';
import { enrolledSignerOf } from './signer-rows.ts';
import { type KeyRingRow, type Tables, YES } from './sql-tables.ts';
import type { RingUpdate, StoreReader, StoreWriter } from './store.ts';

type Reads = Pick<StoreReader, 'keyRing' | 'sealedKey' | 'isRevoked' | 'events' | 'dueIssuers' | 'nextWake'>;
type Writes = Pick<StoreWriter, 'insertKeyRing' | 'updateKeyRing' | 'setWakeAt' | 'wakeRingsWithOtherGap' | 'wakeOverdueRings'>;

/** What the writes of rings need to know of their transaction. */
export interface RingTransaction {
  readonly now: Date;
  /** Told when a private half was destroyed: the back end then sees to it that no copy of it stays in its files. */
  readonly onDestroyed: () => void;
}

export const keyRingReads = (db: Kysely<Tables>): Reads => ({
  keyRing: async (issuerId) => (await storedRing(db, issuerId))?.ring ?? null,
  async sealedKey(issuerId, kid) {
    const row = await db.selectFrom('sealed_keys').selectAll().where('issuer_id', '=', issuerId).where('kid', '=', kid).executeTakeFirst();
    return row === undefined ? null : new Columns(row, `the sealed key ${kid} of issuer ${issuerId}`).bytes('sealed');
  },
  isRevoked: async (issuerId, kid) => (await db.selectFrom('revoked_kids').select('kid').where('issuer_id', '=', issuerId).where('kid', '=', kid).executeTakeFirst()) !== undefined,
  async events(issuerId, page) {
    const start = numberedPageStart(page);
    const rows = await db.selectFrom('key_events').selectAll().where('issuer_id', '=', issuerId)
      .$if(start !== null, (query) => query.where('number', '<', start)).orderBy('number', 'desc').limit(page.limit + 1).execute();
    return listed(rows.map(keyEventOf), page.limit, ({ number }) => String(number));
  },
  dueIssuers: async (at, limit) =>
    (await db.selectFrom('key_rings').select('issuer_id').where('wake_at', '<=', ms(at)).orderBy('wake_at').orderBy('issuer_id').limit(limit).execute()).map((row) => row.issuer_id),
  async nextWake() {
    const row = await db.selectFrom('key_rings').select(['wake_at', 'issuer_id']).where('wake_at', 'is not', null).orderBy('wake_at').limit(1).executeTakeFirst();
    return row === undefined ? null : new Columns(row, `the key ring of issuer ${row.issuer_id}`).date('wake_at');
  },
});

export const keyRingWrites = (db: Kysely<Tables>, { now, onDestroyed }: RingTransaction): Writes => ({
  async insertKeyRing(update) {
    assertBirth(update.change);
    const change = await nextChange(db);
    await db.insertInto('key_rings').values(keyRingRow(update, change)).execute();
    await writeChange(db, null, update, onDestroyed);
    return change;
  },
  async updateKeyRing(issuerId, decide) {
    const stored = await storedRing(db, issuerId);
    if (stored === null) return null;
    const update = decide(stored.ring, now);
    if (update === null) return stored;
    assertSuccessor(stored.ring, update.change);
    const change = await nextChange(db);
    await db.updateTable('key_rings').set(keyRingRow(update, change)).where('issuer_id', '=', issuerId).execute();
    await writeChange(db, stored.ring, update, onDestroyed);
    return { ring: update.change.ring, change };
  },
  async setWakeAt(issuerId, at) {
    await db.updateTable('key_rings').set({ wake_at: msOrNull(at) }).where('issuer_id', '=', issuerId).execute();
  },
  async wakeRingsWithOtherGap(gapSeconds, at) {
    await db.updateTable('key_rings').set({ wake_at: ms(at) }).where('open', '=', YES).where('gap_seconds', '!=', gapSeconds)
      .where((is) => is.or([is('wake_at', 'is', null), is('wake_at', '>', ms(at))])).execute();
  },
  async wakeOverdueRings(at) {
    await db.updateTable('key_rings').set({ wake_at: ms(at) }).where('rotation_due', '<=', ms(at))
      .where((is) => is.or([is('wake_at', 'is', null), is('wake_at', '>', ms(at))])).execute();
  },
});

const ringRow = prepared((db, { issuerId }: { issuerId: string }) => db.selectFrom('key_rings').selectAll().where('issuer_id', '=', issuerId));
const keyRows = prepared((db, { issuerId }: { issuerId: string }) => db.selectFrom('signing_keys').selectAll().where('issuer_id', '=', issuerId).orderBy('position'));

export async function storedRing(db: Kysely<Tables>, issuerId: string): Promise<{ readonly ring: KeyRing; readonly change: number } | null> {
  const [row] = await ringRow(db, { issuerId });
  if (row === undefined) return null;
  const keys = (await keyRows(db, { issuerId })).map(signingKeyOf);
  const verifyOnly = row.verify_only === 0 ? [] : await db.selectFrom('verify_only_keys').selectAll().where('issuer_id', '=', issuerId).orderBy('position').execute();
  const ring = keyRingOf(row, { keys, verifyOnly: verifyOnly.map(verifyOnlyKeyOf), signers: await signersOfRing(db, row, keys) });
  return { ring, change: changeNumber(row) };
}

/** The signers that a ring with these keys has to know of (`concerns`): first those that are enrolled. Rings that never had one cost nothing. */
async function signersOfRing(db: Kysely<Tables>, row: Selectable<KeyRingRow>, keys: readonly SigningKey[]): Promise<readonly EnrolledSigner[]> {
  if (row.has_signers === 0) return [];
  const ofIssuer = db.selectFrom('signers').selectAll().where('issuer_id', '=', row.issuer_id).orderBy('name').orderBy('id');
  const enrolled = await ofIssuer.where('written_off_at', 'is', null).execute();
  const since = writeOffsCountSince(keys);
  const writtenOff = since === null ? [] : await ofIssuer.where('written_off_at', '>=', ms(since)).execute();
  return [...enrolled, ...writtenOff].map(enrolledSignerOf);
}

const changeNumber = (row: Selectable<KeyRingRow>): number => new Columns(row, `the key ring of issuer ${row.issuer_id}`).integer('change');

async function nextChange(db: Kysely<Tables>): Promise<number> {
  const row = await db.updateTable('store_state').set((is) => ({ change: is('change', '+', 1) })).returning('change').executeTakeFirstOrThrow();
  return row.change;
}

/** Everything of a commit but the ring's own row. */
async function writeChange(db: Kysely<Tables>, before: KeyRing | null, { change }: RingUpdate, onDestroyed: () => void): Promise<void> {
  const { ring, events } = change;
  const stored = await db.selectFrom('sealed_keys').select('kid').where('issuer_id', '=', ring.issuerId).execute();
  const destroyed = sealedToDestroy(change, new Set(stored.map(({ kid }) => kid)));
  for (const kid of destroyed) await db.deleteFrom('sealed_keys').where('issuer_id', '=', ring.issuerId).where('kid', '=', kid).execute();
  if (destroyed.length > 0) onDestroyed();
  await writeKeys(db, before, ring);
  if (before?.verifyOnly !== ring.verifyOnly) await writeVerifyOnlyKeys(db, ring);
  for (const { kid, sealed } of change.sealed) await db.insertInto('sealed_keys').values({ issuer_id: ring.issuerId, kid, sealed }).execute();
  for (const kid of revokedKids(change)) await db.insertInto('revoked_kids').values({ issuer_id: ring.issuerId, kid }).onConflict((on) => on.doNothing()).execute();
  await writeEvents(db, ring.issuerId, events);
}

async function writeKeys(db: Kysely<Tables>, before: KeyRing | null, { issuerId, keys }: KeyRing): Promise<void> {
  const former = before?.keys ?? [];
  const kept = new Set(keys.map(({ kid }) => kid));
  for (const { kid } of former.filter((key) => !kept.has(key.kid))) await db.deleteFrom('signing_keys').where('issuer_id', '=', issuerId).where('kid', '=', kid).execute();
  for (const [position, key] of keys.entries()) {
    if (former[position] === key) continue;
    const row = signingKeyRow(issuerId, key, position);
    await db.insertInto('signing_keys').values(row).onConflict((on) => on.columns(['issuer_id', 'kid']).doUpdateSet(row)).execute();
  }
}

/** They are few and seldom change. */
async function writeVerifyOnlyKeys(db: Kysely<Tables>, { issuerId, verifyOnly }: KeyRing): Promise<void> {
  await db.deleteFrom('verify_only_keys').where('issuer_id', '=', issuerId).execute();
  for (const [position, key] of verifyOnly.entries()) await db.insertInto('verify_only_keys').values(verifyOnlyKeyRow(issuerId, key, position)).execute();
}

async function writeEvents(db: Kysely<Tables>, issuerId: string, events: readonly KeyEvent[]): Promise<void> {
  const last = await db.selectFrom('key_events').select('number').where('issuer_id', '=', issuerId).orderBy('number', 'desc').limit(1).executeTakeFirst();
  for (const [index, event] of events.entries()) await db.insertInto('key_events').values(keyEventRow(issuerId, event, (last?.number ?? 0) + 1 + index)).execute();
}
