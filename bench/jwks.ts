/**
 * How much the public host costs: requests for a JWKS that each server answers in one second of its own processor time,
 * with keep-alive and 64 connections. The servers take turns in one run, so that what else the machine does hits all
 * alike. See README.md.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Contender, isInstalled, startBare, startMintmark, startNginx } from './contenders.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '60' }, seconds: { type: 'string', default: '1' } } });
const TICKS_PER_SECOND = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);
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

/** User and system time of a process, of all its threads: fields 14 and 15 of proc(5), counted after the name, which may hold spaces. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The number that so large a part of the others does not exceed, between two neighbours in proportion. */
function quantile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  const at = (sorted.length - 1) * part;
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at % 1);
}

const median = (numbers: readonly number[]): number => quantile(numbers, 0.5);

const perCpuSecond = ({ requests, cpuSeconds: cpu }: Measurement): number => requests / cpu;

/** Rounds in which everyone is measured once, each round beginning with the next one. */
function compare(contenders: readonly Contender[], rounds: number, seconds: number): ReadonlyMap<Contender, readonly Measurement[]> {
  const measured = new Map<Contender, Measurement[]>(contenders.map((contender) => [contender, []]));
  for (const contender of contenders) measure(contender, seconds);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const contender = contenders[(round + turn) % contenders.length]!;
      measured.get(contender)!.push(measure(contender, seconds));
    }
  }
  return measured;
}

function report(measured: ReadonlyMap<Contender, readonly Measurement[]>): void {
  const [, bare] = [...measured.values()];
  console.log('| server | requests per CPU second | requests per second | ratio to the bare handler: median (quartiles) |\n| --- | --- | --- | --- |');
  for (const [{ name }, rounds] of measured) {
    const ratios = rounds.map((round, index) => perCpuSecond(round) / perCpuSecond(bare![index]!));
    const throughput = median(rounds.map(({ requests, wallSeconds }) => requests / wallSeconds));
    console.log(`| ${name} | ${Math.round(median(rounds.map(perCpuSecond)))} | ${Math.round(throughput)} | ${median(ratios).toFixed(3)} (${quantile(ratios, 0.25).toFixed(3)}–${quantile(ratios, 0.75).toFixed(3)}) |`);
  }
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
  report(compare(contenders, Number(values.rounds), Number(values.seconds)));
} finally {
  for (const contender of contenders) await contender.stop();
}
