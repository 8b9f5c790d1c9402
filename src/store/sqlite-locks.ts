/** Waiting for a lock that another connection to the store has, without waiting inside of SQLite: the event loop stays free. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isLocked, toStoreError } from './sqlite-errors.ts';

/** How long a transaction waits for another process's lock, unless it is told otherwise. */
export const DEFAULT_BUSY_TIMEOUT_MS = 5000;
const SHORTEST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 100;

/** Runs a transaction, again and again while another process has the lock; throws what the last failure stands for. */
export async function whenFree<T>(patienceMs: number, transaction: () => Promise<T>): Promise<T> {
  let waited = 0;
  for (let pause = SHORTEST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await transaction();
    } catch (error) {
      if (!isLocked(error) || waited >= patienceMs) throw toStoreError(error);
    }
    await sleep(pause);
    waited += pause;
  }
}
