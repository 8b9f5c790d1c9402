/** Signers, what they enrol with, and their assertions in SQL. */
import type { Kysely } from 'kysely';
import { after, DAY } from '../domain/durations.ts';
import { MANAGED_CLUSTER_TYPE, resourceKey } from '../domain/resource-id.ts';
import { ENDED_CREDENTIAL_DAYS, GONE_SIGNER_DAYS, isForgotten } from '../domain/signer.ts';
import { ms } from './columns.ts';
import { credentialOf, credentialRow, signerOf, signerRow } from './signer-rows.ts';
import { one } from './sql-accounts.ts';
import { storedRing } from './sql-key-rings.ts';
import type { Tables } from './sql-tables.ts';
import type { StoreReader, StoreWriter } from './store.ts';

type Reads = Pick<StoreReader, 'signer' | 'signersOf' | 'enrolledSignersWithin' | 'enrolmentCredential' | 'enrolmentCredentialsOf'>;
type Writes = Pick<StoreWriter, 'putSigner' | 'restartReplacements' | 'putEnrolmentCredential' | 'deleteEnrolmentCredential' | 'rememberAssertion'>;

export const signerReads = (db: Kysely<Tables>): Reads => ({
  signer: async (id) => one(await db.selectFrom('signers').selectAll().where('id', '=', id).executeTakeFirst(), signerOf),
  signersOf: async (issuerId) => (await db.selectFrom('signers').selectAll().where('issuer_id', '=', issuerId).orderBy('name').orderBy('id').execute()).map(signerOf),
  async enrolledSignersWithin(scope, limit) {
    const outer = resourceKey(scope).replace(/\/$/, '');
    const attached = db.selectFrom('resources').innerJoin('signers', 'signers.issuer_id', 'resources.issuer_id')
      .select(['resources.id as clusterId', 'resources.name as clusterName', 'signers.name as name'])
      .where('resources.type', '=', MANAGED_CLUSTER_TYPE).where('resources.issuer_id', 'is not', null).where('signers.written_off_at', 'is', null)
      .orderBy('resources.key').orderBy('signers.name').limit(limit);
    const itself = await attached.where('resources.key', '=', outer).execute();
    const rows = itself.length > 0 ? itself : await attached.where('resources.key', '>=', `${outer}/`).where('resources.key', '<', `${outer}0`).execute();
    return rows.map(({ clusterId, clusterName, name }) => ({ clusterId, clusterName, name }));
  },
  enrolmentCredential: async (id) => one(await db.selectFrom('enrolment_credentials').selectAll().where('id', '=', id).executeTakeFirst(), credentialOf),
  enrolmentCredentialsOf: async (issuerId) =>
    (await db.selectFrom('enrolment_credentials').selectAll().where('issuer_id', '=', issuerId).orderBy('created_at').orderBy('id').execute()).map(credentialOf),
});

export const signerWrites = (db: Kysely<Tables>, now: Date): Writes => ({
  async putSigner(signer) {
    const row = signerRow(signer);
    await db.insertInto('signers').values(row).onConflict((on) => on.column('id').doUpdateSet(row)).execute();
    await db.updateTable('key_rings').set({ has_signers: 1 }).where('issuer_id', '=', signer.issuerId).where('has_signers', '=', 0).execute();
  },
  async restartReplacements() {
    await db.updateTable('signers').set({ replaced_at: ms(now) }).where('replaced_at', 'is not', null).where('written_off_at', 'is', null).execute();
  },
  async putEnrolmentCredential(credential) {
    const row = credentialRow(credential);
    await db.insertInto('enrolment_credentials').values(row).onConflict((on) => on.column('id').doUpdateSet(row)).execute();
  },
  async deleteEnrolmentCredential(id) {
    const { numDeletedRows } = await db.deleteFrom('enrolment_credentials').where('id', '=', id).executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  },
  async rememberAssertion(signerId, jti, expiresAt) {
    const row = { signer_id: signerId, jti, expires_at: ms(expiresAt) };
    const { numInsertedOrUpdatedRows } = await db.insertInto('assertions').values(row).onConflict((on) => on.doNothing()).executeTakeFirstOrThrow();
    return numInsertedOrUpdatedRows === 1n;
  },
});

/** Deletes assertions and credentials that have ended, and signers that are forgotten; those that are gone for long and owe something yet are few. */
export async function sweepSigners(db: Kysely<Tables>, now: Date): Promise<void> {
  await db.deleteFrom('assertions').where('expires_at', '<=', ms(now)).execute();
  const ended = ms(after(now, -ENDED_CREDENTIAL_DAYS * DAY));
  await db.deleteFrom('enrolment_credentials').where('expires_at', '<=', ended).execute();
  await db.deleteFrom('enrolment_credentials').where('revoked_at', '<=', ended).execute();
  const gone = await db.selectFrom('signers').selectAll().where('written_off_at', '<=', ms(after(now, -GONE_SIGNER_DAYS * DAY))).execute();
  for (const signer of gone.map(signerOf)) {
    const stored = await storedRing(db, signer.issuerId);
    if (isForgotten(signer, stored?.ring ?? null, now)) await db.deleteFrom('signers').where('id', '=', signer.id).execute();
  }
}
