/**
 * Opens the store in one SQLite file: its mode, its connections and their pragmas, its tables.
 *
 * Leaves to `sqlite-back-end.ts`: running transactions on the two connections; to `sql.ts`: what is in the tables.
 */
import { chmod, open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { migrate } from './migrations/migrate.ts';
import { openSqlStore } from './sql.ts';
import { sqliteBackEnd } from './sqlite-back-end.ts';
import { openingError } from './sqlite-errors.ts';
import { DEFAULT_BUSY_TIMEOUT_MS } from './sqlite-locks.ts';
import type { Store } from './store.ts';

export interface SqliteOptions {
  readonly file: string;
  readonly clock: () => Date;
  /** How long a transaction waits for another process's lock before it is `StoreBusy`, in milliseconds. */
  readonly busyTimeoutMs?: number;
  /** Whether an older store is brought up to date, which it is unless told otherwise. False beside a server that may be as old as the store. */
  readonly bringUpToDate?: boolean;
}

/**
 * Opens the store, makes it where there is none, and brings an older one up to date.
 * @throws MintmarkError `InvalidConfiguration` for a store of a newer version, or of an older one where that is not to be; `StoreUnavailable`, `StoreCorrupt`,
 * `StoreBusy`, `StoreFull`.
 */
export async function openSqliteStore({ file, clock, busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS, bringUpToDate = true }: SqliteOptions): Promise<Store> {
  const connections: DatabaseSync[] = [];
  try {
    await makePrivate(file);
    const writing = new DatabaseSync(file, { timeout: busyTimeoutMs });
    connections.push(writing);
    // From here on the event loop is free while a lock is waited for: `whenFree`, and not SQLite, waits.
    writing.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma secure_delete = on; pragma busy_timeout = 0');
    const reading = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    connections.push(reading);
    const backEnd = sqliteBackEnd(writing, reading, busyTimeoutMs);
    await backEnd.write((db) => migrate(db, { bytes: 'blob' }, clock(), bringUpToDate));
    return await openSqlStore(backEnd, clock);
  } catch (error) {
    for (const connection of connections) connection.close();
    throw openingError(file, error);
  }
}

/** Sealed keys and hashes of secrets are for the server's own user only. SQLite gives the files beside it the same mode. */
async function makePrivate(file: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    await handle.close();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    // By its path: to open and close the file here would drop the locks that this process has on it.
    await chmod(file, 0o600);
  }
}
