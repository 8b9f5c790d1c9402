/** Since when a signer refuses the ring that it is given, and when it last said so. */
import { type QueryExecutorProvider, sql } from 'kysely';

const STATEMENTS: readonly string[] = [
  'alter table signers add column refused_since bigint',
  'alter table signers add column refused_at bigint',
  'create index signers_refusing on signers (refused_at) where written_off_at is null and refused_at is not null',
];

/** Of no signer it is known before it says so again. */
export async function prepareSignerRefusals(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
