/**
 * Signers that are wrong in one habit: the properties have to catch each of them, or they would prove nothing of the right
 * one. One signer, few kinds of deeds and whole days, so that trouble comes soon; the seed is fixed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { SignerMode } from '../../src/domain/signer.ts';
import { DAY, deed, histories, live, type NamedDeed, rotate, RUNS } from './deeds.ts';
import type { Habit } from './model-signer.ts';
import { enrolledFirst, refusedForLong, TROUBLED } from './signer-deeds.ts';

const TROUBLE = [
  { weight: 8, arbitrary: fc.constantFrom(3600, DAY / 2, DAY, DAY + 400).map((length) => deed(`${length} s pass`, async (world) => void (world.time += length * 1000))) },
  { weight: 6, arbitrary: fc.constant(deed('rotator', (world) => world.runRotator())) },
  { weight: 3, arbitrary: fc.constant(deed('rotate', async (world) => void (await rotate(world)))) },
  ...TROUBLED,
];

const HABITS = {
  'acknowledges before it has written': 'external',
  'acknowledges before the API server has restarted': 'keyFiles',
  'goes back a version': 'external',
  'signs beyond its lease': 'external',
  'renews its lease before it has the ring': 'external',
  'takes what it is shown after a refusal': 'external',
} as const satisfies Record<Habit, SignerMode>;

/** What has to have happened before a habit shows. */
const FIRST: Partial<Record<Habit, readonly NamedDeed[]>> = { 'takes what it is shown after a refusal': refusedForLong };

const lives = (habit: Habit | null, mode: SignerMode, { lease = DAY, first = habit === null ? [] : (FIRST[habit] ?? []) }: { readonly lease?: number; readonly first?: readonly NamedDeed[] } = {}) =>
  fc.asyncProperty(histories(...TROUBLE), (deeds) => live(3, [...enrolledFirst(mode, lease), ...first, ...deeds], { habit }));

for (const [habit, mode] of Object.entries(HABITS) as [Habit, SignerMode][]) {
  test(`a signer that ${habit} is caught`, { timeout: 600_000 }, async () => {
    const found = await fc.check(lives(habit, mode), { numRuns: 3000, seed: 1, endOnFailure: true });
    assert.ok(found.failed, 'no history showed it');
  });
}

/** Under a long lease a signer that is cut off signs for days with a key that is retired: what the end of that key has to wait for. */
test('one without bad habits is not, under a short lease or a long one', { timeout: 600_000 }, async () => {
  for (const [mode, lease] of [['external', DAY], ['external', 14 * DAY], ['keyFiles', DAY]] as const) await fc.assert(lives(null, mode, { lease }), { numRuns: Math.ceil(RUNS.numRuns / 3) });
  await fc.assert(lives(null, 'external', { first: refusedForLong }), { numRuns: Math.ceil(RUNS.numRuns / 3) });
});
