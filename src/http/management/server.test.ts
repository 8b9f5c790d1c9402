/** What surrounds every request: ids, log, failures, health, limits. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { pino } from 'pino';
import { CLUSTER, GROUP, openManagement, SECRET, SUBSCRIPTION, TENANT } from '../../../test/support/management.ts';
import { ERROR_CATALOGUE, type ErrorCode, MintmarkError } from '../../domain/errors.ts';
import type { ErrorBody } from './contract.ts';
import { errorReply, foreseen, STATUS } from './errors.ts';

function recorder() {
  const lines: string[] = [];
  const logger = pino({}, new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) }));
  return { lines, logger };
}

test('the log names each request and holds no token, secret, body or query', async () => {
  const { lines, logger } = recorder();
  const world = await openManagement({ logger });
  const login = await world.server.inject({
    method: 'POST', url: `/${TENANT}/oauth2/v2.0/token?client_secret=${encodeURIComponent(SECRET)}`, headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ client_id: 'owner', client_secret: SECRET, grant_type: 'client_credentials' }).toString(),
  });
  const token = login.json<{ access_token: string }>().access_token;
  const reply = await world.server.inject({ method: 'PUT', url: `${GROUP}?hidden=1`, headers: { authorization: `Bearer ${token}`, 'x-ms-client-request-id': 'mine' }, payload: { tags: { confidential: 'x' } } });
  const written = JSON.parse(lines.at(-1)!) as Record<string, unknown>;
  assert.deepEqual(
    [written.reqId, written.method, written.route, written.status, written.principal, written.subscription, written.clientRequestId],
    [reply.headers['x-ms-request-id'], 'PUT', '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup', 201, 'owner', SUBSCRIPTION, 'mine'],
  );
  for (const secret of [token, SECRET, encodeURIComponent(SECRET), 'confidential', 'hidden', 'Bearer']) assert.ok(!lines.join('').includes(secret), secret);
});

test('what was not foreseen is hidden from the caller and found in the log by the request id', async () => {
  const { lines, logger } = recorder();
  const world = await openManagement({ logger });
  world.store.read = () => Promise.reject(new Error('the cause of it'));
  const reply = await world.server.inject({ method: 'GET', url: '/subscriptions', headers: { authorization: 'Bearer a.b.c' } });
  const requestId = String(reply.headers['x-ms-request-id']);
  assert.deepEqual([reply.statusCode, reply.json()], [500, { error: { code: 'InternalError', message: `The server failed in a way that it did not foresee. The request id ${requestId} finds it in the server's log.` } }]);
  const failure = JSON.parse(lines.find((line) => line.includes('the cause of it'))!) as { reqId: string };
  assert.equal(failure.reqId, requestId);
});

test('a store that is busy is 503 with Retry-After, at the login too', async () => {
  const world = await openManagement();
  world.store.read = () => Promise.reject(new MintmarkError('StoreBusy', 'Busy.'));
  const reply = await world.server.inject({ method: 'GET', url: '/subscriptions', headers: { authorization: 'Bearer a.b.c' } });
  assert.deepEqual([reply.statusCode, reply.headers['retry-after'], reply.json()], [503, '1', { error: { code: 'StoreBusy', message: 'Busy.' } }]);
  const login = await world.server.inject({ method: 'POST', url: `/${TENANT}/oauth2/v2.0/token`, headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'grant_type=client_credentials' });
  assert.deepEqual([login.statusCode, login.headers['retry-after'], login.json()], [503, '1', { error: 'temporarily_unavailable', error_description: 'Busy.', trace_id: login.headers['x-ms-request-id'] }]);
});

test('health and readiness need no login', async () => {
  const world = await openManagement({ ready: async () => false });
  assert.deepEqual((await world.as(null, { url: '/healthz' })).json(), { status: 'ok' });
  const reply = await world.as(null, { url: '/readyz' });
  assert.deepEqual([reply.statusCode, reply.json()], [503, { status: 'not ready' }]);
  assert.equal((await (await openManagement()).as(null, { url: '/readyz' })).statusCode, 200);
});

test('subscriptions, locations and the provider', async () => {
  const world = await openManagement();
  const id = `/subscriptions/${SUBSCRIPTION}`;
  const subscription = { id, subscriptionId: SUBSCRIPTION, tenantId: TENANT, displayName: 'First', state: 'Enabled', managedByTenants: [] };
  assert.deepEqual((await world.ask('GET', '/subscriptions?api-version=2022-12-01')).json(), { value: [subscription] });
  assert.deepEqual((await world.ask('GET', id.toUpperCase())).json(), subscription);
  assert.deepEqual((await world.as('group-reader', { url: '/subscriptions' })).json(), { value: [subscription] });
  assert.deepEqual((await world.as('nobody', { url: '/subscriptions' })).json(), { value: [] });
  const { value } = (await world.ask('GET', `${id}/locations`)).json<{ value: { name: string }[] }>();
  assert.deepEqual(value.find(({ name }) => name === 'eastus'), {
    id: `${id}/locations/eastus`, name: 'eastus', displayName: 'East US', type: 'Region', regionalDisplayName: 'East US', metadata: { regionType: 'Physical', regionCategory: 'Recommended' },
  });
  assert.equal(value.at(-1)?.name, 'lab');
  const provider = (await world.ask('GET', `${id}/providers/microsoft.containerservice`)).json<{ namespace: string; registrationState: string; resourceTypes: { resourceType: string; apiVersions: string[] }[] }>();
  assert.deepEqual([provider.namespace, provider.registrationState, provider.resourceTypes[0]?.resourceType, provider.resourceTypes[0]?.apiVersions.includes('2022-11-01')], ['Microsoft.ContainerService', 'Registered', 'managedClusters', true]);
});

test('a warning of any text is one ASCII header', async () => {
  const world = await openManagement();
  await world.ask('PUT', GROUP, {});
  const { tokens } = world.deps;
  await world.ask('PUT', CLUSTER, {});
  tokens.issue = async () => ({ token: 't', warning: 'a "quoted" \\ ä\r\nx', claims: { aud: ['a'], exp: 2, iat: 1, iss: 'i', jti: 'j', nbf: 1, sub: 's', 'kubernetes.io': { namespace: 'n', serviceaccount: { name: 's', uid: 'u' } } } });
  const reply = await world.ask('POST', `${CLUSTER}/providers/Mintmark.Oidc/issuers/default/issueToken`, { metadata: { namespace: 'n', name: 's' } });
  assert.equal(reply.headers.warning, String.raw`299 mintmark "a \"quoted\" \\ ???x"`);
});

test('over a socket: a header of 20 kB is refused, a body is cut off at its limit, and a stop lets go of idle connections', async () => {
  const world = await openManagement();
  const address = await world.server.listen({ port: 0, host: '127.0.0.1' });
  const healthy = await fetch(`${address}/healthz`);
  assert.deepEqual([healthy.status, await healthy.json()], [200, { status: 'ok' }]);
  assert.equal((await fetch(`${address}/healthz`, { headers: { 'x-filler': 'x'.repeat(20_000) } })).status, 431);
  const { accessToken } = await world.deps.access.login({ tenantId: TENANT, clientId: 'owner', clientSecret: SECRET }, 'tests');
  const large = await fetch(`${address}${GROUP}`, { method: 'PUT', headers: { 'authorization': `Bearer ${accessToken}`, 'content-type': 'application/json' }, body: ' '.repeat(2 * 1024 * 1024) });
  assert.deepEqual([large.status, (await large.json() as ErrorBody).error.code], [413, 'RequestTooLarge']);
  await world.server.close();
  await assert.rejects(fetch(`${address}/healthz`));
});

const HIDDEN: readonly ErrorCode[] = ['WrongKeyEncryptionKey', 'InvalidConfiguration', 'AddressInUse', 'SocketInUse', 'HomeInUse', 'InternalError'];

test('every code of the catalogue has a status that fits it', () => {
  assert.deepEqual(Object.keys(STATUS), Object.keys(ERROR_CATALOGUE));
  for (const code of Object.keys(ERROR_CATALOGUE) as ErrorCode[]) {
    const { status, body } = errorReply(new MintmarkError(code, 'What happened.', { target: 'place' }), 'id');
    const hidden = HIDDEN.includes(code);
    assert.ok(status >= 400 && status < 600 && (!hidden || status === 500), code);
    assert.deepEqual([body.error.code, body.error.message === 'What happened.'], hidden ? ['InternalError', false] : [code, true]);
  }
});

test('errors that only look like known ones are internal', () => {
  for (const thrown of [new Error('x'), 'x', null, Object.assign(new Error('x'), { code: 'constructor' }), { code: 'ENOSPC' }, { code: 'ECONNRESET' }]) assert.equal(foreseen(thrown).code, 'InternalError');
});

test('a body whose connection was cut is the fault of the request', () => {
  assert.equal(foreseen(Object.assign(new Error('aborted'), { code: 'ECONNRESET', statusCode: 400 })).code, 'InvalidRequestContent');
});
