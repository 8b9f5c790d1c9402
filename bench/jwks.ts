/**
 * How much the public host costs: requests for a JWKS that each server answers in one second of its own processor time,
 * with keep-alive and 64 connections. The servers take turns in one run, so that what else the machine does hits all
 * alike. See README.md.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type Contender, startBare, startMintmark, startNginx } from './contenders.ts';
import { cpuSeconds, isInstalled } from './processes.ts';
import { median, printTable, spread } from './statistics.ts';
import { takeTurns } from './turns.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '60' }, seconds: { type: 'string', default: '1' } } });
const CONNECTIONS = 64;

interface Measurement {
  readonly requests: number;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

function measure({ name, url, pid }: Contender, seconds: number): Measurement {
  const [cpu, wall] = [cpuSeconds(pid), performance.now()];
  const { stdout } = spawnSync('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, url], { encoding: 'utf8' });
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (!(requests > 0) || /Socket errors|Non-2xx/.test(stdout)) throw new Error(`${name} did not answer every request:\n${stdout}`);
  return { requests, cpuSeconds: cpuSeconds(pid) - cpu, wallSeconds: (performance.now() - wall) / 1000 };
}

const perCpuSecond = ({ requests, cpuSeconds: cpu }: Measurement): number => requests / cpu;

function report(measured: ReadonlyMap<Contender, readonly Measurement[]>): void {
  const [, bare] = [...measured.values()];
  printTable(['server', 'requests per CPU second', 'requests per second', 'ratio to the bare handler: median (quartiles)'], [...measured].map(([{ name }, rounds]) => {
    const ratios = rounds.map((round, index) => perCpuSecond(round) / perCpuSecond(bare![index]!));
    const throughput = median(rounds.map(({ requests, wallSeconds }) => requests / wallSeconds));
    return [name, median(rounds.map(perCpuSecond)).toFixed(0), throughput.toFixed(0), spread(ratios)];
  }));
}

if (!isInstalled('wrk')) {
  console.error('This benchmark needs wrk, which is not on the PATH (Debian: apt-get install wrk).');
  process.exit(1);
}
const mintmark = await startMintmark();
const contenders = [mintmark, await startBare(mintmark)];
if (isInstalled('nginx')) contenders.push(await startNginx(mintmark));
else console.error('nginx is not on the PATH (Debian: apt-get install nginx): it is left out of the comparison.');
try {
  report(await takeTurns(contenders, Number(values.rounds), (contender) => measure(contender, Number(values.seconds))));
} finally {
  for (const contender of contenders) await contender.stop();
}
