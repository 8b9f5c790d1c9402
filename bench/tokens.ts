/**
 * What a service-account token costs beside its signature: tokens that the shipped server issues over its API, in the
 * processor time of its process, against the signatures that `openssl speed` makes in as much. See README.md.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type LoadProcess, rawRequest, startLoad } from './load-process.ts';
import { signaturesPerCpuSecond, signaturesPerSecond } from './openssl-speed.ts';
import { cpuSeconds } from './processes.ts';
import { type Place, makePlace, startServer } from './server.ts';
import { seed, type Seeded } from './seed.ts';
import { median, printTable, spread } from './statistics.ts';
import { takeTurns } from './turns.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10' }, seconds: { type: 'string', default: '2' }, warmUp: { type: 'string', default: '15' } } });
const SECONDS = Number(values.seconds);
/** For which each makes tokens before anything is measured: a server runs for weeks, its first seconds are no measure of it. */
const WARM_UP_SECONDS = Number(values.warmUp);
/** Each client is a principal of its own; so many and so many addresses that no default limit of one is reached. */
const [CLIENTS, ADDRESSES] = [64, 32];

interface Measurement {
  readonly perCpuSecond: number;
  readonly perSecond: number;
  /** Processors in use. */
  readonly cores: number;
}

/** What makes signatures or tokens. */
interface Contender {
  readonly name: string;
  measure(seconds?: number): Promise<Measurement>;
}

async function connectClients(load: LoadProcess, place: Place, { accessTokens, issuers }: Seeded): Promise<void> {
  const clients = accessTokens.map((token, index) => ({
    localAddress: `127.0.0.${2 + (index % ADDRESSES)}`,
    requests: [rawRequest('POST', `${issuers[index % issuers.length]!.cluster}/providers/Mintmark.Oidc/issuers/default/issueToken?api-version=2025-01-01`, { token, body: requestOf(index) })],
  }));
  await load.connect({ port: place.management.port, ca: place.ca, clients });
}

const requestOf = (index: number): object => ({ metadata: { namespace: 'payments', name: `worker-${index}` }, spec: { audiences: ['api://AzureADTokenExchange'], expirationSeconds: 3600 } });

const overTheApi = (load: LoadProcess, pid: number): Contender => ({
  name: 'Mintmark, over the API',
  async measure(seconds = SECONDS) {
    const before = cpuSeconds(pid);
    const { replies, wallSeconds } = await load.burst({ seconds });
    return measured(replies, cpuSeconds(pid) - before, wallSeconds);
  },
});

/** What `tokens-in-process.ts` is told. */
export interface SigningPlace {
  readonly storeFile: string;
  readonly keyEncryptionKeyFile: string;
  readonly auditFile: string;
  readonly clusterIds: readonly string[];
  /** Tokens on the way at the same time. */
  readonly atOnce: number;
}

/** What it answers. */
export interface Issued {
  readonly issued: number;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

/** On a store of its own: two processes do not share one. */
async function startInProcess(place: Place, { issuers }: Seeded): Promise<ChildProcess> {
  const at: SigningPlace = { storeFile: place.storeFile, keyEncryptionKeyFile: join(place.folder, 'key-encryption-key'), auditFile: join(place.folder, 'audit.jsonl'), clusterIds: issuers.map(({ cluster }) => cluster), atOnce: CLIENTS };
  const child = fork(join(import.meta.dirname, 'tokens-in-process.ts'), [JSON.stringify(at)]);
  await once(child, 'message');
  return child;
}

const inProcess = (child: ChildProcess): Contender => ({
  name: 'the signing path alone, in process',
  async measure(seconds = SECONDS) {
    child.send(seconds);
    const [{ issued, cpuSeconds: cpu, wallSeconds }] = (await once(child, 'message')) as [Issued];
    return measured(issued, cpu, wallSeconds);
  },
});

const measured = (made: number, cpu: number, wallSeconds: number): Measurement => ({ perCpuSecond: made / cpu, perSecond: made / wallSeconds, cores: cpu / wallSeconds });

const oneCore: Contender = {
  name: 'openssl speed, one core',
  async measure() {
    const rate = signaturesPerCpuSecond(SECONDS);
    return { perCpuSecond: rate, perSecond: rate, cores: 1 };
  },
};

const bothCores: Contender = {
  name: 'openssl speed -multi 2',
  async measure() {
    const rate = signaturesPerSecond(SECONDS, 2);
    return { perCpuSecond: rate / 2, perSecond: rate, cores: 2 };
  },
};

function report(measuredBy: ReadonlyMap<Contender, readonly Measurement[]>): void {
  const [one, both] = [measuredBy.get(oneCore)!, measuredBy.get(bothCores)!];
  printTable(['', 'per CPU second', 'per second', 'cores in use', 'to one core of openssl, by CPU time (reach: ≥ 0.90)', 'to both, by the clock (reach: ≥ 0.85)'], [...measuredBy].map(([{ name }, rounds]) => [
    name, median(rounds.map(({ perCpuSecond }) => perCpuSecond)).toFixed(0), median(rounds.map(({ perSecond }) => perSecond)).toFixed(0), median(rounds.map(({ cores }) => cores)).toFixed(2),
    spread(rounds.map(({ perCpuSecond }, round) => perCpuSecond / one[round]!.perCpuSecond)), spread(rounds.map(({ perSecond }, round) => perSecond / both[round]!.perSecond)),
  ]));
}

const [place, placeInProcess] = [await makePlace(), await makePlace()];
const load = startLoad();
try {
  const seeded = await seed(place, { issuers: CLIENTS, principals: CLIENTS });
  const child = await startInProcess(placeInProcess, await seed(placeInProcess, { issuers: CLIENTS, principals: 1 }));
  const server = await startServer(place, seeded.issuers[0]!.jwks, 'tokenIssue=true');
  try {
    await connectClients(load, place, seeded);
    const ours = [overTheApi(load, server.pid), inProcess(child)];
    for (const contender of ours) await contender.measure(WARM_UP_SECONDS);
    report(await takeTurns([...ours, oneCore, bothCores], Number(values.rounds), (contender) => contender.measure()));
  } finally {
    child.disconnect();
    await server.stop();
  }
} finally {
  load.end();
  for (const { remove } of [place, placeInProcess]) remove();
}
