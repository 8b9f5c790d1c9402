/** `mintmark signer run` as the real process, beside an API server, against the real server. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { packageVersion } from '../../src/package-version.ts';
import { ApiServer } from '../support/api-server.ts';
import { ClusterApi, success } from '../support/dev-api.ts';
import { eventually, freePort } from '../support/dev-server.ts';
import { type SignerHost, SignerServer } from '../support/signer-servers.ts';

const server = await SignerServer.make();
const cuttable = await SignerServer.make({ cuttable: true });
const SUBJECT = 'system:serviceaccount:default:default';

async function startApiServer(t: TestContext, host: SignerHost, of = server): Promise<ApiServer> {
  const { issuerURL } = await (await ClusterApi.open(of)).show();
  const apiServer = await ApiServer.start(host.socket, issuerURL);
  t.after(() => apiServer.stop());
  return apiServer;
}

/** The `kid` by which a token verifies with the documents that are published now. */
async function publicKid(api: ClusterApi, token: string): Promise<string> {
  const { protectedHeader } = await jwtVerify(token, createLocalJWKSet(await api.jwks()), { issuer: (await api.show()).issuerURL });
  return protectedHeader.kid!;
}

interface SignerFacts {
  readonly properties: { readonly acknowledgedVersion: number | null; readonly keyInUse: string | null; readonly mintmarkVersion: string | null };
}

const factsOf = async (api: ClusterApi, name: string): Promise<SignerFacts['properties']> => success<SignerFacts>(await api.send('GET', `${api.issuer}/signers/${name}`)).properties;

async function ask(port: number, path: string): Promise<{ readonly status: number | undefined; readonly body: string }> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (reply) => text(reply).then((body) => resolve({ status: reply.statusCode, body }), reject)).on('error', reject);
  });
}

test('from a token to tokens: rotation under load, relying parties, health', async (t) => {
  const api = await ClusterApi.open(server);
  const host = await server.signer('cp-1');
  const port = await freePort();
  await host.start('--health-listen', `127.0.0.1:${port}`);
  const apiServer = await startApiServer(t, host);
  const [key1, key2] = (await api.jwks()).keys.map(({ kid }) => kid!);
  const old = await apiServer.requestToken();
  assert.deepEqual([await apiServer.review(old), await publicKid(api, old)], [SUBJECT, key1]);
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
  assert.deepEqual([await publicKid(api, old), await publicKid(api, young)], [key1, key2]);
  const { ringVersion } = await api.show();
  await eventually('the server knows', async () => ((await factsOf(api, 'cp-1')).acknowledgedVersion === ringVersion || undefined));
  const { keyInUse, mintmarkVersion } = await factsOf(api, 'cp-1');
  assert.deepEqual([keyInUse, mintmarkVersion], [key2, packageVersion()]);
  const health = await ask(port, '/healthz');
  const { signs, ring, kid, server: standing, warnings } = JSON.parse(health.body) as Record<string, unknown>;
  assert.deepEqual([health.status, signs, ring, kid, standing, warnings], [200, true, String(ring), key2, 'connected', []]);
  const metrics = (await ask(port, '/metrics')).body;
  assert.match(metrics, /^mintmark_signer_may_sign 1$/m);
  assert.match(metrics, new RegExp(`^mintmark_signer_acknowledged_version ${ringVersion}$`, 'm'));
  assert.ok(Number(/^mintmark_signer_sign_duration_seconds_count (\d+)$/m.exec(metrics)![1]) > requests);
  assert.equal((await ask(port, '/')).status, 404);
  await host.end('SIGTERM');
});

test('an API server that was there before: it waits for the socket', async (t) => {
  const host = await server.signer('cp-late');
  const starting = startApiServer(t, host);
  await host.start();
  await (await starting).requestToken();
});

test('killed and back: the same socket, the next token', async (t) => {
  const host = await server.signer('cp-killed');
  await host.start();
  const apiServer = await startApiServer(t, host);
  const token = await apiServer.requestToken();
  for (let times = 0; times < 2; times += 1) {
    await host.end('SIGKILL');
    assert.ok(existsSync(host.socket));
    await host.start();
    assert.equal(await apiServer.review(await apiServer.requestToken()), SUBJECT);
  }
  assert.equal(await apiServer.review(token), SUBJECT);
});

test('a graceful stop finishes what is in flight, and takes the socket away', async (t) => {
  const host = await server.signer('cp-graceful');
  await host.start();
  const apiServer = await startApiServer(t, host);
  await apiServer.requestToken();
  const inFlight = Array.from({ length: 200 }, () => apiServer.requestToken());
  await Promise.any(inFlight);
  const ended = await host.end('SIGTERM');
  assert.equal(ended?.code, 0);
  assert.equal(existsSync(host.socket), false);
  const results = await Promise.allSettled(inFlight);
  const fulfilled = results.filter(({ status }) => status === 'fulfilled');
  assert.ok(fulfilled.length > 0);
  for (const { reason } of results.filter((result) => result.status === 'rejected')) assert.match(String(reason), /UNAVAILABLE|DEADLINE_EXCEEDED/);
  for (const { value } of fulfilled as PromiseFulfilledResult<string>[]) assert.equal(await apiServer.review(value), SUBJECT);
});

test('the server away: signing goes on, also from the disk after a restart; a rotation comes when it is back', async (t) => {
  const host = await server.signer('cp-alone');
  await host.start();
  const apiServer = await startApiServer(t, host);
  const old = await apiServer.requestToken();
  await server.end('SIGKILL');
  await apiServer.requestToken();
  await host.end('SIGKILL');
  await host.start();
  const young = await apiServer.requestToken();
  assert.deepEqual([await apiServer.review(old), await apiServer.review(young)], [SUBJECT, SUBJECT]);
  await server.start();
  const api = await ClusterApi.open(server);
  success(await api.send('POST', `${api.issuer}/rotate`, { force: true }));
  await eventually('a token has the new key', async () => (decodeProtectedHeader(await apiServer.requestToken()).kid !== decodeProtectedHeader(young).kid || undefined));
});

test('a start on a disk of before, while nothing moves on the line yet: it waits for the server, and begins with the ring of that', async (t) => {
  const host = await cuttable.signer('cp-of-before');
  const begunWith = async (): Promise<string> => /"kid":"([^"]+)","msg":"signing"/.exec((await eventually('it signs', () => (host.stderr.includes('"msg":"signing"') ? host.stderr : undefined))))![1]!;
  await host.start();
  const old = await begunWith();
  await host.end('SIGTERM');
  const api = await ClusterApi.open(cuttable);
  success(await api.send('POST', `${api.issuer}/rotate`, { force: true }));
  const young = await eventually('another key signs', async () => (await api.show()).keys.find(({ kid, state }) => state === 'active' && kid !== old)?.kid);
  const others = host.line.connections;
  host.line.hold();
  t.after(() => host.line.heal());
  host.launch();
  await eventually('the server is asked', () => host.line.connections > others || undefined);
  host.line.heal();
  assert.equal(await begunWith(), young);
  assert.equal(decodeProtectedHeader(await (await startApiServer(t, host, cuttable)).requestToken()).kid, young);
});

test('a deleted signer signs no more, and says why when it is started again', async (t) => {
  const host = await server.signer('cp-deleted');
  await host.start();
  const apiServer = await startApiServer(t, host);
  const token = await apiServer.requestToken();
  const api = await ClusterApi.open(server);
  success(await api.send('DELETE', `${api.issuer}/signers/cp-deleted`));
  await eventually('nothing is signed', () => apiServer.requestToken().then(() => undefined, () => true));
  await assert.rejects(apiServer.requestToken(), { details: 'Nothing is signed: this signer was deleted on its server.' });
  assert.equal(await apiServer.review(token), SUBJECT);
  assert.equal(existsSync(join(host.stateDir, 'ring.jwe')), false);
  await host.end('SIGTERM');
  const { code, stderr } = await host.launch().ended;
  assert.deepEqual([code, stderr.split('\n').at(-2)], [1, `ERROR: (SigningStopped) The signer 'cp-deleted' was deleted on its server, and its ring was wiped from ${host.stateDir}. To sign here again, empty that folder and enrol it anew.`]);
});

test('a signer with key files that was deleted while it was down leaves no private key, whatever else is wrong', async () => {
  const host = await server.signer('cp-key-files');
  const [keyFolder, line] = [join(host.dir, 'keys'), ['signer', 'run', '--state-dir', host.stateDir, '--mode', 'key-files', '--key-folder', join(host.dir, 'keys')]];
  const running = server.run(...line);
  await eventually('the files are written', () => running.stderr.includes('"msg":"signing"') || undefined);
  assert.equal(/^.*"msg":"signing".*$/m.exec(running.stderr)?.[0].match(/"pid":/g)?.length, 1, 'no member of a line is there twice');
  await running.end('SIGTERM');
  assert.deepEqual(['sa.key', 'sa.pub'].map((file) => existsSync(join(keyFolder, file))), [true, true]);
  const api = await ClusterApi.open(server);
  success(await api.send('DELETE', `${api.issuer}/signers/cp-key-files`));
  const { code, stderr } = await server.run(...line, '--kubeconfig', join(host.dir, 'nothing')).ended;
  assert.equal(code, 1);
  assert.match(stderr, /sa\.key is removed[^]*ERROR: \(SigningStopped\) The signer 'cp-key-files' was deleted/);
  assert.deepEqual(['sa.key', 'sa.pub'].map((file) => existsSync(join(keyFolder, file))), [false, true]);
});

test('a signer whose issuer was deleted while it was down says at its start that nothing is signed', async () => {
  const [api, dir] = [await ClusterApi.open(server, { name: 'closing' }), server.path('closing')];
  await api.create();
  mkdirSync(dir, { mode: 0o700 });
  writeFileSync(join(dir, 'token'), success<{ token: string }>(await api.send('POST', `${api.issuer}/createSigner`, { name: 'cp-closing' })).token, { mode: 0o600 });
  const line = ['signer', 'run', '--token-file', join(dir, 'token'), '--state-dir', join(dir, 'state'), '--socket', join(dir, 's.sock')];
  const running = server.run(...line);
  await eventually('it signs', () => running.stderr.includes('"msg":"signing"') || undefined);
  await running.end('SIGTERM');
  const { issuerURL } = await api.show();
  success(await api.send('POST', `${api.issuer}/writeOffSigner`, { name: 'cp-closing' }));
  success(await api.send('DELETE', api.cluster).then((reply) => ({ ...reply, text: '{}' })));
  const again = server.run(...line);
  const told = await eventually('it says so', () => /^.*nothing is signed.*$/m.exec(again.stderr)?.[0]);
  const { level, msg } = JSON.parse(told) as { readonly level: number; readonly msg: string };
  assert.deepEqual([level, msg, again.stderr.includes('"msg":"signing"')], [50, `the issuer ${issuerURL} was deleted: nothing is signed any more, and tokens in use verify until they end`, false]);
  await again.end('SIGTERM');
});

test('what can not be started says why', async () => {
  const host = await server.signer('cp-refusals');
  const [running, long] = [await host.start(), join(host.dir, 'x'.repeat(120))];
  const rows: readonly (readonly [readonly string[], string])[] = [
    [['--state-dir', host.stateDir, '--socket', join(host.dir, 'other.sock')], `(HomeInUse) Another signer runs on the state folder ${host.stateDir}. Stop it, or give this one another folder with --state-dir DIR.`],
    [['--state-dir', join(host.dir, 'nothing'), '--socket', host.socket], `(InvalidConfiguration) ${join(host.dir, 'nothing')} is not enrolled. 'mintmark signer create' on the server gives a token; 'mintmark signer enroll --token-file FILE --state-dir ${join(host.dir, 'nothing')}' enrols this host with it.`],
  ];
  for (const [line, message] of rows) {
    const { code, stderr } = await server.run('signer', 'run', ...line).ended;
    assert.deepEqual([code, stderr], [1, `ERROR: ${message}\n`]);
  }
  await running.end('SIGTERM');
  const tooLong = await server.run('signer', 'run', '--state-dir', host.stateDir, '--socket', long).ended;
  assert.equal(tooLong.code, 1);
  assert.match(tooLong.stderr, /ERROR: \(InvalidConfiguration\) The socket's path \S+ has \d+ bytes; the system takes 107 at most\. Choose a shorter one\.\n$/);
});

test('a signer whose log is on a full disk starts, signs and stops as ever', async (t) => {
  const host = await server.signer('cp-full');
  const port = await freePort();
  const running = server.runInto({ stderr: '/dev/full' }, ['signer', 'run', '--state-dir', host.stateDir, '--socket', host.socket, '--health-listen', `127.0.0.1:${port}`]);
  await eventually('it signs', () => ask(port, '/healthz').then(({ status }) => status === 200 || undefined, () => undefined));
  const apiServer = await startApiServer(t, host);
  assert.equal(await apiServer.review(await apiServer.requestToken()), SUBJECT);
  assert.match((await ask(port, '/metrics')).body, /^mintmark_log_failures_total [1-9]/m);
  const { code, signal } = await running.end('SIGTERM');
  assert.deepEqual([code, signal], [0, null]);
});
