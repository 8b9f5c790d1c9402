import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, picture } from '../../test/support/rings.ts';
import { caller, GAP, services } from '../../test/support/services.ts';
import { isMintmarkError } from '../domain/errors.ts';

const PLAIN = { force: false, emergency: false } as const;

test('a rotation that is ready is done with its reply: operation ended, unused keys none, old key forgotten', async () => {
  const world = await services();
  const result = await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  assert.deepEqual([result.outcome, result.operation.status, result.revoked, result.waiting], ['rotated', 'Succeeded', [], null]);
  assert.equal(picture(await world.ring()), '1R 2A 3P');
  assert.deepEqual(world.forgotten, ['key1']);
  assert.deepEqual(world.settled.map((change) => change?.sealed.map(({ kid }) => kid)), [['key3']]);
});

test('a second rotation says what it waits for, makes no key for that, and ends when the rotator has acted', async () => {
  const world = await services();
  await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  world.pass(10);
  const result = await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  assert.deepEqual([result.outcome, result.operation.status, result.revoked], ['waiting', 'InProgress', ['key1']]);
  assert.deepEqual(result.waiting, { reason: 'caches may hold the old JWKS', until: at(GAP) });
  assert.deepEqual((await world.operations.find(result.operation.id))!.waiting, result.waiting);

  world.pass(GAP);
  assert.equal(await world.rotator.runDue(), 1);
  const { operation, waiting } = (await world.operations.find(result.operation.id))!;
  assert.deepEqual([operation.status, operation.endedAt, waiting, operation.result.revoked], ['Succeeded', at(GAP + 10), null, ['key1']]);
  assert.equal(picture(await world.ring()), '1X 2R 3A 4P');
});

test('a ring that became ready while no key was being made gets one after all', async () => {
  const world = await services();
  await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  world.hooks.make = async () => {
    world.hooks.make = async () => undefined;
    world.pass(GAP);
  };
  assert.equal((await world.keyRings.rotate(caller(), world.cluster, PLAIN)).outcome, 'rotated');
  assert.equal(picture(await world.ring()), '1X 2R 3A 4P');
});

test('an operation is in progress until the last publisher has confirmed', async () => {
  const world = await services();
  await world.store.write((tx) => tx.confirmPublication('elsewhere', 0));
  const { operation, waiting } = await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  assert.deepEqual([operation.status, waiting], ['InProgress', { reason: 'not confirmed by every publisher', until: null }]);
  await world.store.write(async (tx) => tx.confirmPublication('elsewhere', await tx.lastChange()));
  await world.publications.settle();
  assert.equal((await world.operations.find(operation.id))!.operation.status, 'Succeeded');
});

test('the same request id is the same operation, for the same principal and resource, for a day', async () => {
  const world = await services();
  const first = await world.keyRings.rotate(caller('id'), world.cluster, PLAIN);
  const again = await world.keyRings.rotate(caller('id'), world.cluster, PLAIN);
  assert.deepEqual([again.outcome, again.operation.id, picture(await world.ring())], ['joined', first.operation.id, '1R 2A 3P']);
  const other = await world.keyRings.rotate({ ...caller('id'), principalId: 'eve' }, world.cluster, PLAIN);
  assert.notEqual(other.operation.id, first.operation.id);
  world.pass(86_401);
  assert.notEqual((await world.keyRings.rotate(caller('id'), world.cluster, PLAIN)).operation.id, first.operation.id);
});

test('the same request id for something else is another request', async () => {
  const world = await services();
  await world.keyRings.rotate(caller('id'), world.cluster, PLAIN);
  assert.equal((await world.keyRings.rotate(caller('id'), world.cluster, { force: true, emergency: false })).outcome, 'rotated');
  assert.equal((await world.keyRings.rotate(caller('id'), world.cluster, { force: false, emergency: true })).outcome, 'rotated');
  assert.equal(picture(await world.ring()).split(' ').filter((key) => key.endsWith('A') || key.endsWith('P')).length, 2);
});

test('many at once with one request id are one rotation', async () => {
  const world = await services();
  const results = await Promise.all(Array.from({ length: 20 }, () => world.keyRings.rotate(caller('id'), world.cluster, PLAIN)));
  assert.equal(new Set(results.map(({ operation }) => operation.id)).size, 1);
  assert.equal(picture(await world.ring()).replace(/\d+/g, '#'), '#R #A #P');
});

test('without a request id each one counts', async () => {
  const world = await services();
  const results = await Promise.all([1, 2].map(() => world.keyRings.rotate(caller(), world.cluster, PLAIN)));
  assert.deepEqual(results.map(({ outcome }) => outcome).toSorted(), ['rotated', 'waiting']);
});

test('an emergency and a revocation of the active key end a rotation that waits', async () => {
  for (const end of ['emergency', 'revoke'] as const) {
    const world = await services();
    await world.keyRings.rotate(caller(), world.cluster, PLAIN);
    const { operation } = await world.keyRings.rotate(caller(), world.cluster, PLAIN);
    if (end === 'emergency') await world.keyRings.rotate(caller(), world.cluster, { force: false, emergency: true });
    else await world.keyRings.revokeKey(caller(), world.cluster, 'key2', true);
    assert.equal((await world.operations.find(operation.id))!.operation.status, 'Succeeded', end);
  }
});

test('deleting the cluster cancels a rotation that waits', async () => {
  const world = await services();
  await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  const { operation } = await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  await world.store.write((tx) => world.issuers.close(tx, world.issuerId, 'principal:ada'));
  assert.equal((await world.operations.find(operation.id))!.operation.status, 'Canceled');
});

test('a refusal changes nothing and gives the key back', async () => {
  const world = await services();
  const before = await world.ring();
  await assert.rejects(world.keyRings.revokeKey(caller(), world.cluster, 'key1', false), (error) => isMintmarkError(error, 'KeyIsActive'));
  await assert.rejects(world.keyRings.setPolicy(caller(), world.cluster, { rotateEvery: 5 }), (error) => isMintmarkError(error, 'InvalidRotationPolicy'));
  await assert.rejects(world.keyRings.rotate(caller(), { ...world.cluster, issuerId: null }, PLAIN), (error) => isMintmarkError(error, 'IssuerNotEnabled'));
  assert.deepEqual([await world.ring(), world.settled], [before, [null]]);
});

const refused = (error: unknown): boolean => isMintmarkError(error, 'RotationWouldRevoke');

test('where it has to be asked for, a rotation that would revoke is refused, names what, and changes nothing', async () => {
  const world = await services({ secondRotation: 'confirm' });
  assert.equal((await world.keyRings.rotate(caller(), world.cluster, PLAIN)).outcome, 'rotated');
  await world.tokens.issue(world.cluster, { serviceAccount: { namespace: 'default', name: 'web' }, audiences: [], expirationSeconds: 86_400 });
  world.pass(GAP);
  assert.equal((await world.keyRings.rotate(caller(), world.cluster, { ...PLAIN, revokePrevious: true })).outcome, 'rotated');
  const before = await world.ring();
  assert.equal(picture(before), '1X 2R 3A 4P');
  await assert.rejects(world.keyRings.rotate(caller(), world.cluster, PLAIN), (error) => {
    assert.ok(isMintmarkError(error, 'RotationWouldRevoke'));
    assert.equal(error.message, [
      'Rotating now would revoke the retired key key2 (1 recorded token lives on it; it leaves the JWKS by itself at 2026-01-02T00:15:00.000Z), and this server does so only when it is asked for (issuers.secondRotation is confirm). Nothing was changed.',
      'Tokens that API servers made are not counted. Wait until it has left the JWKS, or, if those tokens may fail at once, run: mintmark issuer rotate -g g -n c --revoke-previous. With --force instead it would not wait for caches either.',
    ].join(' '));
    assert.deepEqual(error.details.map(({ code, target }) => [code, target]), [['RotationWouldRevoke', 'key2']]);
    return true;
  });
  assert.deepEqual([await world.ring(), world.settled.at(-1)], [before, null]);
});

for (const [name, how, after] of [['revokePrevious', { ...PLAIN, revokePrevious: true }, '1X 2A 3P'], ['force', { force: true, emergency: false }, '1X 2R 3A 4P'], ['emergency', { force: false, emergency: true }, '1X 2X 3X 4A 5P']] as const) {
  test(`${name} asks for it`, async () => {
    const world = await services({ secondRotation: 'confirm' });
    await world.keyRings.rotate(caller(), world.cluster, PLAIN);
    await assert.rejects(world.keyRings.rotate(caller(), world.cluster, PLAIN), refused);
    await world.keyRings.rotate(caller(), world.cluster, how);
    assert.equal(picture(await world.ring()), after);
  });
}

test('a key that an automatic rotation retired is not revoked unasked either; one that is past its end is in nobody’s way', async () => {
  const world = await services({ secondRotation: 'confirm' });
  world.pass(3 * 86_400);
  await world.rotator.runDue();
  world.pass(86_400 + 299);
  await assert.rejects(world.keyRings.rotate(caller(), world.cluster, PLAIN), refused);
  world.pass(1);
  assert.equal((await world.keyRings.rotate(caller(), world.cluster, PLAIN)).outcome, 'rotated');
});

test('a repeat answers with the first operation, and a rotation that joins one is not refused', async () => {
  const world = await services({ secondRotation: 'confirm' });
  const first = await world.keyRings.rotate(caller('id'), world.cluster, PLAIN);
  assert.equal((await world.keyRings.rotate(caller('id'), world.cluster, PLAIN)).operation.id, first.operation.id);
  const asked = await world.keyRings.rotate(caller('other'), world.cluster, { ...PLAIN, revokePrevious: true });
  const joining = await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  assert.deepEqual([asked.outcome, joining.outcome, joining.operation.id], ['waiting', 'joined', asked.operation.id]);
  assert.deepEqual((await world.keyRings.rotate(caller('other'), world.cluster, { ...PLAIN, revokePrevious: true })).operation.id, asked.operation.id);
});

test('what a rotation would revoke is seen on the ring as it is when it would', async () => {
  const world = await services({ secondRotation: 'confirm' });
  world.hooks.make = async () => {
    world.hooks.make = async () => undefined;
    await world.keyRings.rotate(caller(), world.cluster, PLAIN);
  };
  await assert.rejects(world.keyRings.rotate(caller(), world.cluster, PLAIN), refused);
  assert.match(picture(await world.ring()), /^1R 2A \dP$/);
});

test('an operation that was never there is not found', async () => {
  const world = await services();
  assert.equal(await world.operations.find('nothing'), null);
});
