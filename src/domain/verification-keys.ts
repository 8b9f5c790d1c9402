/**
 * The keys that an API server is told to verify with (FetchKeys of KEP-740): which, in which order, which of them it keeps
 * out of its own JWKS, and until when the list is right.
 */
import { earliest, hasCome } from './durations.ts';
import type { RingKey, SignerRing } from './ring-for-signer.ts';

/** A key as the API server is told of it. */
export interface VerificationKey extends Pick<RingKey, 'kid' | 'algorithm' | 'publicMembers'> {
  /** Not in the API server's own JWKS: tokens of it verify, and none may be signed with it. */
  readonly excludeFromDiscovery: boolean;
}

export interface VerificationKeys {
  readonly keys: readonly VerificationKey[];
  /** From when on the list is another, by time alone; null when never. */
  readonly until: Date | null;
}

/** How often an API server asks again by itself, in seconds: at most, at least. */
const REFRESH = { most: 30, least: 1 } as const;

/** The keys that verify at `now`: those of the JWKS in its order, then the imported ones that are not in it (rule 15). */
export function verificationKeys({ keys, verifyOnly }: Pick<SignerRing, 'keys' | 'verifyOnly'>, now: Date): VerificationKeys {
  const listed = [...keys.map((key) => timed(key, false)), ...verifyOnly.map((key) => timed(key, true))];
  const living = listed.filter(({ end }) => end === null || !hasCome(end, now));
  return { keys: living.map(({ key }) => key), until: earliest(...living.map(({ end }) => end)) };
}

function timed({ kid, algorithm, publicMembers, expiresAt }: RingKey, excludeFromDiscovery: boolean): { readonly key: VerificationKey; readonly end: Date | null } {
  return { key: { kid, algorithm, publicMembers, excludeFromDiscovery }, end: expiresAt === null ? null : new Date(expiresAt) };
}

/** After how many seconds an API server asks for the keys again: twice within the publication gap, and no less than twice a minute. */
export const refreshHint = ({ gapSeconds }: Pick<SignerRing, 'gapSeconds'>): number => Math.max(REFRESH.least, Math.min(REFRESH.most, Math.floor(gapSeconds / 2)));
