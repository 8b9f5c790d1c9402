import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/dev-server.ts';
import { at } from '../../test/support/rings.ts';
import { caller, services, SILENT } from '../../test/support/services.ts';
import { MintmarkError } from '../domain/errors.ts';
import { activatableAt } from '../domain/key-ring.ts';
import { createPublications } from './publications.ts';

const PLAIN = { force: false, emergency: false } as const;

test('a key counts as published when the last publisher has confirmed, not when it was made', async () => {
  const world = await services();
  await world.store.write((tx) => tx.confirmPublication('elsewhere', 0));
  await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  assert.equal(activatableAt(await world.ring()), null);
  world.pass(70);
  await world.store.write(async (tx) => tx.confirmPublication('elsewhere', await tx.lastChange()));
  await world.publications.settle();
  assert.deepEqual(activatableAt(await world.ring()), at(670));
});

test('a commit between the confirmation and its consequences is not covered by it', async () => {
  const world = await services();
  const { store, rings, cluster } = world;
  world.hooks.catchUp = async () => { throw new Error('the publisher is away'); };
  const rotateUnpublished = (): Promise<unknown> => world.keyRings.rotate(caller(), cluster, { force: true, emergency: false }).catch(() => undefined);
  await rotateUnpublished();
  const change = await store.read((tx) => tx.lastChange());

  let reads = 0;
  const overtaken = createPublications({
    ...store,
    read: async (work) => {
      const result = await store.read(work);
      // The second read is the list of rings that the confirmation is about.
      if ((reads += 1) === 2) await rotateUnpublished();
      return result;
    },
  }, rings, () => store.write((tx) => tx.confirmPublication('here', change)), SILENT);
  await overtaken.settle();
  assert.deepEqual((await world.ring()).keys.filter((key) => key.publishedAt === null).map(({ kid }) => kid), ['key3', 'key4']);
});

test('a ring that is not whole in the store stops nothing else', async () => {
  const world = await services();
  const { store, rings } = world;
  world.hooks.catchUp = async () => { throw new Error('the publisher is away'); };
  await world.keyRings.rotate(caller('id'), world.cluster, PLAIN).catch(() => undefined);
  const damaged = createPublications({
    ...store,
    write: (work) => store.write((tx) => work({ ...tx, updateKeyRing: async () => { throw new MintmarkError('StoreCorrupt', 'not whole'); } })),
  }, rings, () => store.write(async (tx) => tx.confirmPublication('here', await tx.lastChange())), SILENT);
  await damaged.settle();
  assert.equal(activatableAt(await world.ring()), null);
  world.hooks.catchUp = async () => undefined;
  assert.equal((await world.keyRings.rotate(caller('id'), world.cluster, PLAIN)).operation.status, 'Succeeded');
});

test('while there is no publisher nothing is confirmed', async () => {
  const world = await services();
  await world.store.write((tx) => tx.removePublisher('here'));
  const none = createPublications(world.store, world.rings, async () => undefined, SILENT);
  await none.settle();
  assert.equal(await world.store.read((tx) => tx.confirmation()), null);
});

/** A forced rotation while the publisher stands still, answered without it. */
async function rotatedWithoutPublisher() {
  const world = await services({}, 1);
  const back = Promise.withResolvers<void>();
  world.hooks.catchUp = () => back.promise;
  const rotate = () => world.keyRings.rotate(caller('once'), world.cluster, { force: true, emergency: false });
  const { operation, outcome, waiting } = await rotate();
  assert.deepEqual([operation.status, operation.endedAt, outcome, waiting], ['InProgress', null, 'rotated', { reason: 'not confirmed by every publisher', until: null }]);
  const status = async () => (await world.operations.find(operation.id))?.operation.status;
  return { world, back, rotate, operation, status };
}

test('a rotation is answered while the publisher stands still, and ends by itself once it is back', { timeout: 120_000 }, async () => {
  const { world, back, rotate, operation, status } = await rotatedWithoutPublisher();
  const again = await rotate();
  assert.deepEqual([again.operation.id, again.operation.status, again.outcome], [operation.id, 'InProgress', 'joined']);
  assert.equal((await world.ring()).keys.every(({ publishedAt }) => publishedAt !== null), false);
  back.resolve();
  await eventually('the operation has ended', async () => (await status()) === 'Succeeded' || undefined);
  assert.equal((await world.ring()).keys.every(({ publishedAt }) => publishedAt !== null), true);
});

test('a publisher that fails after the reply leaves the operation in progress, for the next round of the rotator', { timeout: 120_000 }, async () => {
  const { world, back, status } = await rotatedWithoutPublisher();
  back.reject(new Error('the publisher is away'));
  await new Promise(setImmediate);
  assert.equal(await status(), 'InProgress');
  world.hooks.catchUp = async () => undefined;
  await world.publications.settle();
  assert.equal(await status(), 'Succeeded');
});

test('what fails while a request waits is its failure, as ever', async () => {
  const world = await services();
  world.hooks.catchUp = async () => { throw new Error('the publisher is away'); };
  await assert.rejects(world.publications.settleInTime(), /the publisher is away/);
});
