/** Connections that never begin TLS, as a port probe leaves them: they are ended in time, and no stop waits for them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { freePort } from '../support/dev-server.ts';
import { ServeFolder } from '../support/serve-folder.ts';

const signers = await freePort();
const folder = await ServeFolder.make({ settings: `
stopWithin: 1s
signers: { url: "https://localhost:${signers}", listen: "127.0.0.1:${signers}", tls: { certificateFile: server.pem, keyFile: server-key.pem } }
` });
after(() => folder.remove());
const PORTS = [folder.management, folder.issuer, signers];

async function silent(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  return socket.on('error', () => undefined).resume();
}

test('a connection that never begins TLS is closed by each listener, with nothing said on it', async () => {
  const server = await folder.serve();
  await Promise.all(PORTS.map(async (port) => {
    const socket = await silent(port);
    await once(socket, 'close');
    assert.equal(socket.bytesRead, 0, String(port));
  }));
  assert.equal((await server.end('SIGTERM')).code, 0);
});

test('a stop does not wait for them', async () => {
  const server = await folder.serve();
  const sockets = await Promise.all(PORTS.map(silent));
  const ended = await server.end('SIGTERM');
  sockets.forEach((socket) => socket.destroy());
  assert.deepEqual([ended.code, /did not end in time/.test(ended.stderr)], [0, false]);
});
