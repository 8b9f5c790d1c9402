import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openAuditFile } from './audit-file.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'mintmark-audit-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('lines are appended, each at once, for the owner only', (t) => {
  const path = join(folder(t), 'audit.log');
  writeFileSync(path, 'before\n');
  chmodSync(path, 0o644);
  const file = openAuditFile(path);
  file.write('one\n');
  assert.deepEqual([readFileSync(path, 'utf8'), (statSync(path).mode & 0o777).toString(8)], ['before\none\n', '600']);
  file.write('two\n');
  assert.equal(readFileSync(path, 'utf8'), 'before\none\ntwo\n');
  file.close();
});

test('after renaming, reopen begins a new file by the old name', (t) => {
  const path = join(folder(t), 'audit.log');
  const file = openAuditFile(path);
  file.write('one\n');
  renameSync(path, `${path}.1`);
  file.write('two\n');
  file.reopen();
  file.write('three\n');
  assert.deepEqual([readFileSync(`${path}.1`, 'utf8'), readFileSync(path, 'utf8')], ['one\ntwo\n', 'three\n']);
  file.close();
});

test('a reopen that fails leaves the former file open', (t) => {
  const path = join(folder(t), 'audit.log');
  const file = openAuditFile(path);
  renameSync(path, `${path}.1`);
  mkdirSync(path);
  assert.throws(() => file.reopen(), { code: 'InvalidConfiguration', message: /^The audit log .+audit\.log can not be opened: EISDIR/ });
  file.write('one\n');
  file.close();
  assert.equal(readFileSync(`${path}.1`, 'utf8'), 'one\n');
});

test('a file that can not be made is a clear error', (t) => {
  assert.throws(() => openAuditFile(join(folder(t), 'missing', 'audit.log')), { code: 'InvalidConfiguration', message: /ENOENT.+Choose another place/ });
});

test('a line that a full disk cuts off is an error, and the next one begins a line', (t) => {
  const path = join(folder(t), 'audit.log');
  let room = 2;
  const file = openAuditFile(path, (descriptor, bytes) => writeSync(descriptor, bytes.subarray(0, room)));
  assert.throws(() => file.write('one\n'), { message: 'The disk took a part of the line only.' });
  room = 100;
  file.write('two\n');
  file.write('three\n');
  file.close();
  assert.equal(readFileSync(path, 'utf8'), 'on\ntwo\nthree\n');
});
