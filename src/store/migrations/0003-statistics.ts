/** Statistics: when each active key gives way by its period, and indexes to count by. */
import { type QueryExecutorProvider, sql } from 'kysely';

/** A ring of before gets the latest time that its jitter allows, so that none counts as overdue too soon; its next commit sets the true one. */
export async function prepareStatistics(db: QueryExecutorProvider): Promise<void> {
  await sql`alter table key_rings add column rotation_due bigint`.execute(db);
  await sql`
    update key_rings set rotation_due = rotate_every * 1050
      + (select coalesce(activated_at, created_at) from signing_keys where signing_keys.issuer_id = key_rings.issuer_id and state = 'active')
    where open = 1 and rotate_every is not null`.execute(db);
  await sql`create index key_rings_rotation_due on key_rings (rotation_due, issuer_id) where rotation_due is not null`.execute(db);
  await sql`create index signing_keys_state_created on signing_keys (state, created_at)`.execute(db);
}
