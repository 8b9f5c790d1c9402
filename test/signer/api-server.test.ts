/** What an API server gets from the signer behind a real socket: every check of KEP-740's caller, as it makes them. */
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2, type Settings } from 'node:http2';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { MintmarkError } from '../../src/domain/errors.ts';
import { ApiServer } from '../support/api-server.ts';
import { ExternalJwtWire } from '../support/external-jwt-wire.ts';
import { ISSUER, makeKey, openedRing, serveRing } from '../support/signer-rings.ts';

const [KEY1, KEY2, KEY3, IMPORTED] = [makeKey(), makeKey(), makeKey(), makeKey('ES384')];
const SUBJECT = 'system:serviceaccount:default:default';

async function start(t: TestContext, socket: string, more: Parameters<typeof ApiServer.start>[2] = {}): Promise<ApiServer> {
  const server = await ApiServer.start(socket, ISSUER, more);
  t.after(() => server.stop());
  return server;
}

const headerOf = (token: string): Record<string, unknown> => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString('utf8')) as Record<string, unknown>;

for (const packageName of ['v1', 'v1alpha1'] as const) {
  test(`an API server that calls ${packageName} starts, gets a token, and verifies it`, async (t) => {
    const { socket } = await serveRing(t, await openedRing({ active: KEY1, prepared: KEY2 }));
    const server = await start(t, socket, { packageName });
    const token = await server.requestToken();
    assert.deepEqual(headerOf(token), { alg: 'RS256', kid: KEY1.kid, typ: 'JWT' });
    assert.equal(await server.review(token), SUBJECT);
    assert.deepEqual(server.jwks, [`${KEY1.kid} RS256`, `${KEY2.kid} RS256`]);
  });
}

for (const algorithm of ['RS256', 'ES256', 'ES384', 'ES512'] as const) {
  test(`a token by ${algorithm} verifies with the API server and with jose`, async (t) => {
    const key = makeKey(algorithm);
    const { socket } = await serveRing(t, await openedRing({ active: key, prepared: KEY2 }));
    const server = await start(t, socket);
    const token = await server.requestToken({ expirationSeconds: 7200 });
    assert.equal(await server.review(token), SUBJECT);
    const keys = createLocalJWKSet({ keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: key.kid, alg: algorithm }] });
    const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, algorithms: [algorithm] });
    assert.equal(payload.exp! - payload.iat!, 7200);
  });
}

test('claims are signed as they came, whatever their spelling', async (t) => {
  const { socket } = await serveRing(t, await openedRing({ active: KEY1, prepared: KEY2 }));
  const wire = new ExternalJwtWire(socket);
  t.after(() => wire.close());
  const now = Math.floor(Date.now() / 1000);
  // Other order, blanks, an escape, a member that is a float in disguise: no encoder of ours would write this.
  const payload = Buffer.from(`{ "sub": "system:serviceaccount:default:d\\u0065fault", "iss":"${ISSUER}",\n"iat":${now}.0 ,"exp": ${now + 600}, "x":"<&>" }`).toString('base64url');
  const { header, signature } = await wire.sign(payload);
  const keys = createLocalJWKSet({ keys: [{ ...KEY1.publicKey.export({ format: 'jwk' }), kid: KEY1.kid, alg: 'RS256' }] });
  const { payload: claims } = await jwtVerify(`${header}.${payload}.${signature}`, keys);
  assert.equal(claims['x'], '<&>');
});

test('FetchKeys: the order of the JWKS, then imported keys that are kept out of it; PKIX DER; the hint', async (t) => {
  for (const [gapSeconds, hint] of [[600, 30], [60, 30], [59, 29], [3, 1], [1, 1]] as const) {
    const { socket } = await serveRing(t, await openedRing({ active: KEY2, prepared: KEY3, retired: [[KEY1, new Date(Date.now() + 60_000)]], verifyOnly: [[IMPORTED, null]], gapSeconds }));
    const wire = new ExternalJwtWire(socket);
    const reply = await wire.fetchKeys().finally(() => wire.close());
    assert.deepEqual(reply.keys.map(({ keyId, exclude }) => [keyId, exclude]), [[KEY1.kid, false], [KEY2.kid, false], [KEY3.kid, false], [IMPORTED.kid, true]]);
    for (const [index, key] of ([KEY1, KEY2, KEY3, IMPORTED] as const).entries()) assert.ok(createPublicKey({ key: reply.keys[index]!.key, format: 'der', type: 'spki' }).equals(key.publicKey));
    assert.equal(reply.refreshHintSeconds, hint);
  }
});

test('Metadata: a day', async (t) => {
  const { socket } = await serveRing(t, await openedRing({ active: KEY1, prepared: KEY2 }));
  const wire = new ExternalJwtWire(socket);
  t.after(() => wire.close());
  assert.deepEqual(await wire.metadata(), { maxTokenExpirationSeconds: 86_400 });
  const server = await start(t, socket);
  const { payload } = await server.signed({ expirationSeconds: 7 * 86_400 });
  const { exp, iat } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { exp: number; iat: number };
  assert.equal(exp - iat, 86_400);
});

test("a pod's token that the API server extends lives for a day, the signer's longest, and is signed", async (t) => {
  const { socket } = await serveRing(t, await openedRing({ active: KEY1, prepared: KEY2 }));
  const server = await start(t, socket);
  for (const [expirationSeconds, life, warns] of [[3606, 3606, false], [3607, 86_400, true]] as const) {
    const token = await server.requestToken({ expirationSeconds, pod: 'web-0' });
    const { exp, iat, 'kubernetes.io': bound } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString('utf8')) as { exp: number; iat: number; 'kubernetes.io': { pod: { name: string }; warnafter?: number } };
    assert.deepEqual([exp - iat, bound.pod.name, bound.warnafter === undefined ? null : bound.warnafter - iat], [life, 'web-0', warns ? 3607 : null]);
    assert.equal(await server.review(token), SUBJECT);
  }
});

test('a rotation: no restart, old and new tokens verify, the JWKS follows with the first token of the new key', async (t) => {
  const { ring, socket } = await serveRing(t, await openedRing({ active: KEY1, prepared: KEY2 }));
  const server = await start(t, socket);
  const old = await server.requestToken();
  await ring.use(await openedRing({ active: KEY2, prepared: KEY3, retired: [[KEY1, null]], version: 2 }));
  const young = await server.requestToken();
  assert.equal(headerOf(young)['kid'], KEY2.kid);
  assert.deepEqual([await server.review(old), await server.review(young)], [SUBJECT, SUBJECT]);
  await server.sync();
  assert.deepEqual(server.jwks, [KEY1, KEY2, KEY3].map(({ kid }) => `${kid} RS256`));
});

test('a second rotation within the day takes the first key away', async (t) => {
  const { ring, socket } = await serveRing(t, await openedRing({ active: KEY1, prepared: KEY2 }));
  const server = await start(t, socket);
  const old = await server.requestToken();
  await ring.use(await openedRing({ active: KEY2, prepared: KEY3, version: 3 }));
  await server.sync();
  await assert.rejects(server.review(old), /invalid bearer token/);
  assert.deepEqual(server.kids, [KEY2.kid, KEY3.kid]);
});

test('data_timestamp moves with every change of the reply, by a ring or by time alone, and with nothing else', async (t) => {
  let now = new Date('2026-01-01T00:00:00Z');
  const end = new Date('2026-01-01T01:00:00Z');
  const first = { active: KEY1, prepared: KEY2, retired: [[KEY3, end]] } as const;
  const { ring, socket } = await serveRing(t, await openedRing(first), { now: () => now });
  const wire = new ExternalJwtWire(socket);
  t.after(() => wire.close());
  const stamp = async (): Promise<number> => {
    const { timestamp } = await wire.fetchKeys();
    return timestamp!.seconds * 1000 + timestamp!.nanos / 1e6;
  };
  const born = await stamp();
  await ring.use(await openedRing({ ...first, version: 2 }));
  assert.equal(await stamp(), born, 'another version with the same keys');
  now = new Date(end.getTime() - 1);
  assert.equal(await stamp(), born, 'a millisecond before the end of a key');
  now = end;
  const expired = await stamp();
  assert.ok(expired > born, 'a key has ended');
  now = new Date('2025-12-01T00:00:00Z');
  await ring.use(await openedRing({ active: KEY1, prepared: KEY2, gapSeconds: 4, version: 3 }));
  const hinted = await stamp();
  assert.ok(hinted > expired, 'another hint, with a clock that was set back');
  await ring.use(await openedRing({ active: KEY1, prepared: KEY2, verifyOnly: [[KEY3, null]], gapSeconds: 4, version: 4 }));
  assert.ok((await stamp()) > hinted, 'an imported key');
});

test('a key that has ended is in no reply, and an API server drops it', async (t) => {
  let now = new Date();
  const end = new Date(now.getTime() + 60_000);
  const { socket } = await serveRing(t, await openedRing({ active: KEY2, prepared: KEY3, retired: [[KEY1, end]], verifyOnly: [[IMPORTED, end]] }), { now: () => now });
  const server = await start(t, socket);
  assert.deepEqual(server.kids, [KEY1.kid, KEY2.kid, KEY3.kid, IMPORTED.kid]);
  now = end;
  await server.sync();
  assert.deepEqual(server.kids, [KEY2.kid, KEY3.kid]);
});

test('a closed ring: nothing is signed, keys are still given', async (t) => {
  const { ring, socket } = await serveRing(t, await openedRing({ active: KEY1, prepared: KEY2 }));
  const server = await start(t, socket);
  const token = await server.requestToken();
  await ring.use(await openedRing({ active: null, retired: [[KEY1, null]], version: 2 }));
  await assert.rejects(server.requestToken(), { code: 9, details: `Nothing is signed: the issuer ${ISSUER} was deleted.` });
  assert.equal(await server.review(token), SUBJECT);
});

test('a bar: nothing is signed while there is one', async (t) => {
  let bar: string | null = 'the lease has ended.';
  const { socket } = await serveRing(t, await openedRing({ active: KEY1, prepared: KEY2 }), { bar: () => bar });
  const server = await start(t, socket);
  await assert.rejects(server.requestToken(), { code: 9, details: 'Nothing is signed: the lease has ended.' });
  bar = null;
  await server.requestToken();
});

test('what can not be foreseen is told without what it was', async (t) => {
  const broken = await openedRing({ active: KEY1, prepared: KEY2 });
  const { socket } = await serveRing(t, { ...broken, signer: { kid: KEY1.kid, algorithm: 'RS256', sign: () => Promise.reject(new Error('secret detail of /var/lib')) } });
  const server = await start(t, socket);
  await assert.rejects(server.requestToken(), { code: 13, details: 'The signer could not sign this token. Its log on the host of the API server says why.' });
});

test('what was asked with odd characters is refused in words that can be sent, wherever these are cut', async (t) => {
  const { socket } = await serveRing(t, await openedRing({ active: KEY1, prepared: KEY2 }));
  const wire = new ExternalJwtWire(socket);
  t.after(() => wire.close());
  for (const letters of [197, 198, 199, 200]) {
    const claims = Buffer.from(JSON.stringify({ iss: `${'x'.repeat(letters)}😀😀` })).toString('base64url');
    await assert.rejects(wire.sign(claims), ({ code, details }: { code: number; details: string }) => code === 3 && details.startsWith('The claims are not signed: their issuer is "xxx'));
  }
});

test('a refusal that can not be sent as it is ends one call, and not the process', async (t) => {
  const opened = await openedRing({ active: KEY1, prepared: KEY2 });
  const { socket } = await serveRing(t, { ...opened, signer: { kid: KEY1.kid, algorithm: 'RS256', sign: () => Promise.reject(new MintmarkError('ClaimsRefused', 'half a pair: \ud83d')) } });
  const server = await start(t, socket);
  await assert.rejects(server.requestToken(), { code: 13, details: 'The signer could not sign this token. Its log on the host of the API server says why.' });
});

test('a ring that comes while a token is signed: the token leaves under the new key', async (t) => {
  const [before, after] = [await openedRing({ active: KEY1, prepared: KEY2 }), await openedRing({ active: KEY2, prepared: KEY3, retired: [[KEY1, null]], version: 2 })];
  const { ring, socket } = await serveRing(t, { ...before, signer: { kid: KEY1.kid, algorithm: 'RS256', sign: async (input) => {
    await ring.use(after);
    return before.signer!.sign(input);
  } } });
  const server = await start(t, socket);
  const token = await server.requestToken();
  assert.equal(headerOf(token)['kid'], KEY2.kid);
  assert.equal(await server.review(token), SUBJECT);
});

test('many at once, beyond what a connection takes at a time', async (t) => {
  const { socket } = await serveRing(t, await openedRing({ active: KEY1, prepared: KEY2 }));
  const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
  t.after(() => session.destroy());
  const [{ maxConcurrentStreams }] = (await once(session, 'remoteSettings')) as [Settings];
  assert.equal(maxConcurrentStreams, 256);
  const server = await start(t, socket);
  const tokens = await Promise.all(Array.from({ length: 600 }, () => server.requestToken()));
  assert.equal(new Set(tokens).size, 600);
  for (const token of tokens) assert.equal(await server.review(token), SUBJECT);
  assert.equal(server.fetches, 1);
});

test('what is too large, and methods that do not exist', async (t) => {
  const { socket } = await serveRing(t, await openedRing({ active: KEY1, prepared: KEY2 }));
  const wire = new ExternalJwtWire(socket);
  t.after(() => wire.close());
  await assert.rejects(wire.sign('a'.repeat(70_000)), { code: 8 });
  await assert.rejects(wire.sign('a'.repeat(50_000)), { code: 3, details: 'The claims are not signed: they are longer than 49152 bytes.' });
  await assert.rejects(wire.sign(''), { code: 3, details: 'The claims are not signed: they are not a JSON object in base64url without padding.' });
  const beta = new ExternalJwtWire(socket, 'v1beta1' as 'v1');
  t.after(() => beta.close());
  await assert.rejects(beta.metadata(), { code: 12 });
});
