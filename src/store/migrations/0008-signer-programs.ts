/** Which version of Mintmark each signer runs. */
import { type QueryExecutorProvider, sql } from 'kysely';

/** A signer of before has not said. */
export async function prepareSignerPrograms(db: QueryExecutorProvider): Promise<void> {
  await sql.raw('alter table signers add column program text').execute(db);
}
