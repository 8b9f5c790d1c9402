import assert from 'node:assert/strict';
import { Server } from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { isMintmarkError } from '../domain/errors.ts';
import { listen, listenError, watchConnections } from './listening.ts';

/** A connection to a peer that has ended it; `write` gets the end of each write, to call or to lose. node:tls loses it by chance alone. */
function ended(write: (done: () => void) => void): Duplex {
  return new Duplex({ allowHalfOpen: true, read() { this.push(null); }, write: (_chunk, _encoding, done) => write(done) });
}

const MINUTE = 60_000;

for (const [what, finish, isClosed] of [
  ['whose last write never ends is closed', () => undefined, true],
  ['whose reply is still to come stays', null, false],
] as const) {
  test(`a connection that its peer has ended, ${what}`, async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const [server, socket] = [new Server(), ended(finish ?? ((done) => done()))];
    watchConnections(server);
    server.emit('secureConnection', socket);
    if (finish !== null) socket.end('reply');
    await new Promise((resolve) => { socket.once('end', resolve).resume(); });
    assert.equal(socket.destroyed, false);
    t.mock.timers.tick(MINUTE);
    assert.equal(socket.destroyed, isClosed);
  });
}

test('a connection whose last bytes get on is not closed', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const [server, done] = [new Server(), [] as (() => void)[]];
  const socket = ended((written) => void done.push(written));
  watchConnections(server);
  server.emit('secureConnection', socket);
  for (let part = 0; part < 20; part += 1) socket.write('part');
  socket.end();
  await new Promise((resolve) => { socket.once('end', resolve).resume(); });
  for (let part = 0; part < 10; part += 1) {
    t.mock.timers.tick(MINUTE / 12);
    done.shift()!();
    await new Promise(setImmediate);
  }
  assert.equal(socket.destroyed, false);
  t.mock.timers.tick(MINUTE);
  assert.equal(socket.destroyed, true);
});

/** Code of the operating system → what is told to do. */
for (const [code, remedy] of [
  ['EADDRNOTAVAIL', /^Choose another address or port\.$/],
  ['EINVAL', /^It is no address that can be listened on, as IPv6 addresses of a single link \(fe80::…\) are none\. Choose another address\.$/],
  ['EAFNOSUPPORT', /^This machine has no addresses of that family/],
  ['ENOTFOUND', /^The name of the host is not known here: correct it, or give an address\.$/],
  ['EMFILE', /raise the limit \(ulimit -n, or LimitNOFILE= of systemd\), and start again\.$/],
] as const) {
  test(`an address that can not be listened on: ${code}`, () => {
    const told = listenError(Object.assign(new Error(code), { code }), { host: 'somewhere', port: 8443 });
    assert.ok(isMintmarkError(told));
    const start = `Mintmark can not listen on somewhere, port 8443 (${code}). `;
    assert.deepEqual([told.code, told.message.slice(0, start.length)], ['InvalidConfiguration', start]);
    assert.match(told.message.slice(start.length), remedy);
  });
}

test('an address of a single link is refused by the real listener so too', async () => {
  await assert.rejects(listen(new Server(), { host: 'fe80::1', port: 0 }), { code: 'InvalidConfiguration' });
});

test('what is none of these stays as it is', () => {
  const error = new Error('other');
  assert.equal(listenError(error, { host: 'somewhere', port: 1 }), error);
});
