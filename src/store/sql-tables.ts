/**
 * The tables, as Kysely types them. Instants are whole milliseconds since 1970, flags 0 or 1, composed values JSON text.
 *
 * `migrations/` makes them; `rows.ts` and its neighbours turn rows into domain values, and trust none.
 */
import { type Generated, sql } from 'kysely';

/** A flag that is set, as a literal: an index of those rows alone serves no query that has it as a parameter. */
export const YES = sql.lit(1);

export interface Tables {
  store_state: { id: 1; /** Number of the last commit of any ring. */ change: number; /** The latest instant of a transaction. */ clock: number };
  tenants: { key: string; id: string; display_name: string; created_at: number };
  subscriptions: { key: string; id: string; tenant_key: string; tenant_id: string; display_name: string; created_at: number };
  principals: { key: string; id: string; tenant_id: string; display_name: string; secret_hashes: string; created_at: number };
  /** `name`: null where it was given with its principal. */
  role_assignments: { principal_key: string; principal_id: string; role: string; scope_key: string; scope: string; name: string | null };
  resources: ResourceRow;
  issuers: IssuerRow;
  key_rings: KeyRingRow;
  signing_keys: SigningKeyRow;
  /** A table of its own, so that a role which reads the public halves need not be able to read these. */
  sealed_keys: { issuer_id: string; kid: string; sealed: Uint8Array };
  verify_only_keys: VerifyOnlyKeyRow;
  revoked_kids: { issuer_id: string; kid: string };
  key_events: KeyEventRow;
  operations: OperationRow;
  requests: { key: string; operation_id: string; at: number };
  issued_tokens: { issuer_id: string; jti: string; kid: string; subject: string; audiences: string; issued_at: number; expires_at: number };
  publishers: { name: string; change: number; at: number };
  server_keys: { purpose: string; kid: string; public_jwk: string; sealed: Uint8Array; created_at: number };
  settings: { name: string; value: string };
  signers: SignerRow;
  enrolment_credentials: EnrolmentCredentialRow;
  assertions: { signer_id: string; jti: string; expires_at: number };
}

export interface ResourceRow {
  key: string;
  id: string;
  type: string;
  name: string;
  tenant_id: string;
  subscription_id: string;
  location: string;
  tags: string;
  envelope: string;
  properties: string;
  issuer_id: string | null;
  version: number;
  created_at: number;
  updated_at: number;
  /** Of managed identities: the ids in `properties`, to be found by. */
  client_key: string | null;
  principal_key: string | null;
}

export interface IssuerRow {
  id: string;
  tenant_id: string;
  subscription_id: string;
  cluster_id: string;
  url: string;
  path: string;
  region: string;
  mode: string;
  created_at: number;
  deleted_at: number | null;
}

export interface KeyRingRow {
  issuer_id: string;
  epoch: number;
  version: number;
  open: number;
  rotate_every: number | null;
  gap_seconds: number;
  gap_lowered: string | null;
  gap_floor: number | null;
  pending: string | null;
  created_at: number;
  updated_at: number;
  /** When the rotator has to look again. */
  wake_at: number | null;
  /** When its active key gives way by its period. */
  rotation_due: number | null;
  /** The store-wide number of its last commit. */
  change: number;
  awaits_confirmation: number;
  /** Whether it may still have documents: open, or with keys left. */
  documented: number;
  /** Whether it ever had a signer, so that rings without any are read without looking for them. */
  has_signers: Generated<number>;
  /** How many keys verify only. */
  verify_only: number;
}

export interface SigningKeyRow {
  issuer_id: string;
  kid: string;
  /** Its place in the ring, which is the order of the JWKS. */
  position: number;
  algorithm: string;
  public_members: string;
  origin: string;
  holder: string;
  published: number;
  state: string;
  created_at: number;
  published_in: number;
  published_at: number | null;
  activated_at: number | null;
  retired_at: number | null;
  revoked_at: number | null;
  expires_at: number | null;
  retired_in: number | null;
}

export interface VerifyOnlyKeyRow {
  issuer_id: string;
  kid: string;
  position: number;
  algorithm: string;
  public_members: string;
  imported_at: number;
  imported_by: string;
  expires_at: number | null;
}

export interface SignerRow {
  id: string;
  issuer_id: string;
  name: string;
  mode: string;
  enrolled_in: number;
  enrolled_at: number;
  acked_epoch: number | null;
  acked_version: number | null;
  acked_at: number | null;
  last_contact_at: number;
  refused_since: number | null;
  refused_at: number | null;
  replaced_at: number | null;
  lease_seconds: number | null;
  written_off_at: number | null;
  deleted_at: number | null;
  assertion_jwk: string;
  encryption_jwk: string;
  clock_offset_ms: number | null;
  program: string | null;
  key_in_use: string | null;
  kids: string;
  created_by: string;
}

export interface EnrolmentCredentialRow {
  id: string;
  issuer_id: string;
  kind: string;
  secret_hash: string;
  name: string | null;
  created_at: number;
  created_by: string;
  expires_at: number | null;
  most_uses: number | null;
  uses: number;
  cidrs: string;
  revoked_at: number | null;
  used_by: string | null;
  replaces_by_name: number;
}

export interface KeyEventRow {
  issuer_id: string;
  number: number;
  at: number;
  ring_version: number;
  kind: string;
  kid: string | null;
  from_state: string | null;
  to_state: string | null;
  cause: string;
  actor: string;
  reason: string;
}

export interface OperationRow {
  id: string;
  tenant_id: string;
  subscription_id: string;
  resource_id: string;
  issuer_id: string | null;
  kind: string;
  status: string;
  started_at: number;
  ended_at: number | null;
  error: string | null;
  ends_with_change: number | null;
  result: string;
}
