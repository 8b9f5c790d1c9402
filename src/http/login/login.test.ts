import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OTHER_TENANT, openManagement, SECRET, TENANT, URL_BASE } from '../../../test/support/management.ts';
import type { LoginReply } from '../management/contract.ts';

const world = await openManagement();
const URL_TOKEN = `/${TENANT}/oauth2/v2.0/token`;
const FORM = { client_id: 'owner', client_secret: SECRET, grant_type: 'client_credentials', scope: `${URL_BASE}/.default` };

const post = (form: Readonly<Record<string, string>> | string, options: { url?: string; headers?: Record<string, string> } = {}) => world.server.inject({
  method: 'POST', url: options.url ?? URL_TOKEN, headers: { 'content-type': 'application/x-www-form-urlencoded', ...options.headers }, payload: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
});
const without = (name: keyof typeof FORM): Record<string, string> => Object.fromEntries(Object.entries(FORM).filter(([member]) => member !== name));
const basic = (id: string, secret: string): Record<string, string> => ({ authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}` });

/** What clients send, each of which logs in. */
const GOOD: readonly (readonly [string, Parameters<typeof post>])[] = [
  ['the least', [FORM]],
  ['MSAL for Python', [{ ...FORM, client_info: '1', claims: '{"access_token":{"xms_cc":{"values":["CP1"]}}}' }]],
  ['the JavaScript SDK: a query on the URL, the scope of Azure', [{ ...FORM, scope: 'https://management.azure.com/.default openid profile offline_access' }, { url: `${URL_TOKEN}?client-request-id=x` }]],
  ['a scope with two slashes', [{ ...FORM, scope: `${URL_BASE}//.default` }]],
  ["Azure's older scope", [{ ...FORM, scope: 'https://management.core.windows.net//.default' }]],
  ['no scope', [without('scope')]],
  ['AD FS, where the tenant is that of the client', [FORM, { url: '/adfs/oauth2/token?client-request-id=x' }]],
  ['AD FS with a tenant', [FORM, { url: `/adfs/${TENANT}/oauth2/token/` }]],
  ['HTTP Basic', [{ grant_type: 'client_credentials' }, { headers: basic('owner', SECRET) }]],
  ['names without case', [{ ...FORM, client_id: 'OWNER' }, { url: URL_TOKEN.toUpperCase() }]],
];

for (const [what, request] of GOOD) {
  test(`login: ${what}`, async () => {
    const reply = await post(...request);
    const body = reply.json<LoginReply>();
    assert.deepEqual([reply.statusCode, body.token_type, body.expires_in, reply.headers['cache-control'], Object.keys(body)], [200, 'Bearer', 3600, 'no-store', ['token_type', 'expires_in', 'access_token']]);
    const used = await world.server.inject({ url: '/subscriptions', headers: { authorization: `bearer ${body.access_token}` } });
    assert.equal(used.json<{ value: unknown[] }>().value.length, 1);
  });
}

const INVALID = 'AADSTS7000215: Invalid client id or client secret. Check both, and that they belong to this tenant.';
const BAD: readonly (readonly [string, Parameters<typeof post>, number, string, string])[] = [
  ['a wrong secret', [{ ...FORM, client_secret: 'wrong' }], 401, 'invalid_client', INVALID],
  ['an unknown client', [{ ...FORM, client_id: 'ghost' }], 401, 'invalid_client', INVALID],
  ['a client of another tenant', [{ ...FORM, client_id: 'stranger' }], 401, 'invalid_client', INVALID],
  ['this client at another tenant', [FORM, { url: `/${OTHER_TENANT}/oauth2/v2.0/token` }], 401, 'invalid_client', INVALID],
  ['a wrong secret at AD FS', [{ ...FORM, client_secret: 'wrong' }, { url: '/adfs/oauth2/token' }], 401, 'invalid_client', INVALID],
  ['an unknown client at AD FS', [{ ...FORM, client_id: 'ghost' }, { url: '/adfs/oauth2/token' }], 401, 'invalid_client', INVALID],
  ['this client at another tenant of AD FS', [FORM, { url: `/adfs/${OTHER_TENANT}/oauth2/token` }], 401, 'invalid_client', INVALID],
  ['a prototype as client', [{ ...FORM, client_id: '__proto__' }], 401, 'invalid_client', INVALID],
  ['no secret', [without('client_secret')], 401, 'invalid_client', "AADSTS7000216: The request lacks 'client_secret' or 'client_assertion', by which one logs in."],
  ['a wrong secret by Basic', [{ grant_type: 'client_credentials' }, { headers: basic('owner', 'x') }], 401, 'invalid_client', INVALID],
  ['no client', [without('client_id')], 400, 'invalid_request', "The request lacks 'client_id'."],
  ['no grant type', [without('grant_type')], 400, 'invalid_request', "The request lacks 'grant_type'."],
  ['another grant type', [{ ...FORM, grant_type: 'password' }], 400, 'unsupported_grant_type', 'The grant type is not supported: log in with client_credentials, and a client secret or a client assertion.'],
  ['another scope', [{ ...FORM, scope: 'https://graph.microsoft.com/.default' }], 400, 'invalid_scope', `AADSTS70011: The scope is not one of this server. Ask for '${URL_BASE}/.default'.`],
  ['a member twice', [`${new URLSearchParams(FORM).toString()}&client_secret=x`], 400, 'invalid_request', "The request has 'client_secret' more than once."],
  ['an over-long secret', [{ ...FORM, client_secret: 'x'.repeat(2000) }], 400, 'invalid_request', "'client_secret' is longer than 1024 characters."],
  ['an unknown tenant', [FORM, { url: '/nowhere/oauth2/v2.0/token' }], 400, 'invalid_request', "AADSTS90002: Tenant 'nowhere' not found. A tenant here is one of this Mintmark server, not of Entra ID."],
  ['Basic that is none', [{ grant_type: 'client_credentials' }, { headers: { authorization: 'Basic YQ==' } }], 400, 'invalid_request', 'The Authorization header is not in the form of HTTP Basic.'],
  ['a body of 100 kB', ['x'.repeat(100_000)], 413, 'invalid_request', 'The body is larger than this server accepts.'],
];

for (const [what, request, status, error, description] of BAD) {
  test(`no login: ${what}`, async () => {
    const reply = await post(...request);
    const number = /^AADSTS(\d+)/.exec(description)?.[1];
    assert.deepEqual([reply.statusCode, reply.json()], [status, { error, error_description: description, ...(number === undefined ? {} : { error_codes: [Number(number)] }), trace_id: reply.headers['x-ms-request-id'] }]);
    assert.equal(reply.headers['cache-control'], 'no-store');
    const challenged = status === 401 && request[1]?.headers !== undefined;
    assert.equal(reply.headers['www-authenticate'], challenged ? 'Basic realm="mintmark", charset="UTF-8"' : undefined);
  });
}

test('other methods and media types', async () => {
  const get = await world.server.inject({ method: 'GET', url: URL_TOKEN });
  assert.deepEqual([get.statusCode, get.headers.allow], [405, 'POST']);
  const json = await world.server.inject({ method: 'POST', url: URL_TOKEN, payload: FORM });
  assert.deepEqual([json.statusCode, json.json<{ error: string }>().error], [415, 'invalid_request']);
  const empty = await world.server.inject({ method: 'POST', url: URL_TOKEN });
  assert.deepEqual([empty.statusCode, empty.json()], [400, { error: 'invalid_request', error_description: 'The request has no form-encoded body.', trace_id: empty.headers['x-ms-request-id'] }]);
});

test('discovery is on the configured host, in the stored spelling of the tenant', async () => {
  const reply = await world.server.inject({ url: `/${TENANT.toUpperCase()}/v2.0/.well-known/openid-configuration`, headers: { host: 'evil.example' } });
  const base = `${URL_BASE}/${TENANT}`;
  assert.deepEqual([reply.statusCode, reply.json()], [200, {
    issuer: `${base}/v2.0`, authorization_endpoint: `${base}/oauth2/v2.0/authorize`, token_endpoint: `${base}/oauth2/v2.0/token`, jwks_uri: `${base}/discovery/v2.0/keys`,
    response_types_supported: ['token'], grant_types_supported: ['client_credentials'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['ES256'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic', 'private_key_jwt'], token_endpoint_auth_signing_alg_values_supported: ['RS256', 'ES256', 'ES384', 'ES512'],
  }]);
  assert.equal((await world.server.inject({ url: '/nowhere/v2.0/.well-known/openid-configuration' })).statusCode, 400);
});

test('AD FS: with a tenant and without', async () => {
  const pick = async (url: string) => {
    const reply = await world.server.inject({ url });
    const { issuer, authorization_endpoint, token_endpoint, jwks_uri } = reply.json<Record<string, string>>();
    return [reply.statusCode, issuer, authorization_endpoint, token_endpoint, jwks_uri];
  };
  const endpoints = (base: string) => [`${base}/oauth2/authorize`, `${base}/oauth2/token`, `${base}/discovery/keys`];
  assert.deepEqual(await pick('/adfs/.well-known/openid-configuration'), [200, `${URL_BASE}/adfs`, ...endpoints(`${URL_BASE}/adfs`)]);
  assert.deepEqual(await pick(`/ADFS/${TENANT.toUpperCase()}/.well-known/openid-configuration`), [200, `${URL_BASE}/${TENANT}/v2.0`, ...endpoints(`${URL_BASE}/adfs/${TENANT}`)]);
  assert.equal((await world.server.inject({ url: '/adfs/nowhere/.well-known/openid-configuration' })).statusCode, 400);
});

test('AD FS: a client of another tenant is one of its own', async () => {
  const { access_token: token } = (await post({ ...FORM, client_id: 'stranger' }, { url: '/adfs/oauth2/token' })).json<LoginReply>();
  const seen = await world.server.inject({ url: '/subscriptions', headers: { authorization: `Bearer ${token}` } });
  assert.deepEqual(seen.json<{ value: { tenantId: string }[] }>().value.map(({ tenantId }) => tenantId), [OTHER_TENANT]);
});

test('wrong secrets count for a client, at whatever place it logs in', async () => {
  const { server } = await openManagement({ limits: { failedLogins: 2 } });
  const places = ['/adfs/oauth2/token', `/adfs/${TENANT}/oauth2/token`, URL_TOKEN];
  const statuses = [];
  for (const url of places) statuses.push((await server.inject({ method: 'POST', url, headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: new URLSearchParams({ ...FORM, client_secret: 'wrong' }).toString() })).statusCode);
  assert.deepEqual(statuses, [401, 401, 429]);
});

const LOGIN_AT = { loginEndpoint: `${URL_BASE}/adfs`, audiences: [URL_BASE] };
const OLDEST = { galleryEndpoint: URL_BASE, graphEndpoint: URL_BASE, portalEndpoint: URL_BASE, authentication: LOGIN_AT };
const NEWEST = {
  name: 'Mintmark', portal: URL_BASE, resourceManager: URL_BASE, gallery: URL_BASE, graph: URL_BASE, graphAudience: URL_BASE, microsoftGraphResourceId: URL_BASE,
  authentication: { ...LOGIN_AT, tenant: 'common', identityProvider: 'AAD' }, suffixes: {},
};
/** The query → the cloud, in the form that clients of that api-version read. */
const CLOUDS: readonly (readonly [string, object])[] = [
  ['?api-version=2015-01-01', OLDEST], ['?api-version=2018-05-01', OLDEST], ['?api-version=', OLDEST],
  ['?api-version=2019-05-01', [NEWEST]], ['?api-version=2020-06-01', [NEWEST]],
  ['?api-version=2022-09-01', NEWEST], ['?api-version=2026-01-01-preview', NEWEST], ['', NEWEST],
];

for (const [query, body] of CLOUDS) {
  test(`the cloud, by /metadata/endpoints${query}`, async () => {
    const reply = await world.server.inject({ url: `/metadata/endpoints${query}`, headers: { host: 'evil.example' } });
    assert.deepEqual([reply.statusCode, reply.json()], [200, body]);
  });
}

test('the keys are public halves', async () => {
  const { keys } = (await world.server.inject({ url: `/${TENANT}/discovery/v2.0/keys` })).json<{ keys: object[] }>();
  assert.deepEqual(keys.map((key) => Object.keys(key)), [['kty', 'use', 'alg', 'kid', 'crv', 'x', 'y']]);
});
