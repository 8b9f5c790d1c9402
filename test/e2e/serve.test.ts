/** `mintmark serve` as the real process: from a file of settings, with certificates that are replaced while it runs, until a signal. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm, symlink, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { type Ended, eventually, freePort, isFree } from '../support/dev-server.ts';
import { authority, certificateFor, ServeFolder, serving } from '../support/serve-folder.ts';

async function makeFolder(): Promise<ServeFolder> {
  const folder = await ServeFolder.make();
  after(() => folder.remove());
  return folder;
}

async function get(port: number, path: string, agent: Agent | false = false): Promise<{ readonly status: number | undefined; readonly socket: TLSSocket }> {
  const sent = request({ host: 'localhost', port, path, agent, ca: authority.certificate }).end();
  const socket = once(sent, 'socket');
  const [reply] = (await once(sent, 'response')) as [IncomingMessage];
  await text(reply);
  return { status: reply.statusCode, socket: (await socket)[0] as TLSSocket };
}

/** What a new connection is shown. */
async function fingerprint(port: number): Promise<string> {
  const socket = connect({ host: 'localhost', port, servername: 'localhost', ca: authority.certificate });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

const one = await makeFolder();

test('it serves what its file says, warns of an empty store, and ends on SIGTERM with its ports free', async () => {
  const { code: checked, stdout } = await one.run('config', 'check', '--config', one.path('mintmark.yaml')).ended;
  assert.deepEqual([checked, stdout], [0, 'Nothing is wrong with the configuration and its files.\n']);
  const server = await one.serve();
  for (const port of [one.management, one.issuer]) for (const path of ['/healthz', '/readyz']) assert.equal((await get(port, path)).status, 200);
  assert.match(server.stderr, /"level":40,.*mintmark admin bootstrap/);
  const { code, signal } = await server.end('SIGTERM');
  assert.deepEqual([code, signal, await isFree(one.management), await isFree(one.issuer)], [0, null, true, true]);
});

test('a store that was not there is told with its whole path, once: its volume may not be mounted', async () => {
  const folder = await makeFolder();
  const told = async (): Promise<readonly (readonly [level: number, text: string])[]> => {
    const server = await folder.serve();
    await server.end('SIGTERM');
    const lines = server.stderr.split('\n').filter((line) => line.includes('empty store')).map((line) => JSON.parse(line) as { readonly level: number; readonly msg: string });
    return lines.map(({ level, msg }) => [level, msg.split('. ')[0]!]);
  };
  const warning = [[40, `a new, empty store was made: there was no file ${folder.path('mintmark.db')}`]];
  assert.deepEqual(await told(), warning);
  assert.deepEqual(await told(), []);
  for (const end of ['', '-wal', '-shm']) await rm(`${folder.path('mintmark.db')}${end}`, { force: true });
  assert.deepEqual(await told(), warning, 'the volume is gone');
});

test('where admin bootstrap made the store, as the first steps say, serve has nothing to tell of it', async () => {
  const folder = await makeFolder();
  assert.equal((await folder.run('admin', 'bootstrap', '--config', folder.path('mintmark.yaml')).ended).code, 0);
  const server = await folder.serve();
  await server.end('SIGTERM');
  assert.deepEqual([server.stderr.includes('"msg":"serving"'), server.stderr.includes('empty store')], [true, false]);
});

test('a second server on the store, and another key-encryption key, are refused with the reason', async () => {
  const server = await one.serve();
  const second = await one.run('serve', '--config', one.path('mintmark.yaml')).ended;
  assert.deepEqual([second.code, second.stderr.split('. ')[0]], [1, `ERROR: (HomeInUse) Another Mintmark server runs on the store ${one.path('mintmark.db')}`]);
  await symlink('mintmark.db', one.path('link.db'));
  const byLink = await one.run('serve', '--config', one.path('mintmark.yaml'), '--set', `store.file=${one.path('link.db')}`).ended;
  assert.deepEqual([byLink.code, byLink.stderr.split('. ')[0]], [1, `ERROR: (HomeInUse) Another Mintmark server runs on the store ${one.path('link.db')}`]);
  await server.end('SIGTERM');
  await writeFile(one.path('other-key'), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const other = await one.run('serve', '--config', one.path('mintmark.yaml'), '--set', `keyEncryptionKey.file=${one.path('other-key')}`).ended;
  assert.equal(other.code, 1);
  assert.match(other.stderr, /^ERROR: \(WrongKeyEncryptionKey\) /m);
});

test('what is missing is one error with all of it', async () => {
  const { code, stdout, stderr } = await one.run('serve').ended;
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^ERROR: \(InvalidConfiguration\) 6 things are wrong with the configuration:\n/);
  const told = stderr.trim().split('\n').slice(1).map((line) => line.replace(/^- (.*?) (?:is|are) missing: .*$/, '$1'));
  assert.deepEqual(told, [
    'store.file', 'keyEncryptionKey.file', 'management.url', 'issuer.urlTemplate',
    'management.tls.certificateFile and management.tls.keyFile', 'issuer.tls.certificateFile and issuer.tls.keyFile',
  ]);
});

test('a clock that can be moved is not for production', async () => {
  const flag = await one.run('serve', '--config', one.path('mintmark.yaml'), '--clock-file', '/x').ended;
  assert.deepEqual([flag.code, flag.stderr], [2, 'ERROR: unrecognized arguments: --clock-file\n']);
  const setting = await one.run('serve', '--config', one.path('mintmark.yaml'), '--set', 'clockFile=/x').ended;
  assert.match(`${setting.code} ${setting.stderr}`, /^1 ERROR: [^]*--set clockFile is no setting\./);
});

test('behind a proxy it is plain HTTP; the environment is enough, and a flag is before it', async () => {
  const environment = {
    MINTMARK_STORE_FILE: one.path('mintmark.db'), MINTMARK_KEY_ENCRYPTION_KEY_FILE: one.path('key-encryption-key'), MINTMARK_MANAGEMENT_URL: 'https://mintmark.example.com',
    MINTMARK_ISSUER_URL_TEMPLATE: 'https://{region}.oic.example.com/{uuid}/', MINTMARK_MANAGEMENT_BEHIND_PROXY: 'true', MINTMARK_ISSUER_BEHIND_PROXY: 'true',
    MINTMARK_MANAGEMENT_LISTEN: `127.0.0.1:${one.management}`, MINTMARK_ISSUER_LISTEN: '127.0.0.1:1', MINTMARK_LOG_LEVEL: 'error',
  };
  const flags = ['--set', `issuer.listen=127.0.0.1:${one.issuer}`, '--set', 'logLevel=info'];
  const shown = await one.runIn(environment, ['config', 'show', ...flags, '--query', "[?setting=='issuer.listen' || setting=='management.listen'].[value, from]"]).ended;
  assert.deepEqual([shown.code, JSON.parse(shown.stdout)], [0, [[`127.0.0.1:${one.management}`, 'MINTMARK_MANAGEMENT_LISTEN'], [`127.0.0.1:${one.issuer}`, '--set']]]);
  const server = await serving(one.runIn(environment, ['serve', ...flags]));
  for (const port of [one.management, one.issuer]) assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
  assert.equal((await server.end('SIGTERM')).code, 0);
});

test('the log says where each listener is, in the same words, and no line has a member twice', async () => {
  const [signers, metrics] = [await freePort(), await freePort()];
  const more = [`signers.url=https://localhost:${signers}`, `signers.listen=127.0.0.1:${signers}`, `signers.tls.certificateFile=${one.path('server.pem')}`, `signers.tls.keyFile=${one.path('server-key.pem')}`, `metrics.listen=127.0.0.1:${metrics}`];
  const server = await one.serve(...more.flatMap((setting) => ['--set', setting]));
  await server.end('SIGTERM');
  const lines = server.stderr.trim().split('\n');
  const told = lines.map((line) => (JSON.parse(line) as { msg: string }).msg).filter((msg) => / at https?:/.test(msg)).toSorted();
  assert.deepEqual(told, [
    `metrics are served at http://127.0.0.1:${metrics}`, `signers are served at https://127.0.0.1:${signers}`,
    `the management API listens at https://127.0.0.1:${one.management}`, `the public documents are served at https://127.0.0.1:${one.issuer}`,
  ]);
  for (const line of lines) assert.equal(line.match(/"pid":/g)?.length, 1, line);
});

const two = await makeFolder();

test('a new certificate is served without cutting a connection, and a broken one is not taken', async () => {
  const server = await two.serve();
  const agents = [two.management, two.issuer].map((port) => ({ port, agent: new Agent({ keepAlive: true, maxSockets: 1, ca: authority.certificate }) }));
  const sockets = await Promise.all(agents.map(async ({ port, agent }) => (await get(port, '/healthz', agent)).socket));
  const former = await fingerprint(two.management);

  await writeFile(two.path('server-key.pem'), 'no key');
  server.process.kill('SIGHUP');
  await eventually('the broken pair is told for both', () => server.stderr.match(/the new certificate can not be served/g)?.length === 2 || undefined);
  assert.deepEqual([await fingerprint(two.management), await fingerprint(two.issuer)], [former, former]);

  await two.put(await certificateFor('localhost'));
  server.process.kill('SIGHUP');
  for (const port of [two.management, two.issuer]) await eventually('the new certificate is served', async () => (await fingerprint(port)) !== former || undefined);
  const again = await Promise.all(agents.map(async ({ port, agent }) => (await get(port, '/healthz', agent)).socket));
  assert.ok(again.every((socket, at) => socket === sockets[at]), 'the connections are the same');
  for (const socket of sockets) assert.equal(socket.getPeerCertificate().fingerprint256, former);
  for (const { agent } of agents) agent.destroy();
  assert.equal((await server.end('SIGTERM')).code, 0);
});

/** A request whose body is not all sent. */
async function begin(port: number): Promise<TLSSocket> {
  const socket = connect({ host: 'localhost', port, servername: 'localhost', ca: authority.certificate });
  await once(socket, 'secureConnect');
  socket.write('POST /t/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n');
  // The server has the request in hand when it asks for the body.
  const [asked] = (await once(socket, 'data')) as [Buffer];
  assert.match(asked.toString(), /^HTTP\/1\.1 100 /);
  return socket;
}

test('a stop lets a request in progress end, and cuts one that does not', async () => {
  const server = await two.serve('--set', 'stopWithin=3s');
  const [ends, stays] = [await begin(two.management), await begin(two.management)];
  const cut = once(stays, 'close');
  server.process.kill('SIGTERM');
  await eventually('it stops listening', async () => (await isFree(two.management)) || undefined);
  ends.write('a=b');
  const reply = await text(ends);
  assert.match(reply, /^HTTP\/1\.1 4\d\d /);
  await cut;
  const { code }: Ended = await server.ended;
  assert.equal(code, 0);
});
