import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ManagedClusterBody, ResourceGroupBody } from '../../http/management/contract.ts';
import { clusterOutput, clusterRow, flattened, groupOutput, groupRow, keyStateInWords } from './resources.ts';

const cluster: ManagedClusterBody = {
  id: '/subscriptions/s/resourceGroups/MyGroup/providers/Microsoft.ContainerService/managedClusters/c', name: 'c', type: 't', location: 'eastus', tags: { issuerURL: 'kept' }, sku: {},
  properties: {
    provisioningState: 'Succeeded', kubernetesVersion: '1.36', currentKubernetesVersion: '1.36', fqdn: 'f', oidcIssuerProfile: { enabled: true, issuerURL: 'https://i/' },
    servicePrincipalProfile: {}, agentPoolProfiles: [{ osDiskSizeGB: 30, nodeLabels: { enableRBAC: 'kept' } }], networkProfile: {}, enableRBAC: true,
  },
};

test('a cluster is flattened, in the spelling of Azure CLI, with its resource group', () => {
  assert.deepEqual(clusterOutput(cluster), {
    id: cluster.id, name: 'c', type: 't', location: 'eastus', tags: { issuerURL: 'kept' }, sku: {}, resourceGroup: 'MyGroup',
    provisioningState: 'Succeeded', kubernetesVersion: '1.36', currentKubernetesVersion: '1.36', fqdn: 'f', oidcIssuerProfile: { enabled: true, issuerUrl: 'https://i/' },
    servicePrincipalProfile: {}, agentPoolProfiles: [{ osDiskSizeGb: 30, nodeLabels: { enableRBAC: 'kept' } }], networkProfile: {}, enableRbac: true,
  });
  assert.deepEqual(Object.entries(clusterRow(clusterOutput(cluster))), [
    ['name', 'c'], ['location', 'eastus'], ['resourceGroup', 'MyGroup'], ['kubernetesVersion', '1.36'], ['currentKubernetesVersion', '1.36'], ['provisioningState', 'Succeeded'], ['fqdn', 'f'],
  ]);
});

test('a group keeps its properties', () => {
  const group: ResourceGroupBody = { id: '/subscriptions/s/resourceGroups/g', name: 'g', type: 't', location: 'eastus', tags: {}, properties: { provisioningState: 'Succeeded' } };
  assert.deepEqual(groupOutput(group), { ...group, managedBy: null });
  assert.deepEqual(groupRow(group), { name: 'g', location: 'eastus', status: 'Succeeded' });
});

test('names that objects have by themselves are names like any other', () => {
  assert.deepEqual(flattened({ constructor: 1, properties: { toString: 2 } }), { constructor: 1, toString: 2 });
});

test('states in words', () => {
  const [activatedAt, expiresAt, revokedAt] = ['2026-01-01T00:00:00.123Z', '2026-01-02T00:05:00Z', '2026-01-03T00:00:00Z'];
  const words = (['prepared', 'active', 'retired', 'revoked'] as const).map((state) => keyStateInWords({ state, activatedAt, expiresAt, revokedAt }));
  assert.deepEqual(words, [
    'prepared (published, has not signed yet)', 'active (signs since 2026-01-01 00:00:00)', 'retired (still verifies until 2026-01-02 00:05:00)', 'revoked (out of the list since 2026-01-03 00:00:00)',
  ]);
});
