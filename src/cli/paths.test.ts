import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paths } from './paths.ts';

const cluster = { subscription: 's', resourceGroup: 'a/b', name: 'ä c' };
const MC = '/subscriptions/s/resourceGroups/a%2Fb/providers/Microsoft.ContainerService/managedClusters/%C3%A4%20c';

test('every path, with its names escaped', () => {
  const all = [
    paths.login('t?'), paths.subscriptions(), paths.locations('s'), paths.groups('s'), paths.group('s', '../x'), paths.clusters('s'), paths.clustersOf('s', 'a/b'), paths.cluster(cluster),
    paths.rotateSigningKeys(cluster), paths.issuers('s'), paths.issuer(cluster), paths.issuerPart(cluster, 'issueToken'),
  ];
  assert.deepEqual(all, [
    '/t%3F/oauth2/v2.0/token',
    '/subscriptions?api-version=2022-12-01',
    '/subscriptions/s/locations?api-version=2022-12-01',
    '/subscriptions/s/resourcegroups?api-version=2024-11-01',
    '/subscriptions/s/resourcegroups/..%2Fx?api-version=2024-11-01',
    '/subscriptions/s/providers/Microsoft.ContainerService/managedClusters?api-version=2025-03-01',
    '/subscriptions/s/resourceGroups/a%2Fb/providers/Microsoft.ContainerService/managedClusters?api-version=2025-03-01',
    `${MC}?api-version=2025-03-01`,
    `${MC}/rotateServiceAccountSigningKeys?api-version=2025-03-01`,
    '/subscriptions/s/providers/Mintmark.Oidc/issuers?api-version=2026-11-01',
    `${MC}/providers/Mintmark.Oidc/issuers/default?api-version=2026-11-01`,
    `${MC}/providers/Mintmark.Oidc/issuers/default/issueToken?api-version=2026-11-01`,
  ]);
});
