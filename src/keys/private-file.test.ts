import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Sync, watchSyncs } from '../../test/support/syncs.ts';
import { removePrivateFile, writePrivateFile } from './private-file.ts';

async function watched(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'mintmark-private-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const synced: Sync[] = [];
  await watchSyncs(t, folder, (sync) => synced.push(sync));
  return { folder, file: join(folder, 'secret'), synced };
}

test('a file is whole on the disk before it gets its name, and the name is before it is relied on', async (t) => {
  const { file, synced } = await watched(t);
  await writePrivateFile(file, 'first');
  assert.deepEqual(synced.splice(0), [
    { of: 'secret.part', holds: { 'secret.part': 'first' } },
    { of: '.', holds: { secret: 'first' } },
  ]);
  await writePrivateFile(file, 'second');
  assert.deepEqual(synced, [
    { of: 'secret.part', holds: { secret: 'first', 'secret.part': 'second' } },
    { of: '.', holds: { secret: 'second' } },
  ]);
});

test('a file that is removed is removed on the disk', async (t) => {
  const { file, synced } = await watched(t);
  writeFileSync(file, 'secret');
  await removePrivateFile(file);
  assert.deepEqual(synced, [{ of: '.', holds: {} }]);
  await removePrivateFile(file);
  await removePrivateFile(join(file, 'nothing', 'here'));
});

test('it is for its owner only, whatever the umask', async (t) => {
  const { file } = await watched(t);
  const former = process.umask(0);
  t.after(() => process.umask(former));
  for (const umask of [0, 0o777]) {
    process.umask(umask);
    await writePrivateFile(file, 'secret');
    assert.equal(statSync(file).mode & 0o7777, 0o600);
  }
});

test('a write that fails leaves what was there, and nothing else', async (t) => {
  const { folder, file } = await watched(t);
  mkdirSync(file);
  writeFileSync(join(file, 'former'), 'former');
  await assert.rejects(writePrivateFile(file, 'new'), { code: 'EISDIR' });
  assert.deepEqual([readdirSync(folder), readFileSync(join(file, 'former'), 'utf8')], [['secret'], 'former']);
});
