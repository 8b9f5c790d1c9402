/**
 * What a signature costs: the shipped signer process (`bin/mintmark signer run`, default settings) beside the shipped server,
 * called over its socket as an API server calls it.
 *
 * `npm run bench:signer [-- --rounds N --seconds S]`. Ratios compare turns of the same round; processor time is that of the
 * signer's process alone, of all its threads.
 */
import { parseArgs } from 'node:util';
import type { ChildProcess } from 'node:child_process';
import { ExternalJwtWire } from '../test/support/external-jwt-wire.ts';
import { claimsAt } from '../test/support/signer-process.ts';
import { ClusterApi, success } from '../test/support/dev-api.ts';
import { type SignerHost, SignerServer } from '../test/support/signer-servers.ts';
import { signaturesPerCpuSecond } from './openssl-speed.ts';
import { cpuSeconds, end, residentMemory, startNode } from './processes.ts';
import { median, printTable, quantile, spread } from './statistics.ts';
import { takeTurns } from './turns.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10' }, seconds: { type: 'string', default: '3' } } });
const [ROUNDS, SECONDS] = [Number(values.rounds), Number(values.seconds)];
/** Calls on the way at once: what a busy API server has. */
const AT_ONCE = 16;
const MANY = 100_000;

interface Call {
  (): Promise<unknown>;
}

/** Calls for so long, so many at once; how many there were. */
async function callFor(seconds: number, call: Call, atOnce = AT_ONCE): Promise<number> {
  let calls = 0;
  const until = performance.now() + seconds * 1000;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (performance.now() < until) {
      await call();
      calls += 1;
    }
  }));
  return calls;
}

/** Calls for each second of a process's own processor time. */
async function perCpuSecond(pid: number, call: Call): Promise<number> {
  const before = cpuSeconds(pid);
  const calls = await callFor(SECONDS, call);
  return calls / (cpuSeconds(pid) - before);
}

/** Milliseconds of each of so many calls, one at a time. */
async function latencies(count: number, call: Call): Promise<readonly number[]> {
  const milliseconds: number[] = [];
  for (let number = 0; number < count; number += 1) {
    const begun = performance.now();
    await call();
    milliseconds.push(performance.now() - begun);
  }
  return milliseconds;
}

const server = await SignerServer.open();
const api = await ClusterApi.open(server);
const { issuerURL } = await api.show();
const host = await server.signer('cp-1');
const running = await host.start();
const pid = running.process.pid!;
const wire = new ExternalJwtWire(host.socket);
const sign: Call = () => wire.sign(claimsAt(issuerURL, new Date()));

await callFor(2, sign);
await signing();
await fetching();
await rotating();
await remembering();
await starting(host);
wire.close();
server.remove();
process.exit();

async function signing(): Promise<void> {
  const measured = await takeTurns(['signer', 'openssl'] as const, ROUNDS, (who) => (who === 'signer' ? perCpuSecond(pid, sign) : signaturesPerCpuSecond(SECONDS)));
  const [ours, theirs] = [measured.get('signer')!, measured.get('openssl')!];
  console.log(`\nSignatures by RS256 (2048 bits) for each second of processor time, ${AT_ONCE} at once, ${ROUNDS} rounds of ${SECONDS} s\n`);
  printTable(['', 'per CPU second', 'ratio: median (quartiles)'], [['openssl speed', median(theirs).toFixed(0), '1'], ['the signer, over its socket, verified', median(ours).toFixed(0), spread(ours.map((count, round) => count / theirs[round]!))]]);
  const one = 1000 / median(theirs);
  const alone = await latencies(500 * ROUNDS, sign);
  console.log('One at a time, in milliseconds\n');
  printTable(['', 'median', '99 of 100', 'ratio of the medians'], [['one signature of openssl', one.toFixed(3), '', '1'], ['the signer, from call to reply', median(alone).toFixed(3), quantile(alone, 0.99).toFixed(3), (median(alone) / one).toFixed(2)]]);
}

/** Five keys, against a service of the same stack that does nothing. */
async function fetching(): Promise<void> {
  const { said, child } = await startNode<{ readonly full: string; readonly empty: string; readonly pid: number }>('fetch-keys.ts', []);
  const [full, empty] = [new ExternalJwtWire(said.full), new ExternalJwtWire(said.empty)];
  const contenders = { full: () => full.fetchKeysBytes(), empty: () => empty.fetchKeysBytes() } as const;
  const measured = await takeTurns(['full', 'empty'] as const, ROUNDS, (who) => perCpuSecond(said.pid, contenders[who]));
  const [ours, theirs] = [measured.get('full')!, measured.get('empty')!];
  console.log('FetchKeys, five keys, for each second of processor time\n');
  printTable(['', 'per CPU second', 'cost, of an empty call: median (quartiles)'], [['an empty unary call of grpc-js', median(theirs).toFixed(0), '1'], ['FetchKeys', median(ours).toFixed(0), spread(theirs.map((count, round) => count / ours[round]!))]]);
  for (const one of [full, empty]) one.close();
  await end(child as ChildProcess);
}

/** From the request to rotate, on its way to the management API, to the first token that bears another key. */
async function rotating(): Promise<void> {
  const kidOf = async (): Promise<string> => (await wire.sign(claimsAt(issuerURL, new Date()))).header;
  const milliseconds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = await kidOf();
    const begun = performance.now();
    const asked = api.send('POST', `${api.issuer}/rotate`, { force: true });
    while ((await kidOf()) === before) continue;
    milliseconds.push(performance.now() - begun);
    success(await asked);
  }
  console.log('From the request to rotate to the first token with the new key, in milliseconds\n');
  printTable(['rounds', 'median', 'most'], [[String(ROUNDS), median(milliseconds).toFixed(0), Math.max(...milliseconds).toFixed(0)]]);
}

async function remembering(): Promise<void> {
  const seen: string[][] = [];
  for (let part = 0; part <= 4; part += 1) {
    const { now, most } = residentMemory(pid);
    seen.push([String((part * MANY) / 4), now.toFixed(0), most.toFixed(0)]);
    if (part === 4) break;
    let left = MANY / 4;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => { while ((left -= 1) >= 0) await sign(); }));
  }
  console.log('Memory of the signer, in MiB\n');
  printTable(['signatures since', 'now', 'most ever'], seen);
}

/** From the start of the process to its first answer, the ring on its disk and the server at hand. */
async function starting(one: SignerHost): Promise<void> {
  const [milliseconds, processor]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    await one.end('SIGTERM');
    const begun = performance.now();
    const { process: started } = one.launch();
    const first = new ExternalJwtWire(one.socket, 'v1', 1);
    await first.fetchKeys();
    milliseconds.push(performance.now() - begun);
    processor.push(cpuSeconds(started.pid!) * 1000);
    first.close();
  }
  console.log('From the start of the signer to its first answer, in milliseconds\n');
  printTable(['rounds', 'median (quartiles)', 'most', 'of processor time'], [[String(ROUNDS), spread(milliseconds, 0), Math.max(...milliseconds).toFixed(0), spread(processor, 0)]]);
}
