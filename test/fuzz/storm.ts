/**
 * A storm: many attacks at once, made from one seed, and between them requests of good will. Whatever is found comes with
 * the attack that found it.
 */
import * as fc from 'fast-check';
import { assault } from './assault.ts';
import { attack, type Attack, handshakeAttack, type HandshakeAttack } from './attacks.ts';
import { readReplies, replyFault } from './http-replies.ts';
import type { Target } from './target.ts';

export interface StormReport {
  readonly attacks: number;
  /** Status → replies. */
  readonly replies: Readonly<Record<number, number>>;
  /** What was wrong, with the attack. */
  readonly findings: readonly string[];
}

/** Connections at once. */
const AT_ONCE = 8;
/** Of ten attacks one is on the bare connection. */
const BARE_EVERY = 10;
const GOOD_WILL_EVERY = 50;
const MOST_FINDINGS = 10;

/** The last request of a connection, so that the server has a reason to close it. */
const LAST = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

export async function storm(target: Target, seed: number, attacks: number): Promise<StormReport> {
  const http = fc.sample(attack, { seed, numRuns: attacks });
  const bare = fc.sample(handshakeAttack, { seed, numRuns: Math.ceil(attacks / BARE_EVERY) });
  const replies: Record<number, number> = {};
  const findings: string[] = [];
  const found = (what: string, of: Attack | HandshakeAttack): void => void findings.push(`${what} — ${JSON.stringify(of)}`);
  let next = 0;
  async function attacker(): Promise<void> {
    for (let at = (next += 1) - 1; at < attacks && findings.length < MOST_FINDINGS; at = (next += 1) - 1) {
      const statuses = await strike(target, http[at]!, found);
      for (const status of statuses) replies[status] = (replies[status] ?? 0) + 1;
      if (at % BARE_EVERY === 0) await strikeBare(target, bare[at / BARE_EVERY]!);
      if (at % GOOD_WILL_EVERY === 0) await target.assertGoodWill();
      target.assertAlive();
    }
  }
  const before = target.failures.length;
  await Promise.all(Array.from({ length: AT_ONCE }, attacker));
  await target.assertGoodWill();
  findings.push(...target.failures.slice(before).map((line) => `logged: ${line.slice(0, 600)}`));
  return { attacks, replies, findings };
}

/** The statuses of what came back. */
async function strike(target: Target, of: Attack, found: (what: string, of: Attack) => void): Promise<readonly number[]> {
  const requests = of.requests.map((request) => target.fill(request));
  const { bytes, ended } = await assault(await target.line(of.listener), { ...of, requests }, LAST);
  const { replies, fault, cut } = readReplies(bytes, requests.some((request) => /HEAD /.test(request)));
  // A reply that this side did not wait for, or that the other side can not send any more, may be cut short.
  if (fault !== null && !(cut && (!ended || of.end !== 'wait'))) found(`${fault} in ${JSON.stringify(bytes.slice(0, 800))}`, of);
  for (const reply of replies) {
    const wrong = replyFault(of.listener, reply);
    if (wrong !== null) found(`${wrong}: ${JSON.stringify(reply).slice(0, 800)}`, of);
  }
  if (of.sent === 100 && of.requests[0]?.startsWith('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n') === true && replies.length > 0 && replies[0]!.status !== 200) found('a good request before bad ones was refused', of);
  return replies.map(({ status }) => status);
}

async function strikeBare(target: Target, { listener, bytes, end }: HandshakeAttack): Promise<void> {
  const socket = await target.bare(listener);
  socket.resume();
  await new Promise((resolve) => { socket.write(bytes, 'latin1', resolve); });
  if (end === 'reset') socket.resetAndDestroy();
  else if (end === 'leave') socket.destroy();
  else {
    const closed = new Promise((resolve) => { socket.once('close', resolve).once('end', resolve).setTimeout(200, () => socket.destroy()); });
    socket.end();
    await closed;
    socket.destroy();
  }
}
