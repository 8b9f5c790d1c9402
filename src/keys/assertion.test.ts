import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { ASSERTION_SCHEME, claimedSubject, makeAssertion, verifyAssertion } from './assertion.ts';
import { thumbprint } from './public-jwk.ts';
import { SignerKeys } from './signer-keys.ts';

const NOW = new Date('2026-01-02T03:04:05.678Z');
const IAT = 1_767_323_045;
const at = (seconds: number): Date => new Date((IAT + seconds) * 1000);
const PARTIES = { subject: 'signer-1', audience: 'https://signers.example' };
const REQUEST = { method: 'POST', target: '/signer/v1/acknowledge?x=1', body: Buffer.from('{"a":1}') };
const keys = SignerKeys.generate();
const header = await makeAssertion(keys, PARTIES, REQUEST, NOW);
const jwt = header.slice(ASSERTION_SCHEME.length + 1);
const check = (authorization: string | undefined, more: Partial<{ request: typeof REQUEST; parties: typeof PARTIES; now: Date }> = {}, key = keys.assertionJwk) =>
  verifyAssertion(authorization, key, more.parties ?? PARTIES, more.request ?? REQUEST, more.now ?? NOW);

// printf '{"a":1}' | openssl dgst -sha256 -binary | basenc --base64url
test('header and claims', () => {
  assert.deepEqual(decodeProtectedHeader(jwt), { alg: 'ES256', typ: 'mintmark-assertion+jwt', kid: thumbprint(keys.assertionJwk) });
  const { jti, ...claims } = decodeJwt(jwt);
  assert.match(jti!, /^[\da-f-]{36}$/);
  assert.deepEqual(claims, { iss: 'signer-1', sub: 'signer-1', aud: 'https://signers.example', iat: IAT, exp: IAT + 60, htm: 'POST', htu: '/signer/v1/acknowledge?x=1', bdy: 'AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX-GI' });
  assert.equal(claimedSubject(header), 'signer-1');
});

test('an assertion is good for its minute, with clocks that differ by two, and is remembered for as long', async () => {
  for (const seconds of [-120, 0, 60, 179]) assert.deepEqual(await check(header, { now: at(seconds) }), { jti: decodeJwt(jwt).jti, endsAt: at(180) });
});

const signed = async (change: object, typ = 'mintmark-assertion+jwt', by = keys): Promise<string> => `${ASSERTION_SCHEME} ${await by.signAssertion({ ...decodeJwt(jwt), ...change }, typ)}`;
const without = async (claim: string): Promise<string> => signed({ [claim]: undefined });

const REFUSED: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
  ['none', () => check(undefined), /missing or malformed/],
  ['another scheme', () => check(`Bearer ${jwt}`), /missing or malformed/],
  ['no JWT', () => check(`${ASSERTION_SCHEME} a.b`), /missing or malformed/],
  ['by another key', async () => check(await makeAssertion(SignerKeys.generate(), PARTIES, REQUEST, NOW)), /not by this signer/],
  ['a changed one', () => check(header.replace(/\.[\w-]+\./, `.${Buffer.from(JSON.stringify({ ...decodeJwt(jwt), htm: 'GET' })).toString('base64url')}.`)), /not by this signer/],
  ['of another type', async () => check(await signed({}, 'JWT')), /not by this signer/],
  ['for another server', () => check(header, { parties: { ...PARTIES, audience: 'https://other' } }), /not by this signer/],
  ['for another signer', () => check(header, { parties: { ...PARTIES, subject: 'signer-2' } }), /not by this signer/],
  ['with another issuer', async () => check(await signed({ iss: 'other' })), /not by this signer/],
  ['past its end', () => check(header, { now: at(181) }), /too old or from the future. The clock here says 2026-01-02T03:07:06/],
  ['from the future', () => check(header, { now: at(-122) }), /too old or from the future/],
  ['for longer than a minute', async () => check(await signed({ exp: IAT + 61 })), /longer than 60 s/],
  ['for another method', () => check(header, { request: { ...REQUEST, method: 'GET' } }), /for another request/],
  ['for another path', () => check(header, { request: { ...REQUEST, target: '/signer/v1/acknowledge?x=2' } }), /for another request/],
  ['for another body', () => check(header, { request: { ...REQUEST, body: Buffer.from('{"a":2}') } }), /for another request/],
  ['with an id that is too long', async () => check(await signed({ jti: 'x'.repeat(101) })), /id is malformed/],
  ...['iat', 'exp', 'jti', 'htm', 'htu', 'bdy', 'aud', 'iss', 'sub'].map((claim) => [`without ${claim}`, async () => check(await without(claim)), /refused/] as const),
];
for (const [what, attempt, why] of REFUSED) {
  test(`refused: ${what}`, () => assert.rejects(attempt, { code: 'AssertionRefused', message: why }));
}

test('the refusals are for what they say: the same claims, signed anew, pass', async () => {
  assert.equal((await check(await signed({}))).jti, decodeJwt(jwt).jti);
});

test('a subject that is claimed is short text or none', () => {
  const of = (payload: unknown): string => `${ASSERTION_SCHEME} a.${Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)).toString('base64url')}.c`;
  assert.deepEqual([undefined, 'x', of('no json'), of(null), of({}), of({ sub: 1 }), of({ sub: 'x'.repeat(101) }), of({ sub: 'me' })].map(claimedSubject), [null, null, null, null, null, null, null, 'me']);
});
