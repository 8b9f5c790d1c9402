/**
 * What a ring makes of its signers: who is behind a version, what that holds up, and when a retired key ends.
 *
 * An acknowledgement means that the API server beside a signer verifies with every key of that version, and that the
 * signer signs with its active key from then on (rules 5, 7 and 8 of docs/decisions/0002-key-ring-rules.md).
 */
import { after, hasCome, latest, LONGEST_TOKEN_LIFE, MARGIN } from './durations.ts';
import { activatableAt, type KeyRing, keysIn, type SigningKey, theKey } from './key-ring.ts';
import type { EnrolledSigner } from './signer.ts';

/** Those whom nobody has written off. */
export const enrolledSigners = (ring: KeyRing): readonly EnrolledSigner[] => ring.signers.filter(({ writtenOffAt }) => writtenOffAt === null);

/** The enrolled signers that knew an older version than this one and have not acknowledged it, or a later one, in this epoch. */
export const behind = (ring: KeyRing, version: number): readonly EnrolledSigner[] =>
  enrolledSigners(ring).filter(({ enrolledIn, acked }) => enrolledIn < version && !(acked !== null && acked.epoch === ring.epoch && acked.version >= version));

/** Rule 5's `acked(v)`. */
export const isAcknowledged = (ring: KeyRing, version: number): boolean => behind(ring, version).length === 0;

/** Who has not acknowledged that the key signs no more. Nobody for a key that is not retired. */
export const behindRetirement = (ring: KeyRing, key: SigningKey): readonly EnrolledSigner[] => (key.retiredIn === null ? [] : behind(ring, key.retiredIn));

/** Whether signers hold up what was asked for. Who has not parted from a retired key has not acknowledged the prepared one either: that is published with the retirement, or later. */
export const isHeldUp = (ring: KeyRing): boolean => keysIn(ring, 'prepared').some(({ publishedIn }) => !isAcknowledged(ring, publishedIn));

/** READY (rule 7): the prepared key may become active now; no cache lacks it, and no API server. */
export function isReady(ring: KeyRing, now: Date): boolean {
  const at = activatableAt(ring);
  return at !== null && hasCome(at, now) && isAcknowledged(ring, theKey(ring, 'prepared').publishedIn);
}

/** The retired keys without an end whose retirement everyone has acknowledged: their end can be set (rule 8), but for those that are to be revoked instead. */
export const settledKeys = (ring: KeyRing): readonly SigningKey[] =>
  keysIn(ring, 'retired').filter((key) => key.expiresAt === null && behindRetirement(ring, key).length === 0 && ring.pending?.revokes.includes(key.kid) !== true);

/** When the last token of a retired key can have ended: the longest life and the margin after the last one parted from it. */
export const endOfRetired = (ring: KeyRing, key: SigningKey): Date =>
  after(latest(key.retiredAt, ...ring.signers.map((signer) => partedAt(signer, key))) ?? ring.updatedAt, LONGEST_TOKEN_LIFE + MARGIN);

/**
 * Since when a signer signs with the key no more: its acknowledgement, or its write-off. One that was enrolled after the
 * retirement may be one that came back from a write-off, so what counts is when it was enrolled anew.
 */
function partedAt({ enrolledIn, enrolledAt, acked, writtenOffAt }: EnrolledSigner, { retiredIn }: SigningKey): Date | null {
  if (writtenOffAt !== null) return writtenOffAt;
  return retiredIn !== null && enrolledIn < retiredIn ? (acked?.at ?? null) : enrolledAt;
}
