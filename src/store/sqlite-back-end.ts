/**
 * Transactions on one SQLite file: a connection that writes and one that reads, and the waiting for locks.
 *
 * SQLite is synchronous, so nothing here waits inside of it: where another process has the lock, the whole transaction
 * is tried again later and the event loop stays free. Writes share commits (`group-commit.ts`). What is deleted leaves the file at once
 * (secure_delete); private halves leave the write-ahead log too (`sqlite-log.ts`).
 */
import type { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { groupCommit } from './group-commit.ts';
import type { SqlBackEnd } from './sql.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { logEraser } from './sqlite-log.ts';
import { toStoreError } from './sqlite-errors.ts';
import { whenFree } from './sqlite-locks.ts';
import type { Tables } from './sql-tables.ts';

/** `patienceMs`: how long a transaction waits for another process's lock before it is `StoreBusy`. */
export function sqliteBackEnd(writing: DatabaseSync, reading: DatabaseSync, patienceMs: number): SqlBackEnd {
  const log = logEraser(writing);
  const writer = new Kysely<Tables>({ dialect: sqliteDialect(writing, { begin: 'begin immediate', ended: log.tryNow }) });
  const reader = new Kysely<Tables>({ dialect: sqliteDialect(reading, { begin: 'begin deferred', ended: log.tryNow }) });
  const commits = groupCommit<Kysely<Tables>>(writing, (work) => whenFree(patienceMs, () => writer.transaction().execute(work)), toStoreError);
  return {
    read: (work) => whenFree(patienceMs, () => reader.transaction().execute(work)),
    write: commits.write,
    eraseDeleted: log.wanted,
    async close() {
      await commits.drained();
      log.end();
      // Each waits for its turn. The one that writes is the last, so that it takes the log into the file.
      for (const [kysely, database] of [[reader, reading], [writer, writing]] as const) {
        await kysely.connection().execute(async () => database.isOpen && database.close());
      }
    },
  };
}
