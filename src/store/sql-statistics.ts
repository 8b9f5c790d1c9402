/** Totals over all issuers in SQL: each count is of one range of one index, so its cost is that of the rows counted, and of no other. */
import { type Kysely, sql, type SqlBool } from 'kysely';
import { KEY_STATES, type KeyState } from '../domain/key-ring.ts';
import { Columns, ms } from './columns.ts';
import { type Tables, YES } from './sql-tables.ts';
import type { StoreReader, StoreStatistics } from './store.ts';

const STATES = Object.keys(KEY_STATES) as readonly KeyState[];

export const statisticsReads = (db: Kysely<Tables>): Pick<StoreReader, 'statistics'> => ({
  async statistics(madeSince, overdueAt) {
    const keys: [KeyState, readonly number[]][] = [];
    for (const state of STATES) keys.push([state, await keysByAge(db, state, madeSince)]);
    return {
      issuers: await issuers(db),
      keys: Object.fromEntries(keys) as StoreStatistics['keys'],
      firstRotation: await firstRotation(db),
      overdueRotations: await counted(db.selectFrom('key_rings').select((of) => of.fn.countAll().as('rows')).where('rotation_due', '<=', ms(overdueAt))),
      waitingOperations: await waitingOperations(db),
    };
  },
});

async function issuers(db: Kysely<Tables>): Promise<StoreStatistics['issuers']> {
  const documented = await counted(db.selectFrom('key_rings').select((of) => of.fn.countAll().as('rows')).where('documented', '=', YES));
  const open = await counted(db.selectFrom('key_rings').select((of) => of.fn.countAll().as('rows')).where('open', '=', YES));
  return { open, closed: documented - open };
}

async function keysByAge(db: Kysely<Tables>, state: KeyState, madeSince: readonly Date[]): Promise<readonly number[]> {
  const counts: number[] = [];
  for (let at = 0; at <= madeSince.length; at += 1) {
    const [from, before] = [madeSince[at], madeSince[at - 1]];
    counts.push(await counted(db.selectFrom('signing_keys').select((of) => of.fn.countAll().as('rows')).where('state', '=', state)
      .$if(from !== undefined, (query) => query.where('created_at', '>=', ms(from!))).$if(before !== undefined, (query) => query.where('created_at', '<', ms(before!)))));
  }
  return counts;
}

async function firstRotation(db: Kysely<Tables>): Promise<Date | null> {
  const row = await db.selectFrom('key_rings').select(['rotation_due', 'issuer_id']).where('rotation_due', 'is not', null).orderBy('rotation_due').limit(1).executeTakeFirst();
  return row === undefined ? null : new Columns(row, `the key ring of issuer ${row.issuer_id}`).date('rotation_due');
}

/** One that has no change to wait for waits for its key; that key's ring tells whether a publisher is what it lacks, or else a signer. */
async function waitingOperations(db: Kysely<Tables>): Promise<StoreStatistics['waitingOperations']> {
  const inProgress = db.selectFrom('operations').select((of) => of.fn.countAll().as('rows')).where('status', '=', sql.lit('InProgress' as const));
  const published = await counted(inProgress.where('ends_with_change', 'is not', null));
  const forKey = await counted(inProgress.where('ends_with_change', 'is', null));
  const inRing = inProgress.innerJoin('key_rings', 'key_rings.issuer_id', 'operations.issuer_id').where('ends_with_change', 'is', null);
  const unconfirmed = await counted(inRing.where('awaits_confirmation', '=', 1));
  const heldUp = await counted(inRing.where('awaits_confirmation', '=', 0).where('has_signers', '=', YES).where(IS_HELD_UP));
  return { publication: published + unconfirmed, signers: heldUp, caches: forKey - unconfirmed - heldUp };
}

/** `isHeldUp` of domain/acknowledgement.ts, of the ring of the row. */
const IS_HELD_UP = sql<SqlBool>`exists (
  select 1 from signers join signing_keys on signing_keys.issuer_id = signers.issuer_id
  where signers.issuer_id = key_rings.issuer_id and state = 'prepared' and written_off_at is null and enrolled_in < published_in
    and (acked_version is null or acked_epoch <> key_rings.epoch or acked_version < published_in))`;

/** `count(*)` is a text on some databases. */
export async function counted(query: { executeTakeFirstOrThrow(): Promise<{ readonly rows: number | string | bigint }> }): Promise<number> {
  return Number((await query.executeTakeFirstOrThrow()).rows);
}
