import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { ClientSecret, Principal } from '../domain/principal.ts';
import { hashSecret, NOBODYS_HASH } from '../keys/secrets.ts';
import { createSealer, decryptOrThrow, encrypt } from '../keys/seal.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { createAccess, hashesToTry } from './access.ts';
import { createFederation, type Federation } from './federation.ts';
import type { ThrottleLimits } from './throttle.ts';

/** Nobody is refused for asking too often. */
const FREE: ThrottleLimits = { requestsPerAddress: 1e6, requestsPerPrincipal: 1e6, loginsPerAddress: 1e6, failedLogins: 1e6 };
const HERE = '192.0.2.1';
const START = Date.parse('2026-01-02T03:04:05Z');
const nonce = Buffer.alloc(12);

/** Nobody in here shows a token of another issuer. */
const federationOf = (store: Store): Federation => createFederation(store, { key: () => Promise.reject(new Error('no issuer of others is asked here')) });

function newSealer(key: Buffer = randomBytes(32)) {
  return createSealer({ id: key.subarray(0, 16), wrap: async (dataKey, associated) => encrypt(key, nonce, dataKey, associated), unwrap: async (wrapped, associated) => decryptOrThrow(key, nonce, wrapped, associated) });
}

async function open() {
  const time = { now: START };
  const store = openMemoryStore({ clock: () => new Date(time.now) });
  const secrets = await Promise.all(['old', 'new'].map(async (id) => ({ id, hash: await hashSecret(id), createdAt: new Date(START), usedAt: null })));
  await store.write(async (tx) => {
    await tx.putTenant({ id: 't', displayName: 't', createdAt: tx.now });
    await tx.putPrincipal({ id: 'me', tenantId: 't', displayName: 'me', secrets, createdAt: tx.now });
  });
  const sealer = newSealer();
  const start = () => createAccess({ store, federation: federationOf(store), sealer, managementUrl: 'https://m', limits: FREE });
  return { time, store, sealer, start, access: start() };
}
const ME = { tenantId: 't', clientId: 'me', clientSecret: 'new' };

test('while a secret is replaced both log in', async () => {
  const { access } = await open();
  for (const clientSecret of ['old', 'new']) {
    const { accessToken, expiresInSeconds } = await access.login({ ...ME, clientSecret }, HERE);
    assert.equal(expiresInSeconds, 3600);
    assert.deepEqual(await access.authenticate(accessToken), { principalId: 'me', tenantId: 't' });
  }
  for (const wrong of [{ clientSecret: 'older' }, { clientId: 'you' }, { tenantId: 'u' }, { clientSecret: '' }]) await assert.rejects(access.login({ ...ME, ...wrong }, HERE), { code: 'InvalidClient' });
});

test('a token outlives a restart and ends with its hour', async () => {
  const { access, start, time } = await open();
  const { accessToken } = await access.login(ME, HERE);
  const restarted = start();
  time.now = START + 3_599_000;
  assert.deepEqual(await restarted.authenticate(accessToken), { principalId: 'me', tenantId: 't' });
  time.now = START + 3_600_000;
  await assert.rejects(restarted.authenticate(accessToken), { code: 'AuthenticationFailed', message: 'The access token was refused: it has expired. Log in again.' });
});

test('replicas that start at once agree on one key, which is stored sealed', async () => {
  const { start, store, sealer } = await open();
  const replicas = Array.from({ length: 4 }, start);
  const tokens = await Promise.all(replicas.map((replica) => replica.login(ME, HERE)));
  for (const replica of replicas) for (const { accessToken } of tokens) await replica.authenticate(accessToken);
  const keys = await store.read((tx) => tx.serverKeys('access-token'));
  assert.equal(keys.length, 1);
  const plain = await sealer.open(keys[0]!.sealed, { tenantId: 'server', issuerId: 'access-token', kid: keys[0]!.kid });
  assert.ok(!Buffer.from(keys[0]!.sealed).includes(plain.subarray(-32)));
});

test('a key that can not be opened is an error each time, and is tried again each time', async () => {
  const { access, store } = await open();
  await access.login(ME, HERE);
  const other = createAccess({ store, federation: federationOf(store), sealer: newSealer(), managementUrl: 'https://m', limits: FREE });
  for (let time = 0; time < 2; time += 1) await assert.rejects(other.login(ME, HERE), { code: 'WrongKeyEncryptionKey' });
  let reads = 0;
  const read = store.read;
  store.read = (work) => ((reads += 1) === 1 ? Promise.reject(new Error('down')) : read(work));
  const late = createAccess({ store, federation: federationOf(store), sealer: newSealer(), managementUrl: 'https://m', limits: FREE });
  await assert.rejects(late.authenticate('x'), { message: 'down' });
  await assert.rejects(late.authenticate('x'), { code: 'WrongKeyEncryptionKey' });
});

test('a flood of logins is refused beyond a bound, and the others are served', async () => {
  const { access, store } = await open();
  await access.login(ME, HERE);
  const cheap = `scrypt$2$1$1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
  await store.write((tx) => tx.putPrincipal({ id: 'cheap', tenantId: 't', displayName: 'cheap', secrets: ['a', 'b'].map((id) => ({ id, hash: cheap, createdAt: tx.now, usedAt: null })), createdAt: tx.now }));
  const outcomes = await Promise.all(Array.from({ length: 150 }, () => access.login({ ...ME, clientId: 'cheap' }, HERE).then(() => 'in', (error: { code: string }) => error.code)));
  assert.deepEqual([outcomes.filter((code) => code === 'InvalidClient').length, outcomes.filter((code) => code === 'TooManyRequests').length], [102, 48]);
  assert.equal((await access.login(ME, HERE)).expiresInSeconds, 3600);
});

test('as many hashes are tried for every client, known or not', () => {
  const at = new Date(START);
  const secret = (id: string): ClientSecret => ({ id, hash: `hash-${id}`, createdAt: at, usedAt: null });
  const principal = (...secrets: readonly ClientSecret[]): Principal => ({ id: 'p', tenantId: 't', displayName: 'p', secrets, createdAt: at });
  const nobodys = { secretId: null, hash: NOBODYS_HASH };
  const rows: readonly (readonly [Principal | null, ReturnType<typeof hashesToTry>])[] = [
    [null, [nobodys, nobodys]],
    [principal(), [nobodys, nobodys]],
    [principal(secret('a')), [{ secretId: 'a', hash: 'hash-a' }, nobodys]],
    [principal(secret('a'), secret('b')), [{ secretId: 'b', hash: 'hash-b' }, { secretId: 'a', hash: 'hash-a' }]],
  ];
  for (const [given, expected] of rows) assert.deepEqual(hashesToTry(given), expected);
});

test('the first use of a secret is written down, once', async () => {
  const { access, store, time } = await open();
  const used = async (): Promise<readonly (number | undefined)[]> => (await store.read((tx) => tx.principal('me')))!.secrets.map(({ usedAt }) => usedAt?.getTime());
  assert.deepEqual(await used(), [undefined, undefined]);
  await access.login(ME, HERE);
  time.now += 1000;
  await access.login(ME, HERE);
  assert.deepEqual(await used(), [undefined, START]);
  await assert.rejects(access.login({ ...ME, clientSecret: 'older' }, HERE));
  assert.deepEqual(await used(), [undefined, START]);
});

test('wrong secrets are counted for each client, known or not; right ones are not', async () => {
  const { store, sealer, time } = await open();
  const access = createAccess({ store, federation: federationOf(store), sealer, managementUrl: 'https://m', limits: { ...FREE, failedLogins: 3 } });
  const attempt = (change: Partial<typeof ME>): Promise<string> => access.login({ ...ME, ...change }, HERE).then(() => 'in', ({ code, retryAfter }: { code: string; retryAfter?: number }) => `${code} ${retryAfter}`);
  for (let times = 0; times < 4; times += 1) assert.equal(await attempt({}), 'in');
  for (const clientId of ['me', 'ghost']) {
    for (let times = 0; times < 3; times += 1) assert.equal(await attempt({ clientId, clientSecret: 'x' }), 'InvalidClient undefined');
    assert.equal(await attempt({ clientId: clientId.toUpperCase() }), 'TooManyRequests 20');
  }
  time.now += 20_000;
  assert.equal(await attempt({}), 'in');
});

test('attempts that race for the last token do not all get in', async () => {
  const { store, sealer } = await open();
  const access = createAccess({ store, federation: federationOf(store), sealer, managementUrl: 'https://m', limits: { ...FREE, failedLogins: 2 } });
  const codes = await Promise.all(Array.from({ length: 5 }, () => access.login({ ...ME, clientSecret: 'x' }, HERE).catch(({ code }: { code: string }) => code)));
  assert.deepEqual(codes.toSorted(), ['InvalidClient', 'InvalidClient', 'TooManyRequests', 'TooManyRequests', 'TooManyRequests']);
});
