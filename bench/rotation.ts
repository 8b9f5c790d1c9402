/**
 * Many rings that are due at once: how fast the shipped server rotates them, against the rate at which this machine makes RSA
 * keys and does nothing else, and what a client of the public documents notices meanwhile. See README.md.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DAY } from '../src/domain/durations.ts';
import { type LoadProcess, rawRequest, startLoad } from './load-process.ts';
import { cpuSeconds } from './processes.ts';
import { makePlace, type Place, startServer } from './server.ts';
import { seed, type SeededIssuer } from './seed.ts';
import { median, printTable, quantile } from './statistics.ts';

const { values } = parseArgs({ options: { rings: { type: 'string', default: '2000' }, seconds: { type: 'string', default: '10' } } });
const [RINGS, SECONDS] = [Number(values.rings), Number(values.seconds)];
/** Clients of the public host, and what they ask together. */
const [CLIENTS, REQUESTS_PER_SECOND] = [8, 200];

interface Rate {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

/** The machine alone, for some seconds. */
async function generationRate(): Promise<Rate> {
  const child = fork(join(import.meta.dirname, 'key-generation.ts'));
  child.send(SECONDS);
  const [{ made, cpuSeconds: cpu, wallSeconds }] = (await once(child, 'message')) as [{ made: number; cpuSeconds: number; wallSeconds: number }];
  child.disconnect();
  return { perSecond: made / wallSeconds, perCpuSecond: made / cpu };
}

/** When each ring was rotated, in milliseconds since 1970, by the server's log. */
function rotations({ folder }: Place): readonly number[] {
  const lines = readFileSync(join(folder, 'log.jsonl'), 'utf8').split('\n').filter((line) => line.includes('"step":"activate"'));
  return lines.map((line) => (JSON.parse(line) as { readonly time: number }).time);
}

async function connectClients(load: LoadProcess, { issuer, ca }: Place, issuers: readonly SeededIssuer[]): Promise<void> {
  const requests = issuers.map(({ jwks }) => rawRequest('GET', jwks));
  await load.connect({ port: issuer.port, ca, clients: Array.from({ length: CLIENTS }, (_, client) => ({ requests: requests.filter((_request, index) => index % CLIENTS === client) })) });
}

/** For which the server has begun, and is asked without counting: what is cold then is not what rotations cost. */
const BEGINNING_SECONDS = 3;

/** Latencies while rings are rotated, and the processor time that it took to rotate all. */
async function whileRotating(load: LoadProcess, place: Place, pid: number): Promise<{ readonly rate: Rate; readonly milliseconds: readonly number[] }> {
  const milliseconds: number[] = [];
  await load.burst({ seconds: BEGINNING_SECONDS, perSecond: REQUESTS_PER_SECOND });
  const [done, cpu] = [rotations(place).length, cpuSeconds(pid)];
  while (rotations(place).length < RINGS) milliseconds.push(...(await load.burst({ seconds: 1, perSecond: REQUESTS_PER_SECOND })).milliseconds);
  const [at, used] = [rotations(place).slice(done), cpuSeconds(pid) - cpu];
  return { rate: { perSecond: (at.length - 1) / ((at.at(-1)! - at[0]!) / 1000), perCpuSecond: (RINGS - done) / used }, milliseconds };
}

const place = await makePlace();
const load = startLoad({ urgent: true });
try {
  const { issuers } = await seed(place, { issuers: RINGS, principals: 1, bornAt: new Date(Date.now() - 40 * DAY * 1000) });
  const before = await generationRate();
  const server = await startServer(place, issuers[0]!.jwks);
  try {
    await connectClients(load, place, issuers);
    const busy = await whileRotating(load, place, server.pid);
    const after = await generationRate();
    const idle = await load.burst({ seconds: SECONDS, perSecond: REQUESTS_PER_SECOND });
    const machine: Rate = { perSecond: (before.perSecond + after.perSecond) / 2, perCpuSecond: (before.perCpuSecond + after.perCpuSecond) / 2 };
    printTable(['', 'per second', 'per CPU second'], [
      ['RSA keys that the machine makes', machine.perSecond.toFixed(1), machine.perCpuSecond.toFixed(1)],
      [`rings rotated, of ${RINGS} due at once`, busy.rate.perSecond.toFixed(1), busy.rate.perCpuSecond.toFixed(1)],
      ['ratio (reach: ≥ 0.8)', (busy.rate.perSecond / machine.perSecond).toFixed(3), (busy.rate.perCpuSecond / machine.perCpuSecond).toFixed(3)],
    ]);
    printTable(['GET of a JWKS, in ms', 'median', 'p99', 'longest', 'p99 to idle (reach: ≤ 3)'], [['idle', idle.milliseconds], ['while rings rotate', busy.milliseconds]].map(([name, ms]) => [
      name as string, median(ms as number[]).toFixed(2), quantile(ms as number[], 0.99).toFixed(2), quantile(ms as number[], 1).toFixed(1), (quantile(ms as number[], 0.99) / quantile(idle.milliseconds, 0.99)).toFixed(2),
    ]));
  } finally {
    await server.stop();
  }
} finally {
  load.end();
  place.remove();
}
