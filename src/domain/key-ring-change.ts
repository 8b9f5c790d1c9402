/**
 * One commit in the making: a ring, the events that lead to it and the sealed halves that are new in it.
 *
 * Owns: the moves of a single key from state to state, each with its event (decision: every key transition is an event, in
 * the same transaction as the change). Leaves to `rotation.ts`: which moves make up a verb, and when it is allowed.
 */
import { endOfRetired, enrolledSigners } from './acknowledgement.ts';
import type { AlgorithmName, PublicMembers } from './algorithms.ts';
import { after, hasCome, LONGEST_TOKEN_LIFE, MARGIN } from './durations.ts';
import { assertRing, type KeyRing, type KeyState, type SigningKey, type VerifyOnlyKey } from './key-ring.ts';

/** A key made for one issuer: its public half, and its private half sealed for that issuer and kid. */
export interface NewKey {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
  readonly sealed: Uint8Array;
}

export type ChangeCause = 'birth' | 'manual' | 'automatic' | 'force' | 'emergency' | 'revocation' | 'expiry' | 'publication' | 'configuration' | 'deletion' | 'acknowledgement' | 'import';

export type KeyEventKind =
  | 'prepared' | 'published' | 'activated' | 'retired' | 'endSet' | 'revoked' | 'pruned' | 'imported'
  | 'rotationRequested' | 'rotationCancelled' | 'policyChanged' | 'gapChanged' | 'closed';

/** What a ring's history is made of; the store numbers the events within their issuer. */
export interface KeyEvent {
  readonly at: Date;
  readonly ringVersion: number;
  readonly kind: KeyEventKind;
  readonly kid: string | null;
  readonly from: KeyState | null;
  readonly to: KeyState | null;
  readonly cause: ChangeCause;
  /** Who or what did it: `principal:<client id>` or `rotator`. */
  readonly actor: string;
  /** Why, in a sentence for people. */
  readonly reason: string;
}

/** Who changes a ring and why; goes into every event of the change. */
export interface Why {
  readonly cause: ChangeCause;
  readonly actor: string;
  readonly reason: string;
}

/** What a transition gives to the store, which writes all of it or nothing. */
export interface RingChange {
  readonly ring: KeyRing;
  readonly events: readonly KeyEvent[];
  /** Sealed private halves of keys that are new in this commit. All others that are no longer needed are destroyed. */
  readonly sealed: readonly { readonly kid: string; readonly sealed: Uint8Array }[];
}

export interface Draft extends RingChange {
  readonly why: Why;
}

/** Opens a commit on a whole ring. The ring's clock never goes back (rule 1). */
export function begin(ring: KeyRing, now: Date, why: Why): Draft {
  assertRing(ring);
  const updatedAt = now.getTime() < ring.updatedAt.getTime() ? ring.updatedAt : now;
  return { ring: { ...ring, version: ring.version + 1, updatedAt }, events: [], sealed: [], why };
}

/** Closes the commit: the ring must be whole again. */
export const finish = ({ ring, events, sealed }: Draft): RingChange => ({ ring: assertRing(ring), events, sealed });

/** Adds an event that is about no key's state, or a key's state when `key` says so. */
export function note(draft: Draft, kind: KeyEventKind, key: { kid: string; from: KeyState | null; to: KeyState | null } | null = null, why: Why = draft.why): Draft {
  const event: KeyEvent = { at: draft.ring.updatedAt, ringVersion: draft.ring.version, kind, kid: key?.kid ?? null, from: key?.from ?? null, to: key?.to ?? null, ...why };
  return { ...draft, events: [...draft.events, event] };
}

/** Changes members of the ring that are not keys. */
export const withRing = (draft: Draft, change: Partial<Omit<KeyRing, 'keys' | 'signers' | 'version' | 'updatedAt'>>): Draft => ({ ...draft, ring: { ...draft.ring, ...change } });

/** Publishes a new key as prepared. */
export const prepare = (draft: Draft, made: NewKey): Draft => addPrepared(draft, made, 'generated');

/** Publishes a key that someone brought as prepared (rule 15). */
export const prepareImported = (draft: Draft, brought: NewKey): Draft => addPrepared(draft, brought, 'imported');

function addPrepared(draft: Draft, made: NewKey, origin: SigningKey['origin']): Draft {
  const key: SigningKey = {
    kid: made.kid, algorithm: made.algorithm, publicMembers: made.publicMembers,
    origin, holder: 'server', published: true, state: 'prepared',
    createdAt: draft.ring.updatedAt, publishedIn: draft.ring.version, publishedAt: null,
    activatedAt: null, retiredAt: null, retiredIn: null, revokedAt: null, expiresAt: null,
  };
  const added: Draft = { ...draft, ring: { ...draft.ring, keys: [...draft.ring.keys, key] }, sealed: [...draft.sealed, { kid: made.kid, sealed: made.sealed }] };
  return note(added, 'prepared', { kid: key.kid, from: null, to: 'prepared' });
}

/** The prepared key begins to sign. */
export const activateKey = (draft: Draft, key: SigningKey): Draft =>
  move(draft, key, 'activated', { state: 'active', activatedAt: draft.ring.updatedAt });

/** The active key stops signing here and verifies until its last token can have ended, which is not known while a signer may use it (rule 8). */
export function retireKey(draft: Draft, key: SigningKey): Draft {
  const { updatedAt, version } = draft.ring;
  const expiresAt = enrolledSigners(draft.ring).length === 0 ? lastTokenEnds(updatedAt) : null;
  return move(draft, key, 'retired', { state: 'retired', retiredAt: updatedAt, retiredIn: version, expiresAt });
}

/** The end of a retired key is known: every signer has parted from it. Set once (rule 8). */
export const settleKey = (draft: Draft, key: SigningKey): Draft =>
  note(replace(draft, { ...key, expiresAt: endOfRetired(draft.ring, key) }), 'endSet', { kid: key.kid, from: key.state, to: key.state });

/** The key leaves the JWKS with this commit. It is listed until its tokens would have ended. */
export const revokeKeyNow = (draft: Draft, key: SigningKey): Draft =>
  move(draft, key, 'revoked', { state: 'revoked', revokedAt: draft.ring.updatedAt, expiresAt: key.expiresAt ?? lastTokenEnds(draft.ring.updatedAt) });

/** Forgets a key that is past its end; the event bears the time at which it left the JWKS (rule 2). */
export function pruneKey(draft: Draft, key: SigningKey): Draft {
  const kept: Draft = { ...draft, ring: { ...draft.ring, keys: draft.ring.keys.filter(({ kid }) => kid !== key.kid) } };
  return timed(note(kept, 'pruned', { kid: key.kid, from: key.state, to: null }), key.expiresAt);
}

/** Forgets a key that verifies only; the event of one past its end bears that end. */
export function dropVerifyOnly(draft: Draft, key: VerifyOnlyKey, kind: 'revoked' | 'pruned'): Draft {
  const kept = withRing(draft, { verifyOnly: draft.ring.verifyOnly.filter(({ kid }) => kid !== key.kid) });
  const noted = note(kept, kind, { kid: key.kid, from: null, to: null });
  return key.expiresAt !== null && hasCome(key.expiresAt, draft.ring.updatedAt) ? timed(noted, key.expiresAt) : noted;
}

/** Writes down that every publisher serves the key since `at`. */
export const markPublished = (draft: Draft, key: SigningKey, at: Date): Draft =>
  note(replace(draft, { ...key, publishedAt: at }), 'published', { kid: key.kid, from: key.state, to: key.state });

function move(draft: Draft, key: SigningKey, kind: KeyEventKind, change: Partial<SigningKey> & { readonly state: KeyState }): Draft {
  return note(replace(draft, { ...key, ...change }), kind, { kid: key.kid, from: key.state, to: change.state });
}

function replace(draft: Draft, key: SigningKey): Draft {
  return { ...draft, ring: { ...draft.ring, keys: draft.ring.keys.map((old) => (old.kid === key.kid ? key : old)) } };
}

/** The last event with another time than that of its commit. */
function timed(draft: Draft, time: Date | null): Draft {
  const event = draft.events.at(-1);
  return event === undefined || time === null ? draft : { ...draft, events: [...draft.events.slice(0, -1), { ...event, at: time }] };
}

function lastTokenEnds(now: Date): Date {
  return after(now, LONGEST_TOKEN_LIFE + MARGIN);
}
