import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, lchownSync, linkSync, lstatSync, mkdirSync, readdirSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { lockFile } from '../serve/server-process.ts';
import { eventually } from '../../test/support/dev-server.ts';
import { socketFolder } from '../../test/support/signer-rings.ts';
import { openSocket, type SocketPlace } from './socket.ts';

const greet = (connection: Socket): void => void connection.on('error', () => undefined).end('hello');
const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

async function open(t: TestContext, place: SocketPlace) {
  const socket = await openSocket(place, lockFile, greet);
  t.after(() => socket.close());
  return socket;
}

function ask(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    connect(path).setEncoding('utf8').on('data', (text: string) => { said += text; }).on('end', () => resolve(said)).on('error', reject);
  });
}

async function foreignSocket(t: TestContext, path: string): Promise<Server> {
  const server = createServer(greet);
  await new Promise<void>((resolve) => { server.listen(path, resolve); });
  t.after(() => server.close());
  return server;
}

/** A socket that nobody listens on, as a process that was killed leaves it. */
async function leaveStale(t: TestContext, path: string): Promise<void> {
  const live = await foreignSocket(t, `${path}x`);
  linkSync(`${path}x`, path);
  await new Promise((resolve) => { live.close(resolve); });
}

test('a socket is for its owner only, in a folder for its owner only, whatever the umask', async (t) => {
  const path = join(socketFolder(t), 'new', 'deep', 's.sock');
  const former = process.umask(0);
  t.after(() => process.umask(former));
  const socket = await open(t, { path });
  assert.deepEqual([modeOf(path), modeOf(join(path, '..')), process.umask(0)], ['600', '700', 0]);
  assert.equal(await ask(socket.path), 'hello');
});

test('another mode, owner and group by request', async (t) => {
  const path = join(socketFolder(t), 'new', 's.sock');
  await open(t, { path, mode: 0o660, uid: process.getuid!(), gid: process.getgid!() });
  assert.deepEqual([modeOf(path), modeOf(join(path, '..'))], ['660', '710']);
});

test('the owner and the group that were asked for have the socket, and every folder that was made for it; no other', { skip: process.getuid?.() !== 0 && 'only root can give a socket away' }, async (t) => {
  const [self, other] = [{ uid: 0, gid: process.getgid!() }, 65534];
  for (const asked of [{ uid: other, gid: other }, { uid: other }, { gid: other }, {}]) {
    const folder = socketFolder(t);
    await open(t, { path: join(folder, 'new', 'deep', 's.sock'), mode: 0o660, ...asked });
    const given = { ...self, ...asked };
    for (const [below, is] of [['.', self], ['new', given], ['new/deep', given], ['new/deep/s.sock', given]] as const) {
      const { uid, gid } = statSync(join(folder, below));
      assert.deepEqual({ uid, gid }, is, `${below} with ${JSON.stringify(asked)}`);
    }
    assert.deepEqual(['new', 'new/deep', 'new/deep/s.sock'].map((below) => modeOf(join(folder, below))), [...Array.from({ length: 2 }, () => ('gid' in asked ? '710' : '700')), '660']);
  }
});

test('a folder that was there stays its owner\'s, whoever the socket is for', { skip: process.getuid?.() !== 0 && 'only root can give a socket away' }, async (t) => {
  const folder = socketFolder(t);
  await open(t, { path: join(folder, 's.sock'), uid: 65534, gid: 65534 });
  assert.deepEqual([statSync(folder).uid, modeOf(folder)], [0, '700']);
});

test('8 connections at once, and no more', async (t) => {
  const path = join(socketFolder(t), 's.sock');
  const socket = await openSocket({ path }, lockFile, (connection) => void connection.on('error', () => undefined).write('hello'));
  t.after(() => { socket.close(); socket.cut(); });
  const call = async () => {
    const connection = connect(path).on('error', () => undefined);
    const said = await new Promise<string>((resolve) => { connection.once('data', (text) => resolve(String(text))).once('close', () => resolve('nothing')); });
    return { connection, said };
  };
  const calls = await Promise.all(Array.from({ length: 9 }, call));
  const served = calls.filter(({ said }) => said === 'hello');
  assert.deepEqual([served.length, calls.length - served.length], [8, 1]);
  served[0]!.connection.destroy();
  await eventually('the place of one that has gone is free', async () => ((await call()).said === 'hello' || undefined));
});

test('closing takes the path away and frees it for the next', async (t) => {
  const path = join(socketFolder(t), 's.sock');
  (await open(t, { path })).close();
  assert.equal(existsSync(path), false);
  await open(t, { path });
  assert.equal(await ask(path), 'hello');
});

test('a path that was removed, or leads to another now, is told; closing leaves what another has put there', async (t) => {
  const path = join(socketFolder(t), 's.sock');
  const socket = await open(t, { path });
  assert.equal(socket.isThere(), true);
  unlinkSync(path);
  assert.equal(socket.isThere(), false);
  await foreignSocket(t, path);
  assert.equal(socket.isThere(), false);
  socket.close();
  assert.equal(await ask(path), 'hello');
  assert.deepEqual(readdirSync(join(path, '..')).filter((name) => name.endsWith('.aside')), []);
});

test('closing a socket whose path was removed', async (t) => {
  const path = join(socketFolder(t), 's.sock');
  const socket = await open(t, { path });
  unlinkSync(path);
  socket.close();
  await open(t, { path });
  assert.equal(await ask(path), 'hello');
});

test('connections go on after closing, until they are cut', async (t) => {
  const path = join(socketFolder(t), 's.sock');
  const socket = await openSocket({ path }, lockFile, (connection) => void connection.on('data', (text) => connection.write(text)));
  const caller = connect(path);
  caller.write('a');
  assert.equal(String((await once(caller, 'data'))[0]), 'a');
  socket.close();
  caller.write('b');
  assert.equal(String((await once(caller, 'data'))[0]), 'b');
  const ended = once(caller, 'close');
  socket.cut();
  await ended;
});

test('a stale socket is replaced', async (t) => {
  const path = join(socketFolder(t), 's.sock');
  await leaveStale(t, path);
  assert.ok(lstatSync(path).isSocket());
  await assert.rejects(ask(path), { code: 'ECONNREFUSED' });
  await open(t, { path });
  assert.equal(await ask(path), 'hello');
});

test('a live socket is never taken: of another signer, of another program', async (t) => {
  const folder = socketFolder(t);
  const [ours, foreign] = [join(folder, 'ours'), join(folder, 'foreign')];
  await open(t, { path: ours });
  await assert.rejects(open(t, { path: ours }), { code: 'HomeInUse', message: `Another signer serves ${ours}. Stop it, or choose another path.` });
  await foreignSocket(t, foreign);
  await assert.rejects(open(t, { path: foreign }), { code: 'SocketInUse', message: `Another process serves ${foreign}. Stop it, or choose another path.` });
  assert.deepEqual([await ask(ours), await ask(foreign)], ['hello', 'hello']);
});

test('of two that start at once, one serves', async (t) => {
  const path = join(socketFolder(t), 's.sock');
  await leaveStale(t, path);
  const results = await Promise.allSettled([0, 1].map(() => openSocket({ path }, lockFile, greet)));
  for (const result of results) if (result.status === 'fulfilled') t.after(() => result.value.close());
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  assert.equal(await ask(path), 'hello');
});

test('what is no socket stays', async (t) => {
  const folder = socketFolder(t);
  const [file, link] = [join(folder, 'file'), join(folder, 'link')];
  writeFileSync(file, 'precious');
  symlinkSync(file, link);
  mkdirSync(join(folder, 'folder'));
  for (const path of [file, link, join(folder, 'folder')]) {
    await assert.rejects(open(t, { path }), { code: 'SocketInUse', message: `${path} is no socket. Move it away, or choose another path.` });
    assert.ok(existsSync(path));
  }
});

test('a folder in which others can write is refused', async (t) => {
  const folder = join(socketFolder(t), 'open');
  mkdirSync(folder);
  for (const mode of [0o777, 0o1777, 0o770]) {
    chmodSync(folder, mode);
    await assert.rejects(open(t, { path: join(folder, 's.sock') }), { code: 'InvalidConfiguration', message: new RegExp(`^Others can write in ${folder} \\(mode ${mode.toString(8)}\\)`) });
  }
});

test('a folder below one in which others can write is refused, by whatever way it is named; a sticky one is fine', async (t) => {
  const folder = socketFolder(t);
  const [above, own] = [join(folder, 'open'), join(folder, 'own')];
  for (const made of [above, join(above, 'run'), own, join(own, 'run')]) mkdirSync(made, { mode: 0o700 });
  symlinkSync(join(above, 'run'), join(folder, 'into'));
  symlinkSync(join(own, 'run'), join(above, 'out'));
  symlinkSync('../open/run', join(own, 'up'));
  const ways = [join(above, 'run'), join(above, 'new'), join(folder, 'into'), join(above, 'out'), join(own, 'up')];
  for (const mode of [0o777, 0o770]) {
    chmodSync(above, mode);
    for (const way of ways) await assert.rejects(open(t, { path: join(way, 's.sock') }), { code: 'InvalidConfiguration', message: new RegExp(`^Others can write in ${above} \\(mode ${mode.toString(8)}\\), .*chmod go-w ${above}`) }, way);
  }
  assert.equal(existsSync(join(above, 'new')), false, 'nothing was made there');
  chmodSync(above, 0o1777);
  for (const way of ways) (await open(t, { path: join(way, 's.sock') })).close();
});

test('a folder below that of another user is refused, and so is the link of another user', { skip: process.getuid?.() !== 0 && 'only root can give a folder away' }, async (t) => {
  const folder = socketFolder(t);
  const [theirs, link] = [join(folder, 'theirs'), join(folder, 'link')];
  mkdirSync(join(theirs, 'run'), { recursive: true, mode: 0o700 });
  symlinkSync(socketFolder(t), link);
  for (const place of [theirs, link]) lchownSync(place, 65534, 65534);
  for (const [place, path] of [[theirs, join(theirs, 'run/s.sock')], [link, join(link, 's.sock')]] as const) {
    await assert.rejects(open(t, { path }), { code: 'InvalidConfiguration', message: new RegExp(`^${place} belongs to another user \\(65534\\), .*chown -h root ${place}`) });
  }
  await open(t, { path: join(theirs, 'run/s.sock'), uid: 65534 });
});

test('a path that is too long, or can not be made, is refused at once', async (t) => {
  const folder = socketFolder(t);
  const path = join(folder, 'x'.repeat(107 - folder.length));
  await assert.rejects(open(t, { path }), { code: 'InvalidConfiguration', message: `The socket's path ${path} has 108 bytes; the system takes 107 at most. Choose a shorter one.` });
  await open(t, { path: path.slice(0, -1) });
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(open(t, { path: join(folder, 'file', 's.sock') }), { code: 'InvalidConfiguration', message: /can not be made \(EEXIST\)/ });
});
