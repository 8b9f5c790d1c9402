import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { hashSecret } from '../keys/secrets.ts';
import { createSealer, decryptOrThrow, encrypt } from '../keys/seal.ts';
import { openMemoryStore } from '../store/memory.ts';
import { createAccess } from './access.ts';

const START = Date.parse('2026-01-02T03:04:05Z');
const nonce = Buffer.alloc(12);

function newSealer(key: Buffer = randomBytes(32)) {
  return createSealer({ id: key.subarray(0, 16), wrap: async (dataKey, associated) => encrypt(key, nonce, dataKey, associated), unwrap: async (wrapped, associated) => decryptOrThrow(key, nonce, wrapped, associated) });
}

async function open() {
  const time = { now: START };
  const store = openMemoryStore({ clock: () => new Date(time.now) });
  const secretHashes = await Promise.all(['old', 'new'].map(hashSecret));
  await store.write(async (tx) => {
    await tx.putTenant({ id: 't', displayName: 't', createdAt: tx.now });
    await tx.putPrincipal({ id: 'me', tenantId: 't', displayName: 'me', secretHashes, createdAt: tx.now });
  });
  const sealer = newSealer();
  const start = () => createAccess({ store, sealer, managementUrl: 'https://m' });
  return { time, store, sealer, start, access: start() };
}
const ME = { tenantId: 't', clientId: 'me', clientSecret: 'new' };

test('while a secret is replaced both log in', async () => {
  const { access } = await open();
  for (const clientSecret of ['old', 'new']) {
    const { accessToken, expiresInSeconds } = await access.login({ ...ME, clientSecret });
    assert.equal(expiresInSeconds, 3600);
    assert.deepEqual(await access.authenticate(accessToken), { principalId: 'me', tenantId: 't' });
  }
  for (const wrong of [{ clientSecret: 'older' }, { clientId: 'you' }, { tenantId: 'u' }, { clientSecret: '' }]) await assert.rejects(access.login({ ...ME, ...wrong }), { code: 'InvalidClient' });
});

test('a token outlives a restart and ends with its hour', async () => {
  const { access, start, time } = await open();
  const { accessToken } = await access.login(ME);
  const restarted = start();
  time.now = START + 3_599_000;
  assert.deepEqual(await restarted.authenticate(accessToken), { principalId: 'me', tenantId: 't' });
  time.now = START + 3_600_000;
  await assert.rejects(restarted.authenticate(accessToken), { code: 'AuthenticationFailed', message: 'The access token was refused: it has expired. Log in again.' });
});

test('replicas that start at once agree on one key, which is stored sealed', async () => {
  const { start, store, sealer } = await open();
  const replicas = Array.from({ length: 4 }, start);
  const tokens = await Promise.all(replicas.map((replica) => replica.login(ME)));
  for (const replica of replicas) for (const { accessToken } of tokens) await replica.authenticate(accessToken);
  const keys = await store.read((tx) => tx.serverKeys('access-token'));
  assert.equal(keys.length, 1);
  const plain = await sealer.open(keys[0]!.sealed, { tenantId: 'server', issuerId: 'access-token', kid: keys[0]!.kid });
  assert.ok(!Buffer.from(keys[0]!.sealed).includes(plain.subarray(-32)));
});

test('a key that can not be opened is an error each time, and is tried again each time', async () => {
  const { access, store } = await open();
  await access.login(ME);
  const other = createAccess({ store, sealer: newSealer(), managementUrl: 'https://m' });
  for (let time = 0; time < 2; time += 1) await assert.rejects(other.login(ME), { code: 'WrongKeyEncryptionKey' });
  let reads = 0;
  const read = store.read;
  store.read = (work) => ((reads += 1) === 1 ? Promise.reject(new Error('down')) : read(work));
  const late = createAccess({ store, sealer: newSealer(), managementUrl: 'https://m' });
  await assert.rejects(late.authenticate('x'), { message: 'down' });
  await assert.rejects(late.authenticate('x'), { code: 'WrongKeyEncryptionKey' });
});

test('a flood of logins is refused beyond a bound, and the others are served', async () => {
  const { access, store } = await open();
  await access.login(ME);
  const cheap = `scrypt$2$1$1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
  await store.write((tx) => tx.putPrincipal({ id: 'cheap', tenantId: 't', displayName: 'cheap', secretHashes: [cheap], createdAt: tx.now }));
  const outcomes = await Promise.all(Array.from({ length: 150 }, () => access.login({ ...ME, clientId: 'cheap' }).then(() => 'in', (error: { code: string }) => error.code)));
  assert.deepEqual([outcomes.filter((code) => code === 'InvalidClient').length, outcomes.filter((code) => code === 'TooManyRequests').length], [102, 48]);
  assert.equal((await access.login(ME)).expiresInSeconds, 3600);
});
