import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RING_SETTINGS } from '../../test/support/rings.ts';
import { services } from '../../test/support/services.ts';
import { freezeWindowOf } from '../domain/freeze-windows.ts';
import type { RingSettings } from '../domain/rotation-schedule.ts';
import { adoptRingSettings } from './ring-settings.ts';

const frozen = (text: string): RingSettings => ({ ...RING_SETTINGS, freezeWindows: [freezeWindowOf(text)!] });
const UNTIL_10TH = '2026-01-02T00:00Z/2026-01-10T00:00Z';

/** A ring that was put to sleep until the end of a window. */
async function asleep() {
  const world = await services(frozen(UNTIL_10TH));
  await adoptRingSettings(world.store, world.rings.settings);
  world.pass(3 * 86_400);
  await world.rotator.runDue();
  const due = (): Promise<readonly string[]> => world.store.read((tx) => tx.dueIssuers(world.store.now(), 10));
  assert.deepEqual(await due(), []);
  return { ...world, due };
}

test('a start with other freeze windows wakes what waits for the end of one, once', async () => {
  for (const settings of [RING_SETTINGS, frozen('Fri 18:00-Mon 06:00'), frozen('2026-01-02T00:00Z/2026-01-11T00:00Z')]) {
    const world = await asleep();
    await adoptRingSettings(world.store, settings);
    assert.deepEqual(await world.due(), [world.issuerId]);
    await world.store.write((tx) => tx.setWakeAt(world.issuerId, null));
    await adoptRingSettings(world.store, settings);
    assert.deepEqual(await world.due(), []);
  }
});

test('a start with the same ones lets it sleep', async () => {
  const world = await asleep();
  await adoptRingSettings(world.store, frozen(UNTIL_10TH));
  assert.deepEqual(await world.due(), []);
});

test('windows that are new in a store are adopted, and none in a store that never had any wake nothing', async () => {
  const world = await services();
  world.pass(3 * 86_400);
  await world.store.write((tx) => tx.setWakeAt(world.issuerId, null));
  const wakes = (): Promise<Date | null> => world.store.read((tx) => tx.nextWake());
  await adoptRingSettings(world.store, RING_SETTINGS);
  assert.equal(await wakes(), null);
  await adoptRingSettings(world.store, frozen(UNTIL_10TH));
  assert.deepEqual(await wakes(), world.store.now());
});

test('a start with another publication gap wakes every ring', async () => {
  const world = await services();
  await adoptRingSettings(world.store, { ...RING_SETTINGS, publicationGapSeconds: 60 });
  assert.deepEqual(await world.store.read((tx) => tx.nextWake()), world.store.now());
});
