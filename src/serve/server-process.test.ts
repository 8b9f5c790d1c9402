import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { lockFile, lockStore } from './server-process.ts';

const dir = mkdtempSync(join(tmpdir(), 'mintmark-lock-'));
after(() => rmSync(dir, { recursive: true }));

test('one holder at a time; the second is told so, until the first lets go', () => {
  const file = join(dir, 'held');
  const first = lockFile(file, 'Another has it.');
  assert.throws(() => lockFile(file, 'Another has it.'), { code: 'HomeInUse', message: 'Another has it.' });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  first.release();
  lockFile(file, 'Another has it.').release();
});

test('a file that can not be opened is not taken for one that is held', () => {
  mkdirSync(join(dir, 'folder'));
  for (const file of [join(dir, 'folder'), join(dir, 'missing', 'lock')]) {
    assert.throws(() => lockFile(file, 'Another has it.'), { code: 'StoreUnavailable', message: `The lock ${file} can not be taken. The store can not be read or written: its file can not be opened (SQLITE_CANTOPEN); look at its folder and permissions. Nothing was changed.` });
  }
});

test("somebody else's file is left as it is", () => {
  const file = join(dir, 'foreign');
  writeFileSync(file, 'not a database, and long enough to be looked at as one: '.repeat(50));
  assert.throws(() => lockFile(file, 'Another has it.'), { code: 'InvalidConfiguration', message: `The file ${file} is no lock of Mintmark's. Choose another place, or delete the file if nothing else needs it.` });
});

for (const isThere of [true, false]) {
  test(`a store that is ${isThere ? '' : 'not yet '}there has one lock, beside its file, by whatever links it is named`, () => {
    const folder = mkdtempSync(join(dir, 'store-'));
    const file = join(folder, 'mintmark.db');
    if (isThere) writeFileSync(file, '');
    symlinkSync(folder, `${folder}-link`);
    symlinkSync('mintmark.db', join(folder, 'link.db'));
    const byLinks = [join(`${folder}-link`, 'mintmark.db'), ...(isThere ? [join(folder, 'link.db'), join(`${folder}-link`, 'link.db')] : [])];
    for (const first of [file, ...byLinks]) {
      const lock = lockStore(first);
      for (const link of [file, ...byLinks]) assert.throws(() => lockStore(link), { code: 'HomeInUse', message: `Another Mintmark server runs on the store ${link}. Stop it, or give this one another store.` });
      lock.release();
    }
    // The lock that a server of before holds.
    const before = lockFile(`${file}.lock`, 'Another has it.');
    for (const link of byLinks) assert.throws(() => lockStore(link), { code: 'HomeInUse' });
    before.release();
  });
}

test('a store in a folder that is not there is told as its lock', () => {
  assert.throws(() => lockStore(join(dir, 'none', 'mintmark.db')), { code: 'StoreUnavailable' });
});
