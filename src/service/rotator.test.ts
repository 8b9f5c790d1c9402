import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after } from '../domain/durations.ts';
import { freezeWindowOf } from '../domain/freeze-windows.ts';
import { automaticRotationDue } from '../domain/rotation-schedule.ts';
import { at, picture, START } from '../../test/support/rings.ts';
import { caller, GAP, services } from '../../test/support/services.ts';

const DAY = 86_400;
const untilDue = async (world: Awaited<ReturnType<typeof services>>): Promise<number> => Math.ceil((automaticRotationDue(await world.ring())!.getTime() - START.getTime()) / 1000);

test('nothing before it is due; then one rotation; then the end of the old key; all by what the store says is due', async () => {
  const world = await services();
  const due = await untilDue(world);
  world.pass(due - 1);
  assert.equal(await world.rotator.runDue(), 0);
  world.pass(1);
  assert.equal(await world.rotator.runDue(), 1);
  assert.equal(picture(await world.ring()), '1R 2A 3P');
  world.pass(DAY + 299);
  assert.equal(await world.rotator.runDue(), 0);
  world.pass(1);
  assert.equal(await world.rotator.runDue(), 1);
  assert.equal(picture(await world.ring()), '2A 3P');
});

test('each automatic step is an event with its cause and reason', async () => {
  const world = await services();
  world.pass(await untilDue(world));
  await world.rotator.runDue();
  const { items } = await world.store.read((tx) => tx.events(world.issuerId, { limit: 4 }));
  assert.deepEqual(items.map(({ kind, cause, actor, reason }) => [kind, cause, actor, reason]), [
    ['published', 'publication', 'rotator', 'every publisher serves a document with the key'],
    ['prepared', 'automatic', 'rotator', 'the rotation period has passed'],
    ['activated', 'automatic', 'rotator', 'the rotation period has passed'],
    ['retired', 'automatic', 'rotator', 'the rotation period has passed'],
  ]);
});

test('it decides again: when someone rotated while it made a key, it does nothing and gives the key back', async () => {
  const world = await services();
  world.pass(await untilDue(world));
  world.hooks.make = async () => {
    world.hooks.make = async () => undefined;
    await world.keyRings.rotate(caller(), world.cluster, { force: false, emergency: false });
  };
  assert.equal(await world.rotator.runDue(), 0);
  assert.equal(picture(await world.ring()).replace(/\d+/g, '#'), '#R #A #P');
  assert.deepEqual(world.settled.at(-1), null);
});

test('a ring that can not be handled is left alone for a minute, and then tried again', async () => {
  const world = await services();
  world.pass(await untilDue(world));
  world.hooks.make = async () => { throw new Error('no entropy'); };
  assert.equal(await world.rotator.runDue(), 0);
  assert.deepEqual(await world.store.read((tx) => tx.nextWake()), after(world.store.now(), 60));
  world.hooks.make = async () => undefined;
  assert.equal(await world.rotator.runDue(), 0);
  world.pass(60);
  assert.equal(await world.rotator.runDue(), 1);
});

test('of rings that are due together, keys are made for all before one is committed, and one that fails stops no other', async () => {
  const world = await services();
  const { store, issuers, hooks } = world;
  const others = await Promise.all(['d', 'e'].map((name) => issuers.conceive({ tenantId: 'tenant', subscriptionId: 'sub', clusterId: `/clusters/${name}`, region: 'eastus' })));
  await store.write(async (tx) => { for (const other of others) await issuers.insert(tx, other, 'principal:ada'); });
  const versions = (): Promise<readonly (number | undefined)[]> => store.read((tx) => Promise.all([world.issuerId, ...others.map(({ issuer }) => issuer.id)].map(async (id) => (await tx.keyRing(id))?.version)));
  world.pass(3 * DAY);
  const before: unknown[] = [];
  hooks.make = async () => {
    before.push(await versions());
    if (before.length === 2) throw new Error('no entropy');
  };
  assert.equal(await world.rotator.runDue(), 2);
  assert.deepEqual(before, [[1, 1, 1], [1, 1, 1], [1, 1, 1]]);
  // Each commit is followed by that of its publication.
  assert.deepEqual((await versions()).toSorted(), [1, 3, 3]);
});

test('a wake-up that came to nothing is moved to when something is due', async () => {
  const world = await services();
  await world.store.write((tx) => tx.setWakeAt(world.issuerId, at(0)));
  assert.equal(await world.rotator.runDue(), 0);
  assert.deepEqual(await world.store.read((tx) => tx.nextWake()), automaticRotationDue(await world.ring()));
});

const FREEZE = { freezeWindows: [freezeWindowOf('2026-01-02T00:00Z/2026-01-10T00:00Z')!] };

test('what comes due in a freeze window is done at its end; the end of a key and what is asked for are not held up', async () => {
  const world = await services(FREEZE);
  const wakes = (): Promise<Date | null> => world.store.read((tx) => tx.nextWake());
  world.pass(await untilDue(world));
  assert.deepEqual([await world.rotator.runDue(), await wakes()], [0, new Date('2026-01-10T00:00:00Z')]);
  await world.keyRings.rotate(caller(), world.cluster, { force: false, emergency: false });
  world.pass(DAY + 300);
  assert.deepEqual([await world.rotator.runDue(), picture(await world.ring())], [1, '2A 3P']);
  world.pass(3 * DAY);
  assert.deepEqual([await world.rotator.runDue(), await wakes()], [0, new Date('2026-01-10T00:00:00Z')]);
  world.pass((Date.parse('2026-01-10T00:00:00Z') - world.store.now().getTime()) / 1000);
  assert.deepEqual([await world.rotator.runDue(), picture(await world.ring())], [1, '2R 3A 4P']);
});

test('a rotation that was asked for before a freeze is finished in it', async () => {
  const world = await services({ freezeWindows: [freezeWindowOf('2026-01-01T00:00:01Z/2027-01-01T00:00Z')!] });
  await world.keyRings.rotate(caller(), world.cluster, { force: false, emergency: false });
  await world.keyRings.rotate(caller(), world.cluster, { force: false, emergency: false });
  world.pass(GAP);
  assert.deepEqual([await world.rotator.runDue(), picture(await world.ring())], [1, '1X 2R 3A 4P']);
});
