/** Kubeconfigs: left by a path of ours, given by Azure's, sealed in the store, gone with their cluster. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLUSTER, GROUP, openManagement, SUBSCRIPTION } from '../../../test/support/management.ts';
import { KUBECONFIG_TYPE } from '../../domain/resource-id.ts';

const USER = `${CLUSTER}/providers/Mintmark.Oidc/kubeconfigs/user`;
const ADMIN = `${CLUSTER}/providers/Mintmark.Oidc/kubeconfigs/admin`;
const ASK = `${CLUSTER}/listClusterUserCredential`;
const ASK_ADMIN = `${CLUSTER}/listClusterAdminCredential`;
const TEXT = 'kind: Config\nusers: [{ name: ä, user: { token: a-hidden-token } }]\n';
const body = (kubeconfig: string) => ({ properties: { kubeconfig } });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function withCluster() {
  const world = await openManagement();
  await world.ask('PUT', GROUP, {});
  await world.ask('PUT', CLUSTER, { properties: { oidcIssuerProfile: { enabled: false } } });
  const codeOf = async (url: string): Promise<string> => (await world.ask('POST', url)).json<{ error: { code: string } }>().error.code;
  const kept = () => world.store.read(async (tx) => (await tx.resources({ type: KUBECONFIG_TYPE, scope: `/subscriptions/${SUBSCRIPTION}` }, { limit: 10 })).items);
  return { ...world, codeOf, kept };
}

test('left, given, replaced, deleted; that of the administrator by itself', async () => {
  const { ask, codeOf } = await withCluster();
  const left = await ask('PUT', USER, body(TEXT));
  assert.deepEqual([left.statusCode, left.json()], [201, { id: USER, name: 'user', type: KUBECONFIG_TYPE }]);
  const given = await ask('POST', `${ASK}?server-fqdn=public&format=exec&api-version=2022-11-01`);
  assert.deepEqual([given.statusCode, given.json(), given.headers['cache-control']], [200, { kubeconfigs: [{ name: 'clusterUser', value: base64(TEXT) }] }, 'no-store']);
  assert.equal(await codeOf(ASK_ADMIN), 'ResourceNotFound');
  assert.equal((await ask('PUT', ADMIN, body('other'))).statusCode, 201);
  assert.equal((await ask('PUT', USER.toUpperCase(), body('another'))).statusCode, 200);
  assert.deepEqual((await ask('POST', ASK)).json(), { kubeconfigs: [{ name: 'clusterUser', value: base64('another') }] });
  assert.deepEqual((await ask('POST', ASK_ADMIN)).json(), { kubeconfigs: [{ name: 'clusterAdmin', value: base64('other') }] });
  assert.deepEqual([(await ask('DELETE', USER)).statusCode, (await ask('DELETE', USER)).statusCode, await codeOf(ASK), (await ask('POST', ASK_ADMIN)).statusCode], [200, 204, 'ResourceNotFound', 200]);
});

test('who may: Contributor; a Reader neither reads nor writes one', async () => {
  const { as, ask } = await withCluster();
  await ask('PUT', USER, body(TEXT));
  const status = async (who: string, method: 'POST' | 'PUT' | 'DELETE', url: string) => (await as(who, { method, url, ...(method === 'PUT' ? { payload: body(TEXT) } : {}) })).statusCode;
  for (const [who, expected] of [['contributor', [200, 200, 200]], ['reader', [403, 403, 403]], ['stranger', [404, 404, 404]]] as const) {
    assert.deepEqual([await status(who, 'POST', ASK), await status(who, 'PUT', USER), await status(who, 'DELETE', USER)], expected, who);
  }
});

test('in the store it is sealed, and opens for its own cluster alone', async () => {
  const { ask, store, kept } = await withCluster();
  await ask('PUT', USER, body(TEXT));
  const [row] = await kept();
  const sealed = Buffer.from(String(row!.properties['sealed']), 'base64');
  assert.deepEqual([sealed.subarray(0, 2).toString('hex'), sealed.includes('hidden'), JSON.stringify(row).includes('hidden')], ['4d01', false, false]);
  const other = `${GROUP}/providers/Microsoft.ContainerService/managedClusters/other`;
  await ask('PUT', other, { properties: { oidcIssuerProfile: { enabled: false } } });
  await store.write((tx) => tx.putResource({ ...row!, id: `${other}/providers/Mintmark.Oidc/kubeconfigs/user` }));
  assert.deepEqual((await ask('POST', `${other}/listClusterUserCredential`)).json<{ error: { code: string } }>().error.code, 'SealBroken');
});

test('it goes with its cluster, and with its group', async () => {
  for (const deleted of [CLUSTER, GROUP]) {
    const { ask, kept } = await withCluster();
    await ask('PUT', USER, body(TEXT));
    await ask('PUT', ADMIN, body(TEXT));
    assert.equal((await kept()).length, 2);
    await ask('DELETE', deleted);
    assert.deepEqual(await kept(), [], deleted);
  }
});

/** What is left → how it is answered. */
const SIZES: readonly (readonly [string, string, number])[] = [['nothing', '', 400], ['the largest', 'x'.repeat(32 * 1024), 201], ['a byte more', 'x'.repeat(32 * 1024 + 1), 400]];

for (const [what, text, status] of SIZES) {
  test(`a kubeconfig of ${what}: ${status}`, async () => {
    const { ask, kept } = await withCluster();
    assert.deepEqual([(await ask('PUT', USER, body(text))).statusCode, (await kept()).length], [status, status === 201 ? 1 : 0]);
  });
}

test('none for a cluster that is not there', async () => {
  const { ask } = await withCluster();
  const reply = await ask('PUT', `${GROUP}/providers/Microsoft.ContainerService/managedClusters/nope/providers/Mintmark.Oidc/kubeconfigs/user`, body(TEXT));
  assert.deepEqual([reply.statusCode, reply.json<{ error: { code: string } }>().error.code], [404, 'ResourceNotFound']);
});
