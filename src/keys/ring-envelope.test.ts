import assert from 'node:assert/strict';
import { randomBytes, verify } from 'node:crypto';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import { at, newRing } from '../../test/support/rings.ts';
import type { KeyRing } from '../domain/key-ring.ts';
import type { NewKey } from '../domain/key-ring-change.ts';
import { birth, close } from '../domain/rotation.ts';
import { type RingForSigner, ringForDeletedSigner, ringForSigner, type SignerRing } from '../domain/ring-for-signer.ts';
import { generateKey, publicKeyOf } from './generate.ts';
import { publicKeyOfJwk, thumbprint } from './public-jwk.ts';
import { type ExpectedRing, openRing, sealRing } from './ring-envelope.ts';
import { makeRingSigningKey, openRingSigningKey } from './ring-signing-key.ts';
import { createSealer, decryptOrThrow, encrypt } from './seal.ts';
import { SignerKeys } from './signer-keys.ts';

const [kek, nonce] = [randomBytes(32), Buffer.alloc(12)];
const sealer = createSealer({
  id: Buffer.alloc(16, 7),
  wrap: async (dataKey, associated) => encrypt(kek, nonce, dataKey, associated),
  unwrap: async (wrapped, associated) => decryptOrThrow(kek, nonce, wrapped, associated),
});
const OWNER = { tenantId: 'tenant', issuerId: 'issuer' };
const sealed = async (): Promise<NewKey> => (await generateKey(2048)).sealFor(sealer, OWNER);
const [first, second] = [await sealed(), await sealed()];
const WHY = { cause: 'birth', actor: 'principal:ada', reason: 'the issuer was enabled' } as const;
const ring: KeyRing = birth({ issuerId: 'issuer', epoch: 3, policy: { rotateEvery: null }, gapSeconds: 600 }, first, second, at(0), WHY).ring;

const ringSigningKey = await openRingSigningKey(await makeRingSigningKey(sealer), sealer);
const keys = SignerKeys.generate();
const ADDRESS = { issuer: 'https://issuer.example/', signer: 'signer-1' };
const EXPECTED: ExpectedRing = { issuerId: 'issuer', issuer: ADDRESS.issuer, signer: 'signer-1', ringSigningKey: ringSigningKey.publicJwk, atLeast: null };
const forSigner = (of = ring, more: Partial<SignerRing> = {}): SignerRing => ({ ...ringForSigner(of, { ...ADDRESS, leaseSeconds: 86_400 }, at(1)), ...more });
const seal = (what: RingForSigner, to = keys, by = ringSigningKey, half = first): Promise<string> =>
  sealRing({ ring: what, to: to.encryptionJwk, activeHalf: { sealed: half.sealed, tenantId: OWNER.tenantId } }, by, sealer);
const refused = (why: RegExp) => ({ code: 'RingRefused', message: why });

test('a ring comes out as it went in, and its active key signs what the public half verifies', async () => {
  const opened = await openRing(await seal(forSigner()), keys, EXPECTED);
  assert.deepEqual(opened.ring, forSigner());
  const signature = await opened.signer!.sign(Buffer.from('header.claims'));
  assert.equal(verify('sha256', Buffer.from('header.claims'), publicKeyOf('RS256', first.publicMembers), signature), true);
  assert.deepEqual([opened.signer!.kid, opened.signer!.algorithm], [first.kid, 'RS256']);
});

test('what travels shows neither keys nor names', async () => {
  const jwe = await seal(forSigner());
  assert.deepEqual({ ...decodeProtectedHeader(jwe), epk: null }, { alg: 'ECDH-ES+A256KW', enc: 'A256GCM', typ: 'mintmark-ring+jwe', kid: thumbprint(keys.encryptionJwk), epk: null });
  for (const part of jwe.split('.').slice(1)) assert.doesNotMatch(Buffer.from(part, 'base64url').toString('latin1'), /issuer|signer|kid|privateKey/);
});

test('only the active private half is in it', async () => {
  const { plaintext } = await keys.decrypt(await seal(forSigner()));
  const payload = JSON.parse(Buffer.from(Buffer.from(plaintext).toString('ascii').split('.')[1]!, 'base64url').toString()) as { active: { kid: string; privateKey: string } };
  assert.deepEqual([payload.active.kid, JSON.stringify(payload).split('privateKey').length], [first.kid, 2]);
});

test('nothing that prints an opened ring or the keys of a signer shows a private half', async () => {
  const opened = await openRing(await seal(forSigner()), keys, EXPECTED);
  const shown = [opened, keys, ringSigningKey].flatMap((value) => [JSON.stringify(value), inspect(value, { depth: 9, showHidden: true })]).join('\n');
  assert.doesNotMatch(shown, /privateKey|"d"|BEGIN|PrivateKeyObject/);
});

test('a closed ring has no active key, and nobody signs', async () => {
  const closed = close(ring, at(2), { ...WHY, cause: 'deletion' })!.ring;
  const opened = await openRing(await sealRing({ ring: forSigner(closed), to: keys.encryptionJwk, activeHalf: null }, ringSigningKey, sealer), keys, EXPECTED);
  assert.deepEqual(opened, { ring: forSigner(closed), signer: null });
  assert.deepEqual(forSigner(closed).active, null);
});

test('a deleted signer is told so and given no key', async () => {
  const gone = ringForDeletedSigner(ring, ADDRESS, at(1));
  assert.deepEqual(await openRing(await seal(gone), keys, EXPECTED), { ring: gone, signer: null });
});

const other = SignerKeys.generate();
const otherServer = await openRingSigningKey(await makeRingSigningKey(sealer), sealer);
const changed = (jwe: string, part: number): string => jwe.split('.').map((text, index) => (index === part ? `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}` : text)).join('.');
const rewrapped = async (jwe: string, header: object): Promise<string> =>
  new CompactEncrypt((await keys.decrypt(jwe)).plaintext).setProtectedHeader({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM', typ: 'mintmark-ring+jwe', kid: thumbprint(keys.encryptionJwk), ...header }).encrypt(publicKeyOfJwk(keys.encryptionJwk)!);
const encrypted = (jws: string): Promise<string> =>
  new CompactEncrypt(Buffer.from(jws)).setProtectedHeader({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM', typ: 'mintmark-ring+jwe', kid: thumbprint(keys.encryptionJwk) }).encrypt(publicKeyOfJwk(keys.encryptionJwk)!);
const signed = async (payload: unknown): Promise<string> => encrypted(await ringSigningKey.sign(Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))));
const payloadOf = async (): Promise<Record<string, unknown>> => JSON.parse(Buffer.from(Buffer.from((await keys.decrypt(await seal(forSigner()))).plaintext).toString('ascii').split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
const whole = await payloadOf();
const swappedJws = async (): Promise<string> => {
  const [header, , signature] = (await ringSigningKey.sign(Buffer.from(JSON.stringify(whole)))).split('.');
  return encrypted([header, Buffer.from(JSON.stringify({ ...whole, version: 99 })).toString('base64url'), signature].join('.'));
};

/** what, the envelope, what is expected beyond the usual, why it is refused. */
const REFUSED: readonly (readonly [string, () => Promise<string>, Partial<ExpectedRing>, RegExp])[] = [
  ['for another signer, read on the way', () => seal(forSigner(), other), {}, /not encrypted to this signer/],
  ['for another signer, encrypted to this one', () => seal(forSigner(ring, { signer: 'signer-2' })), {}, /for another signer/],
  ['of another issuer', () => seal(forSigner(), keys), { issuerId: 'issuer-2' }, /of another issuer/],
  ['of the same issuer under another URL', () => seal(forSigner(ring, { issuer: 'https://evil.example/' })), {}, /of another issuer/],
  ['by another server', () => seal(forSigner(), keys, otherServer), {}, /not signed by the key of the server/],
  ['substituted inside of the signature', swappedJws, {}, /not signed by the key of the server/],
  ['of an earlier version', () => seal(forSigner()), { atLeast: { epoch: 3, version: 2 } }, /it is version 3-1, and this signer has seen 3-2 already/],
  ['of an earlier epoch with a later version', () => seal(forSigner()), { atLeast: { epoch: 4, version: 0 } }, /it is version 3-1, and this signer has seen 4-0 already/],
  ['with a private half that is not the active key\'s', async () => signed({ ...whole, active: { ...(whole['active'] as object), privateKey: ((await payloadOfSecond()) as { privateKey: string }).privateKey } }), {}, /private half in it is not that of the active key/],
  ['with a private half that is none', () => signed({ ...whole, active: { kid: first.kid, privateKey: 'AAAA' } }), {}, /private half in it is not that of the active key/],
  ['with the private half of a key that is not active', () => signed({ ...whole, active: { kid: second.kid, privateKey: 'AAAA' } }), {}, /its active key is not the one that it lists/],
  ['open without an active key', () => signed({ ...whole, active: null }), {}, /its active key is not the one that it lists/],
  ['closed with an active key', () => signed({ ...whole, open: false }), {}, /its active key is not the one that it lists/],
  ['with two active keys', () => signed({ ...whole, keys: (whole['keys'] as object[]).map((key) => ({ ...key, state: 'active' })) }), {}, /its active key is not the one that it lists/],
  ['with a key under a name that is not its own', () => signed({ ...whole, keys: (whole['keys'] as object[]).map((key, index) => ({ ...key, kid: `kid${index}` })) }), {}, /not in a form/],
  ['with a key twice', () => signed({ ...whole, verifyOnly: [{ ...(whole['keys'] as object[])[1] }] }), {}, /not in a form/],
  ['with an algorithm that is none', () => signed({ ...whole, keys: (whole['keys'] as object[]).map((key) => ({ ...key, algorithm: 'EdDSA' })) }), {}, /not in a form/],
  ['of another form', () => signed({ ...whole, typ: 'mintmark-ring+2' }), {}, /not in a form/],
  ['with a member missing', () => signed({ ...whole, epoch: undefined }), {}, /not in a form/],
  ['that is no JSON', () => signed('ring'), {}, /not in a form/],
  ['that is no envelope', async () => 'ring', {}, /not encrypted to this signer/],
  ['larger than any', async () => 'a'.repeat(1024 * 1024 + 1), {}, /larger than/],
  ['changed in its header', async () => changed(await seal(forSigner()), 0), {}, /not encrypted to this signer/],
  ['changed in its key', async () => changed(await seal(forSigner()), 1), {}, /not encrypted to this signer/],
  ['changed in its content', async () => changed(await seal(forSigner()), 3), {}, /not encrypted to this signer/],
  ['with another type outside', async () => rewrapped(await seal(forSigner()), { typ: 'JWT' }), {}, /envelope is of another kind/],
  ['to another key id', async () => rewrapped(await seal(forSigner()), { kid: 'other' }), {}, /envelope is of another kind/],
  ['that is signed, not encrypted', async () => ringSigningKey.sign(Buffer.from(JSON.stringify(whole))), {}, /not encrypted to this signer/],
];

async function payloadOfSecond(): Promise<unknown> {
  const swapped = { ...forSigner(), active: { kid: second.kid } };
  const { plaintext } = await keys.decrypt(await seal(swapped, keys, ringSigningKey, second));
  return (JSON.parse(Buffer.from(Buffer.from(plaintext).toString('ascii').split('.')[1]!, 'base64url').toString()) as { active: unknown }).active;
}

for (const [what, envelope, more, why] of REFUSED) {
  test(`a ring ${what} is refused`, async () => {
    await assert.rejects(openRing(await envelope(), keys, { ...EXPECTED, ...more }), refused(why));
  });
}

test('the refusals are for what they say: the same ring, put together again, is taken; also once more, and as a later one', async () => {
  for (const [envelope, atLeast] of [[await signed(whole), null], [await seal(forSigner()), { epoch: 3, version: 1 }], [await seal(forSigner()), { epoch: 2, version: 9 }]] as const) {
    assert.deepEqual((await openRing(envelope, keys, { ...EXPECTED, issuer: null, atLeast })).ring, forSigner());
  }
});

test('members of a later version of Mintmark are left out', async () => {
  assert.deepEqual((await openRing(await signed({ ...whole, colour: 'red' }), keys, EXPECTED)).ring, forSigner());
});

test('a private half that the store lacks, or that is sealed for another place, makes no envelope', async () => {
  const lacking = sealRing({ ring: forSigner(), to: keys.encryptionJwk, activeHalf: null }, ringSigningKey, sealer);
  await assert.rejects(lacking, { code: 'StoreCorrupt' });
  await assert.rejects(seal(forSigner(), keys, ringSigningKey, second), { code: 'SealBroken' });
  await assert.rejects(sealRing({ ring: forSigner(), to: { ...keys.encryptionJwk, x: keys.encryptionJwk.y }, activeHalf: { sealed: first.sealed, tenantId: 'tenant' } }, ringSigningKey, sealer), { code: 'StoreCorrupt' });
});

test('a ring without real keys is no ring: kids are the hashes of keys', async () => {
  const unreal = await signed({ ...whole, keys: ringForSigner(newRing(), { ...ADDRESS, leaseSeconds: null }, at(1)).keys });
  await assert.rejects(openRing(unreal, keys, EXPECTED), refused(/not in a form/));
  await assert.rejects(compactDecrypt(unreal, publicKeyOfJwk(other.encryptionJwk)!));
});
