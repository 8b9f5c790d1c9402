/** Resource groups and managed clusters in random sequences: created, updated, shown, listed, deleted; R1, R2, R3, R10, R11. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { ManagedClusterBody, ResourceGroupBody } from '../../src/http/management/contract.ts';
import { SUBSCRIPTION } from '../support/management.ts';
import type { Layer, ModelCluster, ModelOperation, ModelResource } from './api-model.ts';
import { clusterAt, clusterKey, type Condition, condition, conditionHeaders, conditionLayers, type Deed, deed, groupAt, guard, INVALID_CONTENT, missingCluster, missingGroup, mostly, often, pathOf, type Place, place, shown } from './api-places.ts';
import { type ApiRun, poolsOf, type Reply } from './api-run.ts';

/** A member of a request: absent, null, right or wrong. */
type Given<T> = T | null | undefined;
const KNOWN: Readonly<Record<string, string>> = { 'eastus': 'eastus', 'East US': 'eastus', 'WESTEUROPE': 'westeurope', 'lab': 'lab' };
const location = fc.option(often(fc.constantFrom<Given<string>>(...Object.keys(KNOWN), null), fc.constant<Given<string>>('moon')), { nil: undefined, freq: 2 });
const tags = often(fc.constantFrom<unknown>(undefined, null, {}, { a: '1' }, { a: '2' }, { a: '1', b: 'ü', c: '' }), fc.constantFrom<unknown>({ a: 1 }, 'x', { a: 'line\nbreak' }));
const areTags = (value: unknown): boolean => value === undefined || value === null || (typeof value === 'object' && Object.values(value).every((one) => typeof one === 'string' && !one.includes('\n')));
const tagsOr = (given: unknown, otherwise: ModelResource['tags']): ModelResource['tags'] => (given === undefined || given === null ? otherwise : given as ModelResource['tags']);
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

const fixedLocation = (given: Given<string>, stored: ModelResource | undefined): Layer => {
  if (given === undefined || given === null) return [];
  const known = KNOWN[given];
  return [known === undefined && [400, 'LocationNotAvailable'], known !== undefined && stored !== undefined && known !== stored.location && [400, 'LocationCanNotChange']];
};

interface GroupAsked {
  readonly at: Place;
  readonly location: Given<string>;
  readonly tags: unknown;
  readonly said: Condition;
}

const putGroup = ({ at, location: where, tags: given, said }: GroupAsked): Deed =>
  deed(`PUT group ${shown(at, 'group')} ${JSON.stringify({ location: where, tags: given })} ${said}`, async (run) => {
    const stored = groupAt(run, at);
    const reply = await run.ask({ who: at.who, method: 'PUT', path: pathOf(at, 'group'), body: { location: where, tags: given }, headers: conditionHeaders(said, stored) },
      ...guard(run, at, 'Contributor', 'group'), wrongShape(said, given), ...conditionLayers(said, stored), [...fixedLocation(where, stored), !areTags(given) && INVALID_CONTENT]);
    if (reply === null) return;
    const next: ModelResource = stored === undefined
      ? { id: `/subscriptions/${at.subscription}/resourceGroups/${at.group}`, name: at.group, location: KNOWN[where ?? 'eastus']!, tags: tagsOr(given, {}), eTag: '' }
      : { ...stored, tags: tagsOr(given, stored.tags) };
    run.model.groups.set(next.id.toLowerCase(), next);
    assert.equal(reply.status, stored === undefined ? 201 : 200);
    run.assertResource(reply.json<ResourceGroupBody>(), next, !same(stored?.tags, next.tags));
  });

const groupDeeds: readonly fc.Arbitrary<Deed>[] = [
  fc.record({ at: place, location, tags, said: condition }).map(putGroup),
  fc.record({ at: place, tags, said: condition }).map(({ at, tags: given, said }) =>
    deed(`PATCH group ${shown(at, 'group')} ${JSON.stringify(given)} ${said}`, async (run) => {
      const stored = groupAt(run, at);
      const [empty, failed] = conditionLayers(said, stored);
      const keeps = given === undefined || given === null;
      const reply = await run.ask({ who: at.who, method: 'PATCH', path: pathOf(at, 'group'), body: { tags: given }, headers: conditionHeaders(said, stored) },
        ...guard(run, at, 'Contributor', 'group'), wrongShape(said, given), empty!, missingGroup(run, at), keeps ? [] : failed!, [!areTags(given) && INVALID_CONTENT]);
      if (reply === null) return;
      const next = { ...stored!, tags: tagsOr(given, stored!.tags) };
      run.model.groups.set(next.id.toLowerCase(), next);
      run.assertResource(reply.json<ResourceGroupBody>(), next, !same(stored!.tags, next.tags));
    })),
  fc.record({ at: place, method: fc.constantFrom('GET' as const, 'HEAD' as const) }).map(({ at, method }) =>
    deed(`${method} group ${shown(at, 'group')}`, async (run) => {
      const reply = await run.ask({ who: at.who, method, path: pathOf(at, 'group') }, ...guard(run, at, 'Reader', 'group'), missingGroup(run, at));
      if (reply === null) return;
      assert.equal(reply.status, method === 'GET' ? 200 : 204);
      if (method === 'GET') run.assertResource(reply.json<ResourceGroupBody>(), groupAt(run, at)!, false);
    })),
  fc.record({ at: place, said: condition }).map(({ at, said }) =>
    deed(`DELETE group ${shown(at, 'group')} ${said}`, async (run) => {
      const stored = groupAt(run, at);
      const [empty, failed] = conditionLayers(said, stored);
      const reply = await run.ask({ who: at.who, method: 'DELETE', path: pathOf(at, 'group'), headers: conditionHeaders(said, stored) }, ...guard(run, at, 'Contributor', 'group'), empty!, missingGroup(run, at), failed!);
      if (reply === null) return;
      for (const key of [...run.model.clusters.keys()].filter((one) => one.startsWith(`${stored!.id.toLowerCase()}/`))) run.model.removeCluster(key);
      run.model.groups.delete(stored!.id.toLowerCase());
      deleted(run, reply, 'deleteResourceGroup', stored!.id, at);
    })),
];

/** What is refused for its form, before anything is looked up. */
const wrongShape = (said: Condition, given: unknown): Layer => [said === 'If-Match: ' && INVALID_CONTENT, given !== null && given !== undefined && (typeof given !== 'object' || Object.values(given).some((one) => typeof one !== 'string')) && INVALID_CONTENT];

function deleted(run: ApiRun, reply: Reply, kind: string, resourceId: string, { subscription }: Place): void {
  assert.equal(reply.status, 202);
  const id = String(reply.headers['azure-asyncoperation']).split('/').at(-1)!;
  const operation: ModelOperation = { status: 'Succeeded', kind, resourceId, subscriptionId: subscription, revoked: [] };
  run.model.firstSeen(`operation ${id}`);
  run.model.operations.set(id, operation);
}

interface ClusterAsked {
  readonly location: Given<string>;
  readonly tags: unknown;
  readonly version: Given<string>;
  readonly issuer: unknown;
  readonly pools: Given<readonly { readonly name: string; readonly count: number }[]>;
}

const clusterAsked: fc.Arbitrary<ClusterAsked> = fc.record({
  location, tags,
  version: mostly(fc.constantFrom<Given<string>>(undefined, null, '', '1.22', '1.33.1', '1.34.0', '1.36', '1.99.2'), fc.constantFrom<Given<string>>('1.21.4', 'v1.30', '1.030')),
  issuer: often(fc.constantFrom<unknown>(undefined, null, {}, { enabled: null }, { enabled: true }, { enabled: true, issuerURL: 'https://elsewhere.example.com/' }, { enabled: false }), fc.constantFrom<unknown>({ enabled: 'yes' }, 'yes')),
  pools: often(fc.constantFrom<ClusterAsked['pools']>(undefined, null, [], [{ name: 'one', count: 1 }], [{ name: 'one', count: 3 }, { name: 'two', count: 0 }]), fc.constantFrom<ClusterAsked['pools']>([{ name: 'Bad', count: 1 }], [{ name: 'one', count: -1 }])),
});

const minorOf = (version: string): number => Number(version.split('.')[1]);
const enabledIn = (issuer: unknown): unknown => (typeof issuer === 'object' && issuer !== null ? ((issuer as { enabled?: unknown }).enabled ?? null) : (issuer ?? null));

/** Whatever of it is wrong: R1, R2, R3, R10. */
function clusterRules({ location: where, tags: given, version, issuer, pools }: ClusterAsked, stored: ModelCluster | undefined): Layer {
  const parsed = version === undefined || version === null || version === '' || /^1\.(0|[1-9]\d*)(\.(0|[1-9]\d*))?$/.test(version);
  const minor = version ? minorOf(version) : null;
  return [
    ...fixedLocation(where, stored),
    !areTags(given) && INVALID_CONTENT,
    (!parsed || (minor !== null && minor < 22)) && [400, 'UnsupportedKubernetesVersion'],
    parsed && minor !== null && stored !== undefined && minor < minorOf(stored.version) && [400, 'KubernetesDowngrade'],
    ![true, false, null].includes(enabledIn(issuer) as boolean) && INVALID_CONTENT,
    enabledIn(issuer) === false && stored !== undefined && stored.ring !== null && [400, 'IssuerCanNotBeDisabled'],
    (pools ?? []).some(({ name, count }) => !/^[a-z][a-z0-9]{0,11}$/.test(name) || count < 0) && INVALID_CONTENT,
  ];
}

/** The cluster that a request makes of what is stored: absent means keep. */
function clusterFrom(run: ApiRun, at: Place, { location: where, tags: given, version, pools }: ClusterAsked, stored: ModelCluster | undefined): ModelCluster {
  const group = groupAt(run, at)!;
  const base: ModelCluster = stored ?? {
    id: `${group.id}/providers/Microsoft.ContainerService/managedClusters/${at.cluster}`, name: at.cluster, location: KNOWN[where ?? ''] ?? group.location, tags: {}, eTag: '',
    subscriptionId: at.subscription, group: group.name, version: '1.37', pools: 'nodepool1:1', ring: null,
  };
  return { ...base, tags: tagsOr(given, base.tags), version: version || base.version, pools: pools === undefined || pools === null || pools.length === 0 ? base.pools : poolsOf(pools) };
}

/** R1: on when it is asked for; for a new cluster of 1.34 or later unless it is refused. R3: the URL is rendered once. */
function enableIssuer(run: ApiRun, cluster: ModelCluster, isNew: boolean, issuer: unknown, { properties }: ManagedClusterBody): boolean {
  const asked = enabledIn(issuer);
  if (cluster.ring !== null || asked === false || (asked === null && (!isNew || minorOf(cluster.version) < 34))) return false;
  const { issuerURL = '' } = properties.oidcIssuerProfile;
  const { tenantId } = run.model.subscriptions.get(cluster.subscriptionId)!;
  const [, region, tenant, uuid] = /^https:\/\/([a-z0-9-]+)\.oic\.example\.com\/([\da-f-]{36})\/([\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12})\/$/.exec(issuerURL) ?? [];
  assert.deepEqual([region, tenant], [cluster.location, tenantId], issuerURL);
  cluster.ring = run.model.birth(issuerURL, uuid!);
  return true;
}

const putCluster = ({ at, asked, said }: { readonly at: Place; readonly asked: ClusterAsked; readonly said: Condition }): Deed =>
  deed(`PUT cluster ${shown(at, 'cluster', 'group')} ${JSON.stringify(asked)} ${said}`, async (run) => {
    const stored = clusterAt(run, at);
    const [empty, failed] = conditionLayers(said, stored);
    const body = { location: asked.location, tags: asked.tags, unknown: 1, properties: { kubernetesVersion: asked.version, oidcIssuerProfile: asked.issuer, agentPoolProfiles: asked.pools, provisioningState: 'Failed' } };
    const reply = await run.ask({ who: at.who, method: 'PUT', path: pathOf(at, 'cluster'), body, headers: conditionHeaders(said, stored) },
      ...guard(run, at, 'Contributor', 'cluster'), wrongShape(said, asked.tags), empty!, missingGroup(run, at), failed!, clusterRules(asked, stored));
    if (reply === null) return;
    const next = clusterFrom(run, at, asked, stored);
    const enabled = enableIssuer(run, next, stored === undefined, asked.issuer, reply.json());
    run.model.clusters.set(clusterKey(at), next);
    assert.equal(reply.status, stored === undefined ? 201 : 200);
    assert.equal(String(reply.headers['warning'] ?? '').includes('is newer than'), next.version === '1.99.2' && stored?.version !== '1.99.2');
    run.assertCluster(reply.json(), next, stored === undefined || enabled || !same([stored.tags, stored.version, stored.pools], [next.tags, next.version, next.pools]));
    if (next.ring !== null) await run.assertIssuer(next, next.ring, enabled);
  });

const clusterDeeds: readonly fc.Arbitrary<Deed>[] = [
  fc.record({ at: place, asked: clusterAsked, said: condition }).map(putCluster),
  fc.record({ at: place, tags, said: condition }).map(({ at, tags: given, said }) =>
    deed(`PATCH cluster ${shown(at, 'cluster', 'group')} ${JSON.stringify(given)} ${said}`, async (run) => {
      const stored = clusterAt(run, at);
      const [empty, failed] = conditionLayers(said, stored);
      const keeps = given === undefined || given === null;
      const reply = await run.ask({ who: at.who, method: 'PATCH', path: pathOf(at, 'cluster'), body: { tags: given, location: 'moon' }, headers: conditionHeaders(said, stored) },
        ...guard(run, at, 'Contributor', 'cluster'), wrongShape(said, given), empty!, missingCluster(run, at), keeps ? [] : failed!, [!areTags(given) && INVALID_CONTENT]);
      if (reply === null) return;
      const next = { ...stored!, tags: tagsOr(given, stored!.tags) };
      run.model.clusters.set(clusterKey(at), next);
      run.assertCluster(reply.json(), next, !same(stored!.tags, next.tags));
    })),
  place.map((at) => deed(`GET cluster ${shown(at, 'cluster', 'group')}`, async (run) => {
    const reply = await run.ask({ who: at.who, method: 'GET', path: pathOf(at, 'cluster') }, ...guard(run, at, 'Reader', 'cluster'), missingCluster(run, at));
    if (reply !== null) run.assertCluster(reply.json(), clusterAt(run, at)!, false);
  })),
  fc.record({ at: place, said: condition }).map(({ at, said }) =>
    deed(`DELETE cluster ${shown(at, 'cluster', 'group')} ${said}`, async (run) => {
      const stored = clusterAt(run, at);
      const reply = await run.ask({ who: at.who, method: 'DELETE', path: pathOf(at, 'cluster'), headers: conditionHeaders(said, stored) }, ...guard(run, at, 'Contributor', 'cluster'), ...conditionLayers(said, stored));
      if (reply === null) return;
      if (stored === undefined) return assert.equal(reply.status, 204);
      run.model.removeCluster(clusterKey(at));
      deleted(run, reply, 'deleteCluster', stored.id, at);
    })),
  fc.record({ at: place, action: fc.constantFrom('stop', 'start', 'rotateClusterCertificates', 'listClusterUserCredential', 'listClusterAdminCredential') }).map(({ at, action }) =>
    deed(`POST ${action} ${shown(at, 'cluster', 'group')}`, async (run) => {
      const reads = action.startsWith('list');
      await run.ask({ who: at.who, method: 'POST', path: pathOf(at, 'cluster', `/${action}`) }, ...guard(run, at, 'Contributor', 'cluster'), missingCluster(run, at), [reads ? [404, 'ResourceNotFound'] : [409, 'OperationNotAllowed']]);
    })),
  place.map((at) => deed(`GET parts of ${shown(at, 'cluster', 'group')}`, async (run) => {
    const layers = [...guard(run, at, 'Reader', 'cluster'), missingCluster(run, at)];
    const [found, reply] = [clusterAt(run, at), await run.ask({ who: at.who, method: 'GET', path: pathOf(at, 'cluster', '/agentPools') }, ...layers)];
    if (reply !== null) assert.deepEqual(reply.json<{ value: { name: string }[] }>().value.map(({ name }) => name), found!.pools.split(' ').map((pool) => pool.split(':')[0]));
    await run.ask({ who: at.who, method: 'GET', path: pathOf(at, 'cluster', '/upgradeProfiles/default') }, ...layers);
    await run.ask({ who: at.who, method: 'GET', path: pathOf(at, 'cluster', '/agentPools/two') }, ...layers, [found !== undefined && !found.pools.includes('two:') && [404, 'ResourceNotFound']]);
  })),
];

const WITH_ISSUER: ClusterAsked = { location: undefined, tags: undefined, version: '1.33', issuer: { enabled: true }, pools: undefined };
const HERE: Place = { who: 'owner', subscription: SUBSCRIPTION, group: 'myGroup', cluster: 'myCluster', spelling: 'plain' };

/** What most sequences begin with: a group, and a cluster with an issuer in it; then the same elsewhere, where some have no role. */
export const BEGINNING: readonly Deed[] = [HERE, { ...HERE, group: 'other' }].flatMap((at) => [
  putGroup({ at, location: undefined, tags: undefined, said: 'none' }),
  putCluster({ at, asked: WITH_ISSUER, said: 'none' }),
]);

const top = fc.constantFrom(1, 2, 100);
const byId = <T extends { readonly id: string }>(resources: Iterable<T>): readonly T[] => [...resources].toSorted((one, other) => (one.id.toLowerCase() < other.id.toLowerCase() ? -1 : 1));

const listDeeds: readonly fc.Arbitrary<Deed>[] = [
  fc.record({ at: place, top }).map(({ at, top: most }) => deed(`list groups ${shown(at)} by ${most}`, async (run) => {
    const listed = await run.all<ResourceGroupBody>({ who: at.who, path: pathOf(at, 'subscription', '/resourceGroups') }, most, ...guard(run, at, 'Reader', 'subscription'));
    if (listed === null) return;
    const expected = byId(run.model.groups.values()).filter(({ id }) => id.startsWith(`/subscriptions/${at.subscription}/`));
    assert.deepEqual(listed.map(({ id }) => id), expected.map(({ id }) => id));
    for (const [index, body] of listed.entries()) run.assertResource(body, expected[index]!, false);
  })),
  fc.record({ at: place, top, of: fc.constantFrom('subscription' as const, 'group' as const) }).map(({ at, top: most, of }) => deed(`list clusters of ${of} ${shown(at, 'group')} by ${most}`, async (run) => {
    const layers = [...guard(run, at, 'Reader', of), ...(of === 'group' ? [missingGroup(run, at)] : [])];
    const listed = await run.all<ManagedClusterBody>({ who: at.who, path: pathOf(at, of, '/providers/Microsoft.ContainerService/managedClusters') }, most, ...layers);
    if (listed === null) return;
    const expected = byId(run.model.clusters.values()).filter((cluster) => cluster.subscriptionId === at.subscription && (of === 'subscription' || cluster.group === groupAt(run, at)!.name));
    assert.deepEqual(listed.map(({ id }) => id), expected.map(({ id }) => id));
    for (const [index, body] of listed.entries()) run.assertCluster(body, expected[index]!, false);
  })),
];

export const RESOURCE_DEEDS: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<Deed> }[] = [
  ...groupDeeds.map((arbitrary, index) => ({ weight: [3, 1, 1, 1][index]!, arbitrary })),
  ...clusterDeeds.map((arbitrary, index) => ({ weight: [12, 3, 3, 2, 1, 1][index]!, arbitrary })),
  ...listDeeds.map((arbitrary) => ({ weight: 2, arbitrary })),
];
