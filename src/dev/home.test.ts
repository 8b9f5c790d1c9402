import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isMintmarkError } from '../domain/errors.ts';
import { openHome, readIfThere, writeWhole } from './home.ts';

let dir: string;
before(async () => { dir = await mkdtemp(join(tmpdir(), 'mintmark-home-')); });
after(() => rm(dir, { recursive: true }));

const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;

test('a new home is private, and so is what is written into it', async () => {
  const home = await openHome(join(dir, 'new', 'home'));
  assert.equal(await modeOf(home.dir), 0o700);
  assert.equal(await modeOf(join(home.dir, 'lock')), 0o600);
  await writeWhole(home.profile, 'text');
  assert.deepEqual([await modeOf(home.profile), await readFile(home.profile, 'utf8')], [0o600, 'text']);
  await writeWhole(home.caCertificate, 'public', 0o644);
  assert.equal(await modeOf(home.caCertificate), 0o644);
  assert.deepEqual((await readdir(home.dir)).toSorted(), ['ca.pem', 'lock', 'profile.json']);
  home.release();
});

test('one process at a time; when it lets go, another', async () => {
  const path = join(dir, 'shared');
  const first = await openHome(path);
  await assert.rejects(openHome(path), (error) => isMintmarkError(error, 'HomeInUse') && error.message.includes(path));
  first.release();
  (await openHome(path)).release();
});

test('a folder with other things in it is left as it is', async () => {
  const path = join(dir, 'somebodys');
  await mkdir(path);
  await chmod(path, 0o755);
  await writeFile(join(path, 'letter.txt'), 'dear');
  await assert.rejects(openHome(path), (error) => isMintmarkError(error, 'InvalidConfiguration') && /is no home of Mintmark and is not empty/.test(error.message));
  assert.deepEqual([await modeOf(path), await readdir(path)], [0o755, ['letter.txt']]);
});

test('no name, and a name below a file, are refused', async () => {
  await assert.rejects(openHome(''), (error) => isMintmarkError(error, 'InvalidConfiguration'));
  await writeFile(join(dir, 'file'), '');
  await assert.rejects(openHome(join(dir, 'file', 'home')), (error) => isMintmarkError(error, 'InvalidConfiguration') && /can not be made or written/.test(error.message));
});

test('a place where nothing can be made is refused, not tried for ever', { skip: process.platform !== 'linux' && 'there is no /proc' }, async () => {
  for (const path of ['/proc/mintmark-home', '/proc/mintmark-home/below']) {
    await assert.rejects(openHome(path), (error) => isMintmarkError(error, 'InvalidConfiguration') && error.message.startsWith(`The home ${path} can not be made or written: ENOENT`));
  }
});

test('a file that is not there is null, any other trouble is an error', async () => {
  assert.equal(await readIfThere(join(dir, 'nothing')), null);
  await assert.rejects(readIfThere(dir), /EISDIR/);
});
