import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, BY_HAND, BY_ITSELF, newKey, newRing } from '../../test/support/rings.ts';
import type { KeyRing } from './key-ring.ts';
import { close, confirmPublication, requestRotation } from './rotation.ts';
import { automaticRotationDue, nextActivation, nextStep, wakeAt } from './rotation-schedule.ts';

const DAY = 86_400;
const LAST_TOKEN = DAY + 300;
const SETTINGS = { publicationGapSeconds: 600 };
const rotated = (ring: KeyRing, seconds: number, next: number): KeyRing => requestRotation(ring, { operationId: 'op', force: false }, newKey(next), at(seconds), BY_HAND).change!.ring;
const confirmed = (ring: KeyRing, seconds: number): KeyRing => confirmPublication(ring, ring.version, at(seconds), at(seconds), BY_ITSELF)!.ring;

test('rotation is due after the period and at most a twentieth more, always at the same time', () => {
  const due = automaticRotationDue(newRing())!.getTime();
  assert.ok(due >= at(30 * DAY).getTime() && due < at(31.5 * DAY).getTime());
  assert.equal(automaticRotationDue(newRing())!.getTime(), due);
  assert.equal(automaticRotationDue(newRing(600, null)), null);
});

test('the jitter spreads rings over the twentieth', () => {
  const fractions = Array.from({ length: 400 }, (_, index) => {
    const ring = newRing();
    const kid = newKey(index).publicMembers.n!;
    const due = automaticRotationDue({ ...ring, keys: ring.keys.map((key) => (key.state === 'active' ? { ...key, kid } : key)) })!;
    return (due.getTime() - at(30 * DAY).getTime()) / (1.5 * DAY * 1000);
  });
  const inTenth = Array.from({ length: 10 }, (_, tenth) => fractions.filter((fraction) => Math.floor(fraction * 10) === tenth).length);
  assert.ok(Math.min(...inTenth) >= 15, `each tenth of the twentieth has some of 400 rings: ${inTenth.join(' ')}`);
});

const due = Math.ceil((automaticRotationDue(newRing())!.getTime() - at(0).getTime()) / 1000);
const waiting = rotated(confirmed(rotated(newRing(), 10, 3), 10), 20, 4);
const late = confirmed(rotated(newRing(), due - DAY, 3), due - DAY);
const closed = close(newRing(), at(50), BY_HAND)!.ring;

/** Ring, settings, second → what to do, and when to look again (seconds; null: never by itself). */
const ROWS: readonly (readonly [string, KeyRing, number, object, number | null])[] = [
  ['at rest', newRing(), 10, { do: 'wait', reason: 'not due', until: automaticRotationDue(newRing()) }, due],
  ['just before it is due', newRing(), due - 1, { do: 'wait', reason: 'not due', until: automaticRotationDue(newRing()) }, due],
  ['due', newRing(), due, { do: 'activate', cause: 'automatic', reason: 'the rotation period has passed' }, due],
  ['off', newRing(600, null), due, { do: 'wait', reason: 'rotation off', until: null }, null],
  ['asked for and not ready', waiting, 30, { do: 'wait', reason: 'caches may hold the old JWKS', until: at(610) }, 610],
  ['asked for and ready', waiting, 610, { do: 'activate', cause: 'manual', reason: 'asked for by principal:ada' }, 610],
  ['not confirmed', rotated(rotated(newRing(), 10, 3), 20, 4), 5000, { do: 'wait', reason: 'not confirmed by every publisher', until: null }, 10 + LAST_TOKEN],
  ['a retired key past its end', late, due - DAY + LAST_TOKEN, { do: 'prune', reason: 'the last token of the key has ended' }, due - DAY + LAST_TOKEN],
  ['another gap is configured', newRing(30), 10, { do: 'change gap', reason: 'the configured publication gap is another one', seconds: 600 }, 10],
  ['closed', closed, 60, { do: 'wait', reason: 'closed', until: null }, 50 + LAST_TOKEN],
];

for (const [name, ring, seconds, step, wake] of ROWS) {
  test(`next step: ${name}`, () => {
    assert.deepEqual(nextStep(ring, SETTINGS, at(seconds)), step);
    const expected = wake === null ? null : step !== null && 'do' in step && step.do !== 'wait' ? at(seconds) : at(wake);
    const found = wakeAt(ring, SETTINGS, at(seconds));
    assert.equal(found === null ? null : Math.ceil(found.getTime() / 1000), expected === null ? null : expected.getTime() / 1000);
  });
}

test('an automatic rotation waits for the end of a retired key', () => {
  const second = rotated(newRing(600, 2 * DAY), 0, 3);
  const withRetired = confirmed(second, 0);
  const stretched: KeyRing = { ...withRetired, keys: withRetired.keys.map((key) => (key.state === 'retired' ? { ...key, expiresAt: at(9 * DAY) } : key)) };
  assert.deepEqual(nextStep(stretched, SETTINGS, at(3 * DAY)), { do: 'wait', reason: 'a retired key still verifies', until: at(9 * DAY) });
});

test('the calendar: when the prepared key takes over, by what is known', () => {
  assert.deepEqual(nextActivation(newRing()), automaticRotationDue(newRing()));
  assert.deepEqual(nextActivation(waiting), at(610));
  assert.equal(nextActivation(newRing(600, null)), null);
  assert.equal(nextActivation(closed), null);
});
