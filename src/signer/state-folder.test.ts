import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { watchSyncs } from '../../test/support/syncs.ts';
import { SignerKeys } from '../keys/signer-keys.ts';
import { lockFile } from '../serve/server-process.ts';
import { type EnrolledAs, openStateFolder, type StateFolder } from './state-folder.ts';

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

const KEYS = SignerKeys.generate();
const ENROLLED: EnrolledAs = { url: 'https://signers.example', ca: null, signerId: 'id', name: 'cp-1', issuerId: 'issuer', issuerUrl: 'https://issuer.example/', ringSigningKey: KEYS.assertionJwk, pollSeconds: 50 };
const written = (file: string): readonly string[] => [`${file}.part`, '.'];

/** In this order: what is taken away was there. */
const ROWS: readonly (readonly [what: string, (state: StateFolder) => Promise<void>, synced: readonly string[]])[] = [
  ['its keys', ({ dir }) => KEYS.save(dir), written('signer-keys.json')],
  ['its enrolment', (state) => state.saveEnrolment(ENROLLED), written('enrolment.json')],
  ['its ring', (state) => state.saveRing('e.y.J.W.E'), written('ring.jwe')],
  ['its contact', (state) => state.saveContact(new Date(0)), written('contact')],
  ['a refusal', (state) => state.saveRefusal(true), written('refused')],
  ['the end of a refusal', (state) => state.saveRefusal(false), ['.']],
  ['the end of its ring', (state) => state.wipeRing(), ['.']],
];

test('what a signer keeps is on the disk before it counts', async (t) => {
  const state = await openStateFolder(folderOf(t), lockFile);
  t.after(() => state.release());
  const synced: string[] = [];
  await watchSyncs(t, state.dir, ({ of }) => synced.push(of));
  for (const [what, save, expected] of ROWS) {
    await save(state);
    assert.deepEqual(synced.splice(0), expected, what);
  }
  assert.deepEqual([await state.enrolledAs(), await state.ring(), await state.contact(), await state.hasRefused()], [ENROLLED, null, new Date(0), false]);
});

/** What somebody may have made of an enrolment by hand. */
const UNUSABLE: readonly (readonly [what: string, change: object])[] = [
  ['a URL that is none', { url: 'nonsense' }], ['a URL without TLS', { url: 'http://signers.example' }], ['a certificate that is no text', { ca: 5 }],
  ['no ring-signing key', { ringSigningKey: undefined }], ['a ring-signing key that is no point', { ringSigningKey: { ...KEYS.assertionJwk, x: 'AAAA' } }],
  ['a poll that never ends', { pollSeconds: 1e15 }], ['a poll that does not wait', { pollSeconds: 0 }], ['no name', { name: undefined }],
];

test('an enrolment that was changed by hand ends a start with what to do', async (t) => {
  const state = await openStateFolder(folderOf(t), lockFile);
  t.after(() => state.release());
  await state.saveEnrolment(ENROLLED);
  assert.deepEqual(await state.enrolledAs(), ENROLLED);
  for (const [what, change] of UNUSABLE) {
    await state.saveEnrolment({ ...ENROLLED, ...change });
    await assert.rejects(state.enrolledAs(), { code: 'InvalidConfiguration', message: /enrolment\.json is not in the form that Mintmark writes\. Restore it, or/ }, what);
  }
});

test('a ring that is a folder is told, and waits for nobody', async (t) => {
  const state = await openStateFolder(folderOf(t), lockFile);
  t.after(() => state.release());
  mkdirSync(join(state.dir, 'ring.jwe'), { mode: 0o700 });
  await assert.rejects(state.ring(), { code: 'InvalidConfiguration', message: `The ring in ${join(state.dir, 'ring.jwe')} can not be read: it is no file.` });
});
