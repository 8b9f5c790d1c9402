/** Operations as they are polled: the stored one, and what it waits for now. */
import type { Operation } from '../domain/operation.ts';
import type { RingSettings } from '../domain/rotation-schedule.ts';
import type { Store } from '../store/store.ts';
import { whatOperationWaitsFor, type Waiting } from './key-rings.ts';

export interface Operations {
  /** Null for one that does not exist or ended more than seven days ago. */
  find(id: string): Promise<{ readonly operation: Operation; readonly waiting: Waiting | null } | null>;
}

export function createOperations(store: Store, settings: RingSettings): Operations {
  return {
    find: (id) => store.read(async (tx) => {
      const operation = await tx.operation(id);
      if (operation === null) return null;
      const ring = operation.issuerId === null ? null : await tx.keyRing(operation.issuerId);
      return { operation, waiting: whatOperationWaitsFor(operation, ring, settings, store.now()) };
    }),
  };
}
