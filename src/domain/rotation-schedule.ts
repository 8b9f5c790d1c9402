/**
 * What is due on a ring, and when to look again: the calendar that the rotator follows and people are shown.
 *
 * Owns: `nextStep` (a decision with its reason, first match wins) and the jitter. Leaves to `rotation.ts`: doing it.
 */
import { behind, behindRetirement, isReady, settledKeys } from './acknowledgement.ts';
import { after, earliest, hasCome, latest } from './durations.ts';
import { type FreezeWindow, frozenUntil } from './freeze-windows.ts';
import { activatableAt, keysIn, type KeyRing, type PendingRotation, type SigningKey, theKey, type VerifyOnlyKey } from './key-ring.ts';
import { type EnrolledSigner, goneAt, lastSeenAt, leaseEnds } from './signer.ts';

/** Why nothing is done now. */
export type WaitReason =
  | 'closed' | 'rotation off' | 'not due' | 'not confirmed by every publisher'
  | 'caches may hold the old JWKS' | 'a retired key still verifies' | 'a freeze window is open';

/** A signer that something waits for, and since when it is silent. */
export interface SilentSigner {
  readonly name: string;
  readonly since: Date;
  /** Since when it can not take the ring that it is given; null while it can. */
  readonly refusesSince: Date | null;
}

export type WaitStep =
  /** `until`: when to decide again; null when only another change can alter the decision. */
  | { readonly do: 'wait'; readonly reason: WaitReason; readonly until: Date | null }
  /** `until`: when the last of them is written off by itself, by its lease or because it was replaced; null without. */
  | { readonly do: 'wait'; readonly reason: 'a signer has not acknowledged'; readonly until: Date | null; readonly signers: readonly SilentSigner[] };

export type Step =
  | { readonly do: 'prune'; readonly reason: string }
  /** No commit of the ring: the signers are written off. */
  | { readonly do: 'write off'; readonly reason: string; readonly signers: readonly EnrolledSigner[] }
  | { readonly do: 'revoke'; readonly reason: string }
  | { readonly do: 'settle retirement'; readonly reason: string }
  | { readonly do: 'change gap'; readonly reason: string; readonly seconds: number }
  | { readonly do: 'activate'; readonly cause: 'manual' | 'automatic'; readonly reason: string }
  | WaitStep;

/** What the configuration has to say about every ring. */
export interface RingSettings {
  readonly publicationGapSeconds: number;
  /** No automatic rotation begins in them; everything else goes on. They open at some time (`neverOpens` is false). */
  readonly freezeWindows: readonly FreezeWindow[];
  /** Whether a rotation by hand that revokes a retired key is done, or refused until that is asked for. */
  readonly secondRotation: SecondRotation;
}

export const SECOND_ROTATION = ['allow', 'confirm'] as const;
export type SecondRotation = (typeof SECOND_ROTATION)[number];

/** At most this fraction of the period is added to it, so that rings made together do not rotate together. */
const LARGEST_JITTER = 0.05;

/** When the active key gives way by itself, by its period and jitter alone; null when that is off or the ring is closed. */
export function automaticRotationDue(ring: KeyRing): Date | null {
  if (!ring.open || ring.policy.rotateEvery === null) return null;
  const active = theKey(ring, 'active');
  return after(active.activatedAt ?? active.createdAt, Math.floor(ring.policy.rotateEvery * (1 + LARGEST_JITTER * jitter(active.kid))));
}

export const expiredKeys = (ring: KeyRing, now: Date): readonly SigningKey[] => ring.keys.filter(({ expiresAt }) => isPast(expiresAt, now));

export const expiredVerifyOnly = (ring: KeyRing, now: Date): readonly VerifyOnlyKey[] => ring.verifyOnly.filter(({ expiresAt }) => isPast(expiresAt, now));

/** The keys that the pending rotation revokes and whose retirement everyone has acknowledged (rule 9a). */
export const revocableKeys = (ring: KeyRing): readonly SigningKey[] =>
  keysIn(ring, 'retired').filter((key) => ring.pending?.revokes.includes(key.kid) === true && behindRetirement(ring, key).length === 0);

/** What to do with the ring at `now`, and why. Asked again on the fresh ring before it is done. */
export function nextStep(ring: KeyRing, settings: RingSettings, now: Date): Step {
  if (expiredKeys(ring, now).length > 0) return { do: 'prune', reason: 'the last token of the key has ended' };
  if (expiredVerifyOnly(ring, now).length > 0) return { do: 'prune', reason: 'the imported key was to verify until now' };
  const settled = signersStep(ring, now);
  if (settled !== null) return settled;
  if (!ring.open) return { do: 'wait', reason: 'closed', until: null };
  if (ring.gap.seconds !== settings.publicationGapSeconds) return { do: 'change gap', reason: 'the configured publication gap is another one', seconds: settings.publicationGapSeconds };
  return ring.pending === null ? automaticStep(ring, settings, now) : pendingStep(ring, ring.pending, now);
}

/** When the rotator has to look at the ring next; null when only another change can make something due. */
export function wakeAt(ring: KeyRing, settings: RingSettings, now: Date): Date | null {
  const step = nextStep(ring, settings, now);
  if (step.do !== 'wait') return now;
  const leases = ring.signers.map(goneAt);
  return earliest(step.until, ...ring.keys.map((key) => key.expiresAt), ...ring.verifyOnly.map((key) => key.expiresAt), ...leases);
}

/** What signers make due: their lease has ended, or what waited for them need not wait any longer. */
function signersStep(ring: KeyRing, now: Date): Step | null {
  const gone = ring.signers.filter((signer) => isPast(goneAt(signer), now));
  if (gone.length > 0) return { do: 'write off', reason: whyGone(gone, now), signers: gone };
  if (revocableKeys(ring).length > 0) return { do: 'revoke', reason: `asked for by ${ring.pending?.requestedBy ?? ''}; every signer has stopped to sign with the key` };
  return settledKeys(ring).length === 0 ? null : { do: 'settle retirement', reason: 'every signer has stopped to sign with the key' };
}

function whyGone(gone: readonly EnrolledSigner[], now: Date): string {
  const [silent, replaced] = [gone.filter((signer) => isPast(leaseEnds(signer), now)), gone.filter((signer) => !isPast(leaseEnds(signer), now))];
  const because = (signers: readonly EnrolledSigner[], why: string): readonly string[] => (signers.length === 0 ? [] : [`${why}: ${signers.map(({ name }) => name).join(', ')}`]);
  return [...because(silent, 'no contact for longer than the lease'), ...because(replaced, 'replaced by another machine of its name, and not heard of since')].join('; ');
}

/** The next activation, for calendars. */
export interface NextActivation {
  /** The soonest that it can come, by what is known now. */
  readonly at: Date;
  /** When it would come if no freeze window held it back; null when none does. */
  readonly frozenSince: Date | null;
}

/** Null when it is not known. */
export function nextActivation(ring: KeyRing, settings: RingSettings, now: Date): NextActivation | null {
  if (!ring.open) return null;
  const ready = behind(ring, theKey(ring, 'prepared').publishedIn).length > 0 ? null : activatableAt(ring);
  if (ring.pending?.activates === true) return ready === null ? null : { at: ready, frozenSince: null };
  const [due, retired] = [automaticRotationDue(ring), keysIn(ring, 'retired')];
  if (due === null || ready === null || retired.some((key) => key.expiresAt === null)) return null;
  const soonest = latest(due, ready, ...retired.map((key) => key.expiresAt)) ?? due;
  const thaw = frozenUntil(settings.freezeWindows, latest(soonest, now) ?? now);
  return thaw === null ? { at: soonest, frozenSince: null } : { at: thaw, frozenSince: soonest };
}

/** What keeps the time of the next activation from being known. */
export type ActivationWait = 'signers' | 'publication';

/** Null where `nextActivation` knows the time, and where none comes unless somebody asks for it. */
export function activationWaitsFor(ring: KeyRing): ActivationWait | null {
  const isAsked = ring.pending?.activates === true;
  if (!ring.open || (!isAsked && ring.policy.rotateEvery === null)) return null;
  if (behind(ring, theKey(ring, 'prepared').publishedIn).length > 0) return 'signers';
  if (activatableAt(ring) === null) return 'publication';
  return !isAsked && keysIn(ring, 'retired').some((key) => key.expiresAt === null) ? 'signers' : null;
}

function automaticStep(ring: KeyRing, settings: RingSettings, now: Date): Step {
  const due = automaticRotationDue(ring);
  if (due === null) return { do: 'wait', reason: 'rotation off', until: null };
  if (!hasCome(due, now)) return { do: 'wait', reason: 'not due', until: due };
  const retired = keysIn(ring, 'retired');
  const unknown = retired.find((key) => key.expiresAt === null);
  if (unknown !== undefined) return waitForSigners(behindRetirement(ring, unknown));
  if (retired.length > 0) return { do: 'wait', reason: 'a retired key still verifies', until: earliest(...retired.map((key) => key.expiresAt)) };
  const step = readyStep(ring, now, 'automatic', 'the rotation period has passed');
  const thaw = step.do === 'wait' ? null : frozenUntil(settings.freezeWindows, now);
  return thaw === null ? step : { do: 'wait', reason: 'a freeze window is open', until: thaw };
}

/** Its two parts do not wait for each other; a signer that holds up a revocation is named before the time that an activation takes. */
function pendingStep(ring: KeyRing, { revokes, activates, requestedBy }: PendingRotation, now: Date): Step {
  const step = activates ? readyStep(ring, now, 'manual', `asked for by ${requestedBy}`) : null;
  if (step?.do === 'activate') return step;
  const holdUp = ring.keys.filter(({ kid }) => revokes.includes(kid)).flatMap((key) => behindRetirement(ring, key));
  return step === null || holdUp.length > 0 ? waitForSigners(holdUp) : step;
}

function readyStep(ring: KeyRing, now: Date, cause: 'manual' | 'automatic', reason: string): Step {
  if (isReady(ring, now)) return { do: 'activate', cause, reason };
  const until = activatableAt(ring);
  if (until !== null && hasCome(until, now)) return waitForSigners(behind(ring, theKey(ring, 'prepared').publishedIn));
  return { do: 'wait', reason: until === null ? 'not confirmed by every publisher' : 'caches may hold the old JWKS', until };
}

function waitForSigners(behindOnes: readonly EnrolledSigner[]): WaitStep {
  const signers = [...new Set(behindOnes)].map((signer) => ({ name: signer.name, since: lastSeenAt(signer), refusesSince: signer.refusal?.since ?? null }));
  return { do: 'wait', reason: 'a signer has not acknowledged', until: latest(...behindOnes.map(goneAt)), signers };
}

const isPast = (at: Date | null, now: Date): boolean => at !== null && hasCome(at, now);

/** A number in [0, 1) that is fixed by the kid, which is a hash: so the calendar is known, and no two rings share one. */
function jitter(kid: string): number {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return Array.from(kid.slice(0, 4)).reduce((sum, digit) => sum * 64 + Math.max(0, ALPHABET.indexOf(digit)), 0) / 64 ** 4;
}
