/**
 * What must be true of each new issuer and each commit of its key ring, whatever the back end (key ring rules 1 and 2).
 *
 * Gets: the ring before, and what a transition made of it. Gives: what there is to write, or an error that undoes the
 * transaction. A violation is a program error; it is caught here so that it never reaches the disk.
 */
import { MintmarkError } from '../domain/errors.ts';
import { assertRing, BIRTH_VERSION, KEY_STATES, type KeyRing, type SigningKey, type VerifyOnlyKey } from '../domain/key-ring.ts';
import type { RingChange } from '../domain/key-ring-change.ts';
import { signingKeyOf, signingKeyRow, verifyOnlyKeyOf, verifyOnlyKeyRow } from './key-ring-rows.ts';

/** @throws MintmarkError `StoreCorrupt`, `InternalError` when the first ring of an issuer is not a newborn one. */
export function assertBirth({ ring }: RingChange): void {
  if (ring.version !== BIRTH_VERSION) throw wrong(ring, `begins at version ${ring.version}, not ${BIRTH_VERSION}`);
  assertRing(ring);
  assertReadable(ring, []);
}

/** @throws MintmarkError `StoreCorrupt`, `InternalError` when `next` is not the one commit that follows `before`. */
export function assertSuccessor(before: KeyRing, { ring }: RingChange): void {
  if (ring.issuerId !== before.issuerId) throw wrong(before, `was given the ring of issuer ${ring.issuerId}`);
  if (ring.epoch !== before.epoch) throw wrong(before, `goes from epoch ${before.epoch} to ${ring.epoch}`);
  if (ring.version !== before.version + 1) throw wrong(before, `goes from version ${before.version} to ${ring.version}, not to the next one`);
  assertRing(ring);
  assertReadable(ring, [...before.keys, ...before.verifyOnly]);
}

/** Keys of another form than the reader takes would shut the whole ring away, its repair too. Those in `before` were read. */
function assertReadable(ring: KeyRing, before: readonly (SigningKey | VerifyOnlyKey)[]): void {
  const known = new Set(before);
  for (const key of ring.keys) if (!known.has(key)) readable(ring, key, () => signingKeyOf(signingKeyRow(ring.issuerId, key, 0)));
  for (const key of ring.verifyOnly) if (!known.has(key)) readable(ring, key, () => verifyOnlyKeyOf(verifyOnlyKeyRow(ring.issuerId, key, 0)));
}

function readable(ring: KeyRing, { kid }: { readonly kid: string }, readAgain: () => unknown): void {
  try {
    readAgain();
  } catch (cause) {
    throw wrong(ring, `was given the key ${kid} in a form that could not be read again`, cause);
  }
}

/** The keys whose sealed private half has to be kept: no other half may stay. */
export const keysWithPrivateHalf = (ring: KeyRing): readonly SigningKey[] => ring.keys.filter(({ state }) => KEY_STATES[state].hasPrivateHalf);

/** The kids that this commit revokes, of keys that verify only too; remembered for good. */
export const revokedKids = ({ events }: RingChange): readonly string[] => events.flatMap(({ kind, kid }) => (kind === 'revoked' && kid !== null ? [kid] : []));

/**
 * Which sealed halves of `stored` are to be destroyed so that exactly the keys that may still sign have one.
 * @throws MintmarkError `StoreCorrupt` when one is missing; `InternalError` when a new one is for no such key or is there already.
 */
export function sealedToDestroy({ ring, sealed }: RingChange, stored: ReadonlySet<string>): readonly string[] {
  const needed = new Set(keysWithPrivateHalf(ring).map(({ kid }) => kid));
  const added = new Set(sealed.map(({ kid }) => kid));
  const misplaced = [...added].find((kid) => !needed.has(kid) || stored.has(kid));
  if (misplaced !== undefined || added.size !== sealed.length) throw wrong(ring, `was given a private half that has no place in it (${misplaced ?? 'twice the same'})`);
  const missing = [...needed].find((kid) => !added.has(kid) && !stored.has(kid));
  if (missing !== undefined) throw new MintmarkError('StoreCorrupt', `The key ring of issuer ${ring.issuerId} (version ${ring.version}) has no sealed private half for its ${stateOf(ring, missing)} key ${missing}. Nothing was changed; an emergency rotation replaces all keys.`);
  return [...stored].filter((kid) => !needed.has(kid));
}

/** An issuer's id and URL are never used again, also after it was deleted (R3). */
export const issuerUsedBefore = ({ id, path }: { readonly id: string; readonly path: string }): MintmarkError =>
  new MintmarkError('InternalError', `The issuer id ${id} or the path ${path} was used before; neither is ever used again. Nothing was changed.`);

const stateOf = (ring: KeyRing, kid: string): string => ring.keys.find((key) => key.kid === kid)?.state ?? 'unknown';

const wrong = (ring: KeyRing, what: string, cause?: unknown): MintmarkError => new MintmarkError('InternalError', `The key ring of issuer ${ring.issuerId} ${what}. Nothing was changed.`, { cause });
