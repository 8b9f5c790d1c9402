/** `mintmark dev` as a local API server meets it: a socket for each issuer, tokens that relying parties verify by the public documents. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { ApiServer } from '../support/api-server.ts';
import { ClusterApi, success } from '../support/dev-api.ts';
import { DevHome, eventually, type Running } from '../support/dev-server.ts';

const home = await DevHome.make({ clock: true });
const SUBJECT = 'system:serviceaccount:default:default';
let secondsAhead = 0;
const now = (): Date => new Date(Date.now() + secondsAhead * 1000);

const socketOf = ({ stdout }: Running): string => /^Signer socket +(\S+)$/m.exec(stdout)![1]!;
const flagsOf = ({ stdout }: Running): Readonly<Record<string, string>> => Object.fromEntries([...stdout.matchAll(/--(service-account-[\w-]+)=(\S+)/g)].map(([, name, value]) => [name!, value!]));

async function startApiServer(t: TestContext, socket: string, issuer: string): Promise<ApiServer> {
  const server = await ApiServer.start(socket, issuer, { now });
  t.after(() => server.stop());
  return server;
}

/** As a relying party does: by nothing but the published documents, read anew. */
async function verify(api: ClusterApi, token: string): Promise<string> {
  const { issuerURL } = await api.show();
  const { protectedHeader, payload } = await jwtVerify(token, createLocalJWKSet(await api.jwks()), { issuer: issuerURL, currentDate: now() });
  assert.equal(payload.sub, SUBJECT);
  return protectedHeader.kid!;
}

test('an API server started with the printed flags: tokens, rotation, double rotation, deletion', async (t) => {
  const server = await home.start();
  const [api, flags] = [await ClusterApi.open(home), flagsOf(server)];
  const { issuerURL, jwksURI } = await api.show();
  const socket = socketOf(server);
  assert.deepEqual(flags, { 'service-account-issuer': issuerURL, 'service-account-signing-endpoint': socket, 'service-account-jwks-uri': jwksURI });
  assert.deepEqual([statSync(socket).mode & 0o777, statSync(dirname(socket)).mode & 0o777], [0o600, 0o700]);

  const apiServer = await startApiServer(t, socket, issuerURL);
  const [key1, key2] = (await api.jwks()).keys.map(({ kid }) => kid!);
  const token1 = await apiServer.requestToken();
  assert.deepEqual([await apiServer.review(token1), await verify(api, token1)], [SUBJECT, key1]);

  // Requests run on while the keys rotate: none of them fails.
  let [isRotating, requests] = [true, 0];
  const load = (async () => {
    while (isRotating) {
      await apiServer.review(await apiServer.requestToken());
      requests += 1;
    }
  })();
  await api.rotateToTheEnd();
  const young = await eventually('a token has the new key', async () => {
    const token = await apiServer.requestToken();
    return decodeProtectedHeader(token).kid === key2 ? token : undefined;
  });
  isRotating = false;
  await load;
  assert.ok(requests > 0);
  assert.deepEqual([await verify(api, young), await verify(api, token1)], [key2, key1]);
  await apiServer.sync();
  assert.deepEqual(apiServer.kids, (await api.jwks()).keys.map(({ kid }) => kid));

  await home.setClock((secondsAhead = 60));
  await api.rotateToTheEnd();
  await eventually('the first key is out', async () => {
    await apiServer.sync();
    return apiServer.kids.includes(key1!) ? undefined : true;
  });
  await assert.rejects(apiServer.review(token1), /invalid bearer token/);
  await assert.rejects(verify(api, token1), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
  assert.equal(await apiServer.review(young), SUBJECT);

  const last = await apiServer.requestToken();
  success(await api.send('DELETE', api.cluster).then((reply) => ({ ...reply, text: '{}' })));
  await eventually('nothing is signed any more', () => apiServer.requestToken().then(() => undefined, () => true));
  await assert.rejects(apiServer.requestToken(), { code: 9, details: `Nothing is signed: the issuer ${issuerURL} was deleted.` });
  assert.equal(await apiServer.review(last), SUBJECT);
  await server.end('SIGTERM');
  assert.equal(existsSync(socket), false);
});

test('a cluster that is made later has a socket; a server that was killed comes back on it', async (t) => {
  const server = await home.start();
  const api = await ClusterApi.open(home, { name: 'later' });
  await api.create();
  const { issuerURL } = await api.show();
  const socket = join(home.dir, 'signers', `${issuerURL.split('/').at(-2)}.sock`);
  await eventually('it has a socket', () => existsSync(socket) || undefined);
  const apiServer = await startApiServer(t, socket, issuerURL);
  const token = await apiServer.requestToken();
  await server.end('SIGKILL');
  assert.ok(existsSync(socket));
  await home.start();
  await eventually('it signs again', () => apiServer.requestToken().then((again) => apiServer.review(again), () => undefined));
  assert.equal(await apiServer.review(token), SUBJECT);
});

const longHome = await DevHome.make({ below: 'x'.repeat(80) });

test('a home whose path is too long for sockets: they are in a short folder, for their owner only', async (t) => {
  const server = await longHome.start();
  const socket = socketOf(server);
  assert.ok(Buffer.byteLength(socket) <= 107 && !socket.startsWith(longHome.dir), socket);
  assert.equal(statSync(dirname(socket)).mode & 0o777, 0o700);
  const { issuerURL } = await (await ClusterApi.open(longHome)).show();
  await (await startApiServer(t, socket, issuerURL)).requestToken();
  await server.end('SIGTERM');
  assert.equal(existsSync(socket), false);
});
