import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, BY_HAND, BY_ITSELF, newKey, newRing, picture, START } from '../../test/support/rings.ts';
import { isMintmarkError } from './errors.ts';
import { isReady } from './acknowledgement.ts';
import { activatableAt, type KeyRing, publishedKeys } from './key-ring.ts';
import type { RingChange } from './key-ring-change.ts';
import { activate, brokenByRotation, changeGap, close, confirmPublication, emergency, prune, requestRotation, revokedByRotation, revokeKey, setPolicy } from './rotation.ts';

const DAY = 86_400;
/** Longest life of a token and the margin, in seconds. */
const LAST_TOKEN = DAY + 300;
const WHY = BY_HAND;

const refused = (code: string) => (error: unknown) => isMintmarkError(error) && error.code === code;
const ask = (ring: KeyRing, seconds: number, next: number, force = false) => requestRotation(ring, { operationId: `op at ${seconds}`, force }, newKey(next), at(seconds), WHY);
const confirmed = (ring: KeyRing, seconds: number): KeyRing => confirmPublication(ring, ring.version, at(seconds), at(seconds), BY_ITSELF)?.ring ?? ring;
const changed = (change: RingChange | null): RingChange => {
  assert.ok(change);
  return change;
};
/** After one rotation by hand at second 10, published at second 10: `1R 2A 3P`. */
const rotatedOnce = (): KeyRing => confirmed(changed(ask(newRing(), 10, 3).change).ring, 10);

test('a ring is born with one active and one prepared key, both published', () => {
  const ring = newRing();
  assert.equal(picture(ring), '1A 2P');
  assert.deepEqual(ring.keys.map((key) => key.publishedAt), [START, START]);
  assert.equal(ring.version, 1);
  assert.deepEqual(activatableAt(ring), START);
});

test('the story of key-ring rule 9: at once, then key1 goes and the rest waits, then key2 retires', () => {
  const first = ask(newRing(), 10, 3);
  assert.deepEqual([first.outcome, first.revoked, picture(first.change!.ring)], ['rotated', [], '1R 2A 3P']);

  const published = confirmed(first.change!.ring, 10);
  const second = ask(published, 20, 4);
  assert.deepEqual([second.outcome, second.revoked, picture(second.change!.ring)], ['waiting', ['key1'], '1X 2A 3P']);
  assert.equal(second.change!.ring.pending?.operationId, 'op at 20');
  assert.deepEqual(second.change!.sealed, []);

  const third = ask(second.change!.ring, 30, 4);
  assert.deepEqual([third.outcome, third.operationId, third.change], ['joined', 'op at 20', null]);

  assert.throws(() => activate(second.change!.ring, newKey(4), at(609), BY_ITSELF), refused('OperationNotAllowed'));
  const done = activate(second.change!.ring, newKey(4), at(610), BY_ITSELF);
  assert.equal(picture(done.ring), '1X 2R 3A 4P');
  assert.equal(done.ring.pending, null);
});

test('each commit moves the version by one and writes an event for each key that moved', () => {
  const { change } = ask(newRing(), 10, 3);
  assert.equal(change!.ring.version, 2);
  assert.deepEqual(change!.events.map(({ kind, kid, from, to }) => [kind, kid, from, to]), [
    ['rotationRequested', null, null, null],
    ['retired', 'key1', 'active', 'retired'],
    ['activated', 'key2', 'prepared', 'active'],
    ['prepared', 'key3', null, 'prepared'],
  ]);
  assert.deepEqual(change!.events.map(({ actor, cause, ringVersion, at: time }) => [actor, cause, ringVersion, time.getTime()]), Array.from({ length: 4 }, () => ['principal:ada', 'manual', 2, at(10).getTime()]));
  assert.deepEqual(change!.sealed.map(({ kid }) => kid), ['key3']);
});

test('a retired key verifies for a day and five minutes, and then leaves the view without a commit', () => {
  const ring = rotatedOnce();
  assert.deepEqual(ring.keys[0]!.expiresAt, at(10 + LAST_TOKEN));
  const seen = (seconds: number) => publishedKeys(ring, at(seconds)).map(({ kid }) => kid);
  assert.deepEqual(seen(10 + LAST_TOKEN - 0.001), ['key1', 'key2', 'key3']);
  assert.deepEqual(seen(10 + LAST_TOKEN), ['key2', 'key3']);
});

test('the prepared key is ready one publication gap after the last publisher confirmed it', () => {
  const unconfirmed = changed(ask(newRing(), 10, 3).change).ring;
  assert.equal(activatableAt(unconfirmed), null);
  assert.equal(isReady(unconfirmed, at(1_000_000)), false);
  const ring = confirmed(unconfirmed, 70);
  assert.deepEqual(activatableAt(ring), at(670));
  assert.deepEqual([isReady(ring, at(669.999)), isReady(ring, at(670))], [false, true]);
});

test('a confirmation of an older version publishes nothing', () => {
  const ring = changed(ask(newRing(), 10, 3).change).ring;
  assert.equal(confirmPublication(ring, ring.version - 1, at(20), at(20), BY_ITSELF), null);
});

test('force activates before the prepared key is ready; on a waiting rotation it carries that one out', () => {
  const forced = ask(rotatedOnce(), 20, 4, true);
  assert.deepEqual([forced.outcome, picture(forced.change!.ring)], ['rotated', '1X 2R 3A 4P']);
  const waiting = changed(ask(rotatedOnce(), 20, 4).change).ring;
  const joined = ask(waiting, 30, 4, true);
  assert.deepEqual([joined.outcome, joined.operationId, picture(joined.change!.ring), joined.change!.ring.pending], ['rotated', 'op at 20', '1X 2R 3A 4P', null]);
});

test('an automatic activation never revokes', () => {
  const ring = rotatedOnce();
  assert.equal(picture(activate(ring, newKey(4), at(700), BY_ITSELF).ring), '1R 2R 3A 4P');
});

test('revoking: retired goes, prepared is replaced, active needs force', () => {
  const ring = rotatedOnce();
  const revoke = (kid: string, force = false) => revokeKey(ring, kid, force, newKey(4), at(20), WHY);
  assert.equal(picture(changed(revoke('key1')).ring), '1X 2A 3P');
  assert.equal(picture(changed(revoke('key3')).ring), '1R 2A 3X 4P');
  assert.throws(() => revoke('key2'), refused('KeyIsActive'));
  assert.equal(picture(changed(revoke('key2', true)).ring), '1R 2X 3A 4P');
  assert.throws(() => revoke('key9'), refused('KeyNotFound'));
});

test('revoking the prepared key makes a waiting rotation wait for the new one; force on the active key ends it', () => {
  const waiting = changed(ask(rotatedOnce(), 20, 4).change).ring;
  const replaced = changed(revokeKey(waiting, 'key3', false, newKey(4), at(30), WHY)).ring;
  assert.deepEqual([picture(replaced), replaced.pending?.operationId, activatableAt(replaced)], ['1X 2A 3X 4P', 'op at 20', null]);
  const ended = changed(revokeKey(waiting, 'key2', true, newKey(4), at(30), WHY)).ring;
  assert.deepEqual([picture(ended), ended.pending], ['1X 2X 3A 4P', null]);
});

test('revoking a revoked key changes nothing', () => {
  const ring = changed(revokeKey(rotatedOnce(), 'key1', false, newKey(4), at(20), WHY)).ring;
  assert.equal(revokeKey(ring, 'key1', false, newKey(4), at(30), WHY), null);
});

test('an emergency leaves nothing of what was there', () => {
  const { ring, sealed } = emergency(rotatedOnce(), newKey(4), newKey(5), at(20), WHY);
  assert.equal(picture(ring), '1X 2X 3X 4A 5P');
  assert.deepEqual(sealed.map(({ kid }) => kid), ['key4', 'key5']);
  assert.equal(isReady(ring, at(1000)), false);
});

test('pruning forgets keys past their end and says when they left', () => {
  const ring = rotatedOnce();
  assert.equal(prune(ring, at(10 + LAST_TOKEN - 1), BY_ITSELF), null);
  const change = changed(prune(ring, at(10 + LAST_TOKEN + 5000), BY_ITSELF));
  assert.equal(picture(change.ring), '2A 3P');
  assert.deepEqual(change.events.map(({ kind, kid, at: time }) => [kind, kid, time]), [['pruned', 'key1', at(10 + LAST_TOKEN)]]);
});

test('a revoked key is listed until its tokens would have ended', () => {
  const ring = changed(ask(rotatedOnce(), 20, 4).change).ring;
  assert.deepEqual(ring.keys[0]!.expiresAt, at(10 + LAST_TOKEN));
  assert.equal(picture(changed(prune(ring, at(10 + LAST_TOKEN), BY_ITSELF)).ring), '2A 3P');
});

test('closing drops the prepared key, retires the active one and cancels what waits', () => {
  const waiting = changed(ask(rotatedOnce(), 20, 4).change).ring;
  const change = changed(close(waiting, at(30), WHY));
  assert.equal(picture(change.ring), '1X 2R 3X');
  assert.deepEqual([change.ring.open, change.ring.pending], [false, null]);
  assert.deepEqual(publishedKeys(change.ring, at(30)).map(({ kid }) => kid), ['key2']);
  assert.deepEqual(change.events.map(({ kind }) => kind), ['revoked', 'retired', 'rotationCancelled', 'closed']);
  assert.equal(close(change.ring, at(40), WHY), null);
  for (const verb of [() => ask(change.ring, 50, 9), () => activate(change.ring, newKey(9), at(50), WHY), () => emergency(change.ring, newKey(8), newKey(9), at(50), WHY), () => setPolicy(change.ring, { rotateEvery: null }, at(50), WHY)]) {
    assert.throws(verb, refused('KeyRingClosed'));
  }
});

test('lowering the gap: nothing is ready until every publisher confirmed, and then not before the old gap has passed', () => {
  const ring = rotatedOnce();
  const lowered = changed(changeGap(ring, 10, at(100), BY_ITSELF)).ring;
  assert.equal(activatableAt(lowered), null);
  const settled = confirmed(lowered, 120);
  assert.deepEqual([settled.gap.lowered, activatableAt(settled)], [null, at(720)]);
});

test('lowering the gap twice keeps the longest', () => {
  const once = changed(changeGap(rotatedOnce(), 100, at(100), BY_ITSELF)).ring;
  const twice = changed(changeGap(once, 10, at(110), BY_ITSELF)).ring;
  assert.deepEqual(activatableAt(confirmed(twice, 120)), at(720));
  const settledBetween = changed(changeGap(confirmed(once, 105), 10, at(110), BY_ITSELF)).ring;
  assert.deepEqual(activatableAt(confirmed(settledBetween, 120)), at(705));
});

test('raising the gap makes the prepared key wait longer, at once', () => {
  assert.deepEqual(activatableAt(changed(changeGap(rotatedOnce(), 1000, at(100), BY_ITSELF)).ring), at(1010));
  assert.equal(changeGap(newRing(), 600, at(100), BY_ITSELF), null);
});

test('the clock of a ring never goes back', () => {
  const late = changed(ask(newRing(), 1000, 3).change).ring;
  const change = changed(setPolicy(late, { rotateEvery: null }, at(5), WHY));
  assert.deepEqual(change.ring.updatedAt, at(1000));
});

test('the rotation policy is off or between 2 and 365 days, in whole seconds', () => {
  const set = (rotateEvery: number | null) => setPolicy(newRing(), { rotateEvery }, at(1), WHY);
  assert.equal(changed(set(null)).ring.policy.rotateEvery, null);
  assert.equal(changed(set(2 * DAY)).ring.policy.rotateEvery, 2 * DAY);
  assert.equal(changed(set(365 * DAY)).ring.policy.rotateEvery, 365 * DAY);
  assert.equal(set(30 * DAY), null);
  for (const wrong of [0, -1, 2 * DAY - 1, 365 * DAY + 1, 2.5 * DAY + 0.5, Number.NaN, Infinity]) assert.throws(() => set(wrong), refused('InvalidRotationPolicy'));
});

test('what a rotation by hand would revoke: the retired keys', () => {
  assert.deepEqual([revokedByRotation(newRing()), revokedByRotation(rotatedOnce())], [[], ['key1']]);
});

test('which keys a rotation by hand would break: none at rest, none where it joins one, none that are past their end or closed', () => {
  const waits = changed(ask(rotatedOnce(), 20, 4).change).ring;
  const waitsForSigner: KeyRing = { ...rotatedOnce(), pending: { ...waits.pending!, revokes: ['key1'] } };
  const rows: readonly (readonly [name: string, ring: KeyRing, seconds: number, kids: readonly string[]])[] = [
    ['at rest', newRing(), 10, []], ['rotated', rotatedOnce(), 20, ['key1']], ['until its end', rotatedOnce(), 10 + LAST_TOKEN - 1, ['key1']], ['at its end', rotatedOnce(), 10 + LAST_TOKEN, []],
    ['one waits', waits, 30, []], ['joins one that named its own', waitsForSigner, 30, []], ['would carry that out', waitsForSigner, 610, []],
    ['closed', changed(close(rotatedOnce(), at(20), WHY)).ring, 30, []],
  ];
  for (const [name, ring, seconds, kids] of rows) assert.deepEqual(brokenByRotation(ring, at(seconds)).map(({ kid }) => kid), kids, name);
});
