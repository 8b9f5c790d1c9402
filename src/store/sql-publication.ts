/** Document changes, and what the publishers have confirmed of them, in SQL. */
import type { Kysely } from 'kysely';
import { Columns, ms } from './columns.ts';
import { type Tables, YES } from './sql-tables.ts';
import type { StoreReader, StoreWriter } from './store.ts';

type Reads = Pick<StoreReader, 'changesSince' | 'lastChange' | 'changeOf' | 'confirmation' | 'issuersAwaitingConfirmation'>;
type Writes = Pick<StoreWriter, 'confirmPublication' | 'removePublisher'>;

export const publicationReads = (db: Kysely<Tables>): Reads => ({
  changesSince: async (change, limit) =>
    (await db.selectFrom('key_rings').select(['change', 'issuer_id']).where('change', '>', change).orderBy('change').limit(limit).execute())
      .map((row) => ({ change: row.change, issuerId: row.issuer_id })),
  lastChange: async () => (await db.selectFrom('store_state').select('change').executeTakeFirstOrThrow()).change,
  changeOf: async (issuerId) => (await db.selectFrom('key_rings').select('change').where('issuer_id', '=', issuerId).executeTakeFirst())?.change ?? null,
  async confirmation() {
    const rows = (await db.selectFrom('publishers').selectAll().execute()).map((row) => new Columns(row, `the publisher ${row.name}`));
    if (rows.length === 0) return null;
    return {
      change: Math.min(...rows.map((row) => row.integer('change'))),
      at: new Date(Math.max(...rows.map((row) => row.date('at').getTime()))),
    };
  },
  issuersAwaitingConfirmation: async (change, limit) =>
    (await db.selectFrom('key_rings').select('issuer_id').where('awaits_confirmation', '=', YES).where('change', '<=', change).orderBy('change').limit(limit).execute())
      .map((row) => row.issuer_id),
});

export const publicationWrites = (db: Kysely<Tables>, now: Date): Writes => ({
  async confirmPublication(publisher, change) {
    const row = { name: publisher, change, at: ms(now) };
    // Saying the same again is no news: the publisher serves that change since it said so first.
    await db.insertInto('publishers').values(row).onConflict((on) => on.column('name').doUpdateSet(row).where('publishers.change', '!=', change)).execute();
  },
  async removePublisher(publisher) {
    await db.deleteFrom('publishers').where('name', '=', publisher).execute();
  },
});
