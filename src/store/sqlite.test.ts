import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it, type TestContext } from 'node:test';
import { bear, cluster, rotated } from '../../test/conformance/fixtures.ts';
import { at, BY_HAND, START } from '../../test/support/rings.ts';
import { eventually } from '../../test/support/dev-server.ts';
import { sqliteFile } from '../../test/support/sqlite-file.ts';
import { close } from '../domain/rotation.ts';
import { openSqlStore } from './sql.ts';
import { openSqliteStore } from './sqlite.ts';
import { sqliteBackEnd } from './sqlite-back-end.ts';
import type { Store } from './store.ts';

it('waits for another process that has the lock, without stopping the event loop', async (t) => {
  const place = await sqliteFile(t);
  const store = await place.store({ busyTimeoutMs: 60_000 });
  const other = place.other();
  other.exec('begin immediate');
  const written = store.write((tx) => tx.putSetting('name', 'value'));
  assert.equal(await store.read((tx) => tx.setting('name')), null);
  setImmediate(() => other.exec('commit'));
  await written;
  assert.equal(await store.read((tx) => tx.setting('name')), 'value');
});

it('is StoreBusy when the lock does not come free; reads go on', async (t) => {
  const place = await sqliteFile(t);
  const store = await place.store();
  const other = place.other();
  other.exec('begin immediate');
  let runs = 0;
  const written = store.write(async () => (runs += 1));
  await assert.rejects(written, { code: 'StoreBusy', message: 'Another process holds the lock of the store; its turn to write did not come in time. Try again.' });
  assert.deepEqual([runs, await store.read((tx) => tx.lastChange())], [0, 0]);
  other.exec('rollback');
  await store.write((tx) => tx.putSetting('name', 'value'));
});

it('is StoreBusy when it is opened while another process has the lock', async (t) => {
  const place = await sqliteFile(t);
  await (await place.store()).close();
  place.other().exec('begin immediate');
  await assert.rejects(place.store(), { code: 'StoreBusy' });
});

it('is StoreFull on a full disk: nothing is changed, reading goes on, and so does writing once there is space', async (t) => {
  const { store, writing } = await storeOnConnections(t);
  await store.write((tx) => bear(tx));
  const pages = Number(writing.prepare('pragma page_count').get()?.['page_count']);
  writing.exec(`pragma max_page_count = ${pages + 2}`);
  const fill = store.write(async (tx) => {
    await tx.updateKeyRing('issuer', rotated(3));
    await tx.putResource(cluster('g', 'c', { properties: { filler: 'x'.repeat(1_000_000) } }));
  });
  await assert.rejects(fill, { code: 'StoreFull', message: 'The disk of the store is full. Nothing was changed. Free some space; reading goes on meanwhile.' });
  const left = await store.read(async (tx) => [(await tx.keyRing('issuer'))?.version, await tx.resource(cluster('g', 'c').id), await tx.sealedKey('issuer', 'key3'), await tx.lastChange()]);
  assert.deepEqual(left, [1, null, null, 1]);
  writing.exec('pragma max_page_count = 1000000');
  await store.write((tx) => tx.updateKeyRing('issuer', rotated(3)));
  assert.equal((await store.read((tx) => tx.keyRing('issuer')))?.version, 2);
});

it('commits nothing of what follows an error that has ended the transaction', async (t) => {
  const { store, writing } = await storeOnConnections(t);
  const work = store.write(async (tx) => {
    await tx.putSetting('before', '1');
    writing.exec('rollback');
    await tx.putSetting('after', '1');
  });
  await assert.rejects(work, { message: 'The transaction has ended already.' });
  assert.deepEqual(await store.read(async (tx) => [await tx.setting('before'), await tx.setting('after')]), [null, null]);
});

it('finds everything again, and its time does not go back', async (t) => {
  const place = await sqliteFile(t);
  const first = await place.store({ clock: () => at(100) });
  await first.write((tx) => bear(tx, 'issuer', at(500)));
  const all = (store: Store): Promise<unknown> => store.read(async (tx) => [await tx.issuer('issuer'), await tx.keyRing('issuer'), await tx.events('issuer', { limit: 9 }), await tx.sealedKey('issuer', 'key1'), await tx.nextWake(), await tx.lastChange()]);
  const before = await all(first);
  await first.close();
  const second = await place.store({ clock: () => START });
  assert.deepEqual([await all(second), second.now(), await second.write(async (tx) => tx.now)], [before, at(100), at(100)]);
});

it('has what it promised on the disk when the process is killed', async (t) => {
  const place = await sqliteFile(t);
  const program = `
    const { openSqliteStore } = await import(${JSON.stringify(new URL('sqlite.ts', import.meta.url).href)});
    const store = await openSqliteStore({ file: ${JSON.stringify(place.file)}, clock: () => new Date() });
    await store.write((tx) => tx.putSetting('name', 'value'));
    process.kill(process.pid, 'SIGKILL');`;
  const signal = await new Promise((resolve) => execFile(process.execPath, ['--input-type=module', '-e', program], (error) => resolve(error?.signal)));
  assert.equal(signal, 'SIGKILL');
  assert.equal(await (await place.store()).read((tx) => tx.setting('name')), 'value');
});

it('lets nothing of a destroyed private half stay in its files', async (t) => {
  const place = await sqliteFile(t);
  const store = await place.store();
  await store.write((tx) => bear(tx));
  assert.deepEqual(await found(), ['key1', 'key2']);
  await store.write((tx) => tx.updateKeyRing('issuer', rotated(3)));
  assert.deepEqual(await found(), ['key2', 'key3']);
  await store.read(async (tx) => {
    await tx.lastChange();
    await store.write((other) => other.updateKeyRing('issuer', rotated(4)));
  });
  assert.deepEqual(await found(), ['key3', 'key4'], 'also when a reader was in the way');
  await store.write((tx) => tx.updateKeyRing('issuer', (ring, now) => ({ change: close(ring, now, BY_HAND)!, wakeAt: null })));
  assert.deepEqual(await found(), []);

  async function found(): Promise<readonly string[]> {
    const bytes = await place.bytes();
    return ['key1', 'key2', 'key3', 'key4'].filter((name) => bytes.includes(`sealed ${name}`));
  }
});

it('lets nothing of a destroyed private half stay when a reader was in the way, without another transaction', async (t) => {
  const place = await sqliteFile(t);
  const store = await place.store();
  await store.write((tx) => bear(tx));
  const isThere = async (): Promise<boolean> => (await place.bytes()).includes('sealed key1');
  const reader = place.other();
  reader.exec('begin');
  reader.prepare('select count(*) from issuers').get();
  await store.write((tx) => tx.updateKeyRing('issuer', rotated(3)));
  assert.equal(await isThere(), true, 'what the reader may still need');
  reader.exec('commit');
  await eventually('it is gone', async () => !(await isThere()) || undefined);
});

it('has files that only its own user can read, also when they were not so before', async (t) => {
  const place = await sqliteFile(t);
  await (await place.store()).close();
  await chmod(place.file, 0o644);
  const store = await place.store();
  await store.write((tx) => tx.putSetting('name', 'value'));
  const folder = dirname(place.file);
  const modes = await Promise.all((await readdir(folder)).map(async (name) => [name, ((await stat(join(folder, name))).mode & 0o777).toString(8)]));
  assert.deepEqual(modes.toSorted(), [['mintmark.db', '600'], ['mintmark.db-shm', '600'], ['mintmark.db-wal', '600']]);
});

it('refuses a store of a newer version, and says what to do', async (t) => {
  const place = await sqliteFile(t);
  await (await place.store()).close();
  place.other().exec("insert into migrations values ('9999-future', 0)");
  await assert.rejects(place.store(), {
    code: 'InvalidConfiguration',
    message: `The store ${place.file} can not be opened. It was written by a newer version of Mintmark (it has 9999-future). Start that version, or restore a backup that this one has made; going back is not possible.`,
  });
});

it('says which file can not be opened, and why', async (t) => {
  const { file } = await sqliteFile(t);
  const missing = join(dirname(file), 'missing', 'mintmark.db');
  await assert.rejects(openSqliteStore({ file: missing, clock: () => START }), { code: 'StoreUnavailable', message: /missing\/mintmark\.db can not be opened: ENOENT/ });
  await assert.rejects(openSqliteStore({ file: dirname(file), clock: () => START }), { code: 'StoreUnavailable', message: /can not be opened/ });
});

/** A store whose connections are in the hands of the test. */
async function storeOnConnections(t: TestContext): Promise<{ readonly store: Store; readonly writing: DatabaseSync }> {
  const place = await sqliteFile(t);
  await (await place.store()).close();
  const [writing, reading] = [place.other(), place.other()];
  return { store: await openSqlStore(sqliteBackEnd(writing, reading, 20), () => START), writing };
}
