/**
 * `npm run fuzz -- --minutes N --seed S --kind plain|tls`: storm upon storm, each from the next seed, until the time is over;
 * then the same storm again and again, to see whether anything is left behind. Ends with 1 at the first finding; what is
 * printed with it repeats it.
 */
import { parseArgs } from 'node:util';
import { assertNothingLeft } from './leaks.ts';
import { storm } from './storm.ts';
import { startTarget } from './target.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string' }, kind: { type: 'string', default: 'plain' }, attacks: { type: 'string', default: '500' } } });
const [minutes, attacks] = [Number(values.minutes), Number(values.attacks)];
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const kind = values.kind === 'tls' ? 'tls' : 'plain';
const MB = 1024 * 1024;
/** An access token lives for an hour. */
const LOGIN_EVERY = 20;

const target = await startTarget(kind, (minutes + 30) * 60_000);
const end = performance.now() + minutes * 60_000;
console.log(`fuzz: ${kind}, ${minutes} minutes from seed ${first}`);
try {
  for (let seed = first; performance.now() < end && process.exitCode !== 1; seed += 1) {
    if ((seed - first) % LOGIN_EVERY === LOGIN_EVERY - 1) await target.logIn();
    const { replies, findings } = await storm(target, seed, attacks);
    const { sockets } = await target.openFiles();
    console.log(`seed ${seed}: ${attacks} attacks, replies ${JSON.stringify(replies)}, heaps ${(await target.liveHeaps()).map((heap) => (heap / MB).toFixed(1)).join(' and ')} MB, resident ${(await target.residentMemory() / MB).toFixed(0)} MB, sockets ${sockets}`);
    if (findings.length === 0) continue;
    console.error(`FOUND, again with --kind ${kind} --seed ${seed} --attacks ${attacks}:\n${findings.join('\n')}`);
    process.exitCode = 1;
  }
  if (process.exitCode !== 1) await assertNothingLeft(target, first, attacks, 'old');
} finally {
  await target.stop();
}
