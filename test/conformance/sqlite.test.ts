import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { storeConformance } from './store-conformance.ts';

storeConformance('SQLite', async (t, clock) => {
  const folder = await mkdtemp(join(tmpdir(), 'mintmark-store-'));
  const store = await openSqliteStore({ file: join(folder, 'mintmark.db'), clock });
  t.after(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  return store;
});
