/**
 * The rules of key life, as pure transitions: ring and time in, ring out.
 *
 * Owns: the verbs (birth, rotate, revoke, emergency, prune, close, …), each as one commit, and what each refuses.
 * Gets new keys ready made and sealed. Leaves to `rotation-schedule.ts`: what is due and when; to `service`: making
 * keys, transactions, waiting. Rule numbers are those of docs/decisions/0002-key-ring-rules.md.
 */
import { after, DAY, hasCome, latest } from './durations.ts';
import { MintmarkError } from './errors.ts';
import { BIRTH_VERSION, isReady, type KeyRing, keyByKid, keysIn, type PublicationGap, type RotationPolicy, type SigningKey, theKey } from './key-ring.ts';
import { activateKey, begin, type Draft, finish, markPublished, type NewKey, note, prepare, pruneKey, retireKey, revokeKeyNow, type RingChange, type Why, withRing } from './key-ring-change.ts';
import { expiredKeys } from './rotation-schedule.ts';

/** The two keys of the birth commit: the first signs at once, the second may do so at any time (rule 4). */
export function birth(
  issuer: { readonly issuerId: string; readonly epoch: number; readonly policy: RotationPolicy; readonly gapSeconds: number },
  first: NewKey, second: NewKey, now: Date, why: Why,
): RingChange {
  const empty: KeyRing = {
    issuerId: issuer.issuerId, epoch: issuer.epoch, version: BIRTH_VERSION, open: true, keys: [], policy: issuer.policy,
    gap: { seconds: issuer.gapSeconds, lowered: null, floor: null }, pending: null, createdAt: now, updatedAt: now,
  };
  const made = [first, second].reduce<Draft>(prepare, { ring: empty, events: [], sealed: [], why });
  const published = { ...made, ring: { ...made.ring, keys: made.ring.keys.map((key) => ({ ...key, publishedAt: now })) } };
  return finish(activateKey(published, published.ring.keys[0]!));
}

export interface RotationRequest {
  readonly operationId: string;
  /** Carry it out without waiting for READY (rule 11). */
  readonly force: boolean;
}

/** What became of a request to rotate: done in this commit, stored to be done when ready, or joined to one that waits. */
export type RotationOutcome =
  | { readonly outcome: 'rotated' | 'waiting'; readonly change: RingChange; readonly operationId: string; readonly revoked: readonly string[] }
  | { readonly outcome: 'joined'; readonly change: null; readonly operationId: string; readonly revoked: readonly string[] };

/**
 * Rotation by hand (rule 9): every retired key leaves at once, and the prepared key is activated as soon as it is ready.
 * `next` is the key to prepare; it is used only if the outcome is `rotated`.
 */
export function requestRotation(ring: KeyRing, request: RotationRequest, next: NewKey, now: Date, why: Why): RotationOutcome {
  assertOpen(ring, 'rotated');
  const operationId = ring.pending?.operationId ?? request.operationId;
  if (joins(ring, request.force, now)) return { outcome: 'joined', change: null, operationId, revoked: [] };
  const retired = keysIn(ring, 'retired');
  const revoked = retired.map(({ kid }) => kid);
  const draft = retired.reduce<Draft>(revokeKeyNow, note(begin(ring, now, why), 'rotationRequested'));
  if (switchesAtOnce(ring, request.force, now)) return { outcome: 'rotated', change: finish(switchKeys(draft, next)), operationId, revoked };
  const pending = { operationId, requestedAt: draft.ring.updatedAt, requestedBy: why.actor };
  return { outcome: 'waiting', change: finish(withRing(draft, { pending })), operationId, revoked };
}

/** Whether a rotation by hand, asked now, becomes part of one that waits, and so changes nothing. */
const joins = (ring: KeyRing, force: boolean, now: Date): boolean => ring.pending !== null && !switchesAtOnce(ring, force, now);

/** The keys whose tokens an unforced rotation by hand, asked now, would break: it revokes those that are retired. */
export function brokenByRotation(ring: KeyRing, now: Date): readonly SigningKey[] {
  if (!ring.open || joins(ring, false, now)) return [];
  return keysIn(ring, 'retired').filter(({ expiresAt }) => expiresAt === null || !hasCome(expiresAt, now));
}

/** Whether a rotation by hand, asked now, would activate the prepared key in the same commit, and so need a new one. */
export const switchesAtOnce = (ring: KeyRing, force: boolean, now: Date): boolean => force || isReady(ring, latest(now, ring.updatedAt) ?? now);

/**
 * Activate, retire and prepare the next, in one commit (rule 2); ends a pending rotation. Never revokes (rule 10).
 * @throws MintmarkError `OperationNotAllowed` when the prepared key is not ready.
 */
export function activate(ring: KeyRing, next: NewKey, now: Date, why: Why): RingChange {
  assertOpen(ring, 'rotated');
  const draft = begin(ring, now, why);
  if (!isReady(ring, draft.ring.updatedAt)) throw new MintmarkError('OperationNotAllowed', 'The prepared key is not ready to sign: relying parties may hold a JWKS without it.');
  return finish(switchKeys(draft, next));
}

/**
 * Takes one key out of the JWKS at once (rule 11). Revoking a revoked key changes nothing and gives null.
 * `next` replaces the prepared key where that is the one revoked, or the one that has to become active.
 * @throws MintmarkError `KeyNotFound`; `KeyIsActive` without `force`.
 */
export function revokeKey(ring: KeyRing, kid: string, force: boolean, next: NewKey, now: Date, why: Why): RingChange | null {
  const key = keyByKid(ring, kid);
  if (key.state === 'revoked') return null;
  const draft = begin(ring, now, why);
  if (key.state === 'retired') return finish(revokeKeyNow(draft, key));
  if (key.state === 'prepared') return finish(prepare(revokeKeyNow(draft, key), next));
  if (!force) throw new MintmarkError('KeyIsActive', `The key '${kid}' signs now. Rotate first, then revoke it when it is retired; or use force, which lets the prepared key sign at once and breaks every token of this key.`, { target: 'kid' });
  const activated = activateKey(draft, theKey(ring, 'prepared'));
  return finish(withRing(prepare(revokeKeyNow(activated, key), next), { pending: null }));
}

/** Revokes every generated key and starts again with two new ones (rule 11). Ends a pending rotation. */
export function emergency(ring: KeyRing, first: NewKey, second: NewKey, now: Date, why: Why): RingChange {
  assertOpen(ring, 'rotated');
  const living = ring.keys.filter((key) => key.state !== 'revoked' && key.origin === 'generated');
  const emptied = living.reduce<Draft>(revokeKeyNow, begin(ring, now, why));
  const made = prepare(emptied, first);
  const signing = activateKey(made, made.ring.keys.at(-1)!);
  return finish(withRing(prepare(signing, second), { pending: null }));
}

/** Forgets the keys that are past their end. Null when there are none. */
export function prune(ring: KeyRing, now: Date, why: Why): RingChange | null {
  const gone = expiredKeys(ring, now);
  return gone.length === 0 ? null : finish(gone.reduce<Draft>(pruneKey, begin(ring, now, why)));
}

/**
 * Writes down that every publisher serves the documents of `version` since `at` (rule 4): keys first listed in it or
 * before are published, and a lowered gap takes effect. Null when that is no news.
 */
export function confirmPublication(ring: KeyRing, version: number, at: Date, now: Date, why: Why): RingChange | null {
  const news = ring.keys.filter((key) => key.state !== 'revoked' && key.publishedAt === null && key.publishedIn <= version);
  const { lowered } = ring.gap;
  const settled = lowered !== null && lowered.inVersion <= version;
  if (news.length === 0 && !settled) return null;
  const draft = news.reduce<Draft>((so, key) => markPublished(so, key, at), begin(ring, now, why));
  return finish(settled ? withRing(draft, { gap: { ...ring.gap, lowered: null, floor: latest(ring.gap.floor, after(at, lowered.fromSeconds)) } }) : draft);
}

/** Takes over a publication gap from the configuration (rule 4). Null when it is the one in force. */
export function changeGap(ring: KeyRing, seconds: number, now: Date, why: Why): RingChange | null {
  if (seconds === ring.gap.seconds) return null;
  const draft = begin(ring, now, why);
  const fromSeconds = Math.max(ring.gap.seconds, ring.gap.lowered?.fromSeconds ?? 0);
  const lowered = seconds < fromSeconds ? { fromSeconds, inVersion: draft.ring.version } : null;
  const gap: PublicationGap = { ...ring.gap, seconds, lowered };
  return finish(note(withRing(draft, { gap }), 'gapChanged'));
}

/** The bounds of rule 10, in seconds. */
export const ROTATE_EVERY = { least: 2 * DAY, most: 365 * DAY, default: 30 * DAY } as const;

/**
 * Sets how often the keys rotate by themselves. Null when that is how it is already.
 * @throws MintmarkError `InvalidRotationPolicy` outside of 2 to 365 days.
 */
export function setPolicy(ring: KeyRing, policy: RotationPolicy, now: Date, why: Why): RingChange | null {
  assertOpen(ring, 'given a rotation policy');
  assertRotationPolicy(policy);
  if (policy.rotateEvery === ring.policy.rotateEvery) return null;
  return finish(note(withRing(begin(ring, now, why), { policy }), 'policyChanged'));
}

/** @throws MintmarkError `InvalidRotationPolicy` when the period is neither null (off) nor 2 to 365 days. */
export function assertRotationPolicy({ rotateEvery }: RotationPolicy): void {
  if (rotateEvery === null || (Number.isInteger(rotateEvery) && rotateEvery >= ROTATE_EVERY.least && rotateEvery <= ROTATE_EVERY.most)) return;
  throw new MintmarkError('InvalidRotationPolicy', `Keys rotate every 2 to 365 days, or not at all (off); ${rotateEvery} seconds is outside of that.`, { target: 'rotateEvery' });
}

/** The issuer is deleted (rule 14): nothing signs any more, tokens in use verify until they end. Null when it is closed already. */
export function close(ring: KeyRing, now: Date, why: Why): RingChange | null {
  if (!ring.open) return null;
  const draft = begin(ring, now, why);
  const dropped = revokeKeyNow(draft, theKey(ring, 'prepared'));
  const retired = retireKey(dropped, theKey(ring, 'active'));
  const cancelled = ring.pending === null ? retired : note(retired, 'rotationCancelled');
  return finish(note(withRing(cancelled, { open: false, pending: null }), 'closed'));
}

/** The kids that a rotation by hand would revoke if it were asked now, for prompts that must name them. */
export const revokedByRotation = (ring: KeyRing): readonly string[] => keysIn(ring, 'retired').map(({ kid }) => kid);

function switchKeys(draft: Draft, next: NewKey): Draft {
  const [active, prepared] = [theKey(draft.ring, 'active'), theKey(draft.ring, 'prepared')];
  return withRing(prepare(activateKey(retireKey(draft, active), prepared), next), { pending: null });
}

function assertOpen(ring: KeyRing, what: string): void {
  if (!ring.open) throw new MintmarkError('KeyRingClosed', `The issuer ${ring.issuerId} was deleted; its keys can not be ${what}.`);
}
