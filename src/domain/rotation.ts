/**
 * The rules of key life, as pure transitions: ring and time in, ring out.
 *
 * Owns: the verbs (birth, rotate, revoke, emergency, prune, close, …), each as one commit, and what each refuses.
 * Gets new keys ready made and sealed. Leaves to `rotation-schedule.ts`: what is due and when; to `service`: making
 * keys, transactions, waiting. Rule numbers are those of docs/decisions/0002-key-ring-rules.md.
 */
import { enrolledSigners, isReady, settledKeys } from './acknowledgement.ts';
import { after, DAY, hasCome, latest } from './durations.ts';
import { MintmarkError } from './errors.ts';
import { BIRTH_VERSION, type KeyRing, keyByKid, keysIn, type PublicationGap, type RotationPolicy, type SigningKey, theKey } from './key-ring.ts';
import {
  activateKey, begin, type Draft, dropVerifyOnly, finish, markPublished, type NewKey, note, prepare, pruneKey, retireKey, revokeKeyNow, type RingChange, settleKey,
  type Why, withRing,
} from './key-ring-change.ts';
import { expiredKeys, expiredVerifyOnly, revocableKeys } from './rotation-schedule.ts';

/** The two keys of the birth commit: the first signs at once, the second may do so at any time (rule 4). */
export function birth(
  issuer: { readonly issuerId: string; readonly epoch: number; readonly policy: RotationPolicy; readonly gapSeconds: number },
  first: NewKey, second: NewKey, now: Date, why: Why,
): RingChange {
  const empty: KeyRing = {
    issuerId: issuer.issuerId, epoch: issuer.epoch, version: BIRTH_VERSION, open: true, keys: [], verifyOnly: [], signers: [], policy: issuer.policy,
    gap: { seconds: issuer.gapSeconds, lowered: null, floor: null }, pending: null, createdAt: now, updatedAt: now,
  };
  const made = [first, second].reduce<Draft>(prepare, { ring: empty, events: [], sealed: [], why });
  const published = { ...made, ring: { ...made.ring, keys: made.ring.keys.map((key) => ({ ...key, publishedAt: now })) } };
  return finish(activateKey(published, published.ring.keys[0]!));
}

export interface RotationRequest {
  readonly operationId: string;
  /** Carry it out without waiting for READY or acknowledgements (rule 11). */
  readonly force: boolean;
}

/** What became of a request to rotate: done in this commit, stored to be done when it can be, or joined to one that waits. */
export type RotationOutcome =
  | { readonly outcome: 'rotated' | 'waiting'; readonly change: RingChange; readonly operationId: string; readonly revoked: readonly string[] }
  | { readonly outcome: 'joined'; readonly change: null; readonly operationId: string; readonly revoked: readonly string[] };

/**
 * Rotation by hand (rule 9): every key that is retired now leaves as soon as its retirement is acknowledged, and the
 * prepared key is activated as soon as it is ready; what can be done at once is done in this commit. Asked for while one
 * waits, it joins that one; with force it carries that one out, and nothing more. `revoked`: the kids that leave in this
 * commit. `next` is the key to prepare; it is used only if the prepared one is activated (`switchesAtOnce`).
 */
export function requestRotation(ring: KeyRing, request: RotationRequest, next: NewKey, now: Date, why: Why): RotationOutcome {
  assertOpen(ring, 'rotated');
  const pending = ring.pending ?? { operationId: request.operationId, requestedAt: latest(now, ring.updatedAt)!, requestedBy: why.actor, revokes: revokedByRotation(ring), activates: true };
  const { operationId } = pending;
  const switches = switchesAtOnce(ring, request.force, now);
  if (ring.pending !== null && !switches && !request.force) return { outcome: 'joined', change: null, operationId, revoked: [] };
  const asked = withRing(note(begin(ring, now, why), 'rotationRequested'), { pending });
  const leaving = request.force ? keysIn(asked.ring, 'retired').filter(({ kid }) => pending.revokes.includes(kid)) : revocableKeys(asked.ring);
  const draft = leaving.reduce<Draft>(revokeKeyNow, asked);
  const done = switches ? switchKeys(draft, next) : stillPending(draft);
  return { outcome: done.ring.pending === null ? 'rotated' : 'waiting', change: finish(done), operationId, revoked: leaving.map(({ kid }) => kid) };
}

/**
 * The keys whose tokens an unforced rotation by hand, asked now, would break, at once or when signers have acknowledged it:
 * it revokes those that are retired. Where one waits it becomes part of that, which has named its own.
 */
export function brokenByRotation(ring: KeyRing, now: Date): readonly SigningKey[] {
  if (!ring.open || ring.pending !== null) return [];
  return keysIn(ring, 'retired').filter(({ expiresAt }) => expiresAt === null || !hasCome(expiresAt, now));
}

/** Whether a rotation by hand, asked now, would activate the prepared key in the same commit, and so need a new one. */
export const switchesAtOnce = (ring: KeyRing, force: boolean, now: Date): boolean =>
  (ring.pending?.activates ?? true) && (force || isReady(ring, latest(now, ring.updatedAt) ?? now));

/**
 * Activate, retire and prepare the next, in one commit (rule 2); ends a pending rotation. Never revokes (rule 10).
 * @throws MintmarkError `OperationNotAllowed` when the prepared key is not ready.
 */
export function activate(ring: KeyRing, next: NewKey, now: Date, why: Why): RingChange {
  assertOpen(ring, 'rotated');
  const draft = begin(ring, now, why);
  if (!isReady(ring, draft.ring.updatedAt)) throw new MintmarkError('OperationNotAllowed', 'The prepared key is not ready to sign: relying parties may hold a JWKS without it, or API servers may not know it.');
  return finish(switchKeys(draft, next));
}

/**
 * What a rotation by hand still had to revoke, of which it is now acknowledged that it signs no more (rule 9a). Null when
 * there is no such key.
 */
export function revokeAcknowledged(ring: KeyRing, now: Date, why: Why): RingChange | null {
  const keys = revocableKeys(ring);
  return keys.length === 0 ? null : finish(stillPending(keys.reduce<Draft>(revokeKeyNow, begin(ring, now, why))));
}

/** Sets the end of every retired key that all signers have parted from (rule 8). Null when there is no such key. */
export function settleRetirements(ring: KeyRing, now: Date, why: Why): RingChange | null {
  const keys = settledKeys(ring);
  return keys.length === 0 ? null : finish(keys.reduce<Draft>(settleKey, begin(ring, now, why)));
}

/**
 * Takes one key out at once (rule 11): out of the JWKS, or from those that verify only (rule 15). Revoking a revoked key
 * changes nothing and gives null. `next` replaces the prepared key where that is the one revoked, or the one that has to
 * become active.
 * @throws MintmarkError `KeyNotFound`; `KeyIsActive` without `force`.
 */
export function revokeKey(ring: KeyRing, kid: string, force: boolean, next: NewKey, now: Date, why: Why): RingChange | null {
  const verifyOnly = ring.verifyOnly.find((candidate) => candidate.kid === kid);
  if (verifyOnly !== undefined) return finish(dropVerifyOnly(begin(ring, now, why), verifyOnly, 'revoked'));
  const key = keyByKid(ring, kid);
  if (key.state === 'revoked') return null;
  const draft = begin(ring, now, why);
  if (key.state === 'retired') return finish(stillPending(revokeKeyNow(draft, key)));
  if (key.state === 'prepared') return finish(prepare(revokeKeyNow(draft, key), next));
  if (!force) throw new MintmarkError('KeyIsActive', `The key '${kid}' signs now. Rotate first, then revoke it when it is retired; or use force, which lets the prepared key sign at once and breaks every token of this key.`, { target: 'kid' });
  const activated = activateKey(draft, theKey(ring, 'prepared'));
  return finish(stillPending(prepare(revokeKeyNow(activated, key), next), true));
}

/** Revokes every key that is not revoked and starts again with two new ones (rule 11); those that verify only stay. Ends a pending rotation. */
export function emergency(ring: KeyRing, first: NewKey, second: NewKey, now: Date, why: Why): RingChange {
  assertOpen(ring, 'rotated');
  const living = ring.keys.filter((key) => key.state !== 'revoked');
  const emptied = living.reduce<Draft>(revokeKeyNow, begin(ring, now, why));
  const made = prepare(emptied, first);
  const signing = activateKey(made, made.ring.keys.at(-1)!);
  return finish(withRing(prepare(signing, second), { pending: null }));
}

/** Forgets the keys that are past their end. Null when there are none. */
export function prune(ring: KeyRing, now: Date, why: Why): RingChange | null {
  const [gone, verifyOnly] = [expiredKeys(ring, now), expiredVerifyOnly(ring, now)];
  if (gone.length + verifyOnly.length === 0) return null;
  const draft = gone.reduce<Draft>(pruneKey, begin(ring, now, why));
  return finish(verifyOnly.reduce<Draft>((so, key) => dropVerifyOnly(so, key, 'pruned'), draft));
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

/**
 * The issuer is deleted (rule 14): nothing signs any more, tokens in use verify until they end. Null when it is closed already.
 * @throws MintmarkError `SignersAttached` while a signer is enrolled: its API server would go on asking for signatures.
 */
export function close(ring: KeyRing, now: Date, why: Why): RingChange | null {
  if (!ring.open) return null;
  const attached = enrolledSigners(ring);
  if (attached.length > 0) throw new MintmarkError('SignersAttached', `The issuer ${ring.issuerId} has signers: ${attached.map(({ name }) => name).join(', ')}. Delete them, or write them off, first.`);
  const draft = begin(ring, now, why);
  const dropped = revokeKeyNow(draft, theKey(ring, 'prepared'));
  const retired = retireKey(dropped, theKey(ring, 'active'));
  const cancelled = ring.pending === null ? retired : withRing(note(retired, 'rotationCancelled'), { pending: null });
  const settled = settledKeys(cancelled.ring).reduce<Draft>(settleKey, cancelled);
  const emptied = ring.verifyOnly.reduce<Draft>((so, key) => dropVerifyOnly(so, key, 'pruned'), settled);
  return finish(note(withRing(emptied, { open: false }), 'closed'));
}

/** The kids that a rotation by hand would revoke if it were asked now, for prompts that must name them. */
export const revokedByRotation = (ring: KeyRing): readonly string[] => keysIn(ring, 'retired').map(({ kid }) => kid);

/** Activate, retire, prepare; a pending rotation has its activation with that. */
function switchKeys(draft: Draft, next: NewKey): Draft {
  const [active, prepared] = [theKey(draft.ring, 'active'), theKey(draft.ring, 'prepared')];
  return stillPending(prepare(activateKey(retireKey(draft, active), prepared), next), true);
}

/** What is left of a pending rotation, which has ended when that is nothing. `activated`: in this commit. */
function stillPending(draft: Draft, activated = false): Draft {
  const { pending } = draft.ring;
  if (pending === null) return draft;
  const revokes = pending.revokes.filter((kid) => keysIn(draft.ring, 'retired').some((key) => key.kid === kid));
  const activates = pending.activates && !activated;
  return withRing(draft, { pending: activates || revokes.length > 0 ? { ...pending, revokes, activates } : null });
}

function assertOpen(ring: KeyRing, what: string): void {
  if (!ring.open) throw new MintmarkError('KeyRingClosed', `The issuer ${ring.issuerId} was deleted; its keys can not be ${what}.`);
}
