/** A signer, and what lets machines enrol, as the wire shows them. */
import type { Resource } from '../../domain/resource.ts';
import { type EnrolmentCredential, leaseEnds } from '../../domain/signer.ts';
import type { SignerView } from '../../service/signers.ts';
import type { JoinCredentialBody, SignerBody } from './signer-contract.ts';

const ISSUER_TYPE = 'Mintmark.Oidc/issuers';

const orNull = (at: Date | null): string | null => at?.toISOString() ?? null;
const below = (cluster: Pick<Resource, 'id'>, part: string, name: string) => ({ id: `${cluster.id}/providers/${ISSUER_TYPE}/default/${part}/${name}`, name, type: `${ISSUER_TYPE}/${part}` });

export function signerBody(cluster: Pick<Resource, 'id'>, { signer, state, debt, ring }: SignerView): SignerBody {
  const { mode, createdBy, leaseSeconds, keyInUse, acked, refusal } = signer;
  const isOfThisEpoch = acked !== null && acked.epoch === ring.epoch;
  return {
    ...below(cluster, 'signers', signer.name),
    properties: {
      signerId: signer.id, state, mode, enrolledAt: signer.enrolledAt.toISOString(), createdBy, lastContactAt: signer.lastContactAt.toISOString(), clockOffsetMilliseconds: signer.clockOffsetMs, mintmarkVersion: signer.program,
      acknowledgedVersion: isOfThisEpoch ? acked.version : null, acknowledgedAt: isOfThisEpoch ? acked.at.toISOString() : null, ringVersion: ring.version, keyInUse, leaseSeconds,
      refusesRingSince: orNull(refusal?.since ?? null), lastRefusedAt: orNull(refusal?.lastAt ?? null),
      replacedAt: orNull(signer.replacedAt), leaseEndsAt: orNull(leaseEnds(signer)), writtenOffAt: orNull(signer.writtenOffAt), deletedAt: orNull(signer.deletedAt), debt: [...debt],
    },
  };
}

export const joinCredentialBody = (cluster: Pick<Resource, 'id'>, { id, createdAt, createdBy, expiresAt, mostUses, uses, cidrs, replacesByName, revokedAt }: EnrolmentCredential): JoinCredentialBody => ({
  ...below(cluster, 'joinCredentials', id),
  properties: { createdAt: createdAt.toISOString(), createdBy, expiresAt: orNull(expiresAt), maxUses: mostUses, uses, cidrs: [...cidrs], replaceByName: replacesByName, revokedAt: orNull(revokedAt) },
});
