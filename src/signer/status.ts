/** How a signer is, in one place for its health and its metrics. */
import { pointText, type RingPoint, type SignerRing } from '../domain/ring-for-signer.ts';
import type { Lease } from './lease.ts';
import type { RingFollower, Standing } from './ring-follower.ts';

export interface SignerStatus {
  /** Why nothing is signed; null when it is. */
  readonly bar: string | null;
  readonly ring: SignerRing;
  readonly acknowledged: RingPoint | null;
  readonly server: Standing;
  readonly trouble: string | null;
  readonly refusedRings: number;
  readonly lastContact: Date;
  /** Null: never. */
  readonly leaseEndsAt: Date | null;
  readonly proof: ProofOutlook;
  /** What an operator should look at, in words. */
  readonly warnings: readonly string[];
}

/** For how long restarts of an API server with key files can be proved. */
export interface ProofOutlook {
  /** When the certificate for that ends; null where there is none, or none that can be read. */
  readonly endsAt: Date | null;
  /** What to do about it, in words; null for nothing. */
  readonly warning: string | null;
}

export const NO_PROOF_NEEDED: ProofOutlook = { endsAt: null, warning: null };

interface Beside {
  /** Why nobody can ask the signer, or its API server may not do as the ring says. */
  readonly fault: string | null;
  readonly outlook: ProofOutlook;
}

/** Which part of a lease may be used up before that is a warning. */
const LEASE_WARNING = 0.25;

/** Why a lease lets nothing be signed, to follow "Nothing is signed: ". */
export function leaseBar(lease: Lease): string | null {
  return lease.isOver ? `this signer has not reached its Mintmark server since ${lease.lastContact.toISOString()}, which is longer than its lease allows.` : null;
}

export function signerStatus(follower: Pick<RingFollower, 'view' | 'acknowledger'>, lease: Lease, ring: SignerRing, { fault, outlook }: Beside): SignerStatus {
  const { standing, trouble, refusedRings } = follower.view;
  const isDeleted = standing === 'deleted';
  const bar = isDeleted ? 'this signer was deleted on its server.' : ring.open ? leaseBar(lease) : `the issuer ${ring.issuer} was deleted.`;
  return {
    bar, ring, acknowledged: follower.acknowledger.acknowledged, server: standing, trouble, refusedRings, lastContact: lease.lastContact, leaseEndsAt: lease.endsAt, proof: outlook,
    warnings: [
      ...(bar === null ? [] : [`Nothing is signed: ${bar}`]),
      ...(fault === null ? [] : [fault]),
      ...(trouble === null || isDeleted ? [] : [trouble]),
      ...(bar === null && lease.used >= LEASE_WARNING ? [`Signing stops at ${lease.endsAt?.toISOString()}, when the lease ends, unless the server is reached before.`] : []),
      ...(outlook.warning === null ? [] : [outlook.warning]),
      ...(refusedRings === 0 ? [] : [`${refusedRings === 1 ? '1 ring was' : `${refusedRings} rings were`} refused since the start: the log says why.`]),
    ],
  };
}

/** As `/healthz` gives it. */
export const statusBody = (status: SignerStatus): object => ({
  signs: status.bar === null, issuer: status.ring.issuer, signer: status.ring.signer, ring: pointText(status.ring), kid: status.ring.active?.kid ?? null,
  acknowledged: status.acknowledged === null ? null : pointText(status.acknowledged), server: status.server,
  lastContact: status.lastContact.toISOString(), leaseEndsAt: status.leaseEndsAt?.toISOString() ?? null,
  proofCertificateEndsAt: status.proof.endsAt?.toISOString() ?? null, warnings: status.warnings,
});
