import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paths } from './paths.ts';

const cluster = { subscription: 's', resourceGroup: 'a/b', name: 'ä c' };
const identity = { subscription: 's', resourceGroup: 'g', identity: 'i d' };
const ID = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i%20d';
const MC = '/subscriptions/s/resourceGroups/a%2Fb/providers/Microsoft.ContainerService/managedClusters/%C3%A4%20c';

test('every path, with its names escaped', () => {
  const all = [
    paths.login('t?'), paths.subscriptions(), paths.locations('s'), paths.groups('s'), paths.group('s', '../x'), paths.clusters('s'), paths.clustersOf('s', 'a/b'), paths.cluster(cluster),
    paths.rotateSigningKeys(cluster), paths.issuers('s'), paths.issuer(cluster), paths.issuerPart(cluster, 'issueToken'), paths.issuerItem(cluster, 'signers', 'a/b'),
    paths.tenants(), paths.tenant('t?'), paths.tenantSubscriptions('t'), paths.tenantSubscription('t', 's/'), paths.principals('t'), paths.principal({ tenant: 't', id: '../x' }),
    paths.resetSecret({ tenant: 't', id: 'p' }), paths.secret({ tenant: 't', id: 'p' }, 'a b'),
    paths.identities('s'), paths.identitiesOf('s', 'a/b'), paths.identity(identity), paths.federatedCredentials(identity), paths.federatedCredential(identity, '../x'),
    paths.roleAssignments('/subscriptions/s/resourceGroups/a b/', "principalId eq 'x'"), paths.roleAssignments('/subscriptions/s', ''), paths.roleAssignment('/subscriptions/s?x', 'n/'),
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
    `${MC}/providers/Mintmark.Oidc/issuers/default/signers/a%2Fb?api-version=2026-11-01`,
    '/providers/Mintmark.Admin/tenants?api-version=2026-11-01',
    '/providers/Mintmark.Admin/tenants/t%3F?api-version=2026-11-01',
    '/providers/Mintmark.Admin/tenants/t/subscriptions?api-version=2026-11-01',
    '/providers/Mintmark.Admin/tenants/t/subscriptions/s%2F?api-version=2026-11-01',
    '/providers/Mintmark.Admin/tenants/t/principals?api-version=2026-11-01',
    '/providers/Mintmark.Admin/tenants/t/principals/..%2Fx?api-version=2026-11-01',
    '/providers/Mintmark.Admin/tenants/t/principals/p/resetSecret?api-version=2026-11-01',
    '/providers/Mintmark.Admin/tenants/t/principals/p/secrets/a%20b?api-version=2026-11-01',
    '/subscriptions/s/providers/Microsoft.ManagedIdentity/userAssignedIdentities?api-version=2023-01-31',
    '/subscriptions/s/resourceGroups/a%2Fb/providers/Microsoft.ManagedIdentity/userAssignedIdentities?api-version=2023-01-31',
    `${ID}?api-version=2023-01-31`,
    `${ID}/federatedIdentityCredentials?api-version=2023-01-31`,
    `${ID}/federatedIdentityCredentials/..%2Fx?api-version=2023-01-31`,
    "/subscriptions/s/resourceGroups/a%20b/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=principalId%20eq%20'x'",
    '/subscriptions/s/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01',
    '/subscriptions/s%3Fx/providers/Microsoft.Authorization/roleAssignments/n%2F?api-version=2022-04-01',
  ]);
});
