/** Asking too often, through the front door: who is refused, in which form, and by which address. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openManagement, SECRET, TENANT } from '../../../test/support/management.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const URL_TOKEN = `/${TENANT}/oauth2/v2.0/token`;
const credentials = (clientSecret: string): string => new URLSearchParams({ client_id: 'owner', client_secret: clientSecret, grant_type: 'client_credentials' }).toString();

test('a principal that asks too often is refused in the form of Azure Resource Manager; another is not', async () => {
  const world = await openManagement({ limits: { requestsPerPrincipal: 1 } });
  for (let times = 0; times < 4; times += 1) assert.equal((await world.as('reader', { url: '/subscriptions' })).statusCode, 200);
  const refused = await world.as('reader', { url: '/subscriptions' });
  assert.deepEqual([refused.statusCode, refused.headers['retry-after'], refused.json()], [429, '1', { error: { code: 'TooManyRequests', message: 'There were too many requests of this principal. Try again in 1 s.' } }]);
  assert.equal((await world.as('owner', { url: '/subscriptions' })).statusCode, 200);
  world.pass(1);
  assert.equal((await world.as('reader', { url: '/subscriptions' })).statusCode, 200);
});

test('an address that asks too often is refused, logged in or not; whoever looks after the server is not', async () => {
  const world = await openManagement({ limits: { requestsPerAddress: 1 } });
  const statuses = async (url: string, remoteAddress: string): Promise<readonly number[]> => Promise.all(Array.from({ length: 5 }, async () => (await world.server.inject({ url, remoteAddress })).statusCode));
  assert.deepEqual(await statuses('/subscriptions', '192.0.2.1'), [401, 401, 401, 401, 429]);
  assert.deepEqual(await statuses(`/${TENANT}/discovery/v2.0/keys`, '192.0.2.2'), [200, 200, 200, 200, 429]);
  assert.deepEqual(await statuses('/healthz', '192.0.2.1'), [200, 200, 200, 200, 200]);
});

test('logins are refused in the form of OAuth 2.0: too many from one address, too many wrong secrets for one client', async () => {
  const logins = await openManagement({ limits: { loginsPerAddress: 1 } });
  const login = (world: typeof logins, secret: string, remoteAddress = '192.0.2.1') => world.server.inject({ method: 'POST', url: URL_TOKEN, headers: FORM, remoteAddress, payload: credentials(secret) });
  for (let times = 0; times < 4; times += 1) assert.equal((await login(logins, SECRET)).statusCode, 200);
  const refused = await login(logins, SECRET);
  assert.deepEqual([refused.statusCode, refused.headers['retry-after'], refused.headers['cache-control'], refused.json()], [429, '1', 'no-store', { error: 'temporarily_unavailable', error_description: 'There were too many logins from this address. Try again in 1 s.', trace_id: refused.headers['x-ms-request-id'] }]);
  assert.equal((await login(logins, SECRET, '192.0.2.2')).statusCode, 200);

  const failures = await openManagement({ limits: { failedLogins: 2 } });
  assert.deepEqual([(await login(failures, 'x', '192.0.2.3')).statusCode, (await login(failures, 'y', '192.0.2.4')).statusCode], [401, 401]);
  const locked = await login(failures, SECRET, '192.0.2.5');
  assert.deepEqual([locked.statusCode, locked.headers['retry-after']], [429, '30']);
});

for (const behindProxy of [false, true]) {
  test(`X-Forwarded-For ${behindProxy ? 'tells the address behind a proxy: the last one, which the proxy wrote' : 'is ignored where no proxy is configured'}`, async () => {
    const world = await openManagement({ limits: { requestsPerAddress: 1 }, behindProxy });
    const statuses: number[] = [];
    for (let times = 0; times < 5; times += 1) statuses.push((await world.server.inject({ url: '/subscriptions', headers: { 'x-forwarded-for': `203.0.113.9, 198.51.100.${times}` } })).statusCode);
    assert.deepEqual(statuses, [401, 401, 401, 401, behindProxy ? 401 : 429]);
    const forged: number[] = [];
    for (let times = 0; times < 5; times += 1) forged.push((await world.server.inject({ url: '/subscriptions', headers: { 'x-forwarded-for': `203.0.113.${times}, 198.51.100.77` } })).statusCode);
    assert.equal(forged.at(-1), 429);
  });
}
