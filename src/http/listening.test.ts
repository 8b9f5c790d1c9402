import assert from 'node:assert/strict';
import { Server } from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { watchConnections } from './listening.ts';

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
