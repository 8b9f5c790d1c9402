/**
 * Clients of a server over TLS with keep-alive, in a process of their own: each has one connection, and one request on the
 * way at a time. Told by messages of its parent (`load-process.ts`) what to ask and for how long; answers how it went.
 *
 * Not node's own client, which costs more than the server that it asks: requests are sent as prepared bytes, of a reply
 * only status and length are looked at.
 */
import { connect, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { Burst, BurstResult, Clients } from './load-process.ts';

/** Sends one request and waits for its reply. */
class Client {
  readonly #requests: readonly string[];
  readonly #socket: TLSSocket;
  #received: Buffer = Buffer.alloc(0);
  #replied: ((status: number) => void) | null = null;
  #next = 0;

  private constructor(socket: TLSSocket, requests: readonly string[]) {
    [this.#socket, this.#requests] = [socket, requests];
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('close', () => this.#replied?.(0));
  }

  static async connect({ port, ca }: Clients, { localAddress, requests }: Clients['clients'][number]): Promise<Client> {
    const socket = connect({ servername: 'localhost', ca, socket: connectTcp({ host: '127.0.0.1', port, localAddress: localAddress ?? '127.0.0.1', noDelay: true }) });
    await once(socket, 'secureConnect');
    return new Client(socket, requests);
  }

  /** The status of the reply to the next request in line; 0 when the connection is gone. */
  ask(): Promise<number> {
    if (this.#socket.destroyed) return Promise.resolve(0);
    const request = this.#requests[this.#next]!;
    this.#next = (this.#next + 1) % this.#requests.length;
    return new Promise((resolve) => {
      this.#replied = resolve;
      this.#socket.write(request, 'latin1');
    });
  }

  get isAtEnd(): boolean {
    return this.#next === 0;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + 4 + length) return;
    this.#received = Buffer.alloc(0);
    const replied = this.#replied;
    this.#replied = null;
    replied?.(Number(head.slice(9, 12)));
  }
}

let clients: readonly Client[] = [];

/** With a rate, a client that is late counts the time from when it should have asked. */
async function drive(client: Client, { seconds, perSecond, once: onlyOnce = false }: Burst, begun: number, seen: (status: number, ms: number) => void): Promise<void> {
  const end = begun + seconds * 1000;
  const every = perSecond === undefined ? 0 : (1000 * clients.length) / perSecond;
  for (let due = begun + Math.random() * every; ; due += every) {
    const early = due - performance.now();
    if (every > 0 && early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    const from = every > 0 && early <= 0 ? due : performance.now();
    if (performance.now() >= end) return;
    const status = await client.ask();
    seen(status, performance.now() - from);
    if (onlyOnce && client.isAtEnd) return;
  }
}

async function burst(wanted: Burst): Promise<BurstResult> {
  const [milliseconds, statuses]: [number[], Map<number, number>] = [[], new Map()];
  const begun = performance.now();
  await Promise.all(clients.map((client) => drive(client, wanted, begun, (status, ms) => {
    milliseconds.push(ms);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  })));
  const wallSeconds = (performance.now() - begun) / 1000;
  return { replies: milliseconds.length, statuses: Object.fromEntries(statuses), wallSeconds, milliseconds };
}

async function obey(message: Clients | Burst): Promise<unknown> {
  if (!('clients' in message)) return burst(message);
  for (const client of clients) client.close();
  clients = await Promise.all(message.clients.map((client) => Client.connect(message, client)));
  return { connected: clients.length };
}

process.on('message', (message: Clients | Burst) => void obey(message).then((answer) => process.send!(answer)));
process.on('disconnect', () => process.exit(0));
