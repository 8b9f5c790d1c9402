/**
 * Keys that someone brings (rule 15 of docs/decisions/0002-key-ring-rules.md), as pure transitions.
 *
 * A public half alone verifies inside the cluster, and nobody else learns of it: whoever holds an old `sa.key` must not
 * mint for the new issuer's relying parties. With its private half a key can take the prepared place and then lives by
 * the same rules as one that was made here. Leaves to `keys`: reading PEM and which keys are strong enough.
 */
import { MintmarkError } from './errors.ts';
import { type KeyRing, MOST_VERIFY_ONLY_KEYS, theKey, type VerifyOnlyKey } from './key-ring.ts';
import { begin, type Draft, finish, type NewKey, note, prepareImported, revokeKeyNow, type RingChange, type Why, withRing } from './key-ring-change.ts';

/**
 * Lets the cluster's API servers verify with a public key, until `expiresAt`; null: without end, for tokens in Secrets.
 * `wasRevoked`: what the store remembers of its kid.
 * @throws MintmarkError `KeyRingClosed`, `KeyWasRevoked`, `KeyExists`, `TooManyVerifyOnlyKeys`.
 */
export function importVerifyOnly(ring: KeyRing, key: Pick<NewKey, 'kid' | 'algorithm' | 'publicMembers'>, expiresAt: Date | null, wasRevoked: boolean, now: Date, why: Why): RingChange {
  assertImportable(ring, key.kid, wasRevoked);
  if (verifiesOnly(ring, key.kid)) throw alreadyThere(key.kid, 'verifies already');
  if (ring.verifyOnly.length >= MOST_VERIFY_ONLY_KEYS) throw new MintmarkError('TooManyVerifyOnlyKeys', `The key ring has ${ring.verifyOnly.length} keys that verify only, and can not have more. Revoke one that no token in use needs.`);
  const draft = begin(ring, now, why);
  const { kid, algorithm, publicMembers } = key;
  const imported: VerifyOnlyKey = { kid, algorithm, publicMembers, importedAt: draft.ring.updatedAt, importedBy: why.actor, expiresAt };
  return finish(note(withRing(draft, { verifyOnly: [...ring.verifyOnly, imported] }), 'imported', { kid, from: null, to: null }));
}

/**
 * Gives a key with its private half the prepared place: it may sign when it is ready, like any other. The key that was
 * prepared is revoked in the same commit, and what is pending waits for the new one. A key that verified only may come
 * back so.
 * @throws MintmarkError `KeyRingClosed`, `KeyWasRevoked`, `KeyExists`.
 */
export function importSigningKey(ring: KeyRing, brought: NewKey, wasRevoked: boolean, now: Date, why: Why): RingChange {
  assertImportable(ring, brought.kid, wasRevoked);
  const draft = begin(ring, now, why);
  const taken: Draft = withRing(draft, { verifyOnly: ring.verifyOnly.filter(({ kid }) => kid !== brought.kid) });
  const noted = note(taken, 'imported', { kid: brought.kid, from: null, to: null });
  return finish(prepareImported(revokeKeyNow(noted, theKey(ring, 'prepared')), brought));
}

function assertImportable(ring: KeyRing, kid: string, wasRevoked: boolean): void {
  if (!ring.open) throw new MintmarkError('KeyRingClosed', `The issuer ${ring.issuerId} was deleted; no key can be imported into its ring.`);
  if (wasRevoked) throw new MintmarkError('KeyWasRevoked', `The key '${kid}' was revoked for this issuer. A revoked key can not come back: use another one.`, { target: 'kid' });
  const key = ring.keys.find((candidate) => candidate.kid === kid);
  if (key !== undefined) throw alreadyThere(kid, `is ${key.state}`);
}

const verifiesOnly = (ring: KeyRing, kid: string): boolean => ring.verifyOnly.some((key) => key.kid === kid);

const alreadyThere = (kid: string, what: string): MintmarkError => new MintmarkError('KeyExists', `The key '${kid}' is in this key ring: it ${what}.`, { target: 'kid' });
