import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { socketsFolder } from './issuer-sockets.ts';

test('sockets are in the home, or in a short folder where a path would be too long or others can write above the home', async (t) => {
  const above = mkdtempSync(join(tmpdir(), 'mm-'));
  t.after(() => rmSync(above, { recursive: true, force: true }));
  const home = join(above, 'home');
  mkdirSync(home, { mode: 0o700 });
  assert.equal(await socketsFolder(home), join(home, 'signers'));
  assert.equal(dirname(await socketsFolder(join(home, 'x'.repeat(80)))), tmpdir());
  // As folders are where people have a group of their own and the umask 002.
  chmodSync(above, 0o775);
  assert.equal(dirname(await socketsFolder(home)), tmpdir());
});
