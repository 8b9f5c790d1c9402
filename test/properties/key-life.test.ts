/** The rules of key life as properties of random histories, seen from relying parties that keep documents for as long as they may. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isMintmarkError } from '../../src/domain/errors.ts';
import { freezeWindowOf } from '../../src/domain/freeze-windows.ts';
import { assertRing, publishedKeys } from '../../src/domain/key-ring.ts';
import type { RotationResult } from '../../src/service/key-rings.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { type OpenStore, World } from './world.ts';

const DAY = 86_400;
const GAPS = [3, 60, 600] as const;

type Deed = (world: World) => Promise<void>;
interface NamedDeed {
  readonly name: string;
  readonly run: Deed;
}

const deed = (name: string, run: Deed): NamedDeed => ({ name, run });
const seconds = fc.oneof(fc.constantFrom(1, 3, 30), fc.constantFrom(250, 300, 599, 600), fc.constantFrom(3600, DAY - 3600, DAY, DAY + 200, 2 * DAY, 3 * DAY), fc.integer({ min: 1, max: 2 * DAY }));

const PLAIN = { force: false, emergency: false };
/** A refusal of what was not asked for changes nothing, and asking for it is not refused. */
const rotate = async (world: World, requestId: string | null = null): Promise<RotationResult> => {
  const before = await world.ring();
  try {
    return await world.rotate(PLAIN, requestId);
  } catch (error) {
    if (!isMintmarkError(error, 'RotationWouldRevoke')) throw error;
    assert.equal(world.settings.secondRotation, 'confirm');
    assert.deepEqual(await world.ring(), before);
    return world.rotate({ ...PLAIN, revokePrevious: true }, requestId);
  }
};

/** A restart with another publication gap. */
const newGap = (gap: number): NamedDeed => deed(`restart with a gap of ${gap} s`, (world) => world.restart({ publicationGapSeconds: gap }));

/** The histories begin on Thursday 2026-01-01 and last for days or weeks. */
const FREEZES = [[], ['Fri 18:00-Mon 06:00'], ['Thu 06:00-Thu 00:00'], ['2026-01-02T00:00Z/2026-01-20T00:00Z'], ['Sat 00:00-Sun 00:00', 'Sun 00:00-Tue 12:00', '2026-01-06T09:00Z/2026-01-09T00:00Z']] as const;

/** A restart with other freeze windows. */
const newFreeze = (texts: readonly string[]): NamedDeed => deed(`restart with the freeze windows ${texts.join(', ') || 'none'}`, (world) => world.restart({ freezeWindows: texts.map((text) => freezeWindowOf(text)!) }));

/** The ring moves on, twice, between the signature of a token and its record. */
const rotationsWhileSigning = deed('two rotations while a token is signed', async (world) => {
  let pending = 2;
  world.duringSign = async () => {
    for (; pending > 0; pending -= 1) await rotate(world);
  };
  await world.issueToken(DAY);
  world.duringSign = null;
});

const repeatedRequest = (id: string): NamedDeed => deed('rotate, and the same request again', async (world) => {
  const first = await rotate(world, id);
  const { version } = await world.ring();
  const second = await rotate(world, id);
  assert.equal(second.operation.id, first.operation.id);
  assert.equal((await world.ring()).version, version);
});

/** What goes on without anybody asking for trouble. */
const CALM = [
  { weight: 8, arbitrary: seconds.map((length) => deed(`${length} s pass`, async (world) => void (world.time += length * 1000))) },
  { weight: 6, arbitrary: fc.constantFrom(600, 3600, DAY, 2 * DAY).map((life) => deed(`token for ${life} s`, (world) => world.issueToken(life))) },
  { weight: 6, arbitrary: fc.constant(deed('rotator', (world) => world.runRotator())) },
  { weight: 6, arbitrary: fc.constant(deed('rotate', async (world) => void (await rotate(world)))) },
  { weight: 2, arbitrary: fc.constantFrom('east' as const, 'west' as const).map((name) => deed(`${name} stalls or goes on`, async ({ stalled }) => void (stalled.delete(name) || stalled.add(name)))) },
  { weight: 2, arbitrary: fc.constant(deed('settle', (world) => world.settle())) },
  { weight: 2, arbitrary: fc.uuid().map(repeatedRequest) },
] as const;

/** What breaks the tokens that it names. */
const WILD = [
  { weight: 1, arbitrary: fc.constant(deed('rotate --force', async (world) => void (await world.rotate({ force: true, emergency: false })))) },
  { weight: 1, arbitrary: fc.constant(deed('rotate --emergency', async (world) => void (await world.rotate({ force: false, emergency: true })))) },
  { weight: 1, arbitrary: fc.nat(5).map((index) => deed(`revoke ${index}`, (world) => world.revoke(index))) },
  { weight: 2, arbitrary: fc.constant(rotationsWhileSigning) },
] as const;

const histories = (...deeds: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<NamedDeed> }[]): fc.Arbitrary<NamedDeed[]> =>
  fc.array(fc.oneof(...deeds).map((made) => Object.assign(made, { toString: () => made.name })), { minLength: 1, maxLength: 64, size: 'max' });

const changesOfSecondRotation = { weight: 2, arbitrary: fc.constantFrom('allow' as const, 'confirm' as const).map((secondRotation) => deed(`restart with ${secondRotation}`, (world) => world.restart({ secondRotation }))) };
const changesOfFreeze = { weight: 4, arbitrary: fc.constantFrom(...FREEZES).map(newFreeze) };
const changesOfGap = { weight: 3, arbitrary: fc.constantFrom(...GAPS).map(newGap) };
const clockSettings = { weight: 3, arbitrary: fc.integer({ min: -60, max: 60 }).map((off) => deed(`the store's clock is ${off} s off`, async (world) => world.setClock(off))) };

async function assertRules(world: World): Promise<void> {
  const ring = assertRing(await world.ring());
  assert.ok(publishedKeys(ring, world.storeTime()).length <= 3, 'at most three keys in the JWKS');
  await world.assertTokensVerify();
}

/** Whatever stalled goes on, and time enough passes: every operation has ended. */
async function assertOperationsEnd(world: World): Promise<void> {
  world.stalled.clear();
  for (let round = 0; round < 3; round += 1) {
    await world.settle();
    world.time += 2000 * 1000;
    await world.runRotator();
  }
  for (const id of world.operations) {
    const operation = await world.store.read((tx) => tx.operation(id));
    assert.equal(operation?.status ?? 'swept', operation === null ? 'swept' : 'Succeeded');
  }
}

const RUNS = { numRuns: Number(process.env['MINTMARK_PROPERTY_RUNS'] ?? 1500) };

async function live(gap: number, deeds: readonly NamedDeed[], openStore?: OpenStore): Promise<void> {
  const world = await World.begin(gap, 2 * DAY, openStore);
  for (const { run } of deeds) {
    await run(world);
    await assertRules(world);
  }
  await assertOperationsEnd(world);
  await world.store.close();
}

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
  await fc.assert(fc.asyncProperty(fc.constantFrom(...GAPS), histories(...CALM, ...WILD, changesOfGap, changesOfFreeze, changesOfSecondRotation), (gap, deeds) => live(gap, deeds, openStore)), { numRuns: Math.ceil(RUNS.numRuns / 50) });
});
