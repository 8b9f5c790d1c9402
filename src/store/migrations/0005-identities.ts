/** Managed identities are found by their ids, and a role has the name under which it was given as a resource. */
import { type QueryExecutorProvider, sql } from 'kysely';

const STATEMENTS: readonly string[] = [
  'alter table role_assignments add column name text',
  'alter table resources add column client_key text',
  'alter table resources add column principal_key text',
  'create unique index resources_by_client on resources (client_key) where client_key is not null',
  'create unique index resources_by_principal on resources (principal_key) where principal_key is not null',
];

/** No store of before has an identity; its roles stay without a name. */
export async function prepareIdentities(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
