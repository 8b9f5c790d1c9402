import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLUSTER, GROUP, openManagement, SUBSCRIPTION, TENANT, URL_BASE } from '../../../test/support/management.ts';
import type { ManagedClusterBody } from './contract.ts';

/** What az aks create of 2.45 sends, shortened. */
const AZ_CREATE = {
  location: 'eastus', identity: { type: 'SystemAssigned' },
  properties: {
    kubernetesVersion: '', dnsPrefix: 'myAKSClust-x', agentPoolProfiles: [{ name: 'nodepool1', count: 1, vmSize: 'Standard_DS2_v2', osType: 'Linux', mode: 'System' }],
    linuxProfile: { adminUsername: 'azureuser', ssh: { publicKeys: [{ keyData: 'ssh-rsa AAAA' }] } }, addonProfiles: {}, oidcIssuerProfile: { enabled: true }, enableRBAC: true,
    networkProfile: { networkPlugin: 'kubenet' }, disableLocalAccounts: false, storageProfile: {},
  },
};
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function withGroup() {
  const world = await openManagement();
  await world.ask('PUT', GROUP, { location: 'westeurope' });
  return world;
}

test('create, in every member', async () => {
  const world = await withGroup();
  const reply = await world.ask('PUT', CLUSTER, AZ_CREATE);
  assert.equal(reply.statusCode, 201);
  assert.equal(reply.headers.warning, '299 mintmark "The cluster\'s nodes, network and version are stored and echoed only: Mintmark registers a cluster that runs elsewhere and creates no nodes."');
  const body = reply.json<ManagedClusterBody>();
  const { issuerURL } = body.properties.oidcIssuerProfile;
  assert.match(issuerURL!, new RegExp(`^https://eastus\\.oic\\.example\\.com/${TENANT}/[0-9a-f-]{36}/$`));
  const kubelet = (body.properties.identityProfile as { kubeletidentity: Record<string, string> }).kubeletidentity;
  for (const uuid of [kubelet.objectId, kubelet.clientId, body.identity?.principalId]) assert.match(String(uuid), UUID);
  assert.deepEqual(body, {
    id: CLUSTER, name: 'myCluster', type: 'Microsoft.ContainerService/managedClusters', eTag: '1-mjwaid1k', location: 'eastus', tags: {},
    identity: { type: 'SystemAssigned', principalId: body.identity?.principalId, tenantId: TENANT },
    sku: { name: 'Base', tier: 'Free' },
    properties: {
      ...AZ_CREATE.properties, kubernetesVersion: '1.37', currentKubernetesVersion: '1.37', provisioningState: 'Succeeded', powerState: { code: 'Running' }, maxAgentPools: 100,
      fqdn: 'myaksclust-x-90ecc822.hcp.eastus.mintmark.invalid', nodeResourceGroup: 'MC_myGroup_myCluster_eastus', servicePrincipalProfile: { clientId: 'msi' },
      identityProfile: { kubeletidentity: { ...kubelet, resourceId: `${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/myCluster-agentpool` } },
      oidcIssuerProfile: { enabled: true, issuerURL },
    },
  });
  assert.deepEqual((await world.ask('GET', CLUSTER)).json(), body);
});

test('a repeated PUT is 200, and the echo of a GET changes nothing', async () => {
  const world = await withGroup();
  const created = (await world.ask('PUT', CLUSTER, AZ_CREATE)).json<ManagedClusterBody>();
  for (const body of [AZ_CREATE, created, {}, { properties: {} }, { tags: null, properties: null }]) {
    const reply = await world.ask('PUT', CLUSTER, body);
    assert.deepEqual([reply.statusCode, reply.json()], [200, created]);
    assert.equal(reply.headers.warning, undefined);
  }
});

test('names match without case and are shown as they were stored; a slash at the end and any api-version do no harm', async () => {
  const world = await withGroup();
  const created = (await world.ask('PUT', CLUSTER, {})).json();
  for (const url of [CLUSTER.toUpperCase(), CLUSTER.toLowerCase(), `${CLUSTER}/`, `/${CLUSTER}`, `${CLUSTER}?api-version=1999-01-01`, `${CLUSTER}?api-version=x&api-version=y`]) {
    const reply = await world.ask('GET', url);
    assert.deepEqual([reply.statusCode, reply.json()], [200, created], url);
  }
  const updated = await world.ask('PUT', CLUSTER.toUpperCase(), { tags: { a: 'b' } });
  assert.deepEqual([updated.statusCode, updated.json<ManagedClusterBody>().id], [200, CLUSTER]);
});

test('without a location it is where its group is', async () => {
  const world = await withGroup();
  assert.equal((await world.ask('PUT', CLUSTER, {})).json<ManagedClusterBody>().location, 'westeurope');
});

test('the issuer is enabled later, keeps its URL, and is never disabled', async () => {
  const world = await withGroup();
  const off = (await world.ask('PUT', CLUSTER, { properties: { kubernetesVersion: '1.30' } })).json<ManagedClusterBody>();
  assert.deepEqual(off.properties.oidcIssuerProfile, { enabled: false });
  assert.equal((await world.ask('PUT', CLUSTER, { properties: { oidcIssuerProfile: { enabled: false } } })).statusCode, 200);
  const on = (await world.ask('PUT', CLUSTER, { properties: { oidcIssuerProfile: { enabled: true } } })).json<ManagedClusterBody>();
  assert.equal(on.properties.oidcIssuerProfile.enabled, true);
  const refused = await world.ask('PUT', CLUSTER, { tags: { lost: 'yes' }, properties: { oidcIssuerProfile: { enabled: false } } });
  assert.deepEqual([refused.statusCode, refused.json()], [400, { error: {
    code: 'IssuerCanNotBeDisabled', target: 'properties.oidcIssuerProfile.enabled',
    message: "The OIDC issuer of 'myCluster' can not be disabled: running workloads and their relying parties depend on its issuer URL. Nothing was changed.",
  } }]);
  assert.deepEqual((await world.ask('GET', CLUSTER)).json(), on);
});

test('If-Match and If-None-Match', async () => {
  const world = await withGroup();
  assert.equal((await world.ask('PUT', CLUSTER, {}, { 'if-match': '*' })).statusCode, 412);
  const { eTag } = (await world.ask('PUT', CLUSTER, {}, { 'if-none-match': '*' })).json<ManagedClusterBody>();
  assert.equal((await world.ask('PUT', CLUSTER, {}, { 'if-none-match': '*' })).statusCode, 412);
  const changed = await world.ask('PUT', CLUSTER, { tags: { a: '1' } }, { 'if-match': eTag! });
  assert.equal(changed.statusCode, 200);
  for (const [method, payload] of [['PUT', { tags: { a: '2' } }], ['PATCH', { tags: { a: '2' } }], ['DELETE', undefined]] as const) {
    const stale = await world.ask(method, CLUSTER, payload, { 'if-match': `"${eTag}"` });
    assert.deepEqual([stale.statusCode, stale.json()], [412, { error: { code: 'PreconditionFailed', message: "The eTag of 'myCluster' is 2-mjwaid1k, not one that If-Match names. Read it again and repeat the change.", target: 'If-Match' } }]);
  }
  assert.deepEqual((await world.ask('GET', CLUSTER)).json(), changed.json());
  assert.equal((await world.ask('DELETE', CLUSTER, undefined, { 'if-match': '2-mjwaid1k' })).statusCode, 202);
});

test('PATCH replaces the tags and nothing else', async () => {
  const world = await withGroup();
  const created = (await world.ask('PUT', CLUSTER, { tags: { a: '1', b: '2' } })).json<ManagedClusterBody>();
  const patched = await world.ask('PATCH', CLUSTER, { tags: { constructor: 'c' }, properties: { dnsPrefix: 'ignored' } });
  assert.deepEqual([patched.statusCode, patched.json()], [200, { ...created, eTag: '2-mjwaid1k', tags: { constructor: 'c' } }]);
  assert.deepEqual((await world.ask('PATCH', CLUSTER, {})).json(), patched.json());
});

test('a cluster needs its group', async () => {
  const world = await openManagement();
  for (const method of ['PUT', 'GET'] as const) {
    const reply = await world.ask(method, CLUSTER, method === 'PUT' ? {} : undefined);
    assert.deepEqual([reply.statusCode, reply.json()], [404, { error: { code: 'ResourceGroupNotFound', message: "Resource group 'myGroup' could not be found. Create it: az group create --name myGroup" } }]);
  }
  await world.ask('PUT', GROUP, {});
  const reply = await world.ask('GET', CLUSTER);
  assert.deepEqual([reply.statusCode, reply.json()], [404, { error: { code: 'ResourceNotFound', message: "The managed cluster 'myCluster' under resource group 'myGroup' was not found." } }]);
});

test('delete is 202 with an operation that has ended, then 204; a cluster made anew has another issuer', async () => {
  const world = await withGroup();
  const first = (await world.ask('PUT', CLUSTER, {})).json<ManagedClusterBody>();
  const reply = await world.ask('DELETE', CLUSTER.toLowerCase());
  assert.deepEqual([reply.statusCode, reply.body, reply.headers['retry-after']], [202, '', '1']);
  const at = `${URL_BASE}/subscriptions/${SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/westeurope`;
  const [operations, results] = [String(reply.headers['azure-asyncoperation']), String(reply.headers.location)];
  assert.ok(operations.startsWith(`${at}/operations/`) && results.startsWith(`${at}/operationresults/`));
  const status = (await world.ask('GET', operations.slice(URL_BASE.length))).json<{ name: string }>();
  assert.deepEqual(status, {
    id: operations.slice(URL_BASE.length), name: status.name, status: 'Succeeded', startTime: '2026-01-02T03:04:05.000Z', endTime: '2026-01-02T03:04:05.000Z',
    properties: { kind: 'deleteCluster', revoked: [], waiting: null },
  });
  assert.equal((await world.ask('GET', results.slice(URL_BASE.length))).statusCode, 204);
  assert.equal((await world.ask('GET', CLUSTER)).statusCode, 404);
  assert.equal((await world.ask('DELETE', CLUSTER)).statusCode, 204);
  const again = (await world.ask('PUT', CLUSTER, {})).json<ManagedClusterBody>();
  assert.notEqual(again.properties.oidcIssuerProfile.issuerURL, first.properties.oidcIssuerProfile.issuerURL);
});

test('lists page by nextLink, on the configured host', async () => {
  const world = await withGroup();
  const base = `${GROUP}/providers/Microsoft.ContainerService/managedClusters`;
  for (const name of ['c3', 'c1', 'C2']) await world.ask('PUT', `${base}/${name}`, { properties: { oidcIssuerProfile: { enabled: false } } });
  for (const list of [base, `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters`]) {
    const names: string[] = [];
    let url: string | undefined = `${list}?api-version=2025-03-01&$top=2`;
    for (let pages = 0; url !== undefined; pages += 1) {
      const reply = await world.ask('GET', url, undefined, { host: 'evil.example' });
      const page = reply.json<{ value: ManagedClusterBody[]; nextLink?: string }>();
      names.push(...page.value.map(({ name }) => name));
      if (page.nextLink !== undefined) assert.ok(page.nextLink.startsWith(`${URL_BASE}${list}?api-version=2025-03-01&`), page.nextLink);
      url = page.nextLink?.slice(URL_BASE.length);
      assert.ok(pages < 2);
    }
    assert.deepEqual(names, ['c1', 'C2', 'c3']);
  }
  assert.equal((await world.ask('GET', base.replace('myGroup', 'noGroup'))).statusCode, 404);
});

test('agent pools and upgrades are what was stored', async () => {
  const world = await withGroup();
  await world.ask('PUT', CLUSTER, { properties: { kubernetesVersion: '1.34.1', agentPoolProfiles: [{ name: 'a', count: 2 }] } });
  const pool = {
    id: `${CLUSTER}/agentPools/a`, name: 'a', type: 'Microsoft.ContainerService/managedClusters/agentPools',
    properties: { orchestratorVersion: '1.34.1', count: 2, provisioningState: 'Succeeded', powerState: { code: 'Running' }, currentOrchestratorVersion: '1.34.1' },
  };
  assert.deepEqual((await world.ask('GET', `${CLUSTER}/agentPools`)).json(), { value: [pool] });
  assert.deepEqual((await world.ask('GET', `${CLUSTER}/agentpools/A`)).json(), pool);
  assert.equal((await world.ask('GET', `${CLUSTER}/agentPools/b`)).statusCode, 404);
  const upgrades = ['1.35', '1.36', '1.37'].map((kubernetesVersion) => ({ kubernetesVersion, isPreview: false }));
  assert.deepEqual((await world.ask('GET', `${CLUSTER}/upgradeProfiles/default`)).json(), {
    id: `${CLUSTER}/upgradeProfiles/default`, name: 'default', type: 'Microsoft.ContainerService/managedClusters/upgradeProfiles',
    properties: {
      controlPlaneProfile: { name: 'myCluster', kubernetesVersion: '1.34.1', osType: 'Linux', upgrades },
      agentPoolProfiles: [{ name: 'a', kubernetesVersion: '1.34.1', osType: 'Linux', upgrades }],
    },
  });
});

const ACTIONS: readonly (readonly [string, number, string, string])[] = [
  ['stop', 409, 'OperationNotAllowed', 'Mintmark registers a cluster that runs elsewhere and can not stop it. Stop it where it runs.'],
  ['start', 409, 'OperationNotAllowed', 'Mintmark registers a cluster that runs elsewhere and can not start it. Start it where it runs.'],
  ['rotateClusterCertificates', 409, 'OperationNotAllowed', "Mintmark holds the keys of the cluster's OIDC issuer, not its certificates. Rotate those where the cluster runs, for example with kubeadm certs renew."],
  ['listClusterUserCredential', 404, 'ResourceNotFound', "Mintmark has no kubeconfig of the user of 'myCluster': it registers a cluster that runs elsewhere. Take the kubeconfig from where it runs, or leave one here: mintmark cluster set-credentials --name myCluster --resource-group GROUP --kubeconfig FILE"],
  ['listClusterAdminCredential', 404, 'ResourceNotFound', "Mintmark has no kubeconfig of the administrator of 'myCluster': it registers a cluster that runs elsewhere. Take the kubeconfig from where it runs, or leave one here: mintmark cluster set-credentials --name myCluster --resource-group GROUP --kubeconfig FILE --admin"],
];

for (const [action, status, code, message] of ACTIONS) {
  test(`${action} is refused with the reason`, async () => {
    const world = await withGroup();
    assert.equal((await world.ask('POST', `${CLUSTER}/${action}`)).json<{ error: { code: string } }>().error.code, 'ResourceNotFound');
    await world.ask('PUT', CLUSTER, { properties: { oidcIssuerProfile: { enabled: false } } });
    const reply = await world.ask('POST', `${CLUSTER}/${action}?api-version=2025-03-01`);
    assert.deepEqual([reply.statusCode, reply.json()], [status, { error: { code, message } }]);
  });
}

test('user-assigned identities are shown with ids', async () => {
  const world = await withGroup();
  const body = (await world.ask('PUT', CLUSTER, { identity: { type: 'UserAssigned', userAssignedIdentities: { '/x': {} } } })).json<ManagedClusterBody>();
  const assigned = (body.identity as { userAssignedIdentities: Record<string, { principalId: string; clientId: string }> }).userAssignedIdentities['/x'];
  assert.match(assigned!.principalId, UUID);
  assert.match(assigned!.clientId, UUID);
});

test('a page of large resources ends early, and the next link leads on', async () => {
  const world = await withGroup();
  const large = { properties: { oidcIssuerProfile: { enabled: false }, networkProfile: { a: 'x'.repeat(60_000) } } };
  for (let index = 1; index <= 11; index += 1) await world.ask('PUT', `${CLUSTER}${index}`, large);
  const tags = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${index}`.padStart(512, 'n'), 'x'.repeat(256)]));
  for (let index = 1; index <= 21; index += 1) await world.ask('PUT', `${GROUP}${index}`, { tags });
  const clusters = 'providers/Microsoft.ContainerService/managedClusters';
  for (const [list, sizes] of [[`/subscriptions/${SUBSCRIPTION}/${clusters}`, [10, 1]], [`${GROUP}/${clusters}`, [10, 1]], [`/subscriptions/${SUBSCRIPTION}/resourceGroups`, [20, 2]]] as const) {
    const found: number[] = [];
    for (let url: string | undefined = list; url !== undefined;) {
      const page: { value: object[]; nextLink?: string } = (await world.ask('GET', url)).json();
      found.push(page.value.length);
      url = page.nextLink?.slice(URL_BASE.length);
    }
    assert.deepEqual(found, sizes, list);
  }
});
