/** What the client sends, repeats and waits for, seen by a real https server that records. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Answer, type Answers, fakeServer, type FakeServer, LOGIN, runLine } from '../../test/support/command-line.ts';

const GROUP = '/subscriptions/s/resourcegroups/g';
const CLUSTER = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c';
const ISSUER = `${CLUSTER}/providers/Mintmark.Oidc/issuers/default`;
const OPERATION = '/subscriptions/s/providers/Microsoft.ContainerService/locations/eastus/operations/1';
const group = { id: '/subscriptions/s/resourceGroups/g', name: 'g', location: 'eastus', tags: {}, properties: { provisioningState: 'Succeeded' } };
const cluster = { id: CLUSTER, name: 'c', location: 'eastus', properties: { provisioningState: 'Succeeded', kubernetesVersion: '1.36', agentPoolProfiles: [{ name: 'one', count: 1 }], oidcIssuerProfile: { enabled: true, issuerURL: 'https://i/' } } };
const atOnce = { 'retry-after': '0' };

async function server(t: TestContext, answers: Answers): Promise<FakeServer> {
  const fake = await fakeServer(answers);
  t.after(() => fake.close());
  return fake;
}

const operationHeaders = { ...atOnce, 'azure-asyncoperation': `${OPERATION}?api-version=1` };
const ended = { id: OPERATION, name: '1', status: 'Succeeded', properties: { kind: 'rotate', revoked: [], waiting: null } };
const inProgress = { ...ended, status: 'InProgress' };

test('one login is kept for later commands, private to its owner, and is not used near its end', async (t) => {
  const fake = await server(t, { [`GET ${GROUP}`]: { status: 200, body: group } });
  const kept = join(fake.home, 'access-token.json');
  for (let times = 0; times < 2; times += 1) assert.equal((await runLine(['group', 'show', '-n', 'g'], fake)).code, 0);
  assert.equal(fake.logins.length, 1);
  assert.equal(statSync(kept).mode & 0o777, 0o600);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(fake.logins[0]!.body)), { client_id: 'client-1', client_secret: 'hidden-secret', grant_type: 'client_credentials', scope: `${fake.url}/.default` });
  assert.deepEqual(fake.requests.map(({ headers }) => headers['authorization']), ['Bearer token-1', 'Bearer token-1']);

  const token = JSON.parse(readFileSync(kept, 'utf8')) as Record<string, unknown>;
  for (const spoilt of [{ ...token, expiresAt: Date.now() + 59_000 }, { ...token, endpoint: 'https://other' }, { ...token, clientId: 'other' }, 'no object']) {
    const logins: number = fake.logins.length;
    writeFileSync(kept, JSON.stringify(spoilt));
    await runLine(['group', 'show', '-n', 'g'], fake);
    assert.equal(fake.logins.length, logins + 1);
  }
});

test('a 401 costs one fresh login and one more try, then it is an error', async (t) => {
  const refused = { status: 401, body: { error: { code: 'AuthenticationFailed', message: 'Expired.' } } };
  const once = await server(t, { [`GET ${GROUP}`]: [refused, { status: 200, body: group }] });
  assert.equal((await runLine(['group', 'show', '-n', 'g'], once)).code, 0);
  assert.deepEqual(once.requests.map(({ headers }) => headers['authorization']), ['Bearer token-1', 'Bearer token-2']);
  assert.equal(new Set(once.requests.map(({ headers }) => headers['x-ms-client-request-id'])).size, 1);

  const always = await server(t, { [`GET ${GROUP}`]: refused });
  const ran = await runLine(['group', 'show', '-n', 'g'], always);
  assert.deepEqual([ran.code, always.requests.length, always.logins.length], [1, 2, 2]);
  assert.match(ran.stderr, /^ERROR: \(AuthenticationFailed\) Expired\.\n/);
});

test('a wrong secret is an error that does not show it', async (t) => {
  const fake = await server(t, { [LOGIN]: { status: 401, body: { error: 'invalid_client', error_description: 'The client or its secret is wrong.' } } });
  const ran = await runLine(['group', 'list', '--debug'], fake);
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /ERROR: \(invalid_client\) The client or its secret is wrong\.\n/);
  assert.doesNotMatch(ran.stderr, /hidden-secret/);
});

for (const [what, first] of [['a cut connection', { status: 0, cut: true }], ['503', { status: 503, headers: atOnce }], ['429', { status: 429, headers: atOnce }]] as const) {
  test(`${what} is repeated under the same request id`, async (t) => {
    const fake = await server(t, { [`PUT ${GROUP}`]: [first, { status: 200, body: group }] });
    assert.equal((await runLine(['group', 'create', '-n', 'g', '-l', 'eastus'], fake)).code, 0);
    const ids = fake.requests.map(({ headers }) => headers['x-ms-client-request-id']);
    assert.equal(ids.length, 2);
    assert.match(String(ids[0]), /^[0-9a-f-]{36}$/);
    assert.equal(ids[0], ids[1]);
    assert.deepEqual(fake.requests.map(({ body }) => body), Array(2).fill('{"location":"eastus"}'));
  });
}

test('a server that stays busy ends the repeats', async (t) => {
  const fake = await server(t, { [`GET ${GROUP}`]: { status: 503, headers: atOnce, body: 'not JSON' } });
  const ran = await runLine(['group', 'show', '-n', 'g'], fake);
  assert.deepEqual([ran.code, ran.stderr, fake.requests.length], [1, "ERROR: Operation returned an invalid status 'Service Unavailable'\n", 5]);
});

test('two commands have two request ids', async (t) => {
  const fake = await server(t, { [`GET ${GROUP}`]: { status: 200, body: group } });
  await runLine(['group', 'show', '-n', 'g'], fake);
  await runLine(['group', 'show', '-n', 'g'], fake);
  const [first, second] = fake.requests.map(({ headers }) => headers['x-ms-client-request-id']);
  assert.notEqual(first, second);
});

test('a list is read page by page, over links with and without the endpoint', async (t) => {
  const answers: Record<string, Answer[]> = {};
  const fake = await server(t, answers);
  answers['GET /subscriptions/s/resourcegroups'] = [
    { status: 200, body: { value: [group], nextLink: `${fake.url}/subscriptions/s/resourcegroups?$skiptoken=2` } },
    { status: 200, body: { value: [{ ...group, name: 'h' }], nextLink: '/subscriptions/s/resourcegroups?$skiptoken=3' } },
    { status: 200, body: { value: [{ ...group, name: 'i' }], nextLink: null } },
  ];
  const ran = await runLine(['group', 'list', '--query', '[].name', '-o', 'tsv'], fake);
  assert.equal(ran.stdout, 'g\nh\ni\n');
  assert.deepEqual(fake.lines(), ['api-version=2024-11-01', '$skiptoken=2', '$skiptoken=3'].map((query) => `GET /subscriptions/s/resourcegroups?${query}`));
});

test('warnings of the server are printed on stderr unless only errors are wanted', async (t) => {
  const fake = await server(t, { [`GET ${GROUP}`]: { status: 200, body: group, headers: { warning: '299 mintmark "one, \\"two\\"", 299 mintmark "three"' } } });
  assert.equal((await runLine(['group', 'show', '-n', 'g'], fake)).stderr, 'WARNING: one, "two"\nWARNING: three\n');
  assert.equal((await runLine(['group', 'show', '-n', 'g', '--only-show-errors'], fake)).stderr, '');
});

test('--verbose tells of each exchange, --debug of headers without credentials', async (t) => {
  const fake = await server(t, { [`GET ${GROUP}`]: { status: 200, body: group } });
  const verbose = await runLine(['--verbose', 'group', 'show', '-n', 'g'], fake);
  assert.match(verbose.stderr, /INFO: GET https:\/\/localhost:\d+\/subscriptions\/s\/resourcegroups\/g\?api-version=2024-11-01 200 \d+ ms request [0-9a-f-]{36}\n$/);
  const debug = await runLine(['group', 'show', '-n', 'g', '--debug'], fake);
  assert.match(debug.stderr, /DEBUG: > authorization: \(left out\)\n/);
  assert.doesNotMatch(debug.stderr + verbose.stderr, /token-1|hidden-secret/);
});

test('aks create asks for the group of a new cluster only, sends what was asked for, and waits for the end', async (t) => {
  const fake = await server(t, {
    [`GET ${CLUSTER}`]: [{ status: 404, body: { error: { code: 'ResourceNotFound', message: 'No.' } } }, { status: 200, body: cluster }],
    [`GET ${GROUP}`]: { status: 200, body: group },
    [`PUT ${CLUSTER}`]: { status: 201, body: { ...cluster, properties: { ...cluster.properties, provisioningState: 'Creating' } }, headers: operationHeaders },
    [`GET ${OPERATION}`]: [{ status: 200, body: inProgress, headers: atOnce }, { status: 200, body: ended }],
  });
  const line = ['aks', 'create', '-g', 'g', '-n', 'c', '--node-count', '1', '--enable-oidc-issuer', '--tags', 'a=b', 'c', '--generate-ssh-keys'];
  const ran = await runLine([...line, '--query', 'oidcIssuerProfile.issuerUrl', '-o', 'tsv'], fake);
  assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, 'https://i/\n', '']);
  const versioned = `${CLUSTER}?api-version=2025-03-01`;
  assert.deepEqual(fake.lines(), [`GET ${versioned}`, `GET ${GROUP}?api-version=2024-11-01`, `PUT ${versioned}`, `GET ${OPERATION}?api-version=1`, `GET ${OPERATION}?api-version=1`, `GET ${versioned}`]);
  assert.deepEqual(JSON.parse(fake.requests[2]!.body), {
    location: 'eastus', tags: { a: 'b', c: '' }, identity: { type: 'SystemAssigned' },
    properties: { agentPoolProfiles: [{ name: 'nodepool1', count: 1, mode: 'System', osType: 'Linux', type: 'VirtualMachineScaleSets' }], oidcIssuerProfile: { enabled: true } },
  });
});

test('aks create over a cluster that is there changes nothing that was not asked for', async (t) => {
  const fake = await server(t, { [`GET ${CLUSTER}`]: { status: 200, body: cluster }, [`PUT ${CLUSTER}`]: { status: 200, body: cluster } });
  assert.equal((await runLine(['aks', 'create', '-g', 'g', '-n', 'c'], fake)).code, 0);
  assert.deepEqual(fake.requests.map(({ method }) => method), ['GET', 'PUT']);
  assert.deepEqual(JSON.parse(fake.requests[1]!.body), { identity: { type: 'SystemAssigned' }, properties: {} });
});

test('aks create in a group that is not there is not found', async (t) => {
  const fake = await server(t, {});
  const ran = await runLine(['aks', 'create', '-g', 'g', '-n', 'c'], fake);
  assert.deepEqual([ran.code, fake.requests.map(({ method }) => method)], [3, ['GET', 'GET']]);
});

test('aks create stops where the cluster may not be read', async (t) => {
  const fake = await server(t, { [`GET ${CLUSTER}`]: { status: 403, body: { error: { code: 'AuthorizationFailed', message: 'No.' } } }, [`GET ${GROUP}`]: { status: 200, body: group } });
  const ran = await runLine(['aks', 'create', '-g', 'g', '-n', 'c'], fake);
  assert.deepEqual([ran.code, fake.requests.length], [1, 1]);
});

test('--no-wait returns after the first reply and prints nothing', async (t) => {
  const fake = await server(t, { [`PUT ${CLUSTER}`]: { status: 201, body: cluster, headers: operationHeaders } });
  const ran = await runLine(['aks', 'create', '-g', 'g', '-n', 'c', '-l', 'eastus', '--no-wait'], fake);
  assert.deepEqual([ran.code, ran.stdout, fake.lines()], [0, '', [`PUT ${CLUSTER}?api-version=2025-03-01`]]);
});

test('aks update reads the cluster and puts the change only', async (t) => {
  const fake = await server(t, { [`GET ${CLUSTER}`]: { status: 200, body: cluster }, [`PUT ${CLUSTER}`]: { status: 200, body: cluster } });
  assert.equal((await runLine(['cluster', 'update', '-g', 'g', '-n', 'c', '--enable-oidc-issuer'], fake)).code, 0);
  assert.equal(fake.requests[1]!.body, '{"location":"eastus","properties":{"oidcIssuerProfile":{"enabled":true}}}');
});

test('aks scale keeps the rest of the node pool', async (t) => {
  const fake = await server(t, { [`GET ${CLUSTER}`]: { status: 200, body: cluster }, [`PUT ${CLUSTER}`]: { status: 200, body: cluster } });
  assert.equal((await runLine(['aks', 'scale', '-g', 'g', '-n', 'c', '-c', '0'], fake)).code, 0);
  assert.equal(fake.requests[1]!.body, '{"location":"eastus","properties":{"agentPoolProfiles":[{"name":"one","count":0}]}}');
});

test('a failed operation is an error', async (t) => {
  const fake = await server(t, {
    [`DELETE ${CLUSTER}`]: { status: 202, headers: operationHeaders },
    [`GET ${OPERATION}`]: { status: 200, body: { ...ended, status: 'Failed', error: { code: 'StoreFull', message: 'The disk is full.' } } },
  });
  const ran = await runLine(['aks', 'delete', '-g', 'g', '-n', 'c', '-y'], fake);
  assert.deepEqual([ran.code, ran.stderr], [1, 'ERROR: (StoreFull) The disk is full.\nCode: StoreFull\nMessage: The disk is full.\n']);
});

test('an operation that has only a Location is followed until it is over', async (t) => {
  const fake = await server(t, {
    [`DELETE ${GROUP}`]: { status: 202, headers: { location: OPERATION } },
    [`GET ${OPERATION}`]: [{ status: 202, headers: atOnce }, { status: 202, headers: atOnce }, { status: 204 }],
  });
  assert.equal((await runLine(['group', 'delete', '-g', 'g', '-y'], fake)).code, 0);
  assert.equal(fake.requests.length, 4);
});

test('aks wait --deleted ends when the cluster is gone', async (t) => {
  const fake = await server(t, {});
  assert.equal((await runLine(['aks', 'wait', '-g', 'g', '-n', 'c', '--deleted'], fake)).code, 0);
});

test('aks wait fails for a cluster that failed, and when the time is over', async (t) => {
  const failed = await server(t, { [`GET ${CLUSTER}`]: { status: 200, body: { ...cluster, properties: { ...cluster.properties, provisioningState: 'Failed' } } } });
  assert.match((await runLine(['aks', 'wait', '-g', 'g', '-n', 'c', '--created'], failed)).stderr, /'provisioningState' of c is 'Failed'/);
  const ran = await runLine(['aks', 'wait', '-g', 'g', '-n', 'c', '--custom', 'oidcIssuerProfile.never', '--timeout', '1'], failed);
  assert.deepEqual([ran.code, ran.stderr], [1, 'ERROR: Wait operation timed-out after 1 seconds\n']);
});

test('token create prints the token alone, or with its end as JSON', async (t) => {
  const status = { token: 'a.b.c', expirationTimestamp: '2026-01-01T01:00:00Z' };
  const fake = await server(t, { [`POST ${ISSUER}/issueToken`]: { status: 200, body: { status } } });
  const line = ['token', 'create', '-g', 'g', '-n', 'c', '--service-account', 'ns/app', '--audience', 'A', '--audience', 'B', '--duration', '90m'];
  assert.equal((await runLine(line, fake)).stdout, 'a.b.c\n');
  assert.deepEqual(JSON.parse((await runLine([...line, '-o', 'json'], fake)).stdout), status);
  assert.deepEqual(JSON.parse(fake.requests[0]!.body), { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: { namespace: 'ns', name: 'app' }, spec: { audiences: ['A', 'B'], expirationSeconds: 5400 } });
});

test('set-rotation off sends null', async (t) => {
  const fake = await server(t, { [`PUT ${ISSUER}/rotationPolicy`]: { status: 200, body: { id: ISSUER, properties: { rotateEverySeconds: null } } } });
  assert.equal((await runLine(['issuer', 'set-rotation', '-g', 'g', '-n', 'c', '--rotate-every', 'off'], fake)).code, 0);
  assert.equal(fake.requests[0]!.body, '{"properties":{"rotateEverySeconds":null}}');
});
