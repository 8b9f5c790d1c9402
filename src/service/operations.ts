/** Operations as they are polled: the stored one, and what it waits for now. */
import { MintmarkError } from '../domain/errors.ts';
import type { Operation } from '../domain/operation.ts';
import type { RingSettings } from '../domain/rotation-schedule.ts';
import type { Store } from '../store/store.ts';
import { whatOperationWaitsFor, type Waiting } from './key-rings.ts';

export interface Operations {
  /** @throws MintmarkError `OperationNotFound`. */
  get(id: string): Promise<{ readonly operation: Operation; readonly waiting: Waiting | null }>;
}

export function createOperations(store: Store, settings: RingSettings): Operations {
  return {
    get: (id) => store.read(async (tx) => {
      const operation = await tx.operation(id);
      if (operation === null) throw new MintmarkError('OperationNotFound', `There is no operation '${id}', or it ended more than seven days ago.`);
      const ring = operation.issuerId === null ? null : await tx.keyRing(operation.issuerId);
      return { operation, waiting: whatOperationWaitsFor(operation, ring, settings, store.now()) };
    }),
  };
}
