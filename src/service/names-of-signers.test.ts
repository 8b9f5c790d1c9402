/** Who has a name: what becomes of a signer when another machine enrols under its name, and of a name that several have. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually } from '../../test/support/dev-server.ts';
import { ADA, joining, LEASE, machine, openSigners, signerNames, type SignersWorld } from '../../test/support/signers.ts';
import type { MintmarkError } from '../domain/errors.ts';

const world = await openSigners();
after(() => world.close());

test('a machine brings its name, and a token that has one gives it', async () => {
  await assert.rejects(machine(world).enrol(await world.token(null)), { message: /^400 .*is for no name, and the machine says none .*--signer NAME/ });
  assert.equal((await machine(world).enrol(await world.token(null), { name: 'own.name-1' })).name, 'own.name-1');
  assert.equal((await machine(world).enrol(await world.token('given'), { name: 'own' })).name, 'given');
});

test('who enrols with a token for the name of one that is enrolled writes that one off, in the same transaction', async () => {
  const former = await world.signer('cp-name');
  await former.ring();
  const made = await world.credentials.createToken(ADA, world.cluster, { name: 'cp-name', expiresIn: null });
  assert.equal(made.replaces!.id, former.enrolled!.signerId);
  const latter = machine(world);
  await latter.enrol(made.token);
  assert.deepEqual((await world.store.read((tx) => tx.signer(former.enrolled!.signerId)))!.writtenOffAt, world.clock.now());
  assert.equal((await world.signers.get(world.cluster, 'cp-name')).signer.id, latter.enrolled!.signerId);
  assert.equal((await world.signers.get(world.cluster, former.enrolled!.signerId)).state, 'writtenOff');
});

const UNNAMED: readonly (readonly [string, (of: SignersWorld) => Promise<string>])[] = [
  ['a join credential', (of) => joining(of)],
  ['a one-time token without a name', (of) => of.token(null)],
];
for (const [what, token] of UNNAMED) {
  test(`${what} takes no name from a signer that may sign: both stay enrolled, and a rotation waits for both`, async (t) => {
    const two = await openSigners();
    t.after(() => two.close());
    const [former, latter] = [await two.signer('cp-1'), machine(two)];
    await former.ring();
    await former.acknowledge();
    two.pass(3600);
    await latter.enrol(await token(two), { name: 'cp-1' });
    await latter.ring();
    await latter.acknowledge();
    assert.deepEqual(await signerNames(two), ['cp-1', 'cp-1']);
    await two.keyRings.rotate(ADA, two.cluster, { force: false, emergency: false });
    for (let round = 0; round < 3; round += 1) {
      await two.rotator.runDue();
      await latter.ring();
      await latter.acknowledge();
    }
    const { keys, signers } = (await two.store.read((tx) => tx.keyRing(two.cluster.issuerId!)))!;
    assert.deepEqual(signers.map(({ id, writtenOffAt, replacedAt }) => [id, writtenOffAt, replacedAt]).toSorted(), [[former.enrolled!.signerId, null, null], [latter.enrolled!.signerId, null, null]].toSorted());
    assert.deepEqual(keys.filter(({ state, expiresAt }) => state === 'retired' && expiresAt !== null), [], 'no key that the former may sign with has an end');
    two.pass(LEASE + 300 - 3600);
    await two.rotator.runDue();
    const [gone, there] = await two.store.read((tx) => Promise.all([former, latter].map(({ enrolled }) => tx.signer(enrolled!.signerId))));
    assert.deepEqual([gone!.writtenOffAt, there!.writtenOffAt], [two.clock.now(), null], 'the lease of the former ends it');
  });

  test(`${what} takes the name of a signer that was never given a ring`, async () => {
    const [former, latter] = [machine(world), machine(world)];
    const name = what.replaceAll(' ', '-');
    await former.enrol(await joining(world), { name });
    await latter.enrol(await token(world), { name });
    assert.deepEqual((await world.store.read((tx) => tx.signer(former.enrolled!.signerId)))!.writtenOffAt, world.clock.now());
    assert.equal((await signerNames(world)).filter((one) => one === name).length, 1);
  });
}

test('a join credential that takes names over ends a silent signer of the name two minutes later, and none that asks', async (t) => {
  const fleet = await openSigners();
  t.after(() => fleet.close());
  const [gone, alive, elsewhere, gives] = [await fleet.signer('cp-gone'), await fleet.signer('cp-alive'), await fleet.signer('cp-else'), await joining(fleet, { replacesByName: true })];
  for (const one of [gone, alive, elsewhere]) {
    await one.ring();
    await one.acknowledge();
  }
  await fleet.keyRings.rotate(ADA, fleet.cluster, { force: true, emergency: false });
  for (const name of ['cp-gone', 'cp-alive']) await machine(fleet).enrol(gives, { name });
  const [due, replaced] = [await fleet.store.read((tx) => tx.nextWake()), fleet.clock.now()];
  assert.deepEqual(due, new Date(replaced.getTime() + 120_000));
  fleet.pass(119);
  await alive.ring();
  await fleet.rotator.runDue();
  const records = () => fleet.store.read((tx) => Promise.all([gone, alive, elsewhere].map(({ enrolled }) => tx.signer(enrolled!.signerId))));
  assert.deepEqual((await records()).map((one) => [one!.replacedAt, one!.writtenOffAt]), [[replaced, null], [null, null], [null, null]]);
  fleet.pass(3600);
  await fleet.rotator.runDue();
  assert.deepEqual((await records()).map((one) => one!.writtenOffAt), [fleet.clock.now(), null, null], 'as of when it is done: until then it may have signed');
  assert.deepEqual((await fleet.store.read((tx) => tx.keyRing(fleet.cluster.issuerId!)))!.keys[0]!.expiresAt, null, 'the others are waited for as before');
  await gone.ring();
  assert.deepEqual((await records()).map((one) => [one!.replacedAt, one!.writtenOffAt])[0], [null, null], 'should it live after all, it is enrolled anew');
});

test('while there is no server nobody can ask: a signer that was replaced is waited for anew from its start', async (t) => {
  const fleet = await openSigners();
  t.after(() => fleet.close());
  const former = await fleet.signer('cp-1');
  await former.ring();
  await machine(fleet).enrol(await joining(fleet, { replacesByName: true }), { name: 'cp-1' });
  fleet.pass(3600);
  const record = () => fleet.store.read((tx) => tx.signer(former.enrolled!.signerId));
  fleet.rotator.start();
  await eventually('the rotator has begun', async () => ((await record())!.replacedAt!.getTime() === fleet.clock.now().getTime() ? true : undefined));
  await fleet.rotator.stop();
  assert.equal((await record())!.writtenOffAt, null);
});

test('of several with one name, a token for it tells of the one that was seen last, and writes off all', async () => {
  const [first, second] = [await world.signer('cp-double'), machine(world)];
  await first.ring();
  await second.enrol(await joining(world), { name: 'cp-double' });
  for (const last of [first, second, first]) {
    world.pass(10);
    await last.ring();
    assert.equal((await world.credentials.createToken(ADA, world.cluster, { name: 'cp-double', expiresIn: null })).replaces!.id, last.enrolled!.signerId);
  }
  const { signerId } = await machine(world).enrol(await world.token('cp-double'));
  assert.deepEqual((await world.signers.list(world.cluster)).filter(({ signer }) => signer.name === 'cp-double' && signer.writtenOffAt === null).map(({ signer }) => signer.id), [signerId]);
});

test('a name that several are enrolled under ends none of them, an id the one that has it', async () => {
  const [first, second] = [await world.signer('cp-many'), machine(world)];
  await first.ring();
  await second.enrol(await joining(world), { name: 'cp-many' });
  const ids = [first, second].map(({ enrolled }) => enrolled!.signerId);
  for (const end of [world.signers.writeOff, world.signers.remove]) {
    await assert.rejects(end(world.cluster, 'cp-many'), ({ code, target, message }: MintmarkError) => code === 'OperationNotAllowed' && target === 'name' && ids.every((id) => message.includes(id)));
  }
  assert.equal((await signerNames(world)).filter((name) => name === 'cp-many').length, 2);
  await world.signers.writeOff(world.cluster, ids[1]!);
  assert.equal((await world.signers.remove(world.cluster, 'cp-many')).signer.id, ids[0]);
});
