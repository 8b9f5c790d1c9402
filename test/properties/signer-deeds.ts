/** What happens to signers in the histories of properties. */
import * as fc from 'fast-check';
import { isMintmarkError } from '../../src/domain/errors.ts';
import type { SignerMode } from '../../src/domain/signer.ts';
import { DAY, deed, type NamedDeed } from './deeds.ts';
import type { Mishap, ModelSigner } from './model-signer.ts';
import type { World } from './world.ts';

const MOST_SIGNERS = 4;
const MISHAPS = ['none', 'none', 'none', 'the reply is lost', 'it crashes before it has written', 'it crashes after it has written', 'the acknowledgement is lost'] as const satisfies readonly Mishap[];
/** Seconds by which the clock of a host may be off (rule 1). */
const SKEW = 120;

const modes = fc.constantFrom<SignerMode>('external', 'external', 'external', 'keyFiles');
const leases = fc.constantFrom(DAY, 14 * DAY, null);
const which = fc.nat(MOST_SIGNERS - 1);

const enrol = (mode: SignerMode, lease: number | null): NamedDeed => deed(`a signer (${mode}) is enrolled, its lease ${lease ?? 'off'}`, async ({ fleet }) => {
  if (fleet.signers.length < MOST_SIGNERS) await fleet.enrol(mode, lease);
});

/** One of those that there are. */
const one = (name: string, index: number, act: (signer: ModelSigner, world: World) => unknown): NamedDeed => deed(`${name}, signer ${index}`, async (world) => {
  const { signers } = world.fleet;
  const signer = signers[index % Math.max(1, signers.length)];
  if (signer !== undefined) await act(signer, world);
});

const poll = (signer: ModelSigner, mishap: Mishap): Promise<void> => signer.poll(mishap);

/** A signer that has its ring, and whose API server has what it needs. */
export const enrolledFirst = (mode: SignerMode, lease: number | null, index = 0): readonly NamedDeed[] => [
  enrol(mode, lease),
  one('poll', index, async (signer) => {
    await poll(signer, 'none');
    signer.restartApiServer();
    await signer.acknowledge();
  }),
];

const refusesOrNot = (index: number): NamedDeed => one('refuses its ring or no longer', index, (signer) => (signer.refuses = !signer.refuses));

/** A signer that has refused its ring once, was written off by its lease of a day, and would take a ring now. */
export const refusedForLong: readonly NamedDeed[] = [
  refusesOrNot(0), one('poll', 0, (signer) => poll(signer, 'none')), refusesOrNot(0),
  deed('its lease passes', async (world) => void (world.time += (DAY + 400) * 1000)), deed('rotator', (world) => world.runRotator()),
];

/** What most histories begin with: one or two of those. */
export const enrolled: fc.Arbitrary<NamedDeed[]> =
  fc.array(fc.tuple(modes, leases), { minLength: 0, maxLength: 2 }).map((pairs) => pairs.flatMap(([mode, lease], index) => enrolledFirst(mode, lease, index)));

export const FLEET = [
  { weight: 2, arbitrary: fc.tuple(modes, leases).map(([mode, lease]) => enrol(mode, lease)) },
  { weight: 14, arbitrary: fc.tuple(which, fc.constantFrom(...MISHAPS)).map(([index, mishap]) => one(`poll, ${mishap}`, index, (signer) => poll(signer, mishap))) },
  { weight: 12, arbitrary: fc.tuple(which, fc.constantFrom(600, 3600, DAY)).map(([index, life]) => one(`token for ${life} s`, index, (signer, world) => world.fleet.sign(signer, life))) },
  { weight: 3, arbitrary: which.map((index) => one('cut off or back', index, (signer) => (signer.connected = !signer.connected))) },
  { weight: 3, arbitrary: which.map(refusesOrNot) },
  { weight: 3, arbitrary: which.map((index) => one('stops or starts from its disk', index, (signer) => (signer.running ? signer.stop() : signer.start()))) },
  { weight: 2, arbitrary: which.map((index) => one('the API server restarts', index, (signer) => signer.restartApiServer())) },
  { weight: 2, arbitrary: which.map((index) => one('acknowledges what is proven', index, (signer) => signer.acknowledge())) },
  { weight: 2, arbitrary: fc.tuple(which, fc.integer({ min: -SKEW, max: SKEW })).map(([index, off]) => one(`the clock is ${off} s off`, index, (signer) => (signer.skew = off * 1000))) },
  { weight: 2, arbitrary: fc.tuple(which, fc.nat(5)).map(([index, at]) => one(`an older ring (${at}) comes again`, index, (signer) => signer.replay(at))) },
] as const;

/** What happens to one signer when trouble is wanted soon: it crashes, starts from its disk, signs whole days. */
export const TROUBLED = [
  { weight: 6, arbitrary: fc.constantFrom<Mishap>('none', 'it crashes before it has written').map((mishap) => one(`poll, ${mishap}`, 0, (signer) => poll(signer, mishap))) },
  { weight: 6, arbitrary: fc.constant(one('token for a day', 0, (signer, world) => world.fleet.sign(signer, DAY))) },
  { weight: 4, arbitrary: fc.constant(one('starts from its disk', 0, (signer) => signer.start())) },
  { weight: 2, arbitrary: fc.constant(refusesOrNot(0)) },
  { weight: 1, arbitrary: fc.constant(one('the API server restarts', 0, (signer) => signer.restartApiServer())) },
  { weight: 1, arbitrary: fc.nat(5).map((index) => one(`an older ring (${index}) comes again`, 0, (signer) => signer.replay(index))) },
] as const;

/** What an operator does about signers that are gone, or seem to be. */
export const ABANDONED = [
  { weight: 2, arbitrary: which.map((index) => one('written off', index, (signer, { fleet }) => fleet.writeOff(signer))) },
  { weight: 2, arbitrary: which.map((index) => one('another takes its name', index, async (signer, { fleet }) => { if (fleet.signers.length < MOST_SIGNERS) await fleet.takeOver(signer); })) },
  { weight: 1, arbitrary: which.map((index) => one('deleted', index, (signer, { fleet }) => fleet.remove(signer))) },
] as const;

/** Keys have names of their own, so that none is revoked twice; what is refused changes nothing. */
const imported = (sign: boolean, name: number, verifyFor: number | null): NamedDeed => deed(`key ${name} is imported${sign ? ' to sign' : ''}`, async (world) => {
  try {
    await world.importKey(`imported${name}`, sign, verifyFor);
  } catch (error) {
    if (!isMintmarkError(error, 'KeyExists') && !isMintmarkError(error, 'KeyWasRevoked') && !isMintmarkError(error, 'TooManyVerifyOnlyKeys')) throw error;
  }
});

export const IMPORTS = [
  { weight: 2, arbitrary: fc.tuple(fc.boolean(), fc.nat(4), fc.constantFrom(3600, 2 * DAY, null)).map(([sign, name, verifyFor]) => imported(sign, name, verifyFor)) },
] as const;
