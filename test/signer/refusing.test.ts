/** A signer that refuses its ring: what becomes of its lease, on both sides, and how it comes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/dev-server.ts';
import { isAcknowledged, openSignerWorld } from '../support/signer-process.ts';

test('an older ring is refused, the one in use stays, and the server is told: no lease begins anew, also after a restart, before the signer takes one', async (t) => {
  const told: (string | null)[] = [];
  const world = await openSignerWorld(t, { observer: { begin: () => ({ run: (carryOn) => carryOn(), end: ({ method }, { code }) => { if (method === 'GET') told.push(code); } }) } });
  const state = await world.enrolled();
  const first = await world.start(state);
  await isAcknowledged(first, (await world.stored()).version);
  const old = (await state.ring())!;
  await world.rotate();
  const { version } = await world.stored();
  await isAcknowledged(first, version);
  await first.stop();
  assert.deepEqual(told.filter((code) => code !== null), []);
  let isBetween = true;
  const second = await world.start(state, { askFirstWithin: 10_000, client: (real) => ({ ...real, ring: async (held, wait, now, signal) => {
    const given = await real.ring(held, isBetween ? 0 : wait, now, signal);
    return isBetween && (wait > 0 || held.refused) ? old : given;
  } }) });
  const refusals = (): number => told.filter((code) => code === 'RingRefused').length;
  await eventually('it was refused, and the server was told', () => (second.follower.view.refusedRings > 2 && refusals() > 1) || undefined);
  assert.equal(second.ring.ring.version, version);
  assert.match(second.follower.view.trouble!, /^A ring was refused: it is version /);
  const [{ lastContactAt, refusal }, contact] = [await world.record(), second.lease.lastContact];
  assert.ok(refusal !== null && lastContactAt >= contact);

  world.pass(3600);
  await eventually('it was refused again, an hour later', async () => (await world.record()).refusal!.lastAt >= world.clock.now() || undefined);
  assert.deepEqual([(await world.record()).lastContactAt, second.lease.lastContact], [lastContactAt, contact]);
  await second.stop();
  const toldBefore = refusals();
  const third = await world.start(state, { client: (real) => ({ ...real, ring: async (held, wait, now, signal) => (await real.ring(held, 0, now, signal), isBetween ? old : real.ring(held, wait, now, signal)) }) });
  assert.deepEqual([(await world.record()).lastContactAt, (await world.record()).refusal!.since, refusals() > toldBefore], [lastContactAt, refusal.since, true]);
  // Written off, it is shown no private half; that is enough to see that it can ask again, and be enrolled anew.
  await world.world.signers.writeOff(world.world.cluster, 'cp-1');
  await world.rotate();
  isBetween = false;
  await eventually('it takes what it is given', async () => (await world.record()).refusal === null || undefined);
  await eventually('its lease runs anew', () => third.lease.lastContact.getTime() === world.clock.now().getTime() || undefined);
  await isAcknowledged(third, (await world.stored()).version);
  assert.equal((await world.record()).writtenOffAt, null);
  assert.deepEqual([third.follower.view.standing, (await world.record()).lastContactAt, await state.hasRefused()], ['connected', world.clock.now(), false]);
});
