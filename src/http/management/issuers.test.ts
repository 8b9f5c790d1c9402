import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLUSTER, GROUP, openManagement, SUBSCRIPTION, URL_BASE } from '../../../test/support/management.ts';
import { freezeWindowOf } from '../../domain/freeze-windows.ts';
import type { ErrorBody, IssuerBody, IssuerSummaryBody, KeyBody, KeyEventBody, OperationBody, RotateReply, TokenReply } from './contract.ts';

const ISSUER = `${CLUSTER}/providers/Mintmark.Oidc/issuers/default`;

async function withIssuer(options: Parameters<typeof openManagement>[0] = {}) {
  const world = await openManagement(options);
  await world.ask('PUT', GROUP, {});
  await world.ask('PUT', CLUSTER, {});
  const issuer = async (): Promise<IssuerBody> => (await world.ask('GET', ISSUER)).json<IssuerBody>();
  const states = async (): Promise<readonly string[]> => (await issuer()).properties.keys.map(({ state }) => state);
  const rotate = async (id?: string) => world.ask('POST', `${CLUSTER}/rotateServiceAccountSigningKeys`, undefined, { 'content-length': '0', ...(id === undefined ? {} : { 'x-ms-client-request-id': id }) });
  const poll = async (reply: { headers: Record<string, unknown> }) => world.ask('GET', String(reply.headers['azure-asyncoperation']).slice(URL_BASE.length));
  return { ...world, issuer, states, rotate, poll };
}

test('an issuer at rest, in every member but its keys', async () => {
  const world = await withIssuer();
  const { properties: { keys, ...properties }, ...envelope } = await world.issuer();
  const url = properties.issuerURL;
  assert.deepEqual(envelope, { id: ISSUER, name: 'default', type: 'Mintmark.Oidc/issuers', eTag: '1-1' });
  assert.deepEqual(properties, {
    issuerURL: url, discoveryURL: `${url}.well-known/openid-configuration`, jwksURI: `${url}openid/v1/jwks`, issuerId: url.split('/')[4], mode: 'managed', createdAt: '2026-01-02T03:04:05.000Z', ringVersion: 1,
    rotationPolicy: { rotateEverySeconds: 2_592_000 }, publicationGapSeconds: 600, maxAgeSeconds: 300, freezeWindows: [], secondRotation: 'allow', verifyOnlyKeys: [],
    calendar: {
      activeSince: '2026-01-02T03:04:05.000Z', preparedPublishedAt: '2026-01-02T03:04:05.000Z', preparedReadyAt: '2026-01-02T03:04:05.000Z',
      nextRotationAt: properties.calendar.nextRotationAt, nextRotationWaitsFor: null, nextRotationCause: 'automatic', nextRotationFrozenSince: null, nextRemovalAt: null,
    },
    waiting: { reason: 'not due', until: properties.calendar.nextRotationAt }, pendingRotation: null, rotationWouldRevoke: [],
  });
  assert.deepEqual(keys.map(({ state, liveTokens, publicJwk }) => [state, liveTokens, Object.keys(publicJwk)]), [
    ['active', 0, ['use', 'kty', 'kid', 'alg', 'n', 'e']], ['prepared', 0, ['use', 'kty', 'kid', 'alg', 'n', 'e']],
  ]);
  assert.deepEqual((await world.ask('GET', `${ISSUER}/keys`)).json(), { value: keys });
  assert.deepEqual((await world.ask('GET', `${ISSUER}/keys/${keys[0]!.kid}`)).json(), keys[0]);
  assert.deepEqual((await world.ask('GET', `${ISSUER}/keys/none`)).json<{ error: { code: string } }>().error.code, 'KeyNotFound');
});

test('rotate is 202 and never 200; the second one revokes and waits; a third joins', async () => {
  const world = await withIssuer();
  const first = await world.rotate();
  assert.deepEqual([first.statusCode, first.headers['retry-after'], first.json<RotateReply>().outcome], [202, '1', 'rotated']);
  const done = await world.poll(first);
  assert.deepEqual([done.statusCode, done.headers['retry-after'], done.json<OperationBody>().status], [200, undefined, 'Succeeded']);
  assert.deepEqual(await world.states(), ['retired', 'active', 'prepared']);
  const [old] = (await world.issuer()).properties.rotationWouldRevoke;
  const second = await world.rotate();
  const until = '2026-01-02T03:14:05.000Z';
  assert.deepEqual(second.json(), { operationId: second.json<RotateReply>().operationId, outcome: 'waiting', revoked: [old?.kid], waiting: { reason: 'caches may hold the old JWKS', until } });
  const polled = await world.poll(second);
  assert.deepEqual([polled.headers['retry-after'], polled.json<OperationBody>().status, polled.json<OperationBody>().properties], ['1', 'InProgress', { kind: 'rotate', revoked: [old?.kid], waiting: { reason: 'caches may hold the old JWKS', until } }]);
  const result = await world.ask('GET', String(second.headers.location).slice(URL_BASE.length));
  assert.deepEqual([result.statusCode, result.headers['retry-after'], result.headers.location, result.body], [202, '1', second.headers.location, '']);
  const odd = await world.ask('GET', String(second.headers.location).slice(URL_BASE.length).replace('eastus', '%0d%0aX'));
  assert.deepEqual([odd.statusCode, odd.headers.location], [202, String(second.headers.location).replace('eastus', '%0D%0AX')]);
  const third = (await world.rotate()).json<RotateReply>();
  assert.deepEqual([third.outcome, third.operationId], ['joined', second.json<RotateReply>().operationId]);
  assert.deepEqual(await world.states(), ['revoked', 'active', 'prepared']);
  assert.equal((await world.ask('GET', CLUSTER)).json<{ properties: { provisioningState: string } }>().properties.provisioningState, 'Succeeded');
});

test('the same x-ms-client-request-id is the same rotation', async () => {
  const world = await withIssuer();
  const [first, again] = [await world.rotate('same'), await world.rotate('same')];
  assert.equal(again.headers['azure-asyncoperation'], first.headers['azure-asyncoperation']);
  assert.equal(first.headers['x-ms-client-request-id'], 'same');
  assert.deepEqual(await world.states(), ['retired', 'active', 'prepared']);
  await world.rotate('other');
  assert.deepEqual(await world.states(), ['revoked', 'active', 'prepared']);
});

test('an operation is in progress until the publishers confirm', async () => {
  const world = await withIssuer({ publish: false });
  const reply = await world.rotate();
  const { status, properties } = (await world.poll(reply)).json<OperationBody>();
  assert.deepEqual([status, properties.waiting], ['InProgress', { reason: 'not confirmed by every publisher', until: null }]);
});

test('deleting the cluster cancels a rotation that waits', async () => {
  const world = await withIssuer();
  await world.rotate();
  const waiting = await world.rotate();
  await world.ask('DELETE', CLUSTER);
  const { status, error } = (await world.poll(waiting)).json<OperationBody>();
  assert.deepEqual([status, error], ['Canceled', { code: 'OperationNotAllowed', message: 'The operation was cancelled, because its issuer was deleted.' }]);
  const result = await world.ask('GET', String(waiting.headers.location).slice(URL_BASE.length));
  assert.deepEqual([result.statusCode, result.json()], [409, { error: { code: 'OperationNotAllowed', message: 'The operation was cancelled, because its issuer was deleted.' } }]);
});

test('force, emergency and revokeKey', async () => {
  const world = await withIssuer();
  await world.rotate();
  assert.equal((await world.ask('POST', `${ISSUER}/rotate`, { force: true })).json<RotateReply>().outcome, 'rotated');
  assert.deepEqual(await world.states(), ['revoked', 'retired', 'active', 'prepared']);
  const keys = (await world.issuer()).properties.keys;
  const kidOf = (state: string): string => keys.find((key: KeyBody) => key.state === state)!.kid;
  const refused = await world.ask('POST', `${ISSUER}/revokeKey`, { kid: kidOf('active') });
  assert.deepEqual([refused.statusCode, refused.json<{ error: { code: string } }>().error.code], [409, 'KeyIsActive']);
  const revoked = await world.ask('POST', `${ISSUER}/revokeKey`, { kid: kidOf('retired') });
  assert.deepEqual([revoked.statusCode, revoked.json<RotateReply>().outcome, revoked.json<RotateReply>().revoked], [202, 'revoked', [kidOf('retired')]]);
  assert.equal((await world.ask('POST', `${ISSUER}/rotate`, { emergency: true })).statusCode, 202);
  assert.deepEqual((await world.states()).filter((state) => state !== 'revoked'), ['active', 'prepared']);
  assert.equal((await world.ask('POST', `${ISSUER}/rotate`)).statusCode, 202);
});

test('where it has to be asked for, Azure’s path never revokes and names our command; ours does when asked to, for a Contributor too', async () => {
  const world = await withIssuer({ rings: { secondRotation: 'confirm' } });
  const first = await world.rotate('first');
  assert.equal(first.statusCode, 202);
  const { rotationWouldRevoke: [old], secondRotation } = (await world.issuer()).properties;
  assert.equal(secondRotation, 'confirm');
  for (const refused of [await world.rotate(), await world.rotate('second'), await world.ask('POST', `${ISSUER}/rotate`), await world.ask('POST', `${ISSUER}/rotate`, { revokePrevious: false })]) {
    const { error } = refused.json<ErrorBody>();
    assert.deepEqual([refused.statusCode, error.code, error.details?.map(({ target }) => target)], [409, 'RotationWouldRevoke', [old!.kid]]);
    assert.match(error.message, /no recorded token lives on it.* run: mintmark issuer rotate -g myGroup -n myCluster --revoke-previous\./);
  }
  assert.deepEqual(await world.states(), ['retired', 'active', 'prepared']);
  assert.equal((await world.rotate('first')).json<RotateReply>().operationId, first.json<RotateReply>().operationId);
  const asked = await world.as('contributor', { method: 'POST', url: `${ISSUER}/rotate`, payload: { revokePrevious: true } });
  assert.deepEqual([asked.statusCode, asked.json<RotateReply>().outcome, asked.json<RotateReply>().revoked], [202, 'waiting', [old!.kid]]);
  assert.equal((await world.rotate()).json<RotateReply>().outcome, 'joined');
});

test('the calendar and the list promise no time in a freeze window', async () => {
  const until = '2026-03-01T00:00:00.000Z';
  const world = await withIssuer({ rings: { freezeWindows: [freezeWindowOf('2026-01-20T00:00Z/2026-03-01T00:00Z')!] } });
  const { properties } = await world.issuer();
  assert.deepEqual([properties.freezeWindows, properties.calendar.nextRotationAt, properties.calendar.nextRotationFrozenSince], [['2026-01-20T00:00Z/2026-03-01T00:00Z'], until, properties.waiting?.until]);
  const { value } = (await world.ask('GET', `/subscriptions/${SUBSCRIPTION}/providers/Mintmark.Oidc/issuers`)).json<{ value: IssuerSummaryBody[] }>();
  assert.deepEqual(value.map((summary) => summary.properties.nextRotationAt), [until]);
  world.pass(32 * 86_400);
  assert.deepEqual((await world.issuer()).properties.waiting, { reason: 'a freeze window is open', until });
});

test('events page from the newest', async () => {
  const world = await withIssuer();
  await world.rotate();
  const all = (await world.ask('GET', `${ISSUER}/events`)).json<{ value: KeyEventBody[] }>().value;
  assert.deepEqual(all.map(({ kind }) => kind).slice(-3), ['activated', 'prepared', 'prepared']);
  assert.ok(all.some(({ actor, kind }) => kind === 'retired' && actor === 'principal:owner'));
  const page = (await world.ask('GET', `${ISSUER}/events?$top=2`)).json<{ value: KeyEventBody[]; nextLink: string }>();
  const next = (await world.ask('GET', page.nextLink.slice(URL_BASE.length))).json<{ value: KeyEventBody[] }>();
  assert.deepEqual([...page.value, ...next.value], all.slice(0, 4));
});

test('the rotation policy', async () => {
  const world = await withIssuer();
  const url = `${ISSUER}/rotationPolicy`;
  const body = { id: url, name: 'rotationPolicy', type: 'Mintmark.Oidc/issuers/rotationPolicy' };
  assert.deepEqual((await world.ask('GET', url)).json(), { ...body, eTag: '1-1', properties: { rotateEverySeconds: 2_592_000 } });
  assert.deepEqual((await world.ask('PUT', url, { properties: { rotateEverySeconds: null } })).json<{ properties: object }>().properties, { rotateEverySeconds: null });
  for (const rotateEverySeconds of [0, 1.5, 86_400, 366 * 86_400]) {
    const reply = await world.ask('PUT', url, { properties: { rotateEverySeconds } });
    assert.deepEqual([reply.statusCode, reply.json<{ error: { code: string } }>().error.code], [400, 'InvalidRotationPolicy']);
  }
  assert.deepEqual((await world.issuer()).properties.calendar.nextRotationAt, null);
});

test('a token is issued once asked for, warned about when shortened, and counted', async () => {
  const world = await withIssuer();
  const url = `${ISSUER}/issueToken`;
  const reply = await world.ask('POST', url, { metadata: { namespace: 'ns', name: 'sa' }, spec: { audiences: ['api://AzureADTokenExchange'], expirationSeconds: 90_000 } });
  const { status, ...rest } = reply.json<TokenReply>();
  assert.deepEqual([reply.statusCode, rest, status.expirationTimestamp], [200, {
    apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: { namespace: 'ns', name: 'sa' }, spec: { audiences: ['api://AzureADTokenExchange'], expirationSeconds: 86_400 },
  }, '2026-01-03T03:04:05.000Z']);
  assert.equal(reply.headers.warning, '299 mintmark "requested expiration of 90000 seconds shortened to 86400 seconds: a token lives for one day at most"');
  assert.equal(reply.headers['cache-control'], 'no-store');
  assert.equal((await world.issuer()).properties.keys[0]?.liveTokens, 1);
  for (const spec of [{ expirationSeconds: 5 }, { audiences: [''] }]) {
    assert.equal((await world.ask('POST', url, { metadata: { namespace: 'ns', name: 'sa' }, spec })).json<{ error: { code: string } }>().error.code, 'InvalidTokenRequest');
  }
});

test('a server that does not issue tokens says so', async () => {
  const world = await withIssuer({ tokenIssue: false });
  const reply = await world.ask('POST', `${ISSUER}/issueToken`, { metadata: { namespace: 'ns', name: 'sa' } });
  assert.deepEqual([reply.statusCode, reply.json<{ error: { code: string } }>().error.code], [409, 'TokenIssueDisabled']);
});

test('without an issuer', async () => {
  const world = await openManagement();
  await world.ask('PUT', GROUP, {});
  await world.ask('PUT', CLUSTER, { properties: { oidcIssuerProfile: { enabled: false } } });
  for (const [method, url] of [['GET', ISSUER], ['POST', `${CLUSTER}/rotateServiceAccountSigningKeys`], ['GET', `${ISSUER}/events`]] as const) {
    const reply = await world.ask(method, url);
    assert.deepEqual([reply.statusCode, reply.json()], [404, { error: { code: 'IssuerNotEnabled', message: "The cluster 'myCluster' has no OIDC issuer. Enable it: az aks update --enable-oidc-issuer -g myGroup -n myCluster" } }]);
  }
});

test('the list of all issuers: filtered, ordered, paged', async () => {
  const world = await openManagement();
  const at = (group: string, name: string): string => `/subscriptions/${SUBSCRIPTION}/resourceGroups/${group}/providers/Microsoft.ContainerService/managedClusters/${name}`;
  for (const [group, name, location] of [['a', 'z', 'eastus'], ['b', 'y', 'westus'], ['b', 'x', 'eastus']] as const) {
    await world.ask('PUT', `/subscriptions/${SUBSCRIPTION}/resourceGroups/${group}`, {});
    await world.ask('PUT', at(group, name), { location });
  }
  await world.ask('PUT', at('b', 'w'), { properties: { oidcIssuerProfile: { enabled: false } } });
  await world.ask('PUT', `${at('b', 'y')}/providers/Mintmark.Oidc/issuers/default/rotationPolicy`, { properties: { rotateEverySeconds: null } });
  const list = `/subscriptions/${SUBSCRIPTION}/providers/Mintmark.Oidc/issuers`;
  const names = async (query: Readonly<Record<string, string>>): Promise<string> => {
    const found: string[] = [];
    for (let url: string | undefined = `${list}?${new URLSearchParams(query).toString()}`; url !== undefined;) {
      const page: { value: { properties: { clusterName: string } }[]; nextLink?: string } = (await world.ask('GET', url)).json();
      found.push(...page.value.map(({ properties }) => properties.clusterName));
      url = page.nextLink?.slice(URL_BASE.length);
    }
    return found.join('');
  };
  assert.equal(await names({}), 'zxy');
  assert.equal(await names({ $top: '1' }), 'zxy');
  assert.equal(await names({ $orderby: 'name' }), 'xyz');
  assert.equal(await names({ $orderby: 'name desc', $top: '2' }), 'zyx');
  assert.match(await names({ $orderby: 'nextRotationAt asc', $top: '1' }), /^(xz|zx)y$/);
  assert.equal(await names({ $filter: "location eq 'East US'" }), 'zx');
  assert.equal(await names({ $filter: "resourceGroup eq 'B' and location eq 'eastus'", $orderby: 'name' }), 'x');
  for (const query of [{ $filter: "name eq 'x'" }, { $filter: "location eq 'x' or location eq 'y'" }, { $orderby: 'location' }, { $orderby: 'name', $skiptoken: 'x' }, { $top: '0' }, { $top: '101' }, { $skiptoken: '!' }]) {
    const reply = await world.ask('GET', `${list}?${new URLSearchParams(query as Record<string, string>).toString()}`);
    assert.deepEqual([reply.statusCode, reply.json<{ error: { code: string } }>().error.code], [400, 'InvalidQueryParameter'], JSON.stringify(query));
  }
});
