import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isMintmarkError } from '../domain/errors.ts';
import { createKeyEncryptionKey, readKeyEncryptionKey } from './key-encryption/file.ts';
import { createSealer, type SealContext, type Sealer } from './seal.ts';

const PLACE: SealContext = { tenantId: 'tenant', issuerId: 'issuer', kid: 'kid' };
const PLAIN = Buffer.from('the private half');
const code = (wanted: string) => (error: unknown) => isMintmarkError(error) && error.code === wanted && !error.message.includes('private half');

let dir: string;
let sealer: Sealer;
let sealed: Uint8Array;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mintmark-seal-'));
  sealer = createSealer(await createKeyEncryptionKey(join(dir, 'key')));
  sealed = await sealer.seal(PLAIN, PLACE);
});
after(() => rm(dir, { recursive: true }));

test('what was sealed opens in its place, and does not show', async () => {
  assert.deepEqual(Buffer.from(await sealer.open(sealed, PLACE)), PLAIN);
  assert.equal(Buffer.from(sealed).includes(PLAIN), false);
});

test('sealing twice gives different bytes', async () => assert.notDeepEqual(await sealer.seal(PLAIN, PLACE), sealed));

test('it opens in no other place', async () => {
  for (const other of [{ ...PLACE, tenantId: 'other' }, { ...PLACE, issuerId: 'other' }, { ...PLACE, kid: 'other' }, { tenantId: 'tenan', issuerId: 'tissuer', kid: 'kid' }]) {
    await assert.rejects(sealer.open(sealed, other), code('SealBroken'));
  }
});

test('every byte counts: one flipped bit anywhere, or one byte less, and it does not open', async () => {
  for (let index = 0; index < sealed.length; index += 1) {
    const changed = Buffer.from(sealed);
    changed[index]! ^= 1;
    await assert.rejects(sealer.open(changed, PLACE), (error) => isMintmarkError(error, 'SealBroken') || isMintmarkError(error, 'WrongKeyEncryptionKey'));
    await assert.rejects(sealer.open(sealed.subarray(0, index), PLACE), code('SealBroken'));
  }
});

test('another key-encryption key is named as the reason', async () => {
  const other = createSealer(await createKeyEncryptionKey(join(dir, 'other')));
  await assert.rejects(other.open(sealed, PLACE), code('WrongKeyEncryptionKey'));
});

test('the file is 0600, is never replaced, and opens what it sealed', async () => {
  const file = join(dir, 'key');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await assert.rejects(createKeyEncryptionKey(file), /EEXIST/);
  assert.deepEqual(Buffer.from(await createSealer(await readKeyEncryptionKey(file)).open(sealed, PLACE)), PLAIN);
});

test('a key file that is missing, open to others, or cut short is refused', async () => {
  await assert.rejects(readKeyEncryptionKey(join(dir, 'missing')), code('InvalidConfiguration'));
  const file = join(dir, 'bad');
  await writeFile(file, await readFile(join(dir, 'key')), { mode: 0o600 });
  await chmod(file, 0o640);
  await assert.rejects(readKeyEncryptionKey(file), (error) => isMintmarkError(error, 'InvalidConfiguration') && error.message.includes(`chmod 600 ${file}`));
  await writeFile(file, 'c2hvcnQ=\n');
  await chmod(file, 0o600);
  await assert.rejects(readKeyEncryptionKey(file), (error) => isMintmarkError(error, 'InvalidConfiguration') && /32 bytes/.test(error.message));
});
