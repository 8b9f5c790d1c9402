/**
 * The key ring of one issuer: its keys, their states, and what must be true of them at all times.
 *
 * Owns: the shape of a ring, the table of what a key in each state may do, the invariants, and the view that the
 * outside has of a ring at an instant. Leaves to `rotation.ts`: every change; to `acknowledgement.ts`: its signers. A ring holds public halves only;
 * private halves travel beside it as sealed bytes that the domain can not open.
 */
import type { AlgorithmName, PublicMembers } from './algorithms.ts';
import { after, hasCome, latest } from './durations.ts';
import { MintmarkError } from './errors.ts';
import type { EnrolledSigner } from './signer.ts';

/**
 * What a key in each state may do. `prepared`: published, has never signed. `active`: the one that signs.
 * `retired`: verifies until `expiresAt`, its private half is destroyed. `revoked`: out of the JWKS at once, and
 * listed only so that people see what became of it.
 */
export const KEY_STATES = {
  prepared: { inJwks: true, signs: false, hasPrivateHalf: true },
  active: { inJwks: true, signs: true, hasPrivateHalf: true },
  retired: { inJwks: true, signs: false, hasPrivateHalf: false },
  revoked: { inJwks: false, signs: false, hasPrivateHalf: false },
} as const satisfies Record<string, { inJwks: boolean; signs: boolean; hasPrivateHalf: boolean }>;

export type KeyState = keyof typeof KEY_STATES;

export interface SigningKey {
  /** base64url(SHA-256(DER SubjectPublicKeyInfo)), as kube-apiserver computes it. */
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
  readonly origin: 'generated' | 'imported';
  /** Who has the private half while there is one. */
  readonly holder: 'server';
  /** False for a key that verifies inside the cluster only. */
  readonly published: boolean;
  readonly state: KeyState;
  readonly createdAt: Date;
  /** The ring version whose document listed the key first. */
  readonly publishedIn: number;
  /** When the last publisher confirmed a document with the key; null until then. */
  readonly publishedAt: Date | null;
  readonly activatedAt: Date | null;
  readonly retiredAt: Date | null;
  /** The ring version whose commit retired the key. */
  readonly retiredIn: number | null;
  readonly revokedAt: Date | null;
  /** When the last token that it can have signed has ended. Null while it may still sign: here, or at a signer that does not know yet that it is retired (rule 8). */
  readonly expiresAt: Date | null;
}

/**
 * A public key of which Mintmark has no private half: the cluster's API servers verify with it, and nobody else learns of
 * it (rule 15). It is in none of the states, not in the JWKS, and no rotation touches it.
 */
export interface VerifyOnlyKey {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
  readonly importedAt: Date;
  readonly importedBy: string;
  /** Null: without end. */
  readonly expiresAt: Date | null;
}

export const MOST_VERIFY_ONLY_KEYS = 8;

export interface RotationPolicy {
  /** Seconds from one activation to the next automatic one, jitter not included; null is off. */
  readonly rotateEvery: number | null;
}

/** Rule 4's bookkeeping: how long a key is published before it may sign, and the memory of a longer gap. */
export interface PublicationGap {
  /** G, in seconds. */
  readonly seconds: number;
  /** After G was lowered: the former G and the version that lowered it, until every publisher confirmed that version. */
  readonly lowered: { readonly fromSeconds: number; readonly inVersion: number } | null;
  /** No prepared key becomes active before this, because documents with the former max-age may be held until then. */
  readonly floor: Date | null;
}

/** A rotation by hand that is not done yet: it waits for caches, or for signers (rule 9). */
export interface PendingRotation {
  readonly operationId: string;
  readonly requestedAt: Date;
  readonly requestedBy: string;
  /** The kids that were retired when it was asked for and are revoked as soon as their retirement is acknowledged. */
  readonly revokes: readonly string[];
  /** Whether the prepared key is still to be activated, as soon as it is ready. */
  readonly activates: boolean;
}

export interface KeyRing {
  readonly issuerId: string;
  /** Set anew by a restore, so that (epoch, version) is never repeated. */
  readonly epoch: number;
  /** Grows by one at every commit. */
  readonly version: number;
  /** False once the issuer was deleted. */
  readonly open: boolean;
  /** In the order in which they were made, which is the order of the JWKS. */
  readonly keys: readonly SigningKey[];
  /** In the order in which they were imported. */
  readonly verifyOnly: readonly VerifyOnlyKey[];
  /** Those that are enrolled, and those whose write-off still counts (rule 8). They change without a commit of the ring. */
  readonly signers: readonly EnrolledSigner[];
  readonly policy: RotationPolicy;
  readonly gap: PublicationGap;
  readonly pending: PendingRotation | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The version of the commit that makes a ring. */
export const BIRTH_VERSION = 1;

/** The key of an open ring that is in `state`, which exists by invariant. */
export function theKey(ring: KeyRing, state: 'active' | 'prepared'): SigningKey {
  const key = ring.keys.find((candidate) => candidate.state === state);
  if (key === undefined) throw new MintmarkError('KeyRingClosed', `The issuer ${ring.issuerId} was deleted: its key ring has no ${state} key.`);
  return key;
}

export const keysIn = (ring: KeyRing, state: KeyState): readonly SigningKey[] => ring.keys.filter((key) => key.state === state);

/** The key with this kid, or a `KeyNotFound` error that names those there are. */
export function keyByKid(ring: KeyRing, kid: string): SigningKey {
  const key = ring.keys.find((candidate) => candidate.kid === kid);
  if (key !== undefined) return key;
  const known = ring.keys.map((candidate) => candidate.kid).join(', ');
  throw new MintmarkError('KeyNotFound', `The key ring has no key '${kid}'. It has: ${known || 'none'}.`, { target: 'kid' });
}

/** The keys that the JWKS lists at `now`: expiry is the only thing that happens by time alone (rule 2). */
export const publishedKeys = (ring: KeyRing, now: Date): readonly SigningKey[] =>
  ring.keys.filter((key) => key.published && KEY_STATES[key.state].inJwks && (key.expiresAt === null || !hasCome(key.expiresAt, now)));

/** The keys that the cluster's API servers verify with beside the published ones. */
export const verifyOnlyKeys = (ring: KeyRing, now: Date): readonly VerifyOnlyKey[] =>
  ring.verifyOnly.filter((key) => key.expiresAt === null || !hasCome(key.expiresAt, now));

/** M, in seconds: how long a document of this ring may be held (rule 3). */
export const maxAge = (ring: KeyRing): number => Math.max(1, Math.floor(ring.gap.seconds / 2));

/**
 * When the prepared key may sign (rule 4); null while that can not be known, because a publisher has not confirmed.
 * The keys of the birth commit may sign at once: nobody can hold a document from before it.
 */
export function activatableAt(ring: KeyRing): Date | null {
  const key = theKey(ring, 'prepared');
  if (key.publishedIn === BIRTH_VERSION) return key.createdAt;
  if (key.publishedAt === null || ring.gap.lowered !== null) return null;
  return latest(after(key.publishedAt, ring.gap.seconds), ring.gap.floor);
}

/** Whether some publisher's confirmation of this ring's documents is still to be written down. */
export const awaitsConfirmation = (ring: KeyRing): boolean =>
  ring.gap.lowered !== null || ring.keys.some((key) => KEY_STATES[key.state].inJwks && key.published && key.publishedAt === null);

/** Each invariant of rule 2, by the sentence that is false when it is broken. */
const INVARIANTS: readonly (readonly [string, (ring: KeyRing) => boolean])[] = [
  ['an open ring has exactly one active key', (ring) => keysIn(ring, 'active').length === (ring.open ? 1 : 0)],
  ['an open ring has exactly one prepared key', (ring) => keysIn(ring, 'prepared').length === (ring.open ? 1 : 0)],
  ['a kid stands for one key', (ring) => new Set([...ring.keys, ...ring.verifyOnly].map((key) => key.kid)).size === ring.keys.length + ring.verifyOnly.length],
  ['a key that may sign has no end, and a revoked one has one', (ring) => ring.keys.every((key) => key.state === 'retired' || KEY_STATES[key.state].hasPrivateHalf === (key.expiresAt === null))],
  ['a retired key says in which version it was retired', (ring) => keysIn(ring, 'retired').every((key) => key.retiredAt !== null && key.retiredIn !== null && key.retiredIn <= ring.version)],
  ['an active or retired key has been activated', (ring) => ring.keys.every((key) => !['active', 'retired'].includes(key.state) || key.activatedAt !== null)],
  ['a prepared key has never signed', (ring) => keysIn(ring, 'prepared').every((key) => key.activatedAt === null)],
  ['a closed ring has nothing pending', (ring) => ring.open || ring.pending === null],
  ['a pending rotation has something to do', (ring) => ring.pending === null || ring.pending.activates || ring.pending.revokes.length > 0],
  ['what a pending rotation revokes is retired', (ring) => (ring.pending?.revokes ?? []).every((kid) => keysIn(ring, 'retired').some((key) => key.kid === kid))],
  [`at most ${MOST_VERIFY_ONLY_KEYS} keys verify only`, (ring) => ring.verifyOnly.length <= MOST_VERIFY_ONLY_KEYS],
  ['the publication gap is at least one second', (ring) => ring.gap.seconds >= 1],
  ['no key is published in a later version than the ring has', (ring) => ring.keys.every((key) => key.publishedIn <= ring.version)],
];

/**
 * Returns the ring if it is whole.
 * @throws MintmarkError `StoreCorrupt` with the broken invariant: a program error, or a store that someone changed.
 */
export function assertRing(ring: KeyRing): KeyRing {
  const broken = INVARIANTS.find(([, holds]) => !holds(ring));
  if (broken !== undefined) throw new MintmarkError('StoreCorrupt', `The key ring of issuer ${ring.issuerId} (version ${ring.version}) is not whole: it is not true that ${broken[0]}.`);
  return ring;
}
