/**
 * The store in memory: the reference that says in plain code what a back end does, and the fast one for property tests.
 *
 * A transaction works on a draft of the state, whose tables are copied when they are first written; to commit is to put
 * the draft in place, to roll back is to drop it. Nothing outlives the process.
 */
import { MintmarkError } from '../domain/errors.ts';
import { memoryReads } from './memory-reads.ts';
import { EMPTY, type MemoryState } from './memory-state.ts';
import { memoryWrites } from './memory-writes.ts';
import type { Store } from './store.ts';

/** `clock` may go back and forth; the store's own time only goes forward. */
export function openMemoryStore({ clock }: { readonly clock: () => Date }): Store {
  let state: MemoryState | null = EMPTY;
  let latest = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const now = (): Date => new Date((latest = Math.max(latest, clock().getTime())));
  const opened = (): MemoryState => {
    if (state === null) throw new MintmarkError('StoreUnavailable', 'The store is closed: the server is stopping.');
    return state;
  };
  return {
    now,
    async read(work) {
      const view = opened();
      return work(memoryReads(() => view));
    },
    write(work) {
      const written = turn.then(async () => {
        const { writer, draft } = memoryWrites(opened(), now());
        const result = await work(writer);
        state = draft();
        return result;
      });
      turn = written.catch(() => {});
      return written;
    },
    async close() {
      await turn;
      state = null;
    },
  };
}
