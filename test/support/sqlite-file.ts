/** A SQLite file for one test: a place that is gone when the test has ended, stores on it, and a look behind their back. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store, StoreWriter } from '../../src/store/store.ts';
import { START } from './rings.ts';

export interface SqliteFile {
  readonly file: string;
  /** Opens a store that is closed with the test; waits 20 ms for locks unless told otherwise. */
  store(more?: { readonly clock?: () => Date; readonly busyTimeoutMs?: number }): Promise<Store>;
  /** A store as the version before a migration left it: filled by this one, then with what the migration made taken back. */
  storeBefore(migration: string, fill: (tx: StoreWriter) => Promise<unknown>, undo: string): Promise<void>;
  /** A connection of someone else. */
  other(): DatabaseSync;
  /** The bytes of the database and of the files that SQLite keeps beside it. */
  bytes(): Promise<Buffer>;
}

export async function sqliteFile(t: TestContext): Promise<SqliteFile> {
  const folder = await mkdtemp(join(tmpdir(), 'mintmark-sqlite-'));
  const file = join(folder, 'mintmark.db');
  const closing: (() => unknown)[] = [];
  t.after(async () => {
    for (const close of closing.toReversed()) await close();
    await rm(folder, { recursive: true });
  });
  const open: SqliteFile['store'] = async ({ clock = () => START, busyTimeoutMs = 20 } = {}) => {
    const store = await openSqliteStore({ file, clock, busyTimeoutMs });
    closing.push(() => store.close());
    return store;
  };
  function other(): DatabaseSync {
    const database = new DatabaseSync(file);
    closing.push(() => database.isOpen && database.close());
    return database;
  }
  return {
    file,
    store: open,
    async storeBefore(migration, fill, undo) {
      const before = await open();
      await before.write(fill);
      await before.close();
      const old = other();
      old.exec(undo);
      old.prepare('delete from migrations where name = ?').run(migration);
      old.close();
    },
    other,
    bytes: async () => Buffer.concat(await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))))),
  };
}
