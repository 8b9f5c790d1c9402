/** Which signers another machine has replaced under their names, and which credentials let it. */
import { type QueryExecutorProvider, sql } from 'kysely';

const STATEMENTS: readonly string[] = [
  'alter table signers add column replaced_at bigint',
  'alter table enrolment_credentials add column replaces_by_name bigint not null default 0',
];

/** No credential of before takes a name over. */
export async function prepareSignerReplacements(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
