/** Keys of foreign issuers: what is fetched when, what is kept, and what is refused. The issuer is a real https server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ecPair, FOREIGN_CA, type ForeignIssuer, jwkOf, rsaPair, startForeignIssuer } from '../../test/support/foreign-issuer.ts';
import { createGuardedFetch, type FetchRules } from '../fetch/guarded-fetch.ts';
import { createForeignIssuers } from './foreign-issuers.ts';

const RS256 = { kid: 'rsa', algorithm: 'RS256' } as const;
const START = Date.parse('2026-01-02T03:04:05Z');

async function open(rules: Partial<FetchRules> = {}) {
  const issuer = await startForeignIssuer();
  const clock = { seconds: 0 };
  const fetch = createGuardedFetch({ allowedAddresses: ['127.0.0.0/8', '::1/128'], allowedPorts: [{ from: 1, to: 65_535 }], ca: FOREIGN_CA, proxy: () => null, ...rules });
  const issuers = createForeignIssuers({ fetch, isOurs: (url) => url.includes('ours.example'), now: () => new Date(START + clock.seconds * 1000) });
  const outcome = (kid = 'rsa', url = issuer.url): Promise<string> => issuers.key(url, { ...RS256, kid }).then(() => 'found', (error: Error) => error.message);
  return { issuer, clock, issuers, outcome };
}

const rounds = ({ asked }: ForeignIssuer): number => asked.filter((path) => path === '/jwks').length;

test('the public members of the key, and no others', async () => {
  const { issuer, issuers } = await open();
  issuer.jwks = { keys: [{ ...issuer.keys.rsa.privateKey.export({ format: 'jwk' }), kid: 'rsa', x5c: ['x'] }] };
  assert.deepEqual(Object.keys(await issuers.key(issuer.url, RS256)), ['n', 'e']);
});

test('both documents are asked for once, and kept for as long as the JWKS says', async () => {
  const { issuer, clock, outcome } = await open();
  issuer.headers = { 'cache-control': 'max-age=300' };
  assert.deepEqual(await Promise.all([outcome(), outcome(), outcome()]), ['found', 'found', 'found']);
  clock.seconds = 299;
  await outcome();
  assert.deepEqual(issuer.asked, ['/.well-known/openid-configuration', '/jwks']);
  clock.seconds = 300;
  await outcome();
  assert.equal(rounds(issuer), 2);
});

for (const [what, headers, kept] of [['that may not be kept', 'no-store', 60], ['that says nothing', '', 600], ['that may be kept for a year', 'max-age=31536000', 86_400]] as const) {
  test(`a JWKS ${what} is kept for ${kept} seconds`, async () => {
    const { issuer, clock, outcome } = await open();
    issuer.headers = { 'cache-control': headers };
    await outcome();
    clock.seconds = kept - 1;
    await outcome();
    assert.equal(rounds(issuer), 1);
    clock.seconds = kept;
    await outcome();
    assert.equal(rounds(issuer), 2);
  });
}

test('a key that is not known is looked for again, once in half a minute', async () => {
  const { issuer, clock, outcome } = await open();
  await outcome();
  assert.match(await outcome('new'), /^AADSTS7000272: The signing key 'new' was not found in the JWKS of the issuer 'https:\/\/localhost/);
  assert.equal(rounds(issuer), 1);
  issuer.jwks = { keys: [jwkOf(rsaPair(), { kid: 'new' })] };
  clock.seconds = 29;
  assert.match(await outcome('new'), /AADSTS7000272/);
  clock.seconds = 30;
  assert.equal(await outcome('new'), 'found');
  assert.equal(rounds(issuer), 2);
  assert.match(await outcome('rsa'), /AADSTS7000272/);
});

test('a failure is remembered for half a minute, and takes nothing away that is still fresh', async () => {
  const { issuer, clock, outcome } = await open();
  issuer.headers = { 'cache-control': 'max-age=300' };
  await outcome();
  issuer.instead = (_request, response) => void response.writeHead(500).end();
  clock.seconds = 100;
  const says = /^AADSTS90061: The request to the OIDC endpoint of the issuer 'https:\/\/localhost:\d+\/' failed: its discovery document was answered with the status 500\.$/;
  for (let times = 0; times < 3; times += 1) assert.match(await outcome('new'), says);
  assert.equal(await outcome(), 'found');
  assert.equal(issuer.asked.length, 3);
  clock.seconds = 300;
  assert.match(await outcome(), says);
  issuer.instead = null;
  clock.seconds = 329;
  assert.match(await outcome(), says);
  clock.seconds = 330;
  assert.equal(await outcome(), 'found');
});

const DOCUMENTS: readonly (readonly [what: string, change: (issuer: ForeignIssuer) => void, says: RegExp])[] = [
  ['a discovery document of another issuer', (issuer) => { issuer.discovery = { ...issuer.discovery, issuer: 'https://evil.example/' }; }, /its discovery document is that of 'https:\/\/evil\.example\/', and has to be of exactly this one/],
  ['a discovery document of the issuer without its slash', (issuer) => { issuer.discovery = { ...issuer.discovery, issuer: issuer.url.slice(0, -1) }; }, /has to be of exactly this one/],
  ['a discovery document without an issuer', (issuer) => { issuer.discovery = { jwks_uri: `${issuer.url}jwks` }; }, /is that of no issuer/],
  ['a discovery document that is a list', (issuer) => { issuer.discovery = [issuer.discovery]; }, /is that of no issuer/],
  ['a discovery document without the place of keys', (issuer) => { issuer.discovery = { issuer: issuer.url }; }, /no 'jwks_uri'/],
  ['keys over http', (issuer) => { issuer.discovery = { issuer: issuer.url, jwks_uri: 'http://localhost/' }; }, /its JWKS is at no plain https URL/],
  ['keys at a private address', (issuer) => { issuer.discovery = { issuer: issuer.url, jwks_uri: 'https://169.254.169.254/' }; }, /its JWKS is at a private or special address/],
  ['keys at this server', (issuer) => { issuer.discovery = { issuer: issuer.url, jwks_uri: 'https://ours.example/jwks' }; }, /no 'jwks_uri' that can be asked/],
  ['a JWKS without keys', (issuer) => { issuer.jwks = {}; }, /its JWKS has no list of at most 100 keys/],
  ['a JWKS of 101 keys', (issuer) => { issuer.jwks = { keys: Array.from({ length: 101 }, () => ({})) }; }, /its JWKS has no list of at most 100 keys/],
];

for (const [what, change, says] of DOCUMENTS) {
  test(`refused: ${what}`, async () => {
    const { issuer, outcome } = await open();
    change(issuer);
    assert.match(await outcome(), says);
  });
}

test('an issuer that changes its name is refused when it is asked next', async () => {
  const { issuer, clock, outcome } = await open();
  assert.equal(await outcome(), 'found');
  issuer.discovery = { ...issuer.discovery, issuer: 'https://evil.example/' };
  clock.seconds = 600;
  assert.match(await outcome(), /has to be of exactly this one/);
});

test('an issuer of this server is not asked for', async () => {
  const { outcome } = await open({ resolve: () => assert.fail('nobody may be asked') });
  assert.match(await outcome('rsa', 'https://ours.example/'), /it would be one of this server, which has none of that URL/);
});

test('an issuer that resolves to a private address on the second look gets no second request', async () => {
  const looks: string[] = [];
  const { issuer, outcome } = await open({ resolve: async (host) => { looks.push(host); return [looks.length === 1 ? '127.0.0.1' : '10.0.0.1']; } });
  const url = `https://issuer.example:${new URL(issuer.url).port}/`;
  issuer.discovery = { issuer: url, jwks_uri: `${url}jwks` };
  assert.match(await outcome('rsa', url), /its JWKS is at a private or special address/);
  assert.deepEqual([issuer.asked, looks.length], [['/.well-known/openid-configuration'], 2]);
});

test('an issuer without a slash at its end has its documents at the same place', async () => {
  const { issuer, issuers } = await open();
  const url = `${issuer.url}a`;
  issuer.discovery = { issuer: url, jwks_uri: `${issuer.url}jwks` };
  await issuers.key(url, RS256);
  assert.equal(issuer.asked[0], '/a/.well-known/openid-configuration');
});

const rsa = rsaPair();
const ec = ecPair();
/** The keys of a JWKS, what is looked for → whether one is found. */
const KEYS: readonly (readonly [what: string, keys: readonly object[], wanted: { readonly kid: string; readonly algorithm: 'RS256' | 'ES256' | 'ES384' }, found: boolean])[] = [
  ['one without alg and use', [{ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'k' }], { kid: 'k', algorithm: 'RS256' }, true],
  ['one of another kid', [jwkOf(rsa, { kid: 'K' })], { kid: 'k', algorithm: 'RS256' }, false],
  ['two of that kid', [jwkOf(rsa, { kid: 'k' }), jwkOf(rsa, { kid: 'k' })], { kid: 'k', algorithm: 'RS256' }, false],
  ['two of that kid, one of another type', [jwkOf(rsa, { kid: 'k' }), jwkOf(ec, { kid: 'k' })], { kid: 'k', algorithm: 'RS256' }, true],
  ['one for encryption', [jwkOf(rsa, { kid: 'k', use: 'enc' })], { kid: 'k', algorithm: 'RS256' }, false],
  ['one that signs only', [jwkOf(rsa, { kid: 'k', key_ops: ['sign'] })], { kid: 'k', algorithm: 'RS256' }, false],
  ['one that verifies', [jwkOf(rsa, { kid: 'k', key_ops: ['verify'] })], { kid: 'k', algorithm: 'RS256' }, true],
  ['one for another algorithm', [jwkOf(rsa, { kid: 'k', alg: 'PS256' })], { kid: 'k', algorithm: 'RS256' }, false],
  ['one on another curve', [jwkOf(ec, { kid: 'k' })], { kid: 'k', algorithm: 'ES384' }, false],
  ['one on that curve', [jwkOf(ec, { kid: 'k' })], { kid: 'k', algorithm: 'ES256' }, true],
  ['a shared secret', [{ kty: 'oct', k: 'c2VjcmV0', kid: 'k' }], { kid: 'k', algorithm: 'RS256' }, false],
  ['one with a member that is no text', [jwkOf(rsa, { kid: 'k', n: 1 })], { kid: 'k', algorithm: 'RS256' }, false],
  ['no objects', ['k' as unknown as object], { kid: 'k', algorithm: 'RS256' }, false],
];

for (const [what, keys, wanted, found] of KEYS) {
  test(`of ${what}: ${found ? 'found' : 'not found'}`, async () => {
    const { issuer, issuers } = await open();
    issuer.jwks = { keys };
    assert.equal(await issuers.key(issuer.url, wanted).then(() => true, () => false), found);
  });
}
