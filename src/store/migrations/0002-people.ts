/**
 * People: a secret gets an id and its times, and principals and roles are found by tenant and by scope.
 *
 * A secret of before counts as used, so that none of them is ever taken for one that nobody has.
 */
import { type QueryExecutorProvider, sql } from 'kysely';

interface OldPrincipal {
  readonly key: string;
  readonly secret_hashes: string;
  readonly created_at: number;
}

export async function createPeopleIndexes(db: QueryExecutorProvider): Promise<void> {
  const { rows } = await sql<OldPrincipal>`select key, secret_hashes, created_at from principals`.execute(db);
  for (const { key, secret_hashes: hashes, created_at: at } of rows) {
    const secrets = (JSON.parse(hashes) as readonly string[]).map((hash, index) => ({ id: `first-${index + 1}`, hash, createdAt: Number(at), usedAt: Number(at) }));
    await sql`update principals set secret_hashes = ${JSON.stringify(secrets)} where key = ${key}`.execute(db);
  }
  await sql`create index principals_of_tenant on principals (lower(tenant_id), key)`.execute(db);
  await sql`create index role_assignments_at_scope on role_assignments (scope_key, principal_key, role)`.execute(db);
}
