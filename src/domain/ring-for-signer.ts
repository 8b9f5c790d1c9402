/**
 * A key ring as one signer gets it: all public halves, which key signs, and what the signer may do with it (rule 6).
 *
 * Owns: the form in which a ring travels (JSON; times are RFC 3339) and the order of rings. Leaves to `keys/ring-envelope.ts`
 * the private half of the active key, which is added to this form, signed and encrypted, and never seen elsewhere.
 */
import type { AlgorithmName, PublicMembers } from './algorithms.ts';
import { type KeyRing, type KeyState, keysIn, publishedKeys } from './key-ring.ts';

/** What the form is called; another number is another form, which a signer refuses. */
export const RING_FORM = 'mintmark-ring+1';

/** Rings of one issuer are ordered by epoch, then version; no pair is ever used again (rule 1). */
export interface RingPoint {
  readonly epoch: number;
  readonly version: number;
}

/** For which signer of which issuer, and from when. */
export interface RingHead extends RingPoint {
  readonly typ: typeof RING_FORM;
  /** The issuer's URL, byte for byte: the `iss` of every token that may be signed. */
  readonly issuer: string;
  readonly issuerId: string;
  /** The signer's id. */
  readonly signer: string;
  readonly sentAt: string;
}

/** A key that verifies. Null `expiresAt`: no end is known yet. */
export interface RingKey {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
  readonly expiresAt: string | null;
}

/** What a signer works with. */
export interface SignerRing extends RingHead {
  /** False once the issuer was deleted: tokens in use verify until they end, none is signed. */
  readonly open: boolean;
  /** G: how long a key is published before it signs. */
  readonly gapSeconds: number;
  /** How long a signer may go on without the server; null is for ever. */
  readonly leaseSeconds: number | null;
  /** When the ring changed last. */
  readonly updatedAt: string;
  /** Those of the JWKS, in its order. */
  readonly keys: readonly (RingKey & { readonly state: Exclude<KeyState, 'revoked'> })[];
  /** Those that verify inside the cluster only (rule 15). */
  readonly verifyOnly: readonly RingKey[];
  /** The key that signs, which is one of `keys`; null in a closed ring. */
  readonly active: { readonly kid: string } | null;
}

/** A deleted signer is told so, wipes what it has, and signs no more (rule 12). */
export interface DeletedSignerRing extends RingHead {
  readonly deleted: true;
}

export type RingForSigner = SignerRing | DeletedSignerRing;

export const isDeletedSigner = (ring: RingForSigner): ring is DeletedSignerRing => 'deleted' in ring;

/** An imported key that verifies and does not sign. */
export interface VerifyOnlyHalf {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
  readonly expiresAt: Date | null;
}

export interface RingAddress {
  /** The issuer's URL. */
  readonly issuer: string;
  /** The signer's id. */
  readonly signer: string;
}

/** The ring at `now` for a signer that has `leaseSeconds` from each contact. */
export function ringForSigner(ring: KeyRing, { leaseSeconds, ...address }: RingAddress & { readonly leaseSeconds: number | null }, now: Date): SignerRing {
  const active = keysIn(ring, 'active')[0];
  return {
    ...headOf(ring, address, now),
    open: ring.open, gapSeconds: ring.gap.seconds, leaseSeconds, updatedAt: ring.updatedAt.toISOString(),
    keys: publishedKeys(ring, now).flatMap((key) => (key.state === 'revoked' ? [] : [{ ...halfOf(key), state: key.state }])),
    verifyOnly: ring.verifyOnly.filter(({ expiresAt }) => expiresAt === null || expiresAt > now).map(halfOf),
    active: ring.open && active !== undefined ? { kid: active.kid } : null,
  };
}

/** What a deleted signer is told instead of a ring. */
export const ringForDeletedSigner = (ring: KeyRing, address: RingAddress, now: Date): DeletedSignerRing => ({ ...headOf(ring, address, now), deleted: true });

const headOf = ({ issuerId, epoch, version }: KeyRing, { issuer, signer }: RingAddress, now: Date): RingHead =>
  ({ typ: RING_FORM, issuer, issuerId, signer, epoch, version, sentAt: now.toISOString() });

const halfOf = ({ kid, algorithm, publicMembers, expiresAt }: VerifyOnlyHalf): RingKey =>
  ({ kid, algorithm, publicMembers, expiresAt: expiresAt === null ? null : expiresAt.toISOString() });

/** Whether `a` is a later ring than `b`. */
export const isLater = (a: RingPoint, b: RingPoint): boolean => a.epoch > b.epoch || (a.epoch === b.epoch && a.version > b.version);

/** A ring as it is told to people: `1-17`. */
export const pointText = ({ epoch, version }: RingPoint): string => `${epoch}-${version}`;
