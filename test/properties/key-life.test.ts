/** The rules of key life as properties of random histories, seen from relying parties that keep documents for as long as they may. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import {
  CALM, changesOfFreeze, changesOfGap, changesOfSecondRotation, clockSettings, DAY, deed, GAPS, histories, live, newGap, rotate, RUNS, WILD,
} from './deeds.ts';
import type { OpenStore } from './world.ts';

test('calm: no token fails before its end; operations end; the ring stays whole', { timeout: 300_000 }, () =>
  fc.assert(fc.asyncProperty(fc.constantFrom(...GAPS), histories(...CALM, changesOfGap), (gap, deeds) => live(gap, deeds)), RUNS));

/** Lowering the gap is over within minutes, so time passes in seconds. */
const LOWERING = [
  { weight: 6, arbitrary: fc.constantFrom(1, 3, 30, 100, 250, 599).map((length) => deed(`${length} s pass`, async (world) => void (world.time += length * 1000))) },
  { weight: 4, arbitrary: fc.constant(deed('token', (world) => world.issueToken(DAY))) },
  { weight: 4, arbitrary: fc.constant(deed('rotator', (world) => world.runRotator())) },
  { weight: 4, arbitrary: fc.constant(deed('rotate', async (world) => void (await rotate(world)))) },
  { weight: 2, arbitrary: fc.constantFrom(3, 600).map(newGap) },
  { weight: 2, arbitrary: fc.constant(deed('west stalls or goes on', async ({ stalled }) => void (stalled.delete('west') || stalled.add('west')))) },
] as const;

test('lowering: a shorter publication gap breaks nothing that was held under the longer one', { timeout: 300_000 }, () =>
  fc.assert(fc.asyncProperty(fc.constant(600), histories(...LOWERING), (gap, deeds) => live(gap, deeds)), RUNS));

test('wild: force, emergency and revocation break only what they name', { timeout: 300_000 }, () =>
  fc.assert(fc.asyncProperty(fc.constantFrom(...GAPS), histories(...CALM, ...WILD, changesOfGap), (gap, deeds) => live(gap, deeds)), RUNS));

test("a store's clock that is set by up to a minute each way harms nobody who honours max-age", { timeout: 300_000 }, () =>
  fc.assert(fc.asyncProperty(fc.constant(600), histories(...CALM, ...WILD, clockSettings), (gap, deeds) => live(gap, deeds)), RUNS));

test('confirm: a rotation by hand revokes nothing unasked', { timeout: 300_000 }, () =>
  fc.assert(fc.asyncProperty(fc.constantFrom(...GAPS), histories(...CALM, changesOfGap, changesOfSecondRotation), (gap, deeds) => live(gap, deeds)), RUNS));

test('freeze: nothing rotates by itself in a window, and what is asked for goes on', { timeout: 300_000 }, () =>
  fc.assert(fc.asyncProperty(fc.constantFrom(...GAPS), histories(...CALM, ...WILD, changesOfGap, changesOfFreeze), (gap, deeds) => live(gap, deeds)), RUNS));

/** So few kinds of deeds that keys often come due in a freeze which is then taken away. */
const THAWING = [
  { weight: 3, arbitrary: fc.constantFrom(3600, DAY, 3 * DAY).map((length) => deed(`${length} s pass`, async (world) => void (world.time += length * 1000))) },
  { weight: 3, arbitrary: fc.constant(deed('rotator', (world) => world.runRotator())) },
  { weight: 1, arbitrary: fc.constant(deed('token', (world) => world.issueToken(DAY))) },
  changesOfFreeze,
] as const;

test('thaw: a freeze that was taken away or made shorter holds nothing back', { timeout: 300_000 }, () =>
  fc.assert(fc.asyncProperty(fc.constantFrom(...GAPS), histories(...THAWING), (gap, deeds) => live(gap, deeds)), RUNS));

/** Every commit is written through to the disk, so these are fewer. */
test('all of it on SQLite', { timeout: 300_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'mintmark-properties-'));
  t.after(() => rm(dir, { recursive: true }));
  let count = 0;
  const openStore: OpenStore = ({ clock }) => openSqliteStore({ file: join(dir, `${(count += 1)}.db`), clock });
  await fc.assert(fc.asyncProperty(fc.constantFrom(...GAPS), histories(...CALM, ...WILD, changesOfGap, changesOfFreeze, changesOfSecondRotation), (gap, deeds) => live(gap, deeds, { openStore })), { numRuns: Math.ceil(RUNS.numRuns / 50) });
});
