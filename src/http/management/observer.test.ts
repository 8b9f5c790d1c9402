/** What those who watch are told of each request, refused ones too. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { pino } from 'pino';
import { CLUSTER, GROUP, openManagement, SECRET, TENANT } from '../../../test/support/management.ts';
import { listenOnLoopback } from '../../../test/support/raw-http.ts';
import type { RequestEnd, RequestFacts, RequestObserver } from './observer.ts';

interface Told {
  readonly request: RequestFacts;
  readonly how: RequestEnd;
  /** Whether its handler was reached. */
  readonly ran: boolean;
}

function watching() {
  const told: Told[] = [];
  const observer: RequestObserver = {
    begin() {
      let ran = false;
      return { run: (carryOn) => ((ran = true), carryOn()), end: (request, how) => void told.push({ request, how, ran }) };
    },
  };
  return { told, observer };
}

const logIn = (form: Readonly<Record<string, string>>) => ({ method: 'POST', url: `/${TENANT}/oauth2/v2.0/token`, headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: new URLSearchParams({ grant_type: 'client_credentials', ...form }).toString() }) as const;

test('a request is told with who, what, where and how it ended', async () => {
  const { told, observer } = watching();
  const world = await openManagement({ observer });
  const reply = await world.ask('PUT', `${GROUP}?hidden=1`, { location: 'eastus' }, { 'x-ms-client-request-id': 'mine' });
  const [{ request, how, ran }] = told as [Told];
  assert.deepEqual(request, {
    id: reply.headers['x-ms-request-id'], clientRequestId: 'mine', address: '127.0.0.1', principalId: 'owner', signerId: null, provenBy: null, method: 'PUT',
    route: '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup', path: GROUP, action: 'resource/write',
  });
  assert.deepEqual([told.length, how.status, how.code, how.seconds > 0, ran], [1, 201, null, true, true]);
});

const CLIENT_ID = '55555555-5555-4555-8555-555555555555';
const CASES: readonly (readonly [string, string | null, object, object])[] = [
  ['without a token', null, { method: 'PUT', url: GROUP, payload: {} }, { principalId: null, path: GROUP, action: 'resource/write', status: 401, code: 'AuthenticationFailed', ran: false }],
  ['without the role', 'reader', { method: 'DELETE', url: CLUSTER }, { principalId: 'reader', path: CLUSTER, action: 'resource/delete', status: 403, code: 'AuthorizationFailed', ran: false }],
  ['with a body that is none', 'owner', { method: 'PUT', url: GROUP, payload: '{', headers: { 'content-type': 'application/json' } }, { principalId: 'owner', path: GROUP, action: 'resource/write', status: 400, code: 'InvalidRequestContent', ran: false }],
  ['that the service refuses', 'owner', { method: 'PUT', url: CLUSTER, payload: {} }, { principalId: 'owner', path: CLUSTER, action: 'resource/write', status: 404, code: 'ResourceGroupNotFound', ran: true }],
  ['to no route: its path may be anything', 'owner', { method: 'POST', url: '/a-secret?b' }, { principalId: null, path: '', action: null, status: 404, code: 'InvalidPath', ran: false }],
  ['that is no path', 'owner', { method: 'POST', url: '/%zz' }, { principalId: null, path: '', action: null, status: 404, code: 'InvalidPath', ran: false }],
  ['with a name without end', 'owner', { method: 'POST', url: `/subscriptions/${'a'.repeat(2000)}/resourceGroups` }, { principalId: null, path: '', action: null, status: 400, code: 'InvalidResourceName', ran: false }],
  ['with another method', 'owner', { method: 'PATCH', url: '/healthz' }, { principalId: null, path: '/healthz', action: null, status: 405, code: 'MethodNotAllowed', ran: false }],
  ['to log in', null, logIn({ client_id: 'owner', client_secret: SECRET }), { principalId: null, path: `/${TENANT}/oauth2/v2.0/token`, action: 'login', status: 200, code: null, ran: true }],
  ['to log in with a client id that is none', null, logIn({ client_id: CLIENT_ID, client_secret: 'wrong' }), { principalId: CLIENT_ID, path: `/${TENANT}/oauth2/v2.0/token`, action: 'login', status: 401, code: 'InvalidClient', ran: true }],
  ['to log in with the secret in the wrong place', null, logIn({ client_id: SECRET, client_secret: 'wrong' }), { principalId: null, path: `/${TENANT}/oauth2/v2.0/token`, action: 'login', status: 401, code: 'InvalidClient', ran: true }],
];
for (const [what, principal, inject, expected] of CASES) {
  test(`a request ${what}`, async () => {
    const { told, observer } = watching();
    const world = await openManagement({ observer });
    await world.as(principal, inject);
    assert.deepEqual(told.map(({ request: { principalId, path, action }, how: { status, code }, ran }) => ({ principalId, path, action, status, code, ran })), [expected]);
  });
}

test('every request takes a number of seconds, refused as early as may be', async () => {
  const { told, observer } = watching();
  const world = await openManagement({ observer });
  for (const url of ['/%zz', `/subscriptions/${'a'.repeat(2000)}/resourceGroups`, '/healthz']) await world.as(null, { method: 'GET', url });
  assert.deepEqual(told.map(({ how }) => how.seconds >= 0), [true, true, true]);
});

test('a watcher that fails fails alone, and is told in the log', async () => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line) => void lines.push(line) });
  const world = await openManagement({ logger, observer: { begin: () => ({ run: (carryOn) => carryOn(), end: () => { throw new Error('counted wrong'); } }) } });
  for (const [url, status] of [['/healthz', 200], ['/%zz', 404]] as const) assert.equal((await world.as(null, { method: 'GET', url })).statusCode, status);
  assert.equal(lines.filter((line) => line.includes('counted wrong')).length, 2);
});

test('a long path is cut', async () => {
  const { told, observer } = watching();
  const world = await openManagement({ observer });
  await world.ask('PUT', `/subscriptions/s/resourceGroups/${'g'.repeat(1020)}`, {});
  assert.equal(told[0]?.request.path.length, 1024);
});

test('a client that is gone before the reply does not take the record with it', { timeout: 20_000 }, async (t) => {
  const { told, observer } = watching();
  const world = await openManagement({ observer });
  const [asked, goOn, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const read = world.store.read.bind(world.store);
  world.store.read = async (work) => (asked.resolve(), await goOn.promise, read(work));
  const { begin } = observer;
  observer.begin = (request) => { const trace = begin(request); return { ...trace, end: (...how) => (trace.end(...how), ended.resolve()) }; };
  await world.server.ready();
  const port = await listenOnLoopback(world.server.server);
  t.after(() => world.server.close());
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /subscriptions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a.b.c\r\n\r\n`);
  await asked.promise;
  socket.destroy();
  await once(socket, 'close');
  goOn.resolve();
  await ended.promise;
  assert.deepEqual(told.map(({ how }) => how.code), ['AuthenticationFailed']);
});
