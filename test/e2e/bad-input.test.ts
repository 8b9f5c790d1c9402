/**
 * What the real program is not made for, over https: each with its status and code, and with nothing changed. Then a
 * store that was damaged while the server was down: what is damaged is refused, all else is served.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { ErrorBody, TokenReply } from '../../src/http/management/contract.ts';
import { ClusterApi, exchange, type HttpReply, logIn, type Sent, success } from '../support/dev-api.ts';
import { DevHome, type Profile, type Running } from '../support/dev-server.ts';

const codeOf = ({ text }: HttpReply): string => (JSON.parse(text) as ErrorBody).error.code;

/** Writes into the store of a home whose server is down. */
function alter(home: DevHome, sql: string, ...values: readonly SQLInputValue[]): number {
  const store = new DatabaseSync(join(home.dir, 'mintmark.db'));
  try {
    return Number(store.prepare(sql).run(...values).changes);
  } finally {
    store.close();
  }
}

const home = await DevHome.make();
await home.start();
const profile = await home.profile();
const api = await ClusterApi.open(home);
await api.send('PUT', api.cluster, { tags: { a: '1' }, properties: { kubernetesVersion: '1.36' } });

/** All that a refused request could have changed. */
const state = async (): Promise<readonly string[]> =>
  Promise.all([api.cluster, api.issuer, `${api.issuer}/keys`, `${api.issuer}/events`, api.cluster.replace(/\/[^/]+$/, '')].map(async (path) => (await api.send('GET', path)).text));

interface Row {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly sent?: Sent;
  readonly status: number;
  readonly code: string;
}

const named = (name: string): string => api.cluster.replace(/[^/]+$/, name);
const put = (what: string, body: unknown, status: number, code: string, sent: Sent = {}): Row => ({ what, method: 'PUT', path: api.cluster, body, sent, status, code });
const raw = (what: string, body: string | Buffer, status: number, code: string, type = 'application/json'): Row => ({ what, method: 'PUT', path: api.cluster, sent: { body, headers: { 'content-type': type } }, status, code });
const name = (what: string, text: string, status = 400, code = 'InvalidResourceName'): Row => ({ what: `a name: ${what}`, method: 'PUT', path: named(text), body: {}, status, code });
const token = (what: string, body: unknown, code = 'InvalidTokenRequest'): Row => ({ what: `a token request: ${what}`, method: 'POST', path: `${api.issuer}/issueToken`, body, status: 400, code });
const bearer = (what: string, authorization: string): Row => ({ what: `an access token: ${what}`, method: 'GET', path: api.cluster, sent: { headers: { authorization } }, status: 401, code: 'AuthenticationFailed' });
const at = (method: string, path: string, status: number, code: string): Row => ({ what: `${method} ${path.replace(api.cluster, '{cluster}')}`, method, path, status, code });

const subject = { namespace: 'default', name: 'app' };
const accessToken = await logIn(home);
const [header, payload, signature] = accessToken.split('.') as [string, string, string];
const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const ROWS: readonly Row[] = [
  raw('malformed JSON', '{"tags":', 400, 'InvalidRequestContent'),
  raw('not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, 'InvalidRequestContent'),
  raw('a body of 10 MB', Buffer.alloc(10 * 1024 * 1024, ' '), 413, 'RequestTooLarge'),
  raw('a form', 'tags=x', 415, 'UnsupportedMediaType', 'application/x-www-form-urlencoded'),
  put('wrong types', { tags: { a: 1 }, location: 5, properties: 'x' }, 400, 'InvalidRequestContent'),
  put('a wrong type inside', { properties: { agentPoolProfiles: [{ name: 'p', count: 'many' }] } }, 400, 'InvalidRequestContent'),
  put('an issuer that is neither on nor off', { properties: { oidcIssuerProfile: { enabled: 'false' } } }, 400, 'InvalidRequestContent'),
  put('a list', [], 400, 'InvalidRequestContent'),
  put('disabling', { tags: { b: '2' }, properties: { oidcIssuerProfile: { enabled: false } } }, 400, 'IssuerCanNotBeDisabled'),
  put('another location', { tags: { b: '2' }, location: 'westus' }, 400, 'LocationCanNotChange'),
  put('an unknown location', { location: 'moon' }, 400, 'LocationNotAvailable'),
  put('Kubernetes 1.21', { properties: { kubernetesVersion: '1.21.14' } }, 400, 'UnsupportedKubernetesVersion'),
  put('a lower minor', { properties: { kubernetesVersion: '1.30.0' } }, 400, 'KubernetesDowngrade'),
  put('a stale eTag', { tags: { b: '2' } }, 412, 'PreconditionFailed', { headers: { 'if-match': '"1-stale"' } }),
  put('a cluster that must not be there', { tags: { b: '2' } }, 412, 'PreconditionFailed', { headers: { 'if-none-match': '*' } }),
  put('a request id that is none', {}, 400, 'InvalidRequestContent', { headers: { 'x-ms-client-request-id': 'x'.repeat(129) } }),
  { what: 'a new cluster of Kubernetes 1.21', method: 'PUT', path: named('old'), body: { properties: { kubernetesVersion: '1.21.0' } }, status: 400, code: 'UnsupportedKubernetesVersion' },
  { what: 'a new cluster in an unknown location', method: 'PUT', path: named('far'), body: { location: 'moon' }, status: 400, code: 'LocationNotAvailable' },
  { what: 'a rotation period of a day', method: 'PUT', path: `${api.issuer}/rotationPolicy`, body: { properties: { rotateEverySeconds: 86_400 } }, status: 400, code: 'InvalidRotationPolicy' },
  { what: 'revoking the key that signs', method: 'POST', path: `${api.issuer}/revokeKey`, body: { kid: (await api.show()).keys.find((key) => key.state === 'active')?.kid }, status: 409, code: 'KeyIsActive' },
  { what: 'revoking a key that is none', method: 'POST', path: `${api.issuer}/revokeKey`, body: { kid: 'nokey' }, status: 404, code: 'KeyNotFound' },
  name('64 letters', 'a'.repeat(64)), name('a thousand', 'a'.repeat(1000)), name('a hyphen first', '-a'), name('a face', '%F0%9F%98%80'), name('a null', 'a%00b'), name('a line break', 'a%0d%0ab'),
  name('an encoded slash', 'a%2Fb'), name('bad percent-encoding', '%E0%A4%A', 404, 'InvalidPath'),
  token('5 seconds', { metadata: subject, spec: { expirationSeconds: 5 } }),
  token('half a second more than ten minutes', { metadata: subject, spec: { expirationSeconds: 600.5 } }),
  token('an empty audience', { metadata: subject, spec: { audiences: [''] } }),
  token('a namespace with capitals', { metadata: { ...subject, namespace: 'Default' } }),
  token('a namespace of two', { metadata: { ...subject, namespace: 'a:b' } }),
  token('a name with a slash', { metadata: { ...subject, name: 'a/b' } }),
  token('a name that is too long', { metadata: { ...subject, name: 'a'.repeat(254) } }),
  token('no name', { metadata: { namespace: 'default' } }, 'InvalidRequestContent'),
  token('audiences that are text', { metadata: subject, spec: { audiences: 'x' } }, 'InvalidRequestContent'),
  bearer('none', ''), bearer('another scheme', 'Basic YTpi'), bearer('no token', 'Bearer x.y.z'),
  bearer('without its signature', `Bearer ${header}.${payload}.`),
  bearer('a changed signature', `Bearer ${header}.${payload}.${signature.startsWith('AAAA') ? 'BBBB' : 'AAAA'}${signature.slice(4)}`),
  bearer('another subject', `Bearer ${header}.${encoded({ ...claims, sub: 'root' })}.${signature}`),
  bearer('without an algorithm', `Bearer ${encoded({ alg: 'none', typ: 'JWT' })}.${payload}.`),
  bearer('a service-account token', `Bearer ${await api.issueToken()}`),
  at('GET', '/', 404, 'InvalidPath'), at('GET', '/subscriptions/x/unknown', 404, 'InvalidPath'), at('POST', `${api.cluster}/frobnicate`, 404, 'InvalidPath'),
  at('GET', `/subscriptions/${randomUUID()}/resourceGroups`, 404, 'SubscriptionNotFound'),
  at('POST', api.cluster, 405, 'MethodNotAllowed'), at('GET', `${api.cluster}/rotateServiceAccountSigningKeys`, 405, 'MethodNotAllowed'), at('DELETE', api.issuer, 405, 'MethodNotAllowed'),
  at('POST', `${api.cluster}/stop`, 409, 'OperationNotAllowed'), at('POST', `${named('nothere')}/rotateServiceAccountSigningKeys`, 404, 'ResourceNotFound'),
];

describe('the management API refuses, and nothing changes:', () => {
  let unchanged: readonly string[];
  before(async () => { unchanged = await state(); });
  for (const { what, method, path, body, sent, status, code } of ROWS) {
    it(what, async () => {
      const reply = await api.send(method, path, body, sent);
      assert.deepEqual([reply.status, codeOf(reply)], [status, code]);
      assert.match(String(reply.headers['x-ms-request-id']), /^[0-9a-f-]{36}$/);
      assert.deepEqual(await state(), unchanged);
    });
  }
});

it('a token request of 25 hours is shortened to 24, with a warning', async () => {
  const reply = await api.send('POST', `${api.issuer}/issueToken`, { metadata: subject, spec: { expirationSeconds: 90_000 } });
  assert.deepEqual([success<TokenReply>(reply).spec.expirationSeconds, reply.headers.warning], [86_400, '299 mintmark "requested expiration of 90000 seconds shortened to 86400 seconds: a token lives for one day at most"']);
});

describe('the login refuses:', () => {
  const good = { grant_type: 'client_credentials', client_id: profile.clientId, client_secret: profile.clientSecret };
  const FORMS: readonly (readonly [string, string, Readonly<Record<string, string>>, number, string])[] = [
    ['a wrong secret', profile.tenantId, { ...good, client_secret: 'wrong' }, 401, 'invalid_client'],
    ['an unknown client', profile.tenantId, { ...good, client_id: randomUUID() }, 401, 'invalid_client'],
    ['no secret', profile.tenantId, { grant_type: 'client_credentials', client_id: profile.clientId }, 401, 'invalid_client'],
    ['another tenant', randomUUID(), good, 400, 'invalid_request'],
    ['a password', profile.tenantId, { ...good, grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ['another scope', profile.tenantId, { ...good, scope: 'https://graph.microsoft.com/.default' }, 400, 'invalid_scope'],
  ];
  for (const [what, tenantId, form, status, error] of FORMS) {
    it(what, async () => {
      const reply = await exchange(home, 'POST', `${profile.endpoint}/${tenantId}/oauth2/v2.0/token`, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(form).toString() });
      assert.deepEqual([reply.status, JSON.parse(reply.text).error, reply.headers['cache-control']], [status, error, 'no-store']);
      assert.ok(!reply.text.includes(profile.clientSecret), 'the secret is not repeated');
    });
  }
});

describe('the public host answers what is no document with 404 and no-store:', () => {
  const url = async (): Promise<string> => (await api.show()).issuerURL;
  const DISCOVERY = '.well-known/openid-configuration';
  const PATHS: readonly (readonly [string, (issuer: string) => string])[] = [
    ['a right uuid under another tenant', (issuer) => issuer.replace(profile.tenantId, randomUUID()) + DISCOVERY],
    ['another region', (issuer) => issuer.replace('/eastus/', '/westus/') + DISCOVERY],
    ['an unknown uuid', (issuer) => issuer.replace(/[^/]+\/$/, `${randomUUID()}/`) + DISCOVERY],
    ['capitals', (issuer) => issuer.replace('/eastus/', '/EastUS/') + DISCOVERY],
    ['two slashes', (issuer) => `${issuer}/${DISCOVERY}`],
    ['a slash behind', (issuer) => `${issuer}${DISCOVERY}/`],
    ['an encoded letter', (issuer) => issuer.replace('/eastus/', '/%65astus/') + DISCOVERY],
    ['the issuer itself', (issuer) => issuer],
    ['a path of the management API', (issuer) => new URL('/subscriptions', issuer).href],
  ];
  for (const [what, pathIn] of PATHS) {
    it(what, async () => {
      const reply = await exchange(home, 'GET', pathIn(await url()));
      assert.deepEqual([reply.status, reply.headers['cache-control'], reply.headers.location, reply.headers['set-cookie']], [404, 'no-store', undefined, undefined]);
    });
  }

  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    it(`${method} is 405`, async () => {
      const reply = await exchange(home, method, (await url()) + DISCOVERY);
      assert.deepEqual([reply.status, reply.headers.allow], [405, 'GET, HEAD']);
    });
  }
});

/** A second tenant in the store of `damaged`, whose Owner has the secret of the first one's. */
function addTenant(target: DevHome, { clientId, tenantId }: Profile): Profile {
  const [tenant, subscription, client] = [randomUUID(), randomUUID(), randomUUID()];
  alter(target, 'insert into tenants select ?, ?, ?, created_at from tenants where id = ?', tenant, tenant, 'Other', tenantId);
  alter(target, 'insert into subscriptions select ?, ?, ?, ?, ?, created_at from tenants where id = ?', subscription, subscription, tenant, tenant, 'Other', tenantId);
  alter(target, 'insert into principals select ?, ?, ?, ?, secret_hashes, created_at from principals where id = ?', client, client, tenant, 'Stranger', clientId);
  alter(target, 'insert into role_assignments (principal_key, principal_id, role, scope_key, scope, name) values (?, ?, ?, ?, ?, ?)', client, client, 'Owner', `/subscriptions/${subscription}`, `/subscriptions/${subscription}`, randomUUID());
  return { endpoint: '', caFile: '', clientSecret: '', tenantId: tenant, subscriptionId: subscription, clientId: client };
}

const damaged = await DevHome.make();
let server: Running;

describe('a store that was damaged while the server was down', () => {
  const open = (cluster: string): Promise<ClusterApi> => ClusterApi.open(damaged, { name: cluster });
  let urls: Readonly<Record<string, string>> = {};
  let stranger: Profile;
  const documents = async (cluster: string): Promise<HttpReply> => exchange(damaged, 'GET', `${urls[cluster]}openid/v1/jwks`);

  before(async () => {
    server = await damaged.start();
    for (const cluster of ['sleeping', 'sealed']) await (await open(cluster)).create();
    urls = Object.fromEntries(await Promise.all(['dev', 'sleeping', 'sealed'].map(async (cluster) => [cluster, (await (await open(cluster)).show()).issuerURL] as const)));
    await server.end('SIGTERM');
    const idIn = (cluster: string): string => urls[cluster]!.split('/').at(-2)!;
    assert.equal(alter(damaged, "update signing_keys set state = 'sleeping' where state = 'active' and issuer_id = ?", idIn('sleeping')), 1);
    assert.equal(alter(damaged, 'update sealed_keys set sealed = substr(sealed, 1, 40) where issuer_id = ?', idIn('sealed')), 2);
    stranger = addTenant(damaged, await damaged.profile());
    server = await damaged.start();
  });
  after(() => server.end('SIGTERM'));

  it('a key in a state that is none: its issuer is 503, never 404, and its cluster says what is damaged', async () => {
    const reply = await documents('sleeping');
    assert.deepEqual([reply.status, reply.headers['retry-after'], reply.headers['cache-control']], [503, '1', 'no-store']);
    const cluster = await open('sleeping');
    for (const [method, path, body] of [['GET', cluster.issuer, undefined], ['POST', `${cluster.cluster}/rotateServiceAccountSigningKeys`, undefined], ['POST', `${cluster.issuer}/issueToken`, { metadata: subject }]] as const) {
      const refused = await cluster.send(method, path, body);
      assert.deepEqual([refused.status, codeOf(refused)], [500, 'StoreCorrupt'], path);
    }
  });

  it('a sealed key that is cut short signs nothing; its documents are served', async () => {
    const cluster = await open('sealed');
    const refused = await cluster.send('POST', `${cluster.issuer}/issueToken`, { metadata: subject });
    assert.deepEqual([refused.status, codeOf(refused), (await documents('sealed')).status], [500, 'SealBroken', 200]);
  });

  it('all others are served as ever: documents, tokens, rotations', async () => {
    const dev = await open('dev');
    await dev.issueToken();
    assert.deepEqual([(await documents('dev')).status, (await dev.rotateToTheEnd()).status, (await dev.jwks()).keys.length], [200, 'Succeeded', 3]);
    await (await open('new')).create();
  });

  it('an emergency rotation makes the issuer with the damaged seals whole', async () => {
    const cluster = await open('sealed');
    const { operationId } = success<{ operationId: string }>(await cluster.send('POST', `${cluster.issuer}/rotate`, { emergency: true }));
    assert.equal((await cluster.operationEnded(operationId)).status, 'Succeeded');
    await cluster.issueToken();
  });

  it('the Owner of another tenant finds no subscription here, as if there were none', async () => {
    const own = await damaged.profile();
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: stranger.clientId, client_secret: own.clientSecret });
    const login = (tenantId: string): Promise<HttpReply> => exchange(damaged, 'POST', `${own.endpoint}/${tenantId}/oauth2/v2.0/token`, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() });
    assert.equal((await login(own.tenantId)).status, 401);
    const cluster = await ClusterApi.open(damaged, { accessToken: success<{ access_token: string }>(await login(stranger.tenantId)).access_token });
    for (const path of [cluster.cluster, cluster.issuer, `/subscriptions/${own.subscriptionId}/resourceGroups`]) {
      const refused = await cluster.send('GET', path);
      assert.deepEqual([refused.status, codeOf(refused)], [404, 'SubscriptionNotFound'], path);
    }
    assert.deepEqual(success<{ value: readonly { subscriptionId: string }[] }>(await cluster.send('GET', '/subscriptions')).value.map(({ subscriptionId }) => subscriptionId), [stranger.subscriptionId]);
  });
});
