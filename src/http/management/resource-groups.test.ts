import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLUSTER, GROUP, openManagement, SUBSCRIPTION, URL_BASE } from '../../../test/support/management.ts';

const BODY = { id: GROUP, name: 'myGroup', type: 'Microsoft.Resources/resourceGroups', eTag: '1-mjwaid1k', location: 'eastus', tags: {}, properties: { provisioningState: 'Succeeded' } };
const NOT_FOUND = { error: { code: 'ResourceGroupNotFound', message: "Resource group 'myGroup' could not be found.", target: 'resourceGroup' } };

test('created, updated, shown, as Azure Resource Manager does', async () => {
  const world = await openManagement();
  const lower = GROUP.replace('resourceGroups', 'resourcegroups');
  /** method, url, body → status, body. */
  const steps: readonly (readonly ['GET' | 'PUT' | 'HEAD' | 'PATCH', string, object | undefined, number, object | null])[] = [
    ['HEAD', GROUP, undefined, 404, null],
    ['GET', GROUP, undefined, 404, NOT_FOUND],
    ['PUT', lower, { location: 'East US' }, 201, BODY],
    ['PUT', lower, { location: 'eastus' }, 200, BODY],
    ['PUT', GROUP, {}, 200, BODY],
    ['HEAD', GROUP.toUpperCase(), undefined, 204, null],
    ['GET', `${GROUP.toUpperCase()}/?api-version=2021-04-01`, undefined, 200, BODY],
    ['PUT', lower, { properties: {}, location: 'eastus', tags: { a: '1', toString: '2' } }, 200, { ...BODY, eTag: '2-mjwaid1k', tags: { a: '1', toString: '2' } }],
    ['PATCH', GROUP, { tags: {} }, 200, { ...BODY, eTag: '3-mjwaid1k' }],
    ['PATCH', GROUP, {}, 200, { ...BODY, eTag: '3-mjwaid1k' }],
    ['GET', `/subscriptions/${SUBSCRIPTION}/resourcegroups`, undefined, 200, { value: [{ ...BODY, eTag: '3-mjwaid1k' }] }],
    ['PUT', GROUP, { location: 'westus' }, 400, { error: { code: 'LocationCanNotChange', message: "The resource group 'myGroup' is in eastus and can not move to westus.", target: 'location' } }],
  ];
  for (const [method, url, payload, status, body] of steps) {
    const reply = await world.ask(method, url, payload);
    assert.deepEqual([method, reply.statusCode, reply.body === '' ? null : reply.json()], [method, status, body]);
  }
});

test('a list of those with a tag; a filter that is not understood is refused, not ignored', async () => {
  const world = await openManagement();
  const groups = `/subscriptions/${SUBSCRIPTION}/resourceGroups`;
  for (const [name, env] of [['one', 'dev'], ['two', 'prod'], ['three', 'dev']] as const) await world.ask('PUT', `${groups}/${name}`, { tags: { env } });
  const ask = ($filter: string) => world.ask('GET', `${groups}?${new URLSearchParams({ $filter }).toString()}`);
  assert.deepEqual((await ask("tagname eq 'Env' and tagvalue eq 'dev'")).json<{ value: { name: string }[] }>().value.map(({ name }) => name), ['one', 'three']);
  const refused = await ask("location eq 'eastus'");
  assert.deepEqual([refused.statusCode, refused.json<{ error: { code: string } }>().error.code], [400, 'InvalidQueryParameter']);
});

test('a deletion takes the clusters with it, more than one transaction of them, and closes their issuers', async () => {
  const world = await openManagement();
  await world.ask('PUT', GROUP, {});
  const { issuerURL } = (await world.ask('PUT', CLUSTER, {})).json<{ properties: { oidcIssuerProfile: { issuerURL: string } } }>().properties.oidcIssuerProfile;
  for (let index = 0; index < 101; index += 1) await world.ask('PUT', `${CLUSTER}${index}`, { properties: { oidcIssuerProfile: { enabled: false } } });
  const reply = await world.ask('DELETE', GROUP);
  assert.deepEqual([reply.statusCode, reply.headers['retry-after']], [202, '1']);
  for (const [header, status] of [['azure-asyncoperation', 200], ['location', 204]] as const) {
    assert.equal((await world.ask('GET', String(reply.headers[header]).slice(URL_BASE.length))).statusCode, status);
  }
  assert.deepEqual((await world.ask('GET', GROUP)).json(), NOT_FOUND);
  assert.deepEqual((await world.ask('DELETE', GROUP)).json(), NOT_FOUND);
  assert.deepEqual((await world.ask('GET', `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters`)).json(), { value: [] });
  const ring = await world.store.read(async (tx) => tx.keyRing((await tx.issuerByPath(new URL(issuerURL).pathname))!.id));
  assert.deepEqual([ring?.open, ring?.keys.map(({ state }) => state)], [false, ['retired', 'revoked']]);
});
