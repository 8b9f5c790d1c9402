/**
 * The one SQL implementation of `Store`.
 *
 * Owns: the parts put together, and the transaction's clock, which never goes back. Gets: a back end that can run
 * transactions on these tables (`sqlite.ts`), and a clock. Leaves to the back end: connections, locks, how failures of
 * its own are told, and anything else in which databases differ.
 */
import type { Kysely } from 'kysely';
import { MintmarkError } from '../domain/errors.ts';
import { Columns } from './columns.ts';
import { accountReads, accountWrites } from './sql-accounts.ts';
import { prepared } from './prepared.ts';
import { keyRingReads, keyRingWrites } from './sql-key-rings.ts';
import { publicationReads, publicationWrites } from './sql-publication.ts';
import { recordReads, recordWrites } from './sql-records.ts';
import { resourceReads, resourceWrites } from './sql-resources.ts';
import { signerReads, signerWrites } from './sql-signers.ts';
import { signerStatisticsReads } from './sql-signer-statistics.ts';
import { statisticsReads } from './sql-statistics.ts';
import type { Tables } from './sql-tables.ts';
import type { Store, StoreReader, StoreWriter } from './store.ts';

/** What a database has to be able to do. Its failures are thrown as `MintmarkError`. */
export interface SqlBackEnd {
  /** One consistent view. May run `work` again. */
  read<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T>;
  /** One transaction, serialized against all others, durable when resolved. May run `work` again. */
  write<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T>;
  /** Said inside of a transaction: what it deletes is secret, and has to leave the files as soon as it is committed. */
  eraseDeleted(): void;
  close(): Promise<void>;
}

/** `clock` may go back and forth; the store's own time only goes forward, also over restarts. */
export async function openSqlStore(backEnd: SqlBackEnd, clock: () => Date): Promise<Store> {
  let latest = 0;
  const advance = (stored: number): Date => new Date((latest = Math.max(latest, stored, clock().getTime())));
  await backEnd.read(async (db) => advance(clockOf(await clockRow(db, {}))));
  return {
    read: (work) => backEnd.read((db) => work(reader(db))),
    write: (work) => backEnd.write(async (db) => {
      const now = advance(clockOf(await laterClock(db, { now: advance(0).getTime() })));
      return work(writer(db, now, () => backEnd.eraseDeleted()));
    }),
    now: () => advance(0),
    close: () => backEnd.close(),
  };
}

const clockRow = prepared((db) => db.selectFrom('store_state').select('clock'));
/** Moves the stored clock on to `now`, or leaves it where it is ahead. */
const laterClock = prepared((db, { now }: { now: number }) =>
  db.updateTable('store_state').set((is) => ({ clock: is.case().when('clock', '<', now).then(now).else(is.ref('clock')).end() })).returning('clock'));

function clockOf([row]: readonly Pick<Tables['store_state'], 'clock'>[]): number {
  if (row === undefined) throw new MintmarkError('StoreCorrupt', 'The store has lost its state (change number and clock). Restore it from a backup.');
  return new Columns(row, 'the store itself').date('clock').getTime();
}

const reader = (db: Kysely<Tables>): StoreReader => ({ ...accountReads(db), ...resourceReads(db), ...keyRingReads(db), ...publicationReads(db), ...recordReads(db), ...signerReads(db), ...statisticsReads(db), ...signerStatisticsReads(db) });

const writer = (db: Kysely<Tables>, now: Date, onDestroyed: () => void): StoreWriter => ({
  now,
  ...reader(db),
  ...accountWrites(db), ...resourceWrites(db), ...keyRingWrites(db, { now, onDestroyed }), ...publicationWrites(db, now), ...recordWrites(db, now), ...signerWrites(db, now),
});
