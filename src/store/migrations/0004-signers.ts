/** Signers: their records and credentials, keys that verify only, and what rings have to know of both. */
import { type QueryExecutorProvider, sql } from 'kysely';

const STATEMENTS: readonly string[] = [
  `create table signers (
    id text not null primary key, issuer_id text not null, name text not null, mode text not null, enrolled_in bigint not null, enrolled_at bigint not null,
    acked_epoch bigint, acked_version bigint, acked_at bigint, last_contact_at bigint not null, lease_seconds bigint, written_off_at bigint, deleted_at bigint,
    assertion_jwk text not null, encryption_jwk text not null, clock_offset_ms bigint, key_in_use text, kids text not null, created_by text not null,
    foreign key (issuer_id) references key_rings
  )`,
  'create index signers_of_issuer on signers (issuer_id, written_off_at, name, id)',
  'create index signers_enrolled on signers (last_contact_at) where written_off_at is null',
  'create index signers_deleted on signers (deleted_at) where deleted_at is not null',
  'create index signers_written_off on signers (written_off_at) where written_off_at is not null',
  `create table enrolment_credentials (
    id text not null primary key, issuer_id text not null, kind text not null, secret_hash text not null, name text, created_at bigint not null,
    created_by text not null, expires_at bigint, most_uses bigint, uses bigint not null, cidrs text not null, revoked_at bigint, used_by text
  )`,
  'create index enrolment_credentials_of_issuer on enrolment_credentials (issuer_id, created_at, id)',
  'create index enrolment_credentials_expired on enrolment_credentials (expires_at) where expires_at is not null',
  'create index enrolment_credentials_revoked on enrolment_credentials (revoked_at) where revoked_at is not null',
  'create table assertions (signer_id text not null, jti text not null, expires_at bigint not null, primary key (signer_id, jti))',
  'create index assertions_expired on assertions (expires_at)',
  `create table verify_only_keys (
    issuer_id text not null, kid text not null, position bigint not null, algorithm text not null, public_members text not null,
    imported_at bigint not null, imported_by text not null, expires_at bigint, primary key (issuer_id, kid),
    foreign key (issuer_id) references key_rings
  )`,
  'alter table key_rings add column has_signers bigint not null default 0',
  'alter table key_rings add column verify_only bigint not null default 0',
  'alter table signing_keys add column retired_in bigint',
];

/**
 * A key that was retired before bears the version that its ring has now: no signer was enrolled before that, so none is
 * behind it. A rotation that waits has its activation left, and nothing to revoke: without signers that was done at once.
 */
export async function createSignerTables(db: QueryExecutorProvider): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  await sql`
    update signing_keys set retired_in = (select version from key_rings where key_rings.issuer_id = signing_keys.issuer_id)
    where retired_at is not null`.execute(db);
  const { rows } = await sql<{ issuer_id: string; pending: string }>`select issuer_id, pending from key_rings where pending is not null`.execute(db);
  for (const { issuer_id: issuerId, pending } of rows) {
    const rotation = JSON.stringify({ ...(JSON.parse(pending) as object), revokes: [], activates: true });
    await sql`update key_rings set pending = ${rotation} where issuer_id = ${issuerId}`.execute(db);
  }
}
