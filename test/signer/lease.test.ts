/** For how long a signer signs without its server (rule 12): by the lease that it was given last, from its last contact. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually } from '../support/dev-server.ts';
import { isAcknowledged, openSignerWorld, signed, type SignerWorld, type StartedSigner } from '../support/signer-process.ts';

test('a new lease is acknowledged with the version that was acknowledged before', async (t) => {
  const world = await openSignerWorld(t, { leaseSeconds: null });
  const signer = await world.start(await world.enrolled());
  await isAcknowledged(signer, (await world.stored()).version);
  assert.deepEqual([signer.lease.endsAt, (await world.record()).leaseSeconds], [null, null]);
});

const [SHORT, LONG] = [86_400, 14 * 86_400];
for (const [before, after] of [[LONG, SHORT], [SHORT, LONG], [null, SHORT], [SHORT, null]] as const) {
  test(`a lease of ${before ?? 'no'} s that becomes one of ${after ?? 'no'} s while the signer follows`, async (t) => {
    const world = await openSignerWorld(t, { leaseSeconds: before });
    const signer = await world.start(await world.enrolled());
    const { version } = await world.stored();
    await isAcknowledged(signer, version);
    const kid = await signed(signer, world);
    assert.equal((await world.record()).leaseSeconds, before);
    await world.giveLease(after);
    await eventually('the server knows that it is held', () => world.done.filter((step) => step === `acknowledged 1-${version}`).length === 2 || undefined);
    assert.deepEqual([world.done.slice(-3), (await world.record()).leaseSeconds], [['saved', `used 1-${version}`, `acknowledged 1-${version}`], after]);
    world.line.cut();
    world.pass((after ?? 366 * LONG) - 1);
    assert.equal(await signed(signer, world), kid);
    world.pass(1);
    if (after === null) assert.equal(await signed(signer, world), kid);
    else await assert.rejects(signed(signer, world), { code: 'SigningStopped', message: /^Nothing is signed: this signer has not reached its Mintmark server since / });
  });
}

/** A signer that was in step with its server, and does not reach it any more. */
async function cutOff(t: TestContext): Promise<{ readonly world: SignerWorld; readonly signer: StartedSigner }> {
  const world = await openSignerWorld(t);
  const signer = await world.start(await world.enrolled());
  await isAcknowledged(signer, (await world.stored()).version);
  world.line.cut();
  await eventually('it is away', () => signer.follower.view.standing === 'away' || undefined);
  return { world, signer };
}

test('past its lease it signs nothing; then only by the ring that the server gives it', async (t) => {
  const world = await openSignerWorld(t);
  const signer = await world.start(await world.enrolled());
  await isAcknowledged(signer, (await world.stored()).version);
  const old = await signed(signer, world);
  world.line.cut();
  await eventually('it is away', () => signer.follower.view.standing === 'away' || undefined);
  const end = signer.lease.endsAt!;
  world.pass((end.getTime() - world.clock.now().getTime()) / 1000 - 1);
  assert.equal(await signed(signer, world), old);
  const since = signer.lease.lastContact.toISOString();
  world.pass(1);
  await assert.rejects(signed(signer, world), { code: 'SigningStopped', message: `Nothing is signed: this signer has not reached its Mintmark server since ${since}, which is longer than its lease allows.` });
  // Written off meanwhile, and the key retired: what it had must not sign once more when it comes back.
  world.pass(600);
  await world.world.rotator.runDue();
  assert.ok((await world.record()).writtenOffAt !== null);
  await world.rotate();
  let during: string | null = 'not asked';
  world.steps.use = async () => { during = await signed(signer, world).catch(() => null); };
  world.line.heal();
  const { version } = await world.stored();
  await eventually('the next ring is in use', () => signer.ring.ring.version >= version || undefined);
  await eventually('it signs again', () => signed(signer, world).then(() => true, () => undefined));
  assert.equal(during, null);
  assert.notEqual(await signed(signer, world), old);
});

test('past its lease it signs again as soon as the server is back, which has no news for it', async (t) => {
  const { world, signer } = await cutOff(t);
  world.pass((signer.lease.endsAt!.getTime() - world.clock.now().getTime()) / 1000);
  assert.equal(signer.lease.isOver, true);
  world.line.heal();
  // The server's clock stands still: a request that waits would never be answered.
  await eventually('it signs again', () => signed(signer, world).then(() => true, () => undefined));
  assert.deepEqual([signer.follower.view.standing, signer.lease.lastContact], ['connected', world.clock.now()]);
});

test('a lease is not made longer by a clock that is set back, or a machine that slept', async (t) => {
  const { world, signer } = await cutOff(t);
  world.passMonotonic(15 * 86_400);
  assert.equal(signer.lease.isOver, true);
});

test('the lease goes on over a restart, from the contact on the disk', async (t) => {
  const world = await openSignerWorld(t);
  const state = await world.enrolled();
  const first = await world.start(state);
  await isAcknowledged(first, (await world.stored()).version);
  // A poll that brings nothing is a contact too, later than the ring.
  world.pass(60);
  await eventually('the next request is written down', async () => ((await state.contact())! > new Date(first.ring.ring.sentAt) || world.pass(60)) || undefined);
  const contact = (await state.contact())!;
  await first.stop();
  world.line.cut();
  world.pass(13 * 86_400 - (world.clock.now().getTime() - contact.getTime()) / 1000);
  const second = await world.start(state);
  assert.deepEqual([second.lease.lastContact, second.lease.isOver], [contact, false]);
  await second.stop();
  world.pass(86_400);
  const third = await world.start(state);
  assert.equal(third.lease.isOver, true);
  await third.stop();
  // Without that file, from when the ring was sent.
  writeFileSync(join(state.dir, 'contact'), 'x');
  const fourth = await world.start(state);
  assert.equal(fourth.lease.lastContact.toISOString(), fourth.ring.ring.sentAt);
});

test('the contact on the disk is renewed every 30 s, and no sooner', async (t) => {
  const world = await openSignerWorld(t);
  const state = await world.enrolled();
  const signer = await world.start(state);
  await isAcknowledged(signer, (await world.stored()).version);
  const first = world.clock.now();
  /** Seconds from one contact to the next, which is at once when the line is back. */
  const contactAfter = async (seconds: number): Promise<Date | null> => {
    world.line.cut();
    await eventually('it is away', () => signer.follower.view.standing === 'away' || undefined);
    world.pass(seconds);
    world.line.heal();
    await eventually('it has had an answer', () => signer.lease.lastContact.getTime() === world.clock.now().getTime() || undefined);
    return state.contact();
  };
  assert.deepEqual([await contactAfter(29), await contactAfter(1)], [first, world.clock.now()]);
});
