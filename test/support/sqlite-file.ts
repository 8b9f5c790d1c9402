/** A SQLite file for one test: a place that is gone when the test has ended, stores on it, and a look behind their back. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { START } from './rings.ts';

export interface SqliteFile {
  readonly file: string;
  /** Opens a store that is closed with the test; waits 20 ms for locks unless told otherwise. */
  store(more?: { readonly clock?: () => Date; readonly busyTimeoutMs?: number }): Promise<Store>;
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
  return {
    file,
    async store({ clock = () => START, busyTimeoutMs = 20 } = {}) {
      const store = await openSqliteStore({ file, clock, busyTimeoutMs });
      closing.push(() => store.close());
      return store;
    },
    other() {
      const database = new DatabaseSync(file);
      closing.push(() => database.isOpen && database.close());
      return database;
    },
    bytes: async () => Buffer.concat(await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))))),
  };
}
