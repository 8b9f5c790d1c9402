import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { calculateJwkThumbprint, decodeProtectedHeader, jwtVerify } from 'jose';
import { isMintmarkError } from '../domain/errors.ts';
import type { NewKey } from '../domain/key-ring-change.ts';
import { generateKey, keyId, publicKeyOf, UnsealedKey } from './generate.ts';
import { createKeyEncryptionKey } from './key-encryption/file.ts';
import { createSealer, type Sealer } from './seal.ts';
import { createTokenSigner, signVerified } from './sign.ts';

const OWNER = { tenantId: 'tenant', issuerId: 'issuer' };
let dir: string;
let sealer: Sealer;
let key: NewKey;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mintmark-sign-'));
  sealer = createSealer(await createKeyEncryptionKey(join(dir, 'key')));
  key = await (await generateKey(2048)).sealFor(sealer, OWNER);
});
after(() => rm(dir, { recursive: true }));

test('a kid is the hash of the DER public key, as kube-apiserver computes it', () => {
  // openssl rsa -pubin -outform DER | openssl dgst -sha256 -binary | base64url, of the key in RFC 7515, appendix A.2.
  const n = 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ';
  assert.equal(keyId(publicKeyOf('RS256', { n, e: 'AQAB' })), 'b9E8JDWjYefFiM0X9V9a098Bd6ZsFyemogCEX016uIw');
});

test('a token verifies with jose, header and payload as given', async () => {
  const token = await createTokenSigner(sealer, 10).sign({ ...key, ...OWNER }, '{"aud":["a"],"exp":4102444800}', async () => key.sealed);
  const { payload } = await jwtVerify(token, publicKeyOf('RS256', key.publicMembers));
  assert.deepEqual(payload, { aud: ['a'], exp: 4_102_444_800 });
  assert.equal(JSON.stringify(decodeProtectedHeader(token)), JSON.stringify({ alg: 'RS256', kid: key.kid, typ: 'JWT' }));
  assert.equal(Buffer.from(token.split('.')[1]!, 'base64url').toString(), '{"aud":["a"],"exp":4102444800}');
});

test('elliptic-curve signatures are raw r and s', async () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const elliptic = await new UnsealedKey('ES256', pair.publicKey, pair.privateKey).sealFor(sealer, OWNER);
  const token = await createTokenSigner(sealer, 10).sign({ ...elliptic, ...OWNER }, '{}', async () => elliptic.sealed);
  assert.equal(Buffer.from(token.split('.')[2]!, 'base64url').length, 64);
  await jwtVerify(token, pair.publicKey);
});

test('the sealed half is asked for once, until it is forgotten', async () => {
  const signer = createTokenSigner(sealer, 10);
  let asked = 0;
  const sealed = async (): Promise<Uint8Array> => { asked += 1; return key.sealed; };
  for (let round = 0; round < 3; round += 1) await signer.sign({ ...key, ...OWNER }, '{}', sealed);
  assert.equal(asked, 1);
  signer.forget(OWNER.issuerId, key.kid);
  await signer.sign({ ...key, ...OWNER }, '{}', sealed);
  assert.equal(asked, 2);
});

test('a private half that does not belong to the public one yields no token', async () => {
  const other = await generateKey(2048);
  const swapped = { ...key, publicMembers: other.publicMembers };
  await assert.rejects(createTokenSigner(sealer, 10).sign({ ...swapped, ...OWNER }, '{}', async () => key.sealed), (error) => isMintmarkError(error, 'SealBroken'));
});

const nextTurn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

/** Whether it was made at once: promises alone do not let the event loop come round, without which nothing arrives from another thread. */
async function isMadeAtOnce(signing: Promise<Buffer>): Promise<boolean> {
  let made = false;
  signing.then(() => { made = true; }, () => { made = true; });
  for (let step = 0; step < 20; step += 1) await Promise.resolve();
  return made;
}

test('a signature that is alone is made at once, what comes with it by other threads', async () => {
  const pair = { algorithm: 'RS256', ...generateKeyPairSync('rsa', { modulusLength: 2048 }) } as const;
  const foreign = { ...pair, publicKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey };
  const input = Buffer.from('input');
  for (const round of [1, 2]) {
    await nextTurn();
    const first = signVerified(pair, input);
    assert.equal(await isMadeAtOnce(first), true, `the first, round ${round}`);
    const others = [signVerified(pair, input), signVerified(pair, input), signVerified(foreign, input)];
    const ends = Promise.allSettled(others);
    for (const other of others) assert.equal(await isMadeAtOnce(other), false, `those with it, round ${round}`);
    assert.deepEqual((await ends).map(({ status }) => status), ['fulfilled', 'fulfilled', 'rejected']);
    assert.equal(verify('sha256', input, pair.publicKey, await first), true);
  }
});

test('one that fails is counted no longer, made at once or not', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const foreign = { algorithm: 'RS256', privateKey, publicKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey } as const;
  for (let round = 0; round < 3; round += 1) {
    await nextTurn();
    const failing = signVerified(foreign, Buffer.from('input'));
    const withheld = assert.rejects(failing, (error) => isMintmarkError(error, 'SealBroken'));
    assert.equal(await isMadeAtOnce(failing), true);
    await withheld;
  }
});

test('a failure to open is not remembered', async () => {
  const signer = createTokenSigner(sealer, 10);
  await assert.rejects(signer.sign({ ...key, ...OWNER }, '{}', async () => randomBytes(400)), (error) => isMintmarkError(error, 'SealBroken'));
  await signer.sign({ ...key, ...OWNER }, '{}', async () => key.sealed);
});

test('an unsealed key shows nothing private, whatever is done to print it', async () => {
  const made = await generateKey(2048);
  const shown = [JSON.stringify(made), String(made), (await import('node:util')).inspect(made, { depth: 9, showHidden: true })].join('\n');
  assert.equal(/privateKey|"d"|BEGIN/.test(shown), false, shown);
  assert.equal(createPublicKey({ format: 'jwk', key: { kty: 'RSA', ...made.publicMembers } }).asymmetricKeyDetails?.modulusLength, 2048);
  assert.notEqual(made.kid, await calculateJwkThumbprint({ kty: 'RSA', ...made.publicMembers }));
});
