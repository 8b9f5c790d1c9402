import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { decodeJwt, decodeProtectedHeader, exportJWK, SignJWT } from 'jose';
import { createAccessTokenVerifier, makeAccessTokenKey, openAccessTokenSigner } from './access-token.ts';
import { createSealer, decryptOrThrow, encrypt } from './seal.ts';

const kek = randomBytes(32);
const nonce = Buffer.alloc(12);
const sealer = createSealer({
  id: Buffer.alloc(16, 7),
  wrap: async (dataKey, associated) => encrypt(kek, nonce, dataKey, associated),
  unwrap: async (wrapped, associated) => decryptOrThrow(kek, nonce, wrapped, associated),
});
const NOW = new Date('2026-01-02T03:04:05.678Z');
const IAT = 1_767_323_045;
const AUDIENCE = 'https://localhost:8443';
const issuerOf = (tenantId: string): string => `${AUDIENCE}/${tenantId}/v2.0`;
const expected = { issuerOf, audience: AUDIENCE, now: NOW };
const key = await makeAccessTokenKey(sealer);
const signer = await openAccessTokenSigner(key, sealer);
const verifier = createAccessTokenVerifier([key]);
const token = await signer.sign({ principalId: 'me', tenantId: 't' }, { issuer: issuerOf('t'), audience: AUDIENCE, jti: 'j', now: NOW });

test('the key at rest shows its public half only', () => {
  assert.deepEqual(Object.keys(key.publicJwk), ['kty', 'use', 'alg', 'kid', 'crv', 'x', 'y']);
  assert.deepEqual([key.publicJwk.kty, key.publicJwk.alg, key.publicJwk.crv, key.publicJwk.kid], ['EC', 'ES256', 'P-256', key.kid]);
});

test('header and claims', () => {
  assert.deepEqual(decodeProtectedHeader(token), { alg: 'ES256', kid: key.kid, typ: 'JWT' });
  assert.deepEqual(decodeJwt(token), { iss: issuerOf('t'), aud: AUDIENCE, sub: 'me', oid: 'me', appid: 'me', tid: 't', iat: IAT, nbf: IAT, exp: IAT + 3600, jti: 'j' });
});

test('a token is good for its hour, also by a key opened anew', async () => {
  for (const seconds of [0, 3599]) assert.deepEqual(await verifier.verify(token, { ...expected, now: new Date((IAT + seconds) * 1000) }), { principalId: 'me', tenantId: 't' });
  const again = await (await openAccessTokenSigner(key, sealer)).sign({ principalId: 'you', tenantId: 't' }, { issuer: issuerOf('t'), audience: AUDIENCE, jti: 'k', now: NOW });
  assert.deepEqual(await verifier.verify(again, expected), { principalId: 'you', tenantId: 't' });
});

const [head, body, signature] = token.split('.') as [string, string, string];
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const claims = decodeJwt(token);
const forged = (alg: string, privateKey: Parameters<SignJWT['sign']>[0], change: object = {}, typ = 'JWT'): Promise<string> => new SignJWT({ ...claims, ...change }).setProtectedHeader({ alg, kid: key.kid, typ }).sign(privateKey);
const unsigned = `${Buffer.from(JSON.stringify({ alg: 'none', kid: key.kid, typ: 'JWT' })).toString('base64url')}.${body}.`;
const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ownVerifier = createAccessTokenVerifier([{ kid: key.kid, publicJwk: { ...(await exportJWK(own.publicKey)) as Record<string, string>, kid: key.kid, alg: 'ES256' }, sealed: new Uint8Array() }]);

/** what, token, verifier, at seconds, why it is refused. */
const REFUSED: readonly (readonly [string, string, typeof verifier, number, string])[] = [
  ['expired', token, verifier, 3600, 'it has expired'],
  ['not yet good', token, verifier, -1, 'it is not good yet'],
  ['no token', 'x', verifier, 0, 'it is not from this server'],
  ['empty', '', verifier, 0, 'it is not from this server'],
  ['changed payload', `${head}.${Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url')}.${signature}`, verifier, 0, 'it is not from this server'],
  ['cut signature', `${head}.${body}.${signature.slice(0, -4)}`, verifier, 0, 'it is not from this server'],
  ['unsigned', unsigned, verifier, 0, 'it is not from this server'],
  ['of another key', await forged('ES256', pair.privateKey), verifier, 0, 'it is not from this server'],
  ['of an RSA key', await forged('RS256', rsa.privateKey), verifier, 0, 'it is not from this server'],
  ['HMAC under the public key', await forged('HS256', Buffer.from(JSON.stringify(key.publicJwk))), verifier, 0, 'it is not from this server'],
  ['another audience', await forged('ES256', own.privateKey, { aud: 'https://other' }), ownVerifier, 0, 'it is not from this server'],
  ['another issuer', await forged('ES256', own.privateKey, { iss: 'https://other/t/v2.0' }), ownVerifier, 0, 'it is not from this server'],
  ['a tenant that is not its issuer', await forged('ES256', own.privateKey, { tid: 'u' }), ownVerifier, 0, 'it is not from this server'],
  ['no end', await forged('ES256', own.privateKey, { exp: undefined }), ownVerifier, 0, 'it is not from this server'],
  ['no subject', await forged('ES256', own.privateKey, { sub: undefined }), ownVerifier, 0, 'it is not from this server'],
  ['another type', await forged('ES256', own.privateKey, {}, 'at+jwt'), ownVerifier, 0, 'it is not from this server'],
];

for (const [what, refused, by, seconds, why] of REFUSED) {
  test(`${what}: ${why}`, () => assert.rejects(by.verify(refused, { ...expected, now: new Date(NOW.getTime() + seconds * 1000) }), { code: 'AuthenticationFailed', message: `The access token was refused: ${why}. Log in again.` }));
}

test('what is remembered of a good token makes no other good, and none for longer, for another audience or issuer', async () => {
  const fresh = createAccessTokenVerifier([key]);
  const at = (seconds: number, more: Partial<typeof expected> = {}): Promise<unknown> => fresh.verify(token, { ...expected, now: new Date((IAT + seconds) * 1000), ...more });
  const refusedFor = (why: string) => ({ code: 'AuthenticationFailed', message: `The access token was refused: ${why}. Log in again.` });
  for (const seconds of [0, 1, 3599]) assert.deepEqual(await at(seconds), { principalId: 'me', tenantId: 't' });
  await assert.rejects(at(3600), refusedFor('it has expired'));
  await assert.rejects(at(-1), refusedFor('it is not good yet'));
  await assert.rejects(at(0, { audience: 'https://other' }), refusedFor('it is not from this server'));
  await assert.rejects(at(0, { issuerOf: (tenantId) => `https://other/${tenantId}` }), refusedFor('it is not from this server'));
  await assert.rejects(fresh.verify(`${head}.${body}.${signature.slice(0, -4)}AAAA`, expected), refusedFor('it is not from this server'));
  assert.deepEqual(await at(0), { principalId: 'me', tenantId: 't' });
});

test('a verifier of other keys remembers nothing of what this one verified', async () => {
  await verifier.verify(token, expected);
  await assert.rejects(createAccessTokenVerifier([await makeAccessTokenKey(sealer)]).verify(token, expected), { code: 'AuthenticationFailed' });
});

test('the forgeries are refused for their claims: an unchanged one by the same key passes', async () => {
  assert.deepEqual(await ownVerifier.verify(await forged('ES256', own.privateKey), expected), { principalId: 'me', tenantId: 't' });
});

test('a sealed key opens for its own purpose only', async () => {
  await assert.rejects(openAccessTokenSigner({ ...key, kid: 'other' }, sealer), { code: 'SealBroken' });
});
