/** Login with the token of another issuer, through the front door: what is taken, and that nothing else is. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { type ForeignIssuer, FOREIGN_CA, jwkOf, jws, type Pair, rsaPair, startForeignIssuer } from '../../../test/support/foreign-issuer.ts';
import { CLUSTER, GROUP, type ManagementWorld, openManagement, OTHER_TENANT, START, SUBSCRIPTION, TENANT } from '../../../test/support/management.ts';
import { createGuardedFetch } from '../../fetch/guarded-fetch.ts';
import { createForeignIssuers } from '../../service/foreign-issuers.ts';
import type { LoginReply } from '../management/contract.ts';
import type { IdentityBody } from '../management/identity-contract.ts';

const ID = `${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app`;
const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const AUDIENCE = 'api://AzureADTokenExchange';
const SUBJECT = 'system:serviceaccount:default:app';
const NOW = START.getTime() / 1000;

interface World {
  readonly world: ManagementWorld;
  readonly issuer: ForeignIssuer;
  readonly clientId: string;
  readonly principalId: string;
  /** Everything that was logged. */
  readonly logged: string[];
}

interface OAuthReply {
  readonly error: string;
  readonly error_description: string;
  readonly error_codes: readonly number[];
}

const trust = (world: ManagementWorld, name: string, issuer: string, subject = SUBJECT): Promise<unknown> =>
  world.ask('PUT', `${ID}/federatedIdentityCredentials/${name}`, { properties: { issuer, subject, audiences: [AUDIENCE] } });

/** An identity that trusts one subject of a foreign issuer, and may read the group. */
async function open(): Promise<World> {
  const issuer = await startForeignIssuer();
  const logged: string[] = [];
  const clock: { now: () => Date } = { now: () => START };
  const fetch = createGuardedFetch({ allowedAddresses: ['127.0.0.0/8', '::1/128'], allowedPorts: [{ from: 1, to: 65_535 }], ca: FOREIGN_CA, proxy: () => null });
  const foreignIssuers = createForeignIssuers({ fetch, isOurs: (url) => url.includes('.oic.example.com'), now: () => clock.now() });
  const logger = pino({ level: 'debug' }, new Writable({ write: (line: Buffer, _encoding, done) => { logged.push(line.toString()); done(); } }));
  const world = await openManagement({ foreignIssuers, logger });
  clock.now = () => world.store.now();
  await world.ask('PUT', GROUP, {});
  const { clientId, principalId } = (await world.ask('PUT', ID, {})).json<IdentityBody>().properties;
  await world.store.write((tx) => tx.putRoleAssignment({ principalId, role: 'Reader', scope: GROUP }));
  await trust(world, 'foreign', issuer.url);
  return { world, issuer, clientId, principalId, logged };
}

const CLAIMS = { sub: SUBJECT, aud: AUDIENCE, exp: NOW + 600, nbf: NOW, iat: NOW } as const;
const HEADER = { alg: 'RS256', kid: 'rsa', typ: 'JWT' } as const;
const token = ({ issuer }: Pick<World, 'issuer'>, claims: object = {}, header: object = {}, key: Pair | string | null = issuer.keys.rsa): string => jws({ ...HEADER, ...header }, { iss: issuer.url, ...CLAIMS, ...claims }, key);

const post = ({ world, clientId }: Pick<World, 'world' | 'clientId'>, assertion: string, more: Readonly<Record<string, string>> = {}, tenant = TENANT) => world.server.inject({
  method: 'POST', url: `/${tenant}/oauth2/v2.0/token`, headers: { 'content-type': 'application/x-www-form-urlencoded' },
  payload: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_assertion_type: TYPE, client_assertion: assertion, ...more }).toString(),
});

const accessToken = async (at: World, assertion: string): Promise<string> => {
  const reply = await post(at, assertion);
  assert.equal(reply.statusCode, 200, reply.body);
  return reply.json<LoginReply>().access_token;
};

const get = (world: ManagementWorld, url: string, access: string) => world.server.inject({ url, headers: { authorization: `Bearer ${access}` } });

/** That a login is refused as bad credentials, with this number and these words, and that nothing of the assertion is logged. */
async function refused(at: World, assertion: string, number: number, words: RegExp, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const reply = await post(at, assertion, more);
  const { error, error_description: description, error_codes: codes } = reply.json<OAuthReply>();
  assert.deepEqual([reply.statusCode, error, codes], [401, 'invalid_client', [number]], description);
  assert.match(description, new RegExp(`^AADSTS${number}: `));
  assert.match(description, words);
  assert.ok(!/[^\x20-\x7e]/.test(description), 'only printable characters');
  for (const part of assertion.split('.').filter((one) => one.length > 20)) assert.ok(!at.logged.join('').includes(part) && !description.includes(part));
}

const shared = await open();

test('a token that a credential names logs in as the identity, whose roles count and no others', async () => {
  const access = await accessToken(shared, token(shared));
  const claims = JSON.parse(Buffer.from(access.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
  assert.deepEqual([claims['sub'], claims['oid'], claims['appid'], claims['tid'], claims['xms_mirid']], [shared.principalId, shared.principalId, shared.clientId, TENANT, ID]);
  assert.equal((await get(shared.world, GROUP, access)).statusCode, 200);
  assert.equal((await get(shared.world, `/subscriptions/${SUBSCRIPTION}/resourceGroups`, access)).statusCode, 403);
  const write = await shared.world.server.inject({ method: 'PUT', url: GROUP, headers: { authorization: `Bearer ${access}` }, payload: {} });
  assert.equal(write.statusCode, 403);
});

/** What real clients and issuers send. */
const GOOD: readonly (readonly [what: string, assertion: () => string, more?: Readonly<Record<string, string>>])[] = [
  ['once more, as it is', () => token(shared)],
  ['of ES256', () => token(shared, {}, { alg: 'ES256', kid: 'ec' }, shared.issuer.keys.ec)],
  ['of ES384, by a key that names no algorithm', () => token(shared, {}, { alg: 'ES384', kid: 'ec384' }, shared.issuer.keys.ec384)],
  ['without typ, as Kubernetes writes it', () => jws({ alg: 'RS256', kid: 'rsa' }, { iss: shared.issuer.url, ...CLAIMS }, shared.issuer.keys.rsa)],
  ['for several audiences', () => token(shared, { aud: ['https://other', AUDIENCE] })],
  ['with members that mean nothing here', () => token(shared, { 'kubernetes.io': { namespace: 'default' }, jti: 'x' }, { x5t: 'x' })],
  ['a minute after its end', () => token(shared, { exp: NOW - 59 })],
  ['a minute before its beginning', () => token(shared, { nbf: NOW + 60 })],
  ['of MSAL', () => token(shared), { client_info: '1', scope: 'https://localhost:8443/.default', claims: '{"access_token":{"xms_cc":{"values":["CP1"]}}}' }],
  ['with the end of a line', () => `${token(shared)}\n`],
  ['for a client id in capitals', () => token(shared), { client_id: shared.clientId.toUpperCase() }],
];

for (const [what, assertion, more] of GOOD) test(`taken: a token ${what}`, async () => assert.equal((await post(shared, assertion(), more)).statusCode, 200));

const pem = shared.issuer.keys.rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const stranger = rsaPair();
const strangersJwk = jwkOf(stranger, { kid: 'rsa', alg: 'RS256' });
const CLAIMS_TEXT = `"iss":"${shared.issuer.url}","aud":"${AUDIENCE}","exp":${NOW + 600}`;
const short = rsaPair(1024);
const slashless = shared.issuer.url.slice(0, -1);

const BAD: readonly (readonly [what: string, assertion: () => string, number: number, words: RegExp])[] = [
  ['expired', () => token(shared, { exp: NOW - 60 }), 700024, /it ended at 2026-01-02T03:03:05\.000Z, and it is 2026-01-02T03:04:05\.000Z/],
  ['not yet valid', () => token(shared, { nbf: NOW + 61 }), 700024, /it begins at 2026-01-02T03:05:06\.000Z/],
  ['without an end', () => token(shared, { exp: undefined }), 50027, /lacks 'exp'/],
  ['with an end that is text', () => token(shared, { exp: String(NOW + 600) }), 50027, /lacks 'exp'/],
  ['with an end beyond all time', () => jws(HEADER, `{"iss":"${shared.issuer.url}","sub":"${SUBJECT}","aud":"${AUDIENCE}","exp":1e400}`, shared.issuer.keys.rsa), 50027, /lacks 'exp'/],
  ['for another audience', () => token(shared, { aud: 'https://kubernetes.default.svc' }), 700212, /audience 'https:\/\/kubernetes\.default\.svc'\. The credential for this issuer and subject has 'api:\/\/AzureADTokenExchange'/],
  ['for the audience in another letter case', () => token(shared, { aud: AUDIENCE.toLowerCase() }), 700212, /'api:\/\/azureadtokenexchange'/],
  ['for no audience', () => token(shared, { aud: undefined }), 50027, /lacks 'aud'/],
  ['for an empty list of audiences', () => token(shared, { aud: [] }), 50027, /lacks 'aud'/],
  ['for an audience that is no text', () => token(shared, { aud: [AUDIENCE, 1] }), 50027, /lacks 'aud'/],
  ['of another subject', () => token(shared, { sub: 'system:serviceaccount:default:other' }), 700213, /subject 'system:serviceaccount:default:other'\. The subject of a credential is compared/],
  ['of the subject in another letter case', () => token(shared, { sub: SUBJECT.toUpperCase() }), 700213, /A credential has 'system:serviceaccount:default:app'/],
  ['of a subject that begins alike', () => token(shared, { sub: `${SUBJECT}2` }), 700213, /app2'\. The subject/],
  ['of no subject', () => token(shared, { sub: undefined }), 50027, /lacks 'sub'/],
  ['of another issuer', () => token(shared, { iss: 'https://evil.example/' }), 700211, /issuer 'https:\/\/evil\.example\/'\. The issuer of a credential/],
  ['of the issuer without its slash', () => token(shared, { iss: slashless }), 700211, new RegExp(`issuer '${slashless}'\\. A credential has '${slashless}/', with a slash at the end\\.`)],
  ['of the issuer in capitals', () => token(shared, { iss: shared.issuer.url.toUpperCase() }), 700211, /A credential has/],
  ['of no issuer', () => token(shared, { iss: undefined }), 50027, /lacks 'iss'/],
  ['of an issuer with an escape for a terminal', () => token(shared, { iss: 'https://a/\u001b[31m\u202e' }), 700211, /'https:\/\/a\/\?\[31m\?'/],
  ['with a kid that the issuer has not', () => token(shared, {}, { kid: 'gone' }), 7000272, /signing key 'gone' was not found/],
  ['with the kid of another type of key', () => token(shared, {}, { kid: 'ec' }), 7000272, /'ec'/],
  ['without a kid', () => token(shared, {}, { kid: undefined }), 50027, /lacks 'kid'/],
  ['signed by a stranger', () => token(shared, {}, {}, stranger), 700027, /failed signature validation/],
  ['with a signature of something else', () => token(shared).replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ iss: shared.issuer.url, ...CLAIMS, jti: 'x' })).toString('base64url')}.`), 700027, /failed signature validation/],
  ['of alg none', () => `${token(shared, {}, { alg: 'none' }, null)}`, 50027, /three parts/],
  ['of alg none with a signature', () => token(shared, {}, { alg: 'none' }), 50027, /algorithm is 'none'/],
  ['of HS256 with the public key as its secret', () => token(shared, {}, { alg: 'HS256' }, pem), 50027, /algorithm is 'HS256'/],
  ['of PS256', () => token(shared, {}, { alg: 'PS256' }), 50027, /algorithm is 'PS256'/],
  ['of RS256 in lower case', () => token(shared, {}, { alg: 'rs256' }), 50027, /algorithm is 'rs256'/],
  ['of an algorithm that is a prototype', () => token(shared, {}, { alg: 'constructor' }), 50027, /algorithm is 'constructor'/],
  ['with its key in the header (jwk)', () => token(shared, {}, { jwk: strangersJwk }, stranger), 50027, /'jwk'/],
  ['with the place of its keys in the header (jku)', () => token(shared, {}, { jku: `${shared.issuer.url}jwks` }), 50027, /'jku'/],
  ['with its certificates in the header (x5c)', () => token(shared, {}, { x5c: ['x'] }), 50027, /'x5c'/],
  ['with the place of its certificates in the header (x5u)', () => token(shared, {}, { x5u: shared.issuer.url }), 50027, /'x5u'/],
  ['with crit', () => token(shared, {}, { crit: ['exp'] }), 50027, /'crit'/],
  ['with b64', () => token(shared, {}, { b64: false }), 50027, /'b64'/],
  ['with a null for a member that is refused', () => token(shared, {}, { jwk: null }), 50027, /'jwk'/],
  ['with the type of another token', () => token(shared, {}, { typ: 'logout+jwt' }), 50027, /'typ'/],
  ['with a member twice in its header', () => jws('{"alg":"none","kid":"rsa","alg":"RS256"}', { iss: shared.issuer.url, ...CLAIMS }, shared.issuer.keys.rsa), 50027, /its header .* a member twice/],
  ['with a claim twice', () => jws(HEADER, `{${CLAIMS_TEXT},"sub":"${SUBJECT}","sub":"admin"}`, shared.issuer.keys.rsa), 50027, /its payload .* a member twice/],
  ['with a claim twice, once escaped', () => jws(HEADER, String.raw`{${CLAIMS_TEXT},"sub":"${SUBJECT}","s\u0075b":"admin"}`, shared.issuer.keys.rsa), 50027, /a member twice/],
  ['whose payload is a list', () => jws(HEADER, '[]', shared.issuer.keys.rsa), 50027, /its payload is no JSON object/],
  ['whose payload is no UTF-8', () => `${token(shared).split('.')[0]!}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.x`, 50027, /its payload/],
  ['that is text', () => 'secret', 50027, /three parts/],
  ['that is empty', () => '', 50027, /three parts/],
  ['of four parts', () => `${token(shared)}.x`, 50027, /three parts/],
  ['with padding', () => token(shared).replace('.', '=.'), 50027, /three parts/],
];

for (const [what, assertion, number, words] of BAD) test(`refused: a token ${what}`, () => refused(shared, assertion(), number, words));

test('the token of an issuer by a key that is too short is refused', async () => {
  const at = await open();
  at.issuer.jwks = { keys: [jwkOf(short, { kid: 'rsa', alg: 'RS256' })] };
  await refused(at, token(at, {}, {}, short), 700027, /too weak/);
});

test('requests with a bad form', async () => {
  const good = token(shared);
  await refused(shared, good, 50027, /client_assertion_type/, { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' });
  await refused(shared, good, 700016, /Application with identifier 'owner' was not found/, { client_id: 'owner' });
  await refused(shared, good, 700016, /was not found/, { client_id: shared.principalId });
  await refused(shared, good, 700016, /was not found/, { client_id: randomUUID() });
  for (const more of [{ client_secret: 'x' }, { client_secret: '' }]) assert.equal((await post(shared, good, more)).statusCode, 400);
  const twice = await shared.world.server.inject({
    method: 'POST', url: `/${TENANT}/oauth2/v2.0/token`, headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: `grant_type=client_credentials&client_id=${shared.clientId}&client_assertion_type=${encodeURIComponent(TYPE)}&client_assertion=${good}&client_assertion=${good}`,
  });
  assert.deepEqual([twice.statusCode, twice.json<OAuthReply>().error_description], [400, "The request has 'client_assertion' more than once."]);
  const elsewhere = await post(shared, good, {}, OTHER_TENANT);
  assert.deepEqual([elsewhere.statusCode, elsewhere.json<OAuthReply>().error_codes], [401, [700016]]);
});

test('an identity without a credential', async () => {
  const at = await open();
  await at.world.ask('DELETE', `${ID}/federatedIdentityCredentials/foreign`);
  await refused(at, token(at), 70021, /the identity has no federated credential\. Assertion issuer: 'https:\/\/localhost.*Assertion subject: 'system:serviceaccount:default:app'\. Assertion audience: 'api/);
});

test('a disabled identity: no login, and its access tokens end, until it is enabled again', async () => {
  const at = await open();
  const access = await accessToken(at, token(at));
  await at.world.ask('PUT', ID, { properties: { accountEnabled: false } });
  await refused(at, token(at), 7000112, /is disabled/);
  assert.deepEqual([(await get(at.world, GROUP, access)).statusCode], [401]);
  await at.world.ask('PUT', ID, { properties: { accountEnabled: true } });
  assert.equal((await get(at.world, GROUP, access)).statusCode, 200);
});

test('a deleted identity: its access tokens end at once, and do not count for one of the same name', async () => {
  const at = await open();
  const access = await accessToken(at, token(at));
  await at.world.ask('DELETE', ID);
  const reply = await get(at.world, '/subscriptions', access);
  assert.deepEqual([reply.statusCode, reply.json<{ error: { message: string } }>().error.message], [401, 'The access token was refused: its managed identity was deleted or disabled. Log in again.']);
  await refused(at, token(at), 700016, /was not found/);
  await at.world.ask('PUT', ID, {});
  await trust(at.world, 'foreign', at.issuer.url);
  await refused(at, token(at), 700016, /was not found/);
  assert.equal((await get(at.world, '/subscriptions', access)).statusCode, 401);
});

test('the key in the header is not even looked at: keys come from the issuer alone', async () => {
  assert.deepEqual([...new Set(shared.issuer.asked)].toSorted(), ['/.well-known/openid-configuration', '/jwks']);
});

// Issuers of this server.

const issue = async ({ world }: Pick<World, 'world'>, name = 'app', audience = AUDIENCE): Promise<string> => {
  const reply = await world.ask('POST', `${CLUSTER}/providers/Mintmark.Oidc/issuers/default/issueToken`, { metadata: { namespace: 'default', name }, spec: { audiences: [audience] } });
  return reply.json<{ status: { token: string } }>().status.token;
};

async function openOwn(): Promise<World & { readonly issuerUrl: string }> {
  const at = await open();
  const cluster = await at.world.ask('PUT', CLUSTER, {});
  const issuerUrl = cluster.json<{ properties: { oidcIssuerProfile: { issuerURL: string } } }>().properties.oidcIssuerProfile.issuerURL;
  await trust(at.world, 'own', issuerUrl);
  return { ...at, issuerUrl };
}

test("a service account's token of this server logs in, with nobody asked over the network", async () => {
  const at = await openOwn();
  assert.equal((await get(at.world, GROUP, await accessToken(at, await issue(at)))).statusCode, 200);
  await refused(at, await issue(at, 'other'), 700213, /default:other/);
  await refused(at, await issue(at, 'app', 'https://other'), 700212, /https:\/\/other/);
  assert.deepEqual(at.issuer.asked, []);
});

test('the tokens of a retired key are taken until it is revoked, and then at once no more', async () => {
  const at = await openOwn();
  const before = await issue(at);
  at.world.pass(600);
  const rotate = (): Promise<unknown> => at.world.ask('POST', `${CLUSTER}/rotateServiceAccountSigningKeys`);
  await rotate();
  assert.equal((await post(at, before)).statusCode, 200);
  at.world.pass(600);
  await rotate();
  await refused(at, before, 7000272, /was not found in the JWKS/);
  assert.equal((await post(at, await issue(at))).statusCode, 200);
});

test("a deleted cluster's tokens are refused at once, though its documents are still published", async () => {
  const at = await openOwn();
  const assertion = await issue(at);
  await at.world.ask('DELETE', CLUSTER);
  await refused(at, assertion, 90061, /was deleted with its cluster/);
  assert.deepEqual(at.issuer.asked, []);
});

test('an issuer under the template of this server that does not exist is not asked for', async () => {
  const at = await open();
  const issuer = `https://eastus.oic.example.com/${TENANT}/${randomUUID()}/`;
  await trust(at.world, 'ghost', issuer);
  await refused(at, token(at, { iss: issuer }), 90061, /it would be one of this server, which has none of that URL/);
});

test('a foreign issuer at the very path of one of this server is not taken for that one', async () => {
  const at = await openOwn();
  const url = `${at.issuer.url.slice(0, -1)}${new URL(at.issuerUrl).pathname}`;
  await trust(at.world, 'alike', url);
  at.issuer.discovery = { issuer: url, jwks_uri: `${at.issuer.url}jwks` };
  assert.equal((await post(at, token(at, { iss: url }))).statusCode, 200);
  await at.world.ask('DELETE', CLUSTER);
  assert.equal((await post(at, token(at, { iss: url }))).statusCode, 200);
});

test("a token of one cluster is none of another's, whatever it says of its issuer", async () => {
  const at = await openOwn();
  const other = `${CLUSTER}2`;
  await at.world.ask('PUT', other, {});
  const foreignHere = await at.world.ask('POST', `${other}/providers/Mintmark.Oidc/issuers/default/issueToken`, { metadata: { namespace: 'default', name: 'app' }, spec: { audiences: [AUDIENCE] } });
  await refused(at, foreignHere.json<{ status: { token: string } }>().status.token, 700211, /issuer 'https:/);
  await refused(at, token(at, { iss: at.issuerUrl }), 7000272, /'rsa' was not found/);
});

test('bad assertions of a client at one address are throttled; others, elsewhere, are not', async () => {
  const issuer = await startForeignIssuer();
  const world = await openManagement({ limits: { failedLogins: 3 }, foreignIssuers: { key: () => Promise.reject(new Error('not asked')) } });
  await world.ask('PUT', GROUP, {});
  const { clientId } = (await world.ask('PUT', ID, {})).json<IdentityBody>().properties;
  const from = async (remoteAddress: string): Promise<number> => (await world.server.inject({
    method: 'POST', url: `/${TENANT}/oauth2/v2.0/token`, remoteAddress, headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_assertion_type: TYPE, client_assertion: token({ issuer }) }).toString(),
  })).statusCode;
  const statuses: number[] = [];
  for (let times = 0; times < 4; times += 1) statuses.push(await from('192.0.2.1'));
  assert.deepEqual([statuses, await from('192.0.2.2')], [[401, 401, 401, 429], 401]);
});
