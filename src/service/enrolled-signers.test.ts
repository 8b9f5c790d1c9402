/** Signers and the services of their ring together: who is waited for, what the rotator then does, what operations say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, picture } from '../../test/support/rings.ts';
import { caller, GAP, services } from '../../test/support/services.ts';
import { isMintmarkError } from '../domain/errors.ts';
import type { NewSigner } from '../domain/signer.ts';

const DAY = 86_400;
const LEASE = 14 * DAY;
const PLAIN = { force: false, emergency: false } as const;
const LAST_TOKEN = DAY + 300;

const brought = (name: string): NewSigner => ({ id: name, name, mode: 'external', assertionJwk: {}, encryptionJwk: {}, leaseSeconds: LEASE, createdBy: 'principal:ada' });

async function worldWith(...names: readonly string[]) {
  const world = await services();
  const { store, signers, issuerId } = world;
  for (const name of names) await store.write((tx) => signers.enrol(tx, issuerId, brought(name)));
  const due = (): Promise<Date | null> => store.read((tx) => tx.nextWake());
  return {
    ...world, due,
    contact: (name: string) => store.write((tx) => signers.contact(tx, name, 12)),
    acknowledge: async (name: string) => store.write(async (tx) => signers.acknowledge(tx, name, { epoch: 1, version: (await world.ring()).version, keyInUse: 'key2', mode: 'external' })),
    operation: async (id: string) => (await world.operations.find(id))!,
  };
}

test('who is enrolled is in the ring, is given it with each contact', async () => {
  const world = await worldWith('cp-1');
  assert.deepEqual((await world.ring()).signers.map(({ name }) => name), ['cp-1']);
  world.pass(50);
  const given = await world.contact('cp-1');
  assert.deepEqual([given?.ring.version, given?.signer.kids, given?.signer.lastContactAt, given?.signer.clockOffsetMs], [1, ['key1'], at(50), 12]);
  assert.deepEqual(await world.store.read((tx) => tx.signer('cp-1')), given?.signer);
  assert.deepEqual(await world.contact('nobody'), null);
});

test('the rotator looks when the lease of a new signer ends', async () => {
  const world = await worldWith();
  await world.store.write((tx) => world.signers.enrol(tx, world.issuerId, { ...brought('cp-1'), leaseSeconds: 60 }));
  assert.deepEqual(await world.due(), at(360));
});

test('the rotator looks when a signer that was replaced has been silent for two minutes', async () => {
  const world = await worldWith('cp-1', 'cp-2');
  world.pass(10);
  assert.deepEqual((await world.store.write((tx) => world.signers.replace(tx, 'cp-1')))?.replacedAt, at(10));
  assert.deepEqual([await world.due(), await world.store.write((tx) => world.signers.replace(tx, 'nobody'))], [at(130), null]);
});

test('a rotation waits for a signer that is away: by name and since when, in the reply, the operation and the ring', async () => {
  const world = await worldWith('cp-1', 'cp-2');
  await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  await world.contact('cp-1');
  await world.acknowledge('cp-1');
  world.pass(GAP);
  const result = await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  const waiting = { reason: 'a signer has not acknowledged', until: at(LEASE + 300), signers: [{ name: 'cp-2', since: at(0), refusesSince: null }] };
  assert.deepEqual([result.outcome, result.revoked, result.waiting], ['waiting', [], waiting]);
  assert.deepEqual((await world.operation(result.operation.id)).waiting, waiting);
  assert.equal(await world.rotator.runDue(), 0);
  assert.equal(picture(await world.ring()), '1R 2A 3P');

  world.pass(10);
  await world.contact('cp-2');
  await world.acknowledge('cp-2');
  assert.deepEqual(await world.due(), at(GAP + 10));
  assert.equal(await world.rotator.runDue(), 2);
  assert.equal(picture(await world.ring()), '1X 2R 3A 4P');
  const { operation } = await world.operation(result.operation.id);
  assert.deepEqual([operation.status, operation.result.revoked], ['Succeeded', ['key1']]);
});

test('a retired key gets its end from the last acknowledgement, without anybody asking', async () => {
  const world = await worldWith('cp-1');
  await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  world.pass(5);
  await world.rotator.runDue();
  assert.equal((await world.ring()).keys[0]!.expiresAt, null);
  await world.acknowledge('cp-1');
  world.pass(100);
  assert.equal(await world.rotator.runDue(), 1);
  assert.deepEqual((await world.ring()).keys[0]!.expiresAt, at(5 + LAST_TOKEN));
});

test('a write-off counts as an acknowledgement now, and the signer is enrolled anew when it comes back', async () => {
  const world = await worldWith('cp-1');
  await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  world.pass(GAP);
  await world.store.write((tx) => world.signers.writeOff(tx, 'cp-1'));
  assert.equal(await world.rotator.runDue(), 1);
  assert.deepEqual([(await world.ring()).keys[0]!.expiresAt, (await world.ring()).signers], [at(GAP + LAST_TOKEN), []]);
  const { version } = await world.ring();
  world.pass(10);
  const back = await world.contact('cp-1');
  assert.deepEqual([back?.signer.writtenOffAt, back?.signer.enrolledIn, back?.ring.version], [null, version, version]);
  assert.deepEqual((await world.ring()).signers.map(({ name, enrolledIn }) => [name, enrolledIn]), [['cp-1', version]]);
});

test('a lease that has ended writes off as of its end, however late the rotator looks', async () => {
  const world = await worldWith('cp-1');
  await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  world.pass(LEASE + 299);
  await world.rotator.runDue();
  assert.deepEqual((await world.store.read((tx) => tx.signer('cp-1')))?.writtenOffAt, null);
  world.pass(1000);
  assert.equal(await world.rotator.runDue(), 2);
  assert.deepEqual((await world.store.read((tx) => tx.signer('cp-1')))?.writtenOffAt, at(LEASE + 300));
  assert.deepEqual((await world.ring()).keys[0]!.expiresAt, at(LEASE + 300 + LAST_TOKEN));
});

test('a contact that was made meanwhile keeps a signer from being written off', async () => {
  const world = await worldWith('cp-1');
  world.pass(LEASE);
  await world.contact('cp-1');
  world.pass(400);
  await world.rotator.runDue();
  assert.equal((await world.store.read((tx) => tx.signer('cp-1')))?.writtenOffAt, null);
});

test('a deleted signer is written off for good: no contact takes it back, and its keys stand in its record', async () => {
  const world = await worldWith('cp-1');
  await world.contact('cp-1');
  const deleted = await world.store.write((tx) => world.signers.remove(tx, 'cp-1'));
  assert.deepEqual([deleted?.deletedAt, deleted?.writtenOffAt, deleted?.kids], [at(0), at(0), ['key1']]);
  assert.deepEqual((await world.contact('cp-1'))?.signer, deleted);
  assert.deepEqual((await world.ring()).signers, []);
  assert.deepEqual(await world.store.write(async (tx) => [await world.signers.writeOff(tx, 'nobody'), await world.signers.remove(tx, 'nobody'), await world.signers.acknowledge(tx, 'nobody', { epoch: 1, version: 1, keyInUse: null, mode: 'external' })]), [null, null, null]);
});

test('force carries out what waits for a signer, in the same operation', async () => {
  const world = await worldWith('cp-1');
  await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  world.pass(GAP);
  const first = await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  const forced = await world.keyRings.rotate(caller(), world.cluster, { force: true, emergency: false });
  assert.deepEqual([forced.operation.id, forced.outcome, forced.revoked, forced.operation.status, forced.operation.result.revoked], [first.operation.id, 'rotated', ['key1'], 'Succeeded', ['key1']]);
  assert.equal(picture(await world.ring()), '1X 2R 3A 4P');
});

test('an issuer with signers is not closed, and a closed one enrols none', async () => {
  const world = await worldWith('cp-1');
  const close = (): Promise<void> => world.store.write((tx) => world.issuers.close(tx, world.issuerId, 'principal:ada'));
  await assert.rejects(close(), (error) => isMintmarkError(error, 'SignersAttached'));
  assert.equal((await world.ring()).open, true);
  await world.store.write((tx) => world.signers.writeOff(tx, 'cp-1'));
  await close();
  await assert.rejects(world.store.write((tx) => world.signers.enrol(tx, world.issuerId, brought('cp-2'))), (error) => isMintmarkError(error, 'KeyRingClosed'));
  await assert.rejects(world.store.write((tx) => world.signers.enrol(tx, 'nobody', brought('cp-2'))), (error) => isMintmarkError(error, 'StoreCorrupt'));
});
