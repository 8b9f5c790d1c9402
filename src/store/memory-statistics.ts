/** Totals over all issuers of a state in memory. */
import { hasCome } from '../domain/durations.ts';
import { awaitsConfirmation, KEY_STATES, type KeyState } from '../domain/key-ring.ts';
import { automaticRotationDue } from '../domain/rotation-schedule.ts';
import type { MemoryState } from './memory-state.ts';
import type { StoreReader, StoreStatistics } from './store.ts';

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

function waitingOperations({ tables }: MemoryState): StoreStatistics['waitingOperations'] {
  const waiting = [...tables.operations.values()].filter(({ status }) => status === 'InProgress');
  const caches = waiting.filter(({ issuerId, endsWithChange }) => {
    const ring = tables.rings.get(issuerId ?? '')?.ring;
    return endsWithChange === null && (ring === undefined || !awaitsConfirmation(ring));
  }).length;
  return { publication: waiting.length - caches, caches };
}
