/** What happens between the decision and the write: races, keys that were made for nothing, groups that vanish. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openManagement, SUBSCRIPTION, TENANT } from '../../test/support/management.ts';
import type { ClusterRequest } from '../domain/managed-cluster.ts';
import type { Precondition } from '../domain/resource.ts';
import type { Caller } from './caller.ts';
import { createClusters } from './clusters.ts';
import { derivedUuid } from './derived-uuid.ts';

const CALLER: Caller = { principalId: 'me', tenantId: TENANT, clientRequestId: null };
const ANY: Precondition = { ifMatch: null, ifNoneMatch: null };
const AT = { tenantId: TENANT, subscriptionId: SUBSCRIPTION, resourceGroup: 'g', name: 'c' };
const ON: ClusterRequest = { properties: { oidcIssuerProfile: { enabled: true } } };
const OFF: ClusterRequest = { properties: { oidcIssuerProfile: { enabled: false } } };

/** The real services, with a hand in between: `interlude` runs once, after the first keys were made and before the write. */
async function open(interlude: (world: Awaited<ReturnType<typeof openManagement>>) => Promise<unknown> = async () => {}) {
  const world = await openManagement();
  await world.deps.resourceGroups.put({ ...AT, name: 'g' }, { location: 'eastus' }, ANY);
  const counts = { conceived: 0, givenBack: 0, settled: 0 };
  const clusters = createClusters({
    store: world.store,
    defaults: { location: 'eastus', configuredLocations: [] },
    publications: { settleInTime: async () => void (counts.settled += 1) },
    issuers: {
      ...world.deps.issuers,
      async conceive(of) {
        const made = await world.deps.issuers.conceive(of);
        counts.conceived += 1;
        if (counts.conceived === 1) await interlude(world);
        return { ...made, giveBack: () => void (counts.givenBack += 1, made.giveBack()) };
      },
    },
  });
  const issuerIds = (): Promise<readonly string[]> => world.store.read((tx) => tx.issuerIds());
  return { ...world, clusters, counts, issuerIds };
}

test('an issuer that is made is used, settled, and not given back', async () => {
  const { clusters, counts, issuerIds } = await open();
  const { issuer, created } = await clusters.put(CALLER, AT, ON, ANY);
  assert.equal(created, true);
  assert.deepEqual(await issuerIds(), [issuer?.id]);
  assert.deepEqual(counts, { conceived: 1, givenBack: 0, settled: 1 });
});

test('no keys are made where no issuer is needed', async () => {
  const { clusters, counts } = await open();
  await clusters.put(CALLER, AT, OFF, ANY);
  await clusters.put(CALLER, AT, { properties: {}, tags: { a: '1' } }, ANY);
  assert.deepEqual(counts, { conceived: 0, givenBack: 0, settled: 0 });
});

test('eight that enable at once make one issuer, and all see the same URL', async () => {
  const { clusters, counts, issuerIds } = await open();
  const views = await Promise.all(Array.from({ length: 8 }, () => clusters.put(CALLER, AT, ON, ANY)));
  assert.equal(new Set(views.map(({ issuer }) => issuer?.url)).size, 1);
  assert.equal((await issuerIds()).length, 1);
  assert.equal(views.filter(({ created }) => created).length, 1);
  assert.equal(counts.givenBack, counts.conceived - 1);
});

test('a group that vanishes while the keys are made: no cluster, no issuer, keys given back', async () => {
  const { clusters, counts, issuerIds, store } = await open((world) => world.deps.resourceGroups.remove(CALLER, { ...AT, name: 'g' }, ANY));
  await assert.rejects(clusters.put(CALLER, AT, ON, ANY), { code: 'ResourceGroupNotFound' });
  assert.deepEqual([await issuerIds(), counts.givenBack], [[], 1]);
  assert.deepEqual((await store.read((tx) => tx.resources({ type: 'Microsoft.ContainerService/managedClusters', scope: '/' }, { limit: 10 }))).items, []);
});

test('a cluster that came elsewhere meanwhile: the issuer is made again, for its location', async () => {
  const { clusters, counts } = await open((world) => world.deps.clusters.put(CALLER, AT, { ...OFF, location: 'westus' }, ANY));
  const { cluster, issuer } = await clusters.put(CALLER, AT, ON, ANY);
  assert.deepEqual([cluster.location, issuer?.region], ['westus', 'westus']);
  assert.deepEqual(counts, { conceived: 2, givenBack: 1, settled: 1 });
});

test('an eTag that is stale by the time of the write is refused', async () => {
  const { clusters, counts } = await open((world) => world.deps.clusters.setTags(AT, { changed: 'meanwhile' }, ANY));
  await clusters.put(CALLER, AT, OFF, ANY);
  await assert.rejects(clusters.put(CALLER, AT, ON, { ifMatch: '*', ifNoneMatch: '1-mjwaid1k' }), { code: 'PreconditionFailed' });
  await assert.rejects(clusters.put(CALLER, AT, ON, { ifMatch: '1-mjwaid1k', ifNoneMatch: null }), { code: 'PreconditionFailed' });
  assert.deepEqual(counts, { conceived: 1, givenBack: 1, settled: 0 });
});

test('a failure to publish is told, and the cluster is there when it is asked for again', async () => {
  const { clusters, deps } = await open();
  const broken = createClusters({ store: (await open()).store, issuers: deps.issuers, publications: { settleInTime: () => Promise.reject(new Error('down')) }, defaults: { location: 'eastus', configuredLocations: [] } });
  await assert.rejects(broken.put(CALLER, AT, ON, ANY), { message: 'down' });
  assert.equal((await broken.get(AT)).cluster.issuerId !== null, true);
  assert.equal((await clusters.put(CALLER, AT, ON, ANY)).created, true);
});

test('derived UUIDs are of version 8, the same for the same, different for others', () => {
  assert.match(derivedUuid('a', 'b'), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(derivedUuid('a', 'b'), derivedUuid('a', 'b'));
  assert.notEqual(derivedUuid('a', 'b'), derivedUuid('ab'));
});
