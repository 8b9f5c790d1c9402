/**
 * The write-ahead log, emptied of what was deleted: a checkpoint takes it into the file and cuts it to nothing.
 *
 * A reader that is at work keeps it from that, the public host's connection for one. Then it is tried again after each
 * transaction, and by itself, so that it does not take another transaction to be rid of a private half.
 */
import type { DatabaseSync } from 'node:sqlite';

export interface LogEraser {
  /** What the transaction deletes that is under way has to leave the log. */
  wanted(): void;
  /** Between two transactions. */
  tryNow(): void;
  /** No more is tried. */
  end(): void;
}

/** Milliseconds from one try to the next. Readers are done within a few, but for a backup that somebody makes. */
const SHORTEST_PAUSE = 2;
const LONGEST_PAUSE = 1000;

/** `database` is the connection that writes. */
export function logEraser(database: DatabaseSync): LogEraser {
  // What a killed process had deleted may still stand in the log that it left.
  let isWanted = true;
  let pause = SHORTEST_PAUSE;
  let again: NodeJS.Timeout | undefined;

  function tryNow(): void {
    if (!isWanted || database.isTransaction) return;
    isWanted = !emptied(database);
    if (isWanted) again ??= setTimeout(tryAgain, pause).unref();
    else pause = SHORTEST_PAUSE;
  }

  function tryAgain(): void {
    again = undefined;
    pause = Math.min(2 * pause, LONGEST_PAUSE);
    tryNow();
  }

  return {
    wanted: () => { isWanted = true; },
    tryNow,
    end() {
      isWanted = false;
      clearTimeout(again);
    },
  };
}

/** False when a reader is in the way, or the disk: what was committed stands. */
function emptied(database: DatabaseSync): boolean {
  try {
    return database.prepare('pragma wal_checkpoint(truncate)').get()?.['busy'] === 0;
  } catch {
    return false;
  }
}
