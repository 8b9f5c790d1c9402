/**
 * `npm run torture -- --kills N --seed S`: the real server, killed by SIGKILL at random moments, thousands of times.
 *
 * `--seed S.R` repeats round R of seed S alone. Exit code 1 at the first promise that was broken; a copy of the files stays then.
 */
import { parseArgs } from 'node:util';
import { Round } from './round.ts';
import { Tally } from './tally.ts';

const { values } = parseArgs({ options: { kills: { type: 'string', default: '2000' }, seed: { type: 'string', default: String(Date.now() % 1_000_000) } } });
const kills = Number(values.kills);
if (!Number.isInteger(kills) || kills < 1) throw new Error('--kills is a whole number of 1 or more');
/** Kills on the same files: so that histories become long, and first starts come too. */
const KILLS_IN_A_ROUND = 50;

process.once('SIGINT', () => process.exit(130));
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const tally = new Tally();
const begun = Date.now();
say(`${kills} kills with seed ${values.seed}.`);
try {
  for (let number = values.seed.includes('.') ? Number(values.seed.split('.')[1]) : 0; tally.allKills < kills; number += 1) {
    const seed = `${values.seed.split('.')[0]}.${number}`;
    const kind = number % 3 === 2 ? 'serve' : 'dev';
    await Round.live({ kind, seed, kills: Math.min(KILLS_IN_A_ROUND, kills - tally.allKills), tally, keep: true });
    say(`${new Date().toISOString().slice(11, 19)} round ${seed} (${kind}): ${tally.allKills} kills, ${tally.unanswered} of them with requests in flight, ${tally.doneUnanswered} requests done without a reply, ${tally.undone} undone.`);
  }
  say(`\nNo promise was broken in ${Math.round((Date.now() - begun) / 1000)} s.\n${tally.summary()}`);
} catch (error) {
  say(`\nBROKEN: ${(error as Error).message}\n\n${(error as Error).cause instanceof Error ? ((error as Error).cause as Error).stack : ''}\n\n${tally.summary()}`);
  process.exitCode = 1;
}
