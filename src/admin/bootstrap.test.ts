/** `admin` on a store of the version before: it leaves the tables alone while a server runs on them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { test, type TestContext } from 'node:test';
import { type SqliteFile, sqliteFile } from '../../test/support/sqlite-file.ts';
import { lockStore } from '../serve/server-process.ts';
import { bootstrapStore } from './bootstrap.ts';

/** A dump of a real store, made by a version before, in which nobody has been made yet. */
const FORMER = new URL('../../test/vectors/store-0003.sql', import.meta.url);

async function formerStore(t: TestContext): Promise<{ readonly place: SqliteFile; readonly bootstrap: () => Promise<unknown> }> {
  const place = await sqliteFile(t);
  const former = place.other();
  former.exec(await readFile(FORMER, 'utf8'));
  former.close();
  const keyEncryptionKey = `${place.file}.key`;
  await writeFile(keyEncryptionKey, randomBytes(32).toString('base64'), { mode: 0o600 });
  return { place, bootstrap: () => bootstrapStore({ store: place.file, keyEncryptionKey, tenantName: 'T', subscriptionName: 'S' }, {}) };
}

const migrationsIn = ({ other }: SqliteFile): readonly unknown[] => other().prepare('select name from migrations order by name').all().map(({ name }) => name);

test('a store of before is refused and left as it is while a server runs on it, and brought up to date once none does', async (t) => {
  const { place, bootstrap } = await formerStore(t);
  const server = lockStore(place.file);
  await assert.rejects(bootstrap(), { code: 'InvalidConfiguration', message: /^The store \S+mintmark\.db can not be opened\. It is that of an older version of Mintmark \(it has no 0004-signers, .*\), whose server runs on it .*\. Use the program of that server; or stop the server, and / });
  assert.deepEqual(migrationsIn(place), ['0001-first', '0002-people', '0003-statistics']);
  server.release();

  await bootstrap();
  assert.ok(migrationsIn(place).includes('0004-signers'));
  lockStore(place.file).release();
});

test('a store that is up to date is opened beside the server that runs on it', async (t) => {
  const { place, bootstrap } = await formerStore(t);
  await (await place.store()).close();
  const server = lockStore(place.file);
  await bootstrap();
  server.release();
});
