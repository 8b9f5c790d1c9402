/** Totals over all issuers of a state in memory. */
import { isHeldUp } from '../domain/acknowledgement.ts';
import { hasCome } from '../domain/durations.ts';
import { awaitsConfirmation, KEY_STATES, type KeyRing, type KeyState } from '../domain/key-ring.ts';
import { automaticRotationDue } from '../domain/rotation-schedule.ts';
import { type MemoryState, ringWithSigners } from './memory-state.ts';
import type { StoreReader, StoreStatistics, WaitCause } from './store.ts';

const STATES = Object.keys(KEY_STATES) as readonly KeyState[];

export const statisticsReads = (view: () => MemoryState): Pick<StoreReader, 'statistics'> => ({
  async statistics(madeSince, overdueAt) {
    const rings = [...view().tables.rings.values()].map(({ ring }) => ring);
    const due = rings.map(automaticRotationDue).filter((at) => at !== null).toSorted((a, b) => a.getTime() - b.getTime());
    const keys = rings.flatMap((ring) => ring.keys);
    const count = (state: KeyState) => (age: number): number => keys.filter((key) => key.state === state && ageOf(key.createdAt, madeSince) === age).length;
    const ages = [...madeSince.keys(), madeSince.length];
    return {
      issuers: { open: rings.filter(({ open }) => open).length, closed: rings.filter(({ open, keys: left }) => !open && left.length > 0).length },
      keys: Object.fromEntries(STATES.map((state) => [state, ages.map(count(state))])) as unknown as StoreStatistics['keys'],
      firstRotation: due[0] ?? null,
      overdueRotations: due.filter((at) => hasCome(at, overdueAt)).length,
      waitingOperations: waitingOperations(view()),
    };
  },
});

function ageOf(made: Date, madeSince: readonly Date[]): number {
  const age = madeSince.findIndex((since) => made >= since);
  return age === -1 ? madeSince.length : age;
}

const causeIn = (ring: KeyRing): WaitCause => (awaitsConfirmation(ring) ? 'publication' : isHeldUp(ring) ? 'signers' : 'caches');

function waitingOperations(state: MemoryState): StoreStatistics['waitingOperations'] {
  const counts: Record<WaitCause, number> = { publication: 0, signers: 0, caches: 0 };
  for (const { status, issuerId, endsWithChange } of state.tables.operations.values()) {
    const stored = state.tables.rings.get(issuerId ?? '');
    if (status === 'InProgress') counts[endsWithChange !== null ? 'publication' : stored === undefined ? 'caches' : causeIn(ringWithSigners(state, stored))] += 1;
  }
  return counts;
}
