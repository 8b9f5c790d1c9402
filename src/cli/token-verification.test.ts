import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { verifyToken } from './token-verification.ts';

const ISSUER = 'https://issuer.example/1/';
const now = new Date('2026-01-01T00:00:00Z');
const seconds = now.getTime() / 1000;
const [pair, forger] = await Promise.all([generateKeyPair('ES256', { extractable: true }), generateKeyPair('ES256')]);
const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'K', use: 'sig', alg: 'ES256' }] };
const discovery = { issuer: ISSUER, jwks_uri: `${ISSUER}keys`, id_token_signing_alg_values_supported: ['ES256'] };

interface Given {
  readonly claims?: JWTPayload;
  readonly kid?: string;
  readonly signer?: CryptoKey;
  readonly documents?: Readonly<Record<string, object>>;
  readonly audience?: string;
  readonly token?: string;
}

async function verdict({ claims = {}, kid = 'K', signer = pair.privateKey, documents = {}, audience, token }: Given) {
  const payload = { iss: ISSUER, sub: 'system:serviceaccount:ns:app', aud: ['A', 'B'], exp: seconds + 60, nbf: seconds, ...claims };
  const signed = token ?? (await new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid }).sign(signer));
  const served: Readonly<Record<string, object>> = { [`${ISSUER}.well-known/openid-configuration`]: discovery, [`${ISSUER}keys`]: jwks, ...documents };
  return verifyToken({ token: signed, issuer: ISSUER, audience: audience ?? null, now }, async (url) => served[url] as Record<string, unknown>);
}

test('a token that verifies, with and without an audience', async () => {
  const good = { verifies: true, issuer: ISSUER, subject: 'system:serviceaccount:ns:app', audiences: ['A', 'B'], kid: 'K', expiresAt: '2026-01-01T00:01:00.000Z' };
  assert.deepEqual(await verdict({}), good);
  assert.deepEqual(await verdict({ audience: 'B' }), good);
  assert.deepEqual(await verdict({ claims: { aud: 'A' } }), { ...good, audiences: ['A'] });
});

const DISCOVERY = `${ISSUER}.well-known/openid-configuration`;
const changed = (change: object): Given => ({ documents: { [DISCOVERY]: { ...discovery, ...change } } });

/** What is wrong, and what is said of it. */
const ROWS: readonly (readonly [Given, string])[] = [
  [{ token: 'abc' }, 'the input is no signed JSON Web Token'],
  [{ token: '' }, 'the input is no signed JSON Web Token'],
  [{ signer: forger.privateKey }, 'its signature is not by the key that it names: it was changed, or is forged'],
  [{ kid: 'other' }, "its key 'other' is not in the JWKS: it was revoked, has expired there, or is of another issuer"],
  [{ claims: { iss: 'https://issuer.example/1' } }, "its issuer is 'https://issuer.example/1'"],
  [{ claims: { exp: seconds - 1 } }, 'it ended at 2025-12-31T23:59:59.000Z'],
  [{ claims: { nbf: seconds + 1 } }, 'it is not valid before 2026-01-01T00:00:01.000Z'],
  [{ audience: 'C' }, "its audience is 'A', 'B'"],
  [{ claims: { sub: undefined as unknown as string } }, "it lacks the claim 'sub'"],
  [changed({ issuer: 'https://issuer.example/1' }), "the discovery document says that its issuer is 'https://issuer.example/1'"],
  [changed({ jwks_uri: undefined }), 'the discovery document has no jwks_uri'],
  [changed({ id_token_signing_alg_values_supported: ['RS256', 'none', 'HS256'] }), 'it is signed with ES256, which the issuer does not use (RS256)'],
];

test('a token that does not verify, and exactly why', async () => {
  for (const [given, reason] of ROWS) assert.deepEqual(await verdict(given), { verifies: false, issuer: ISSUER, reason });
});
