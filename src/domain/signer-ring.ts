/**
 * A key ring as the signer beside an API server knows it: every public half, and of time only what it needs by itself.
 *
 * Owns: what a signer is told of a ring, and what its API server is told of that (FetchKeys): which keys, in which
 * order, which of them the API server keeps out of its own JWKS, and until when the list is right. Leaves to
 * `keys/ring-signer.ts`: the private half of the active key.
 */
import type { AlgorithmName, PublicMembers } from './algorithms.ts';
import { earliest, hasCome } from './durations.ts';
import type { KeyState } from './key-ring.ts';

/** A key that verifies. */
export interface SignerRingKey {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
  /** When it stops to verify; null while that is not known. */
  readonly expiresAt: Date | null;
}

export interface SignerRing {
  readonly issuerId: string;
  /** Byte-exact: what `iss` of every token has to be. */
  readonly issuerUrl: string;
  readonly epoch: number;
  readonly version: number;
  /** False once the issuer was deleted: nothing is signed any more, and verification goes on (rule 14). */
  readonly open: boolean;
  readonly updatedAt: Date;
  /** G, in seconds. */
  readonly gapSeconds: number;
  /** The keys of the JWKS, in its order. */
  readonly keys: readonly (SignerRingKey & { readonly state: KeyState })[];
  /** Imported keys that verify inside the cluster only (rule 15). */
  readonly verifyOnly: readonly SignerRingKey[];
}

/** A key as the API server is told of it. */
export interface VerificationKey extends SignerRingKey {
  /** Not in the API server's own JWKS; tokens of it verify, and it refuses to sign with it. */
  readonly excludeFromDiscovery: boolean;
}

export interface VerificationKeys {
  readonly keys: readonly VerificationKey[];
  /** From when on the list is another, by time alone; null when never. */
  readonly until: Date | null;
}

/** How often an API server asks again by itself, at most and at least, in seconds. */
const REFRESH = { most: 30, least: 1 } as const;


/** The keys that verify at `now`: those of the JWKS in its order, then the imported ones that are not in it. */
export function verificationKeys({ keys, verifyOnly }: SignerRing, now: Date): VerificationKeys {
  const all = [...keys.map((key) => ({ ...key, excludeFromDiscovery: false })), ...verifyOnly.map((key) => ({ ...key, excludeFromDiscovery: true }))];
  const living = all.filter(({ expiresAt }) => expiresAt === null || !hasCome(expiresAt, now));
  return { keys: living, until: earliest(...living.map(({ expiresAt }) => expiresAt)) };
}

/** After how many seconds an API server asks for the keys again: twice within the publication gap, and twice a minute. */
export const refreshHint = ({ gapSeconds }: SignerRing): number => Math.max(REFRESH.least, Math.min(REFRESH.most, Math.floor(gapSeconds / 2)));

/** Whether `ring` is a later commit than `other` (rule 6: a signer never goes back). */
export const isLater = (ring: Pick<SignerRing, 'epoch' | 'version'>, other: Pick<SignerRing, 'epoch' | 'version'>): boolean =>
  ring.epoch === other.epoch ? ring.version > other.version : ring.epoch > other.epoch;
