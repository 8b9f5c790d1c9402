/** HTTP as bytes on a socket of loopback, for what no client library would send. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

/** Starts listening on a free port of loopback; gives the port. */
export async function listenOnLoopback(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Sends bytes and gives all that comes back until the server closes. With `half`, this side is closed after sending. */
export async function exchange(port: number, bytes: string, { half = false } = {}): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('latin1');
  let reply = '';
  socket.on('data', (chunk: string) => { reply += chunk; });
  // A connection that is cut ends what was got until then; it is no failure of the exchange.
  socket.on('error', () => undefined);
  if (half) socket.end(bytes, 'latin1');
  else socket.write(bytes, 'latin1');
  await new Promise((resolve) => { socket.once('close', resolve); });
  return reply;
}

/** One request that asks for the connection to be closed; lines after the request line may be given. */
export const request = (line: string, ...headers: readonly string[]): string => [line, 'Host: anything', ...headers, 'Connection: close', '', ''].join('\r\n');

/** A reply with what changes from run to run left out. */
export const steady = (reply: string): string => reply.replace(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/gm, 'Date: …\r\n');

/** The status of each reply in turn. */
export const statusesOf = (replies: string): readonly number[] => [...replies.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));

/** The status of the one reply; 0 when there is none, or more than one. */
export const statusOf = (reply: string): number => {
  const [status = 0, ...more] = statusesOf(reply);
  return more.length === 0 ? status : 0;
};
