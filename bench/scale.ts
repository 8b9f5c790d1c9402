/**
 * What 100 000 issuers cost beside 1000, in two shipped servers that take turns: their start, GETs of issuers that are in memory
 * and of those that are not, a page of the management API's lists, and memory. See README.md.
 */
import { parseArgs } from 'node:util';
import { rawRequest, startLoad } from './load-process.ts';
import { residentMemory } from './processes.ts';
import { makePlace, type Place, startServer } from './server.ts';
import { seed, type Seeded } from './seed.ts';
import { median, printTable, quantile } from './statistics.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, few: { type: 'string', default: '1000' }, many: { type: 'string', default: '100000' } } });
const ROUNDS = Number(values.rounds);
/** Issuers that are asked for in one round, drawn at random. */
const ASKED = 500;
/** Each of the asked ones so often, when they are in memory. */
const SECONDS_WARM = 1;
const CLIENTS_TOUCHING = 16;

interface Contender {
  readonly issuers: number;
  readonly place: Place;
  readonly seeded: Seeded;
}

/** All in milliseconds. */
interface Round {
  readonly start: number;
  readonly cold: readonly number[];
  readonly warm: readonly number[];
  readonly issuerList: readonly number[];
  readonly clusterList: readonly number[];
}

async function prepare(issuers: number): Promise<Contender> {
  const place = await makePlace();
  const begun = performance.now();
  const seeded = await seed(place, { issuers, principals: 1 });
  console.error(`${issuers} issuers were made in ${((performance.now() - begun) / 1000).toFixed(0)} s.`);
  return { issuers, place, seeded };
}

const load = startLoad({ urgent: true });

/** So many different ones of the list, in any order. */
function drawn<T>(list: readonly T[], count: number): readonly T[] {
  const places = new Set<number>();
  while (places.size < Math.min(count, list.length)) places.add(Math.floor(Math.random() * list.length));
  return [...places].map((place) => list[place]!);
}

/** A server that was just started, so that only the issuer by which its start is seen is in memory. */
async function measure({ place, seeded }: Contender): Promise<Round> {
  const server = await startServer(place, seeded.issuers[0]!.jwks);
  try {
    const requests = drawn(seeded.issuers.slice(1), ASKED).map(({ jwks }) => rawRequest('GET', jwks));
    await load.connect({ port: place.issuer.port, ca: place.ca, clients: [{ requests }] });
    const cold = await load.burst({ seconds: 60, once: true });
    const warm = await load.burst({ seconds: SECONDS_WARM });
    const lists = [];
    for (const path of ['Mintmark.Oidc/issuers', 'Microsoft.ContainerService/managedClusters']) {
      await load.connect({ port: place.management.port, ca: place.ca, clients: [{ requests: Array.from({ length: 10 }, () => rawRequest('GET', `/subscriptions/${seeded.subscriptionId}/providers/${path}?api-version=2025-03-01`, { token: seeded.accessTokens[0]! })) }] });
      lists.push((await load.burst({ seconds: 60, once: true })).milliseconds);
    }
    return { start: server.startSeconds * 1000, cold: cold.milliseconds, warm: warm.milliseconds, issuerList: lists[0]!, clusterList: lists[1]! };
  } finally {
    await server.stop();
  }
}

/** Every issuer's JWKS is asked for once. */
async function touchAll({ place, seeded }: Contender): Promise<void> {
  const requests = seeded.issuers.map(({ jwks }) => rawRequest('GET', jwks));
  await load.connect({ port: place.issuer.port, ca: place.ca, clients: Array.from({ length: CLIENTS_TOUCHING }, (_, client) => ({ requests: requests.filter((_request, index) => index % CLIENTS_TOUCHING === client) })) });
  await load.burst({ seconds: 600, once: true });
}

async function measureMemory(contender: Contender, name: string, ...settings: readonly string[]): Promise<readonly string[]> {
  const server = await startServer(contender.place, contender.seeded.issuers[0]!.jwks, ...settings);
  try {
    const inMemory = [residentMemory(server.pid).now];
    for (let times = 0; times < 2; times += 1) {
      await touchAll(contender);
      inMemory.push(residentMemory(server.pid).now);
    }
    return [name, ...inMemory, residentMemory(server.pid).most].map((cell) => (typeof cell === 'string' ? cell : cell.toFixed(0)));
  } finally {
    await server.stop();
  }
}

const ROWS: readonly (readonly [string, (round: Round) => number, string])[] = [
  ['start to the first document', ({ start }) => start, '≤ 2'],
  ['GET of an issuer in memory, median', ({ warm }) => median(warm), '≤ 2'],
  ['GET of an issuer not in memory, median', ({ cold }) => median(cold), '≤ 2'],
  ['the same, p99', ({ cold }) => quantile(cold, 0.99), ''],
  ['first page of issuers', ({ issuerList }) => median(issuerList), ''],
  ['first page of clusters', ({ clusterList }) => median(clusterList), ''],
];

const contenders = [await prepare(Number(values.few)), await prepare(Number(values.many))] as const;
try {
  const rounds: [Round[], Round[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) for (const index of round % 2 === 0 ? [0, 1] : [1, 0]) rounds[index]!.push(await measure(contenders[index]!));
  const [few, many] = rounds;
  printTable(['ms, medians over rounds', ...contenders.map(({ issuers }) => `${issuers} issuers`), 'ratio', 'reach'], ROWS.map(([name, of, reach]) => [
    name, median(few.map(of)).toFixed(2), median(many.map(of)).toFixed(2), median(many.map((round, index) => of(round) / of(few[index]!))).toFixed(2), reach,
  ]));
  printTable(['resident memory, MiB', 'after the start', 'after every issuer was asked for', 'after the same again', 'the most'], [
    await measureMemory(contenders[0], `${contenders[0].issuers} issuers`),
    await measureMemory(contenders[1], `${contenders[1].issuers} issuers`),
    await measureMemory(contenders[1], `${contenders[1].issuers} issuers, publishedIssuers=1000`, 'publishedIssuers=1000'),
  ]);
} finally {
  load.end();
  for (const { place } of contenders) place.remove();
}
