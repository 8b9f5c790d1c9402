/**
 * Transactions on one SQLite file: a connection that writes and one that reads, and the waiting for locks.
 *
 * SQLite is synchronous, so nothing here waits inside of it: where another process has the lock, the whole transaction
 * is tried again later and the event loop stays free. Writes share commits (`group-commit.ts`). What is deleted leaves the file at once (secure_delete); private
 * halves leave the write-ahead log too, by a checkpoint that cuts it to nothing.
 */
import type { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { groupCommit } from './group-commit.ts';
import type { SqlBackEnd } from './sql.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { toStoreError } from './sqlite-errors.ts';
import { whenFree } from './sqlite-locks.ts';
import type { Tables } from './sql-tables.ts';

/** `patienceMs`: how long a transaction waits for another process's lock before it is `StoreBusy`. */
export function sqliteBackEnd(writing: DatabaseSync, reading: DatabaseSync, patienceMs: number): SqlBackEnd {
  // What a killed process had deleted may still stand in the log that it left.
  let toErase = true;
  const ended = (): void => {
    if (toErase && !writing.isTransaction) toErase = !emptyLog(writing);
  };
  const writer = new Kysely<Tables>({ dialect: sqliteDialect(writing, { begin: 'begin immediate', ended }) });
  const reader = new Kysely<Tables>({ dialect: sqliteDialect(reading, { begin: 'begin deferred', ended }) });
  const commits = groupCommit<Kysely<Tables>>(writing, (work) => whenFree(patienceMs, () => writer.transaction().execute(work)), toStoreError);
  return {
    read: (work) => whenFree(patienceMs, () => reader.transaction().execute(work)),
    write: commits.write,
    eraseDeleted: () => (toErase = true),
    async close() {
      await commits.drained();
      // Each waits for its turn. The one that writes is the last, so that it takes the log into the file.
      for (const [kysely, database] of [[reader, reading], [writer, writing]] as const) {
        await kysely.connection().execute(async () => database.isOpen && database.close());
      }
    },
  };
}

/**
 * Takes the write-ahead log into the file and cuts it to nothing, so that it holds no copy of what was deleted.
 * False when a reader is in the way, or the disk: what was committed stands, and it is tried again after the next transaction.
 */
function emptyLog(database: DatabaseSync): boolean {
  try {
    return database.prepare('pragma wal_checkpoint(truncate)').get()?.['busy'] === 0;
  } catch {
    return false;
  }
}
