/** Rings for tests: keys with numbers for names, time that stands still unless it is moved, and a picture of a ring. */
import { createHash } from 'node:crypto';
import type { KeyRing } from '../../src/domain/key-ring.ts';
import { KEY_STATES } from '../../src/domain/key-ring.ts';
import type { NewKey, Why } from '../../src/domain/key-ring-change.ts';
import { birth } from '../../src/domain/rotation.ts';
import type { EnrolledSigner } from '../../src/domain/signer.ts';
import type { RingSettings } from '../../src/domain/rotation-schedule.ts';

export const START = new Date('2026-01-01T00:00:00.000Z');
export const BY_HAND: Why = { cause: 'manual', actor: 'principal:ada', reason: 'a rotation was asked for' };
export const BY_ITSELF: Why = { cause: 'automatic', actor: 'rotator', reason: 'the rotation period has passed' };

/** What `serve` takes when nobody says anything else. */
export const RING_SETTINGS: RingSettings = { publicationGapSeconds: 600, freezeWindows: [], secondRotation: 'allow' };

/** `START` plus seconds. */
export const at = (seconds: number): Date => new Date(START.getTime() + seconds * 1000);

/** A key that exists in name only. */
export const newKey = (name: number | string): NewKey => ({
  kid: `key${name}`, algorithm: 'RS256', publicMembers: { n: createHash('sha256').update(`n ${name}`).digest('base64url'), e: 'AQAB' }, sealed: new TextEncoder().encode(`sealed key${name}`),
});

/** A ring as it is born at `START`: `1A 2P`, with a publication gap of 600 seconds and rotation every 30 days. */
export const newRing = (gapSeconds = 600, rotateEvery: number | null = 30 * 86_400): KeyRing =>
  birth({ issuerId: 'issuer', epoch: 1, policy: { rotateEvery }, gapSeconds }, newKey(1), newKey(2), START, { cause: 'birth', actor: 'principal:ada', reason: 'the issuer was enabled' }).ring;

/** A signer that was enrolled at the birth of `newRing`, has said nothing, and has a lease of 14 days. */
export const enrolled = (name: string, change: Partial<EnrolledSigner> = {}): EnrolledSigner =>
  ({ id: name, name, enrolledIn: 1, enrolledAt: START, acked: null, lastContactAt: START, refusal: null, replacedAt: null, leaseSeconds: 14 * 86_400, writtenOffAt: null, ...change });

/** The same one after it has acknowledged a version of the first epoch at a second. */
export const ackedBy = (name: string, version: number, seconds: number, change: Partial<EnrolledSigner> = {}): EnrolledSigner =>
  enrolled(name, { acked: { epoch: 1, version, at: at(seconds) }, ...change });

export const withSigners = (ring: KeyRing, ...signers: readonly EnrolledSigner[]): KeyRing => ({ ...ring, signers });

/** `1R 2A 3P`: numbers are keys, letters their states (revoked: `X`). */
export const picture = (ring: KeyRing): string =>
  ring.keys.map(({ kid, state }) => `${kid.replace('key', '')}${state === 'revoked' ? 'X' : state[0]!.toUpperCase()}`).join(' ');

export const ALL_STATES = Object.keys(KEY_STATES);
