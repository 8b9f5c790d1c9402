/** What happens in the histories of properties, and what has to be true after each thing that does. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { isMintmarkError } from '../../src/domain/errors.ts';
import { freezeWindowOf } from '../../src/domain/freeze-windows.ts';
import { assertRing, keysIn, MOST_VERIFY_ONLY_KEYS, publishedKeys } from '../../src/domain/key-ring.ts';
import type { RotationResult } from '../../src/service/key-rings.ts';
import type { Habit } from './model-signer.ts';
import { type OpenStore, World } from './world.ts';

export const DAY = 86_400;
export const GAPS = [3, 60, 600] as const;

type Deed = (world: World) => Promise<void>;
export interface NamedDeed {
  readonly name: string;
  readonly run: Deed;
}

export const deed = (name: string, run: Deed): NamedDeed => ({ name, run });
const seconds = fc.oneof(fc.constantFrom(1, 3, 30), fc.constantFrom(250, 300, 599, 600), fc.constantFrom(3600, DAY - 3600, DAY, DAY + 200, 2 * DAY, 3 * DAY), fc.integer({ min: 1, max: 2 * DAY }));

const PLAIN = { force: false, emergency: false };
/** A refusal of what was not asked for changes nothing, and asking for it is not refused. */
export const rotate = async (world: World, requestId: string | null = null): Promise<RotationResult> => {
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
export const newGap = (gap: number): NamedDeed => deed(`restart with a gap of ${gap} s`, (world) => world.restart({ publicationGapSeconds: gap }));

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
export const CALM = [
  { weight: 8, arbitrary: seconds.map((length) => deed(`${length} s pass`, async (world) => void (world.time += length * 1000))) },
  { weight: 6, arbitrary: fc.constantFrom(600, 3600, DAY, 2 * DAY).map((life) => deed(`token for ${life} s`, (world) => world.issueToken(life))) },
  { weight: 6, arbitrary: fc.constant(deed('rotator', (world) => world.runRotator())) },
  { weight: 6, arbitrary: fc.constant(deed('rotate', async (world) => void (await rotate(world)))) },
  { weight: 2, arbitrary: fc.constantFrom('east' as const, 'west' as const).map((name) => deed(`${name} stalls or goes on`, async ({ stalled }) => void (stalled.delete(name) || stalled.add(name)))) },
  { weight: 2, arbitrary: fc.constant(deed('settle', (world) => world.settle())) },
  { weight: 2, arbitrary: fc.uuid().map(repeatedRequest) },
] as const;

/** What breaks the tokens that it names. */
export const WILD = [
  { weight: 1, arbitrary: fc.constant(deed('rotate --force', async (world) => void (await world.rotate({ force: true, emergency: false })))) },
  { weight: 1, arbitrary: fc.constant(deed('rotate --emergency', async (world) => void (await world.rotate({ force: false, emergency: true })))) },
  { weight: 1, arbitrary: fc.nat(5).map((index) => deed(`revoke ${index}`, (world) => world.revoke(index))) },
  { weight: 2, arbitrary: fc.constant(rotationsWhileSigning) },
] as const;

/** Deeds one after the other; each shows its name in a counterexample. */
export const histories = (...deeds: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<NamedDeed> }[]): fc.Arbitrary<NamedDeed[]> =>
  fc.array(fc.oneof(...deeds).map((made) => Object.assign(made, { toString: () => made.name })), { minLength: 1, maxLength: 64, size: 'max' });

export const changesOfSecondRotation = { weight: 2, arbitrary: fc.constantFrom('allow' as const, 'confirm' as const).map((secondRotation) => deed(`restart with ${secondRotation}`, (world) => world.restart({ secondRotation }))) };
export const changesOfFreeze = { weight: 4, arbitrary: fc.constantFrom(...FREEZES).map(newFreeze) };
export const changesOfGap = { weight: 3, arbitrary: fc.constantFrom(...GAPS).map(newGap) };
export const clockSettings = { weight: 3, arbitrary: fc.integer({ min: -60, max: 60 }).map((off) => deed(`the store's clock is ${off} s off`, async (world) => world.setClock(off))) };

async function assertRules(world: World): Promise<void> {
  const ring = assertRing(await world.ring());
  const published = publishedKeys(ring, world.storeTime());
  assert.ok(published.length <= 3, 'at most three keys in the JWKS');
  assert.ok(ring.verifyOnly.length <= MOST_VERIFY_ONLY_KEYS && !published.some(({ kid }) => ring.verifyOnly.some((key) => key.kid === kid)), 'what verifies only is not in the JWKS');
  for (const { kid } of keysIn(ring, 'revoked')) world.revoked.add(kid);
  assert.ok(![...published, ...ring.verifyOnly].some(({ kid }) => world.revoked.has(kid)), 'a revoked key never comes back');
  await world.assertTokensVerify();
}

/** Whatever stalled goes on, and time enough passes: every operation has ended. */
async function assertOperationsEnd(world: World): Promise<void> {
  world.stalled.clear();
  await world.fleet.comeBack();
  for (let round = 0; round < 3; round += 1) {
    await world.settle();
    world.time += 2000 * 1000;
    await world.runRotator();
    await world.fleet.comeBack();
  }
  for (const id of world.operations) {
    const operation = await world.store.read((tx) => tx.operation(id));
    assert.equal(operation?.status ?? 'swept', operation === null ? 'swept' : 'Succeeded');
  }
}

export const RUNS = { numRuns: Number(process.env['MINTMARK_PROPERTY_RUNS'] ?? 1500) };

/** Hours after a deletion at which it is looked whether its tokens still verify. */
const AFTERLIFE = [0, 1, 22.9, 0.1, 0.05, 0.04];

/** The cluster is deleted, which has to be refused while a signer is enrolled; then the machines are given up, and the tokens that are left verify to their end. */
export async function assertDeletion(world: World): Promise<void> {
  if ((await world.ring()).signers.some(({ writtenOffAt }) => writtenOffAt === null)) await assert.rejects(world.close(), { code: 'SignersAttached' });
  for (const signer of world.fleet.signers) await world.fleet.writeOff(signer);
  await world.close();
  await world.settle();
  for (const hours of AFTERLIFE) {
    world.time += hours * 3_600_000;
    await world.runRotator();
    await world.fleet.comeBack();
    await assertRules(world);
  }
}

interface Circumstances {
  readonly openStore?: OpenStore;
  readonly habit?: Habit | null;
  /** What comes after the last deed. */
  readonly end?: (world: World) => Promise<void>;
}

/** A life from birth: the rules are looked at after each deed, and in the end, unless told otherwise, whether every operation ends. `habit`: what the signers do wrong. */
export async function live(gap: number, deeds: readonly NamedDeed[], { openStore, habit = null, end = assertOperationsEnd }: Circumstances = {}): Promise<void> {
  const world = await World.begin(gap, 2 * DAY, openStore);
  world.fleet.habit = habit;
  for (const { run } of deeds) {
    await run(world);
    await assertRules(world);
  }
  await end(world);
  await world.store.close();
}
