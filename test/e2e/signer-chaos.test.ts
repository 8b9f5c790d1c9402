/**
 * Chaos with real processes: a server, two signers with an API server each, and a line between each and the server. In a
 * random order lines are cut, held and healed, processes are ended and, some deeds later, started, keys rotate, and an
 * operator forces, revokes and writes off. Whatever happens, a token that was given out verifies, at both API servers and by
 * the public documents, until its end; unless somebody named what breaks before it was done (`test/support/chaos.ts`).
 *
 * `MINTMARK_CHAOS_SEED` repeats a history (what the machine does in between is not repeated), `MINTMARK_CHAOS_DEEDS` makes
 * it longer.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { Chaos, type ChaosHost, kidOf } from '../support/chaos.ts';
import { dice, type Dice, drawFrom } from '../support/dice.ts';
import { SignerServer } from '../support/signer-servers.ts';

const DEEDS = Number(process.env['MINTMARK_CHAOS_DEEDS'] ?? 28);
const SEED = Number(process.env['MINTMARK_CHAOS_SEED'] ?? randomInt(2 ** 31));
const server = await SignerServer.make({ cuttable: true });

interface Deed {
  readonly name: string;
  /** When it can be done. */
  readonly when: () => boolean;
  readonly done: () => Promise<void> | void;
}

const times = (count: number, deed: Deed): readonly Deed[] => Array.from({ length: count }, () => deed);

/** So many of each that a host is often away while the other is in step and keys rotate: then what is promised of keys is at stake. */
const deedsOf = (chaos: Chaos, roll: Dice): readonly Deed[] => [
  ...times(10, { name: 'rotate', when: () => chaos.serverRuns, done: () => chaos.rotate({ force: false }) }),
  ...times(4, { name: 'force', when: () => chaos.serverRuns, done: () => chaos.rotate({ force: true }) }),
  ...times(1, { name: 'revoke', when: () => chaos.serverRuns, done: () => chaos.revoke() }),
  ...times(1, { name: 'kill the server', when: () => chaos.serverRuns, done: () => chaos.killServer() }),
  ...times(3, { name: 'start the server', when: () => !chaos.serverRuns, done: () => chaos.startServer() }),
  ...chaos.hosts.flatMap((host) => hostDeeds(chaos, host, roll(2) === 0)),
];

const hostDeeds = (chaos: Chaos, host: ChaosHost, isKilled: boolean): readonly Deed[] => [
  ...times(1, { name: `cut ${host.name}`, when: () => host.line !== 'cut', done: () => host.lay('cut') }),
  ...times(1, { name: `hold ${host.name}`, when: () => host.line === 'open', done: () => host.lay('held') }),
  ...times(1, { name: `heal ${host.name}`, when: () => host.line !== 'open', done: () => host.lay('open') }),
  ...times(1, { name: `${isKilled ? 'kill' : 'stop'} ${host.name}`, when: () => host.runs, done: () => host.end(isKilled ? 'SIGKILL' : 'SIGTERM') }),
  ...times(3, { name: `start ${host.name}`, when: () => !host.runs, done: () => host.start() }),
  // Somebody has to be left of whom something is promised.
  ...times(1, { name: `write off ${host.name}`, when: () => chaos.serverRuns && chaos.hosts.some((other) => other !== host && !other.isAway), done: () => chaos.writeOff(host) }),
];

test(`tokens outlive whatever happens, but for what somebody named (seed ${SEED}, ${DEEDS} deeds)`, async (t) => {
  const roll = dice(SEED);
  const chaos = await Chaos.begin(server, ['cp-1', 'cp-2']);
  t.after(() => chaos.end());
  const draw = drawFrom(deedsOf(chaos, roll), roll);
  await chaos.give();
  for (let number = 0; number < DEEDS; number += 1) {
    const { name, done } = draw(({ when }) => when());
    chaos.history.push(name);
    await done();
    await chaos.give();
    await chaos.assertVerified(chaos.tokens[roll(chaos.tokens.length)]!);
  }
  await chaos.recover();
  // So that the last tokens are of a key that nobody has named.
  await chaos.rotate({ force: false });
  await chaos.recover();
  await chaos.give();
  for (const token of chaos.tokens) await chaos.assertVerified(token);
  const promised = chaos.tokens.filter((token) => !chaos.named.has(kidOf(token)));
  t.diagnostic(`${chaos.tokens.length} tokens by ${new Set(chaos.tokens.map(kidOf)).size} keys, ${promised.length} of them to the end, ${chaos.verdicts} verdicts; ${chaos.named.size} keys were named, ${chaos.unknown.size} for a host alone: ${chaos.told}`);
  assert.ok(promised.length >= chaos.hosts.length, 'the history was not hollow');
});
