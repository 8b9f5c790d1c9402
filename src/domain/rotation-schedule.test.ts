import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, BY_HAND, BY_ITSELF, newKey, newRing, RING_SETTINGS } from '../../test/support/rings.ts';
import { freezeWindowOf } from './freeze-windows.ts';
import type { KeyRing } from './key-ring.ts';
import { close, confirmPublication, requestRotation, setPolicy } from './rotation.ts';
import { automaticRotationDue, nextActivation, nextStep, type RingSettings, wakeAt } from './rotation-schedule.ts';

const DAY = 86_400;
const LAST_TOKEN = DAY + 300;
const frozenIn = (...texts: readonly string[]): RingSettings => ({ ...RING_SETTINGS, freezeWindows: texts.map((text) => freezeWindowOf(text)!) });
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
    assert.deepEqual(nextStep(ring, RING_SETTINGS, at(seconds)), step);
    const expected = wake === null ? null : step !== null && 'do' in step && step.do !== 'wait' ? at(seconds) : at(wake);
    const found = wakeAt(ring, RING_SETTINGS, at(seconds));
    assert.equal(found === null ? null : Math.ceil(found.getTime() / 1000), expected === null ? null : expected.getTime() / 1000);
  });
}

test('an automatic rotation waits for the end of a retired key', () => {
  const second = rotated(newRing(600, 2 * DAY), 0, 3);
  const withRetired = confirmed(second, 0);
  const stretched: KeyRing = { ...withRetired, keys: withRetired.keys.map((key) => (key.state === 'retired' ? { ...key, expiresAt: at(9 * DAY) } : key)) };
  assert.deepEqual(nextStep(stretched, RING_SETTINGS, at(3 * DAY)), { do: 'wait', reason: 'a retired key still verifies', until: at(9 * DAY) });
});

test('the calendar: when the prepared key takes over, by what is known', () => {
  const calendar = (ring: KeyRing): unknown => nextActivation(ring, RING_SETTINGS, at(30));
  assert.deepEqual(calendar(newRing()), { at: automaticRotationDue(newRing()), frozenSince: null });
  assert.deepEqual(calendar(waiting), { at: at(610), frozenSince: null });
  assert.equal(calendar(newRing(600, null)), null);
  assert.equal(calendar(closed), null);
});

/** The ring of `newRing` is due on 2026-01-31 or 2026-02-01; these begin before that and end after it. */
const FEBRUARY = frozenIn('2026-01-30T00:00Z/2026-02-10T00:00Z');
const END = new Date('2026-02-10T00:00:00Z');
const FROZEN = { do: 'wait', reason: 'a freeze window is open', until: END };

test('in a freeze window nothing rotates by itself; at its end it does', () => {
  assert.deepEqual(nextStep(newRing(), FEBRUARY, at(due - 1)), { do: 'wait', reason: 'not due', until: automaticRotationDue(newRing()) });
  assert.deepEqual([nextStep(newRing(), FEBRUARY, at(due)), wakeAt(newRing(), FEBRUARY, at(due))], [FROZEN, END]);
  assert.deepEqual(nextStep(newRing(), FEBRUARY, new Date(END.getTime() - 1)), FROZEN);
  assert.deepEqual(nextStep(newRing(), FEBRUARY, END), { do: 'activate', cause: 'automatic', reason: 'the rotation period has passed' });
});

test('everything else goes on in it', () => {
  const always = frozenIn('2026-01-01T00:00Z/2027-01-01T00:00Z');
  for (const [name, ring, seconds, step, wake] of ROWS.filter(([of]) => of !== 'due')) {
    assert.deepEqual(nextStep(ring, always, at(seconds)), step, name);
    if (wake !== null) assert.deepEqual(wakeAt(ring, always, at(seconds)), wakeAt(ring, RING_SETTINGS, at(seconds)), name);
  }
});

test('a ring that waits for the end of a freeze is woken for the end of a key before', () => {
  const off = setPolicy(late, { rotateEvery: 2 * DAY }, at(due - DAY + 10), BY_HAND)!.ring;
  const asked = at(due + 2 * DAY);
  const listed: KeyRing = { ...off, keys: off.keys.map((key) => (key.state === 'retired' ? { ...key, state: 'revoked', expiresAt: at(due + 3 * DAY) } : key)) };
  assert.deepEqual([nextStep(listed, FEBRUARY, asked), wakeAt(listed, FEBRUARY, asked)], [FROZEN, at(due + 3 * DAY)]);
});

test('the calendar promises no time in a freeze window, and says what it would be without', () => {
  const rows: readonly (readonly [name: string, ring: KeyRing, settings: RingSettings, now: Date, expected: object])[] = [
    ['due in it', newRing(), FEBRUARY, at(30), { at: END, frozenSince: automaticRotationDue(newRing()) }],
    ['due before it, and late', newRing(), frozenIn('2026-02-05T00:00Z/2026-02-10T00:00Z'), new Date('2026-02-06T00:00:00Z'), { at: END, frozenSince: automaticRotationDue(newRing()) }],
    ['due before it, and in time', newRing(), frozenIn('2026-02-05T00:00Z/2026-02-10T00:00Z'), at(30), { at: automaticRotationDue(newRing()), frozenSince: null }],
    ['asked for by hand', waiting, frozenIn('2026-01-01T00:00Z/2027-01-01T00:00Z'), at(30), { at: at(610), frozenSince: null }],
  ];
  for (const [name, ring, settings, now, expected] of rows) assert.deepEqual(nextActivation(ring, settings, now), expected, name);
});
