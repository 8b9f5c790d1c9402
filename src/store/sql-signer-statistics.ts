/** How many signers there are, by how they are, in SQL: each count is of one range of one index. */
import { type Kysely, sql } from 'kysely';
import { debtOf } from '../domain/signer.ts';
import { ms } from './columns.ts';
import { signerOf } from './signer-rows.ts';
import { storedRing } from './sql-key-rings.ts';
import { counted } from './sql-statistics.ts';
import type { Tables } from './sql-tables.ts';
import type { StoreReader } from './store.ts';

export const signerStatisticsReads = (db: Kysely<Tables>): Pick<StoreReader, 'signerStatistics'> => ({
  async signerStatistics(silentSince, now) {
    const rows = db.selectFrom('signers').select((of) => of.fn.countAll().as('rows'));
    const enrolled = rows.where('written_off_at', 'is', null);
    const refuses = enrolled.where('refused_at', '>', ms(silentSince));
    const [all, refusing] = [await counted(enrolled.where('last_contact_at', '<=', ms(now))), await counted(refuses)];
    const silent = await counted(enrolled.where('last_contact_at', '<=', ms(silentSince))) - await counted(refuses.where('last_contact_at', '<=', ms(silentSince)));
    const current = await counted(enrolled.where((is) => is.or([is('refused_at', 'is', null), is('refused_at', '<=', ms(silentSince))])).innerJoin('key_rings', 'key_rings.issuer_id', 'signers.issuer_id').where('last_contact_at', '>', ms(silentSince))
      .whereRef('acked_epoch', '=', 'key_rings.epoch').whereRef('acked_version', '>=', 'key_rings.version'));
    const [ended, deleted] = [await counted(rows.where('written_off_at', '<=', ms(now))), await counted(rows.where('deleted_at', '<=', ms(now)))];
    return {
      states: { current, behind: all - silent - current - refusing, refusing, silent, writtenOff: ended - deleted, deleted },
      indebted: await indebted(db, now),
      leasesHalfOver: await counted(enrolled.where('last_contact_at', '<=', ms(silentSince)).where(sql<number>`last_contact_at + lease_seconds * 500`, '<=', ms(now))),
    };
  },
});

/** Signers that were deleted are few, and forgotten in time. */
async function indebted(db: Kysely<Tables>, now: Date): Promise<number> {
  const deleted = (await db.selectFrom('signers').selectAll().where('deleted_at', '<=', ms(now)).execute()).map(signerOf);
  let count = 0;
  for (const signer of deleted) if (debtOf(signer, (await storedRing(db, signer.issuerId))?.ring ?? null, now).length > 0) count += 1;
  return count;
}
