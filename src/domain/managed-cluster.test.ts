import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterRequest, createCluster, updateCluster } from './managed-cluster.ts';
import { changes, type JsonObject, type Resource } from './resource.ts';

const KUBELET = { objectId: 'o', clientId: 'c', resourceId: 'r' };
const PLACE = { tenantId: 't', subscriptionId: 's', resourceGroup: 'G', name: 'C1', kubeletIdentity: KUBELET };
const DEFAULTS = { location: 'eastus', configuredLocations: ['lab'] };
const NOW = new Date(0);
const LATER = new Date(60_000);
const REGISTERED = "The cluster's nodes, network and version are stored and echoed only: Mintmark registers a cluster that runs elsewhere and creates no nodes.";

const create = (properties: JsonObject = {}, more: Partial<ClusterRequest> = {}) => createCluster({ properties, ...more }, PLACE, DEFAULTS, NOW);
const update = (stored: Resource, properties: JsonObject = {}, more: Partial<ClusterRequest> = {}) => updateCluster(stored, { properties, ...more }, DEFAULTS, LATER);
const withIssuer = (stored: Resource): Resource => ({ ...stored, issuerId: 'i' });

test('the least request makes a whole cluster', () => {
  assert.deepEqual(create(), {
    cluster: {
      id: '/subscriptions/s/resourceGroups/G/providers/Microsoft.ContainerService/managedClusters/C1', type: 'Microsoft.ContainerService/managedClusters', name: 'C1',
      tenantId: 't', subscriptionId: 's', location: 'eastus', tags: {}, envelope: { sku: { name: 'Base', tier: 'Free' } },
      properties: {
        nodeResourceGroup: 'MC_G_C1_eastus', networkProfile: {}, servicePrincipalProfile: { clientId: 'msi' }, identityProfile: { kubeletidentity: KUBELET },
        kubernetesVersion: '1.37', agentPoolProfiles: [{ name: 'nodepool1', count: 1, mode: 'System', osType: 'Linux', type: 'VirtualMachineScaleSets' }],
      },
      issuerId: null, version: 1, createdAt: NOW, updatedAt: NOW,
    },
    enableIssuer: true,
    warnings: [REGISTERED],
  });
});

/** kubernetesVersion, oidcIssuerProfile → whether a new cluster gets an issuer (R1). */
const ISSUER_AT_CREATE: readonly (readonly [string, JsonObject | null, boolean])[] = [
  ['1.33', null, false], ['1.33', { enabled: true }, true], ['1.33', { enabled: false }, false],
  ['1.34', null, true], ['1.34', { enabled: true }, true], ['1.34', { enabled: false }, false], ['1.34', { enabled: null }, true], ['1.34', {}, true],
  ['', null, true], ['1.40', null, true],
];

for (const [kubernetesVersion, oidcIssuerProfile, enabled] of ISSUER_AT_CREATE) {
  test(`create with '${kubernetesVersion}' and ${JSON.stringify(oidcIssuerProfile)}: issuer ${enabled ? 'on' : 'off'}`, () => {
    const { cluster, enableIssuer } = create({ kubernetesVersion, oidcIssuerProfile });
    assert.equal(enableIssuer, enabled);
    assert.equal('oidcIssuerProfile' in cluster.properties, false);
  });
}

/** whether it is on, oidcIssuerProfile → whether the update makes an issuer; null: refused (R2). */
const ISSUER_AT_UPDATE: readonly (readonly [boolean, JsonObject | null, boolean | null])[] = [
  [false, null, false], [false, { enabled: false }, false], [false, { enabled: true }, true], [false, { enabled: null }, false],
  [true, null, false], [true, { enabled: true }, false], [true, { enabled: true, issuerURL: 'https://other/' }, false], [true, { enabled: false }, null], [true, {}, false],
];

for (const [on, oidcIssuerProfile, expected] of ISSUER_AT_UPDATE) {
  test(`update of a cluster with the issuer ${on ? 'on' : 'off'} by ${JSON.stringify(oidcIssuerProfile)}`, () => {
    const stored = on ? withIssuer(create().cluster) : create({ kubernetesVersion: '1.30' }).cluster;
    if (expected === null) assert.throws(() => update(stored, { oidcIssuerProfile }), { code: 'IssuerCanNotBeDisabled', target: 'properties.oidcIssuerProfile.enabled' });
    else assert.equal(update(stored, { oidcIssuerProfile }).enableIssuer, expected);
  });
}

test('an upgrade past 1.34 does not enable the issuer by itself', () => {
  assert.equal(update(create({ kubernetesVersion: '1.33' }).cluster, { kubernetesVersion: '1.34' }).enableIssuer, false);
});

test('what was stored comes back and changes nothing', () => {
  const { cluster } = create({ dnsPrefix: 'p', networkProfile: { networkPlugin: 'kubenet' }, enableRBAC: true }, { tags: { a: '1' }, identity: { type: 'SystemAssigned' } });
  const echoed = update(cluster, cluster.properties, { location: 'East US', tags: cluster.tags, identity: { type: 'SystemAssigned', principalId: 'x', tenantId: 'y' }, sku: { name: 'Base', tier: 'Free' } });
  assert.equal(changes(cluster, echoed.cluster), false);
  assert.deepEqual(echoed.warnings, []);
});

test('an update keeps what is absent, merges objects, replaces lists and grows the version', () => {
  const { cluster } = create({ networkProfile: { networkPlugin: 'kubenet', podCidr: '10.0.0.0/8' }, agentPoolProfiles: [{ name: 'a', count: 1, vmSize: 'x' }, { name: 'b' }] });
  const next = update(cluster, { networkProfile: { podCidr: '10.1.0.0/16' }, agentPoolProfiles: [{ name: 'a', count: 3 }], unknown: 1, fqdn: 'x', provisioningState: 'Failed' });
  assert.deepEqual(next.cluster.properties, { ...cluster.properties, networkProfile: { networkPlugin: 'kubenet', podCidr: '10.1.0.0/16' }, agentPoolProfiles: [{ name: 'a', count: 3, vmSize: 'x' }] });
  assert.equal(next.cluster.version, 2);
  assert.equal(next.cluster.updatedAt, LATER);
  assert.deepEqual(next.warnings, ['The node counts are stored and echoed only: Mintmark registers a cluster that runs elsewhere and scales nothing.']);
});

test('there is always an agent pool', () => {
  const { cluster } = create({ agentPoolProfiles: [] });
  assert.deepEqual((cluster.properties.agentPoolProfiles as JsonObject[]).map(({ name }) => name), ['nodepool1']);
  assert.deepEqual(update(cluster, { agentPoolProfiles: [] }).cluster.properties, cluster.properties);
});

test('secrets are not stored, wherever they are', () => {
  const { cluster } = create({ servicePrincipalProfile: { clientId: 'x', secret: 's3' }, windowsProfile: { adminPassword: 's3', gmsaProfile: { gmsaPassword: 's3' } }, aadProfile: { serverAppSecret: 's3' }, agentPoolProfiles: [{ name: 'a', secret: 's3' }] });
  assert.doesNotMatch(JSON.stringify(cluster), /s3/);
  assert.deepEqual(cluster.properties.servicePrincipalProfile, { clientId: 'x' });
});

for (const member of ['secret', 'Secret', 'password', 'adminPASSWORD', 'serverAppSecret', 'gmsaPassword', 'ClientSecret', 'privateKey', 'connectionString', 'token']) {
  test(`${member} is a secret, beside the properties too`, () => {
    const { cluster } = create({ addonProfiles: { a: { config: { [member]: 's3', secretRotation: 'kept' } } } }, { sku: { name: 'Base', [member]: 's3' }, identity: { type: { [member]: 's3' } } });
    assert.doesNotMatch(JSON.stringify(cluster), /s3/);
    assert.deepEqual(cluster.properties.addonProfiles, { a: { config: { secretRotation: 'kept' } } });
  });
}

test('an identity is not taken for a secret by its name', () => {
  assert.deepEqual(create({}, { identity: { type: 'UserAssigned', userAssignedIdentities: { token: {} } } }).cluster.envelope.identity, { type: 'UserAssigned', userAssignedIdentities: { token: {} } });
});

const LABELS = ['a', 'myAKSClust-myResourceGroup-222222', '0', 'a'.repeat(54)];
for (const label of LABELS) test(`${label} can be a dnsPrefix`, () => assert.equal(create({ dnsPrefix: label, fqdnSubdomain: label }).cluster.properties.dnsPrefix, label));

const NO_LABELS = ['', '-a', 'a-', 'a.b', 'a_b', 'a b', 'a\n', 'ä', 'a'.repeat(55)];
for (const member of ['dnsPrefix', 'fqdnSubdomain']) {
  for (const label of NO_LABELS) {
    test(`${JSON.stringify(label)} can not be a ${member}`, () => assert.throws(() => create({ [member]: label }), {
      code: 'InvalidRequestContent', target: `properties.${member}`, message: `${member} is a string of 1 to 54 letters, digits and hyphens, with a letter or digit at both ends.`,
    }));
  }
}

test('user-assigned identities are kept by their ids alone', () => {
  const { cluster } = create({}, { identity: { type: 'UserAssigned', userAssignedIdentities: { '/a': { clientId: 'forged' }, constructor: {} } } });
  assert.deepEqual(cluster.envelope.identity, { type: 'UserAssigned', userAssignedIdentities: { '/a': {}, constructor: {} } });
});

test('versions: newer than known is a warning, an upgrade is one too', () => {
  const { cluster, warnings } = create({ kubernetesVersion: '1.38' });
  assert.deepEqual(warnings, ['Kubernetes 1.38 is newer than 1.37, the newest that this Mintmark knows; it is accepted as given.', REGISTERED]);
  assert.deepEqual(update(create({ kubernetesVersion: '1.30' }).cluster, { kubernetesVersion: '1.31.2' }).warnings,
    ['The Kubernetes version 1.31.2 is stored and echoed only: Mintmark registers a cluster that runs elsewhere and upgrades nothing.']);
  assert.equal(update(cluster, { kubernetesVersion: '' }).cluster.properties.kubernetesVersion, '1.38');
});

test('a cluster keeps a location that is no longer configured', () => {
  const { cluster } = create({}, { location: 'lab' });
  assert.equal(updateCluster(cluster, { location: 'LAB', properties: {} }, { ...DEFAULTS, configuredLocations: [] }, NOW).cluster.location, 'lab');
});

const stored = create({ kubernetesVersion: '1.34.2' }).cluster;
const REFUSED: readonly (readonly [string, () => unknown, string, string])[] = [
  ['a bad name', () => createCluster({ properties: {} }, { ...PLACE, name: 'a.b' }, DEFAULTS, NOW), 'InvalidResourceName', 'name'],
  ['Kubernetes 1.21 at create', () => create({ kubernetesVersion: '1.21' }), 'UnsupportedKubernetesVersion', 'properties.kubernetesVersion'],
  ['Kubernetes 1.21 at create without issuer', () => create({ kubernetesVersion: '1.21', oidcIssuerProfile: { enabled: false } }), 'UnsupportedKubernetesVersion', 'properties.kubernetesVersion'],
  ['Kubernetes 1.21 at update', () => update(stored, { kubernetesVersion: '1.21' }), 'UnsupportedKubernetesVersion', 'properties.kubernetesVersion'],
  ['a lower minor', () => update(stored, { kubernetesVersion: '1.33.9' }), 'KubernetesDowngrade', 'properties.kubernetesVersion'],
  ['a version that is a number', () => create({ kubernetesVersion: 1.34 }), 'InvalidRequestContent', 'properties.kubernetesVersion'],
  ['an unknown location', () => create({}, { location: 'moon' }), 'LocationNotAvailable', 'location'],
  ['another location', () => update(stored, {}, { location: 'westus' }), 'LocationCanNotChange', 'location'],
  ['enabled as a string', () => create({ oidcIssuerProfile: { enabled: 'true' } }), 'InvalidRequestContent', 'properties.oidcIssuerProfile.enabled'],
  ['an issuer profile that is no object', () => create({ oidcIssuerProfile: 'on' }), 'InvalidRequestContent', 'properties.oidcIssuerProfile.enabled'],
  ['a network profile that is no object', () => update(stored, { networkProfile: [] }), 'InvalidRequestContent', 'properties.networkProfile'],
  ['agent pools that are no list', () => create({ agentPoolProfiles: {} }), 'InvalidRequestContent', 'properties.agentPoolProfiles'],
  ['an agent pool that is no object', () => create({ agentPoolProfiles: ['a'] }), 'InvalidRequestContent', 'properties.agentPoolProfiles'],
  ['an agent pool without a name', () => create({ agentPoolProfiles: [{ count: 1 }] }), 'InvalidRequestContent', 'properties.agentPoolProfiles'],
  ['an agent pool of -1 nodes', () => create({ agentPoolProfiles: [{ name: 'a', count: -1 }] }), 'InvalidRequestContent', 'properties.agentPoolProfiles'],
  ['an agent pool of 5001 nodes', () => update(stored, { agentPoolProfiles: [{ name: 'a', count: 5001 }] }), 'InvalidRequestContent', 'properties.agentPoolProfiles'],
  ['a cluster that is too large', () => create({ networkProfile: { a: 'x'.repeat(65_536) } }), 'InvalidRequestContent', 'properties'],
  ['a cluster that grows too large', () => update(create({ networkProfile: { a: 'x'.repeat(40_000) } }).cluster, { networkProfile: { b: 'x'.repeat(40_000) } }), 'InvalidRequestContent', 'properties'],
  ['a control character at create', () => create({ networkProfile: { a: ['\u001b[2J'] } }), 'InvalidRequestContent', 'properties.networkProfile.a.0'],
  ['a control character at update', () => update(stored, {}, { tags: { a: '\u009b' } }), 'InvalidRequestContent', 'tags.a'],
  ['21 identities', () => update(stored, {}, { identity: { userAssignedIdentities: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`/${index}`, {}])) } }), 'InvalidRequestContent', 'identity.userAssignedIdentities'],
];

for (const [what, attempt, code, target] of REFUSED) test(`${what} is refused`, () => assert.throws(attempt, { code, target }));

test('every member of the wrong kind is named', () => {
  assert.throws(() => create({ enableRBAC: 'yes', nodeResourceGroup: 1 }), {
    message: 'enableRBAC is true or false. nodeResourceGroup is a string.',
    details: [
      { code: 'InvalidRequestContent', message: 'enableRBAC is true or false.', target: 'properties.enableRBAC' },
      { code: 'InvalidRequestContent', message: 'nodeResourceGroup is a string.', target: 'properties.nodeResourceGroup' },
    ],
  });
});
