/** Signers and enrolment credentials as rows, and back. Nothing that is read is trusted: see `columns.ts`. */
import type { Insertable } from 'kysely';
import { type Acknowledgement, enrolledPart, type EnrolledSigner, type EnrolmentCredential, type Refusal, SIGNER_MODES, type SignerRecord } from '../domain/signer.ts';
import { Columns, ms, msOrNull, textRecord, texts } from './columns.ts';
import type { EnrolmentCredentialRow, SignerRow } from './sql-tables.ts';

const KINDS = ['once', 'join'] as const satisfies readonly EnrolmentCredential['kind'][];

export const signerRow = (signer: SignerRecord): Insertable<SignerRow> => ({
  id: signer.id, issuer_id: signer.issuerId, name: signer.name, mode: signer.mode, enrolled_in: signer.enrolledIn, enrolled_at: ms(signer.enrolledAt),
  acked_epoch: signer.acked?.epoch ?? null, acked_version: signer.acked?.version ?? null, acked_at: msOrNull(signer.acked?.at ?? null),
  last_contact_at: ms(signer.lastContactAt), refused_since: msOrNull(signer.refusal?.since ?? null), refused_at: msOrNull(signer.refusal?.lastAt ?? null),
  lease_seconds: signer.leaseSeconds, replaced_at: msOrNull(signer.replacedAt), written_off_at: msOrNull(signer.writtenOffAt), deleted_at: msOrNull(signer.deletedAt),
  assertion_jwk: JSON.stringify(signer.assertionJwk), encryption_jwk: JSON.stringify(signer.encryptionJwk), clock_offset_ms: signer.clockOffsetMs, program: signer.program,
  key_in_use: signer.keyInUse, kids: JSON.stringify(signer.kids), created_by: signer.createdBy,
});

/** @throws MintmarkError `StoreCorrupt` naming the signer. */
export function signerOf(row: SignerRow): SignerRecord {
  const column = columnsOf(row);
  return {
    id: column.text('id'), issuerId: column.text('issuer_id'), name: column.text('name'), mode: column.oneOf('mode', SIGNER_MODES),
    enrolledIn: column.integer('enrolled_in'), enrolledAt: column.date('enrolled_at'), acked: acknowledgement(column),
    lastContactAt: column.date('last_contact_at'), refusal: refusalOf(column),
    leaseSeconds: column.integerOrNull('lease_seconds'), replacedAt: column.dateOrNull('replaced_at'), writtenOffAt: column.dateOrNull('written_off_at'), deletedAt: column.dateOrNull('deleted_at'),
    assertionJwk: column.json('assertion_jwk', textRecord), encryptionJwk: column.json('encryption_jwk', textRecord),
    clockOffsetMs: column.signedOrNull('clock_offset_ms'), program: column.textOrNull('program'), keyInUse: column.textOrNull('key_in_use'), kids: column.json('kids', texts), createdBy: column.text('created_by'),
  };
}

export const enrolledSignerOf = (row: SignerRow): EnrolledSigner => enrolledPart(signerOf(row));

const columnsOf = (row: SignerRow): Columns<SignerRow> => new Columns(row, `the signer ${row.id} of issuer ${row.issuer_id}`);

const acknowledgement = (column: Columns<SignerRow>): Acknowledgement | null =>
  column.isNull('acked_version') ? null : { epoch: column.integer('acked_epoch'), version: column.integer('acked_version'), at: column.date('acked_at') };

const refusalOf = (column: Columns<SignerRow>): Refusal | null => (column.isNull('refused_since') ? null : { since: column.date('refused_since'), lastAt: column.date('refused_at') });

export const credentialRow = (credential: EnrolmentCredential): Insertable<EnrolmentCredentialRow> => ({
  id: credential.id, issuer_id: credential.issuerId, kind: credential.kind, secret_hash: credential.secretHash, name: credential.name,
  created_at: ms(credential.createdAt), created_by: credential.createdBy, expires_at: msOrNull(credential.expiresAt), most_uses: credential.mostUses,
  uses: credential.uses, cidrs: JSON.stringify(credential.cidrs), revoked_at: msOrNull(credential.revokedAt), used_by: credential.usedBy, replaces_by_name: credential.replacesByName ? 1 : 0,
});

/** @throws MintmarkError `StoreCorrupt` naming the credential. */
export function credentialOf(row: EnrolmentCredentialRow): EnrolmentCredential {
  const column = new Columns(row, `the enrolment credential ${row.id} of issuer ${row.issuer_id}`);
  return {
    id: column.text('id'), issuerId: column.text('issuer_id'), kind: column.oneOf('kind', KINDS), secretHash: column.text('secret_hash'), name: column.textOrNull('name'),
    createdAt: column.date('created_at'), createdBy: column.text('created_by'), expiresAt: column.dateOrNull('expires_at'), mostUses: column.integerOrNull('most_uses'),
    uses: column.integer('uses'), cidrs: column.json('cidrs', texts), revokedAt: column.dateOrNull('revoked_at'), usedBy: column.textOrNull('used_by'),
    replacesByName: column.flag('replaces_by_name'),
  };
}
