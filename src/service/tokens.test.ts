import assert from 'node:assert/strict';
import { test } from 'node:test';
import { caller, services } from '../../test/support/services.ts';
import { isMintmarkError } from '../domain/errors.ts';

const REQUEST = { serviceAccount: { namespace: 'default', name: 'web' }, audiences: [], expirationSeconds: null } as const;

test('a token is signed by the active key and recorded, itself not included', async () => {
  const world = await services();
  const { token, claims } = await world.tokens.issue(world.cluster, REQUEST);
  assert.equal(token, `key1.${JSON.stringify(claims)}`);
  assert.equal(claims.sub, 'system:serviceaccount:default:web');
  assert.deepEqual([...await world.store.read((tx) => tx.liveTokens(world.issuerId, world.store.now()))], [['key1', 1]]);
});

test('the uid of a service account is the same each time, and another for another name', async () => {
  const world = await services();
  const uid = async (name: string): Promise<string> => (await world.tokens.issue(world.cluster, { ...REQUEST, serviceAccount: { namespace: 'default', name } })).claims['kubernetes.io'].serviceaccount.uid;
  assert.match(await uid('web'), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(await uid('web'), await uid('web'));
  assert.notEqual(await uid('web'), await uid('api'));
});

test('a rotation between signature and record makes it sign again, with the new key', async () => {
  const world = await services();
  world.hooks.sign = async () => {
    world.hooks.sign = async () => undefined;
    await world.keyRings.rotate(caller(), world.cluster, { force: false, emergency: false });
  };
  const { token } = await world.tokens.issue(world.cluster, REQUEST);
  assert.match(token, /^key2\./);
  assert.deepEqual(world.signerForgot, ['key1'], 'the key that was opened for nothing is dropped');
  assert.deepEqual([...await world.store.read((tx) => tx.liveTokens(world.issuerId, world.store.now()))], [['key2', 1]]);
});

test('what is remembered of a ring that has moved on since signs nothing that is given out', async () => {
  const world = await services();
  assert.match((await world.tokens.issue(world.cluster, REQUEST)).token, /^key1\./);
  await world.keyRings.rotate(caller(), world.cluster, { force: false, emergency: false });
  assert.match((await world.tokens.issue(world.cluster, REQUEST)).token, /^key2\./);
  assert.deepEqual([...await world.store.read((tx) => tx.liveTokens(world.issuerId, world.store.now()))], [['key1', 1], ['key2', 1]]);
  await world.store.write((tx) => world.issuers.close(tx, world.issuerId, 'principal:ada'));
  await assert.rejects(world.tokens.issue(world.cluster, REQUEST), (error) => isMintmarkError(error, 'KeyRingClosed'));
});

test('a ring that moves each time is given up on, with no token', async () => {
  const world = await services();
  world.hooks.sign = async () => void (await world.keyRings.rotate(caller(), world.cluster, { force: true, emergency: false }));
  await assert.rejects(world.tokens.issue(world.cluster, REQUEST), (error) => isMintmarkError(error, 'StoreBusy'));
});

test('no token for a cluster that was deleted or has no issuer', async () => {
  const world = await services();
  await assert.rejects(world.tokens.issue({ ...world.cluster, issuerId: null }, REQUEST), (error) => isMintmarkError(error, 'IssuerNotEnabled'));
  await world.store.write((tx) => world.issuers.close(tx, world.issuerId, 'principal:ada'));
  await assert.rejects(world.tokens.issue(world.cluster, REQUEST), (error) => isMintmarkError(error, 'KeyRingClosed'));
});
