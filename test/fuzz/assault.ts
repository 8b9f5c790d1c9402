/** Carries one attack out on a connection of its own, and gives what came back. */
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Attack } from './attacks.ts';

export interface Aftermath {
  /** All that the server sent, as latin1. */
  readonly bytes: string;
  /** Whether the server ended the connection, rather than this side. */
  readonly ended: boolean;
}

/** How long nothing may come before an attacker gives up waiting, in milliseconds: what is still to come is then not looked at. */
const PATIENCE_MS = 600;
const MOST_SINGLE_BYTES = 400;

/** A connection that may be written to. */
export interface Line {
  readonly socket: Socket;
  /** Ends it with a TCP reset. */
  reset(): void;
}

/** `last` is a good request that asks for the connection to be closed. */
export async function assault({ socket, reset }: Line, { requests, delivery, end, sent }: Omit<Attack, 'listener'>, last: string, patienceMs = PATIENCE_MS): Promise<Aftermath> {
  let [bytes, ended] = ['', false];
  // A connection that is cut is one of the ways in which a server may answer.
  socket.on('error', () => undefined).setEncoding('latin1').on('data', (chunk: string) => { bytes += chunk; }).once('end', () => { ended = true; });
  const closed = new Promise<void>((resolve) => { socket.once('close', resolve).once('end', resolve); });
  const all = requests.join('');
  await deliver(socket, sent === 100 ? all : all.slice(0, Math.ceil((all.length * sent) / 100)), delivery);
  if (end === 'reset') reset();
  else if (end === 'leave') socket.destroy();
  else {
    if (end === 'half-close') socket.end();
    else if (sent === 100) socket.write(last, 'latin1');
    socket.setTimeout(patienceMs, () => socket.destroy());
    await closed;
    socket.destroy();
  }
  return { bytes, ended };
}

async function deliver(socket: Socket, bytes: string, delivery: Attack['delivery']): Promise<void> {
  const singles = delivery === 'a byte at a time' ? Math.min(bytes.length, MOST_SINGLE_BYTES) : 0;
  const cuts = [...Array.from({ length: singles }, (_, at) => at), singles, ...(delivery === 'in two parts' ? [bytes.length >> 1] : []), bytes.length];
  socket.setNoDelay(true);
  for (const [index, from] of cuts.slice(0, -1).entries()) {
    if (socket.destroyed || !socket.writable) return;
    socket.write(bytes.slice(from, cuts[index + 1]), 'latin1');
    await turn();
  }
}
