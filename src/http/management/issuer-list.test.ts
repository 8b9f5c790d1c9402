/** How much of a long list is read, and how much at a time; what comes out of it is in `issuers.test.ts`. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { CLUSTER, GROUP, openManagement, SUBSCRIPTION, URL_BASE } from '../../../test/support/management.ts';
import type { Resource } from '../../domain/resource.ts';
import { listIssuers } from './issuer-list.ts';

const world = await openManagement();
await world.ask('PUT', GROUP, {});
await world.ask('PUT', CLUSTER, {});
const cluster = (await world.store.read((tx) => tx.resource(CLUSTER)))!;
const view = await world.deps.issuers.view(cluster);
const subscription = { id: SUBSCRIPTION, tenantId: cluster.tenantId, displayName: '', createdAt: cluster.createdAt };

/** A subscription of so many issuers, from a store that never waits; `most` is what was read of them in one turn of the event loop. */
function longList(count: number) {
  const all: readonly Resource[] = Array.from({ length: count }, (_, index) => ({ ...cluster, id: `${CLUSTER}${index}`, name: `c${index}` }));
  const seen = { most: 0 };
  let [inTurn, turn] = [0, false];
  const note = (read: number): void => {
    inTurn += read;
    seen.most = Math.max(seen.most, inTurn);
    if (turn) return;
    turn = true;
    setImmediate(() => void ([inTurn, turn] = [0, false]));
  };
  const clusters = {
    ...world.deps.clusters,
    list: async (_query: object, { limit, cursor = '0' }: { readonly limit: number; readonly cursor?: string | undefined }) => {
      const [start, end] = [Number(cursor), Number(cursor) + limit];
      const items = all.slice(start, end).map((one) => ({ cluster: one, issuer: view.issuer }));
      note(items.length);
      return { items, next: end < count ? String(end) : null };
    },
  };
  const issuers = { ...world.deps.issuers, view: mock.fn(async () => view), nextActivation: mock.fn(async () => (note(1), view.nextActivation)) };
  const ask = ($orderby: string) => listIssuers({ clusters, issuers, managementUrl: URL_BASE }, {
    caller: { principalId: '', tenantId: '', clientRequestId: null }, subscription, tenant: { ...subscription }, scope: '', params: {}, body: null, query: { $orderby, $top: '3' },
    precondition: { ifMatch: null, ifNoneMatch: null }, path: '/', search: new URLSearchParams(),
  });
  return { ask, seen, issuers };
}

/** $orderby → rings that are read for the order. */
for (const [order, rings] of [['nextRotationAt', 1000], ['name', 0]] as const) {
  test(`$orderby=${order} of 1000 issuers reads at most 50 at a time, and renders the page alone`, async () => {
    const { ask, seen, issuers } = longList(1000);
    assert.equal((await ask(order)).value.length, 3);
    assert.deepEqual([seen.most, issuers.nextActivation.mock.callCount(), issuers.view.mock.callCount()], [50, rings, 3]);
  });
}

test('$orderby of 1001 issuers is refused before any ring is read', async () => {
  const { ask, issuers } = longList(1001);
  await assert.rejects(ask('nextRotationAt desc'), { code: 'InvalidQueryParameter', target: '$orderby' });
  assert.equal(issuers.nextActivation.mock.callCount(), 0);
});
