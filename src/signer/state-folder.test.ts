import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { lockFile } from '../serve/server-process.ts';
import { openStateFolder } from './state-folder.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mm-state-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** As a process leaves them that ends in the middle of a write. */
const CUT_OFF = ['ring.jwe.0123456789ab.part', 'signer-keys.json.0123456789ab.part', 'enrolment.json.ffffffffffff.part'];
/** Nothing of ours, and so not ours to take away. */
const OTHERS = ['ring.jwe.part', 'ring.jwe.0123456789ab.part.old', 'notes.0123456789ab.part'];

test('what a former process was writing when it ended is gone with the next start, and nothing else', async (t) => {
  const dir = folderOf(t);
  for (const name of [...CUT_OFF, ...OTHERS, 'ring.jwe']) writeFileSync(join(dir, name), 'secret', { mode: 0o600 });
  const state = await openStateFolder(dir, lockFile);
  assert.deepEqual(readdirSync(dir).toSorted(), [...OTHERS, 'lock', 'ring.jwe'].toSorted());
  writeFileSync(join(dir, CUT_OFF[0]!), 'secret', { mode: 0o600 });
  await state.wipeRing();
  assert.deepEqual(readdirSync(dir).toSorted(), [...OTHERS, 'lock'].toSorted());
  state.release();
});

test('a folder that others can change is refused, as is one below such a folder', async (t) => {
  const [dir, open] = [folderOf(t), folderOf(t)];
  chmodSync(open, 0o777);
  mkdirSync(join(open, 'state'), { mode: 0o700 });
  const refusal = (fault: string, place: string, mend: string) => ({ code: 'InvalidConfiguration', message: `${fault}, so keys of theirs could take the place of the signer's in ${place}. Choose a folder of the signer's own, such as /var/lib/mintmark-signer, or close this one ('${mend}').` });
  await assert.rejects(openStateFolder(join(open, 'state'), lockFile), refusal(`Others can write in ${open} (mode 777)`, join(open, 'state'), `chmod go-w ${open}`));
  if (process.getuid?.() !== 0) return t.skip('it takes root to give a folder to another user');
  chownSync(dir, 65_534, 65_534);
  await assert.rejects(openStateFolder(dir, lockFile), refusal(`${dir} belongs to another user (65534)`, dir, `chown -h root ${dir}`));
});
