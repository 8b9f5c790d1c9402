/**
 * How things are at a scrape, as Prometheus gauges, and what others have counted: the store's totals, the key pool, the
 * publisher, the public host, the process.
 *
 * A store that can not be read leaves its totals out and says so by `mintmark_store_up`, a public host that does not answer by
 * `mintmark_public_host_up`; the rest is still told.
 */
import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client';
import { after, DAY, latest, MINUTE } from '../domain/durations.ts';
import { type FreezeWindow, frozenUntil, lastOpen } from '../domain/freeze-windows.ts';
import type { KeyState } from '../domain/key-ring.ts';
import { silentSince } from '../domain/signer-state.ts';
import type { ThreadCounts } from '../public-host/protocol.ts';
import type { PublisherCounts } from '../service/publisher.ts';
import type { SignerStatistics, Store, StoreStatistics } from '../store/store.ts';
import { freshStatistics } from './fresh-statistics.ts';

export interface Sources {
  readonly store: Store;
  readonly version: string;
  /** Its counts are null while it does not answer. */
  readonly publicHost: { readonly ready: boolean; counts(): Promise<ThreadCounts | null> };
  readonly pool: { level(): number };
  /** Signers that wait for news of their ring. */
  readonly openPolls: () => number;
  /** Lines of the log that could not be written. */
  readonly lostLogLines: () => number;
  readonly freezeWindows: readonly FreezeWindow[];
}

/** Days by which the ages of keys are told apart. */
const AGES = [1, 7, 30, 90, 365] as const;
const AGE_NAMES = [...AGES.map((days) => `under ${days}d`), `${AGES.at(-1)}d or more`];
/** How late a rotation may be before it counts as overdue: the rotator tries again after a minute. */
const TOLERANCE = 5 * MINUTE;

interface Totals extends StoreStatistics {
  readonly signers: SignerStatistics;
}

type Sample = readonly [value: number, ...labels: string[]];

interface Row {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** What to show; a label's values in the order of `labels`. */
  read(statistics: Totals, now: Date, freezeWindows: readonly FreezeWindow[]): readonly Sample[];
}

const TOTALS: readonly Row[] = [
  { name: 'mintmark_issuers', help: 'Issuers that are open, and closed ones whose documents are still served.', labels: ['state'], read: ({ issuers }) => [[issuers.open, 'open'], [issuers.closed, 'closed']] },
  { name: 'mintmark_keys', help: 'Keys in all key rings, by state and by the time since they were made.', labels: ['state', 'age'], read: ({ keys }) => Object.entries(keys).flatMap(([state, counts]) => counts.map((count, age) => [count, state as KeyState, AGE_NAMES[age]!] as const)) },
  { name: 'mintmark_next_rotation_seconds', help: 'Seconds until the first active key gives way by its period, after the freeze window that it falls into; negative when it should have. Absent where none does.', read: ({ firstRotation }, now, windows) => (firstRotation === null ? [] : [[((frozenUntil(windows, latest(firstRotation, now) ?? now) ?? firstRotation).getTime() - now.getTime()) / 1000]]) },
  { name: 'mintmark_rotations_overdue', help: 'Rings whose active key should have given way more than five minutes ago; what came due in a freeze window, not before its end.', read: ({ overdueRotations }) => [[overdueRotations]] },
  { name: 'mintmark_waiting_operations', help: 'Operations in progress, by what they wait for: publishers to confirm, signers to acknowledge, or old documents to leave caches.', labels: ['cause'], read: ({ waitingOperations }) => Object.entries(waitingOperations).map(([cause, count]) => [count, cause] as const) },
  { name: 'mintmark_signers', help: 'Signers beside API servers, by how they are: current, behind, refusing and silent ones are enrolled.', labels: ['state'], read: ({ signers }) => Object.entries(signers.states).map(([state, count]) => [count, state] as const) },
  { name: 'mintmark_signer_debts', help: 'Deleted signers that had a private half of a key that still verifies.', read: ({ signers }) => [[signers.indebted]] },
  { name: 'mintmark_signer_leases_half_over', help: 'Silent signers that have used up more than half of their lease, and stop to sign at its end.', read: ({ signers }) => [[signers.leasesHalfOver]] },
];

/** Number in `PublisherCounts` → its metric. */
const PUBLISHER_COUNTERS = {
  loads: ['mintmark_publisher_loads_total', 'Issuers whose documents were read from the store.'],
  failedLoads: ['mintmark_publisher_failed_loads_total', 'Issuers whose documents could not be read.'],
  refusedLoads: ['mintmark_publisher_refused_loads_total', 'Requests that were told to come again because too many issuers were being read.'],
  evictions: ['mintmark_publisher_evictions_total', 'Issuers that gave way to others in memory.'],
  failedRounds: ['mintmark_publisher_failed_rounds_total', 'Rounds in which the publisher could not follow the store.'],
} as const satisfies Partial<Record<keyof PublisherCounts, readonly [string, string]>>;

const PUBLISHER_GAUGES = {
  issuersInMemory: ['mintmark_publisher_issuers_in_memory', 'Issuers whose documents are in memory.'],
  issuersKnown: ['mintmark_publisher_issuers_known', 'Issuers that may have documents.'],
  confirmedChange: ['mintmark_publisher_confirmed_change', 'Number of the last change of documents that is served; -1 while there is none.'],
} as const satisfies Partial<Record<keyof PublisherCounts, readonly [string, string]>>;

/** What the thread of the public host says of itself. */
const HOST_GAUGES: Readonly<Record<string, readonly [help: string, read: (counts: ThreadCounts) => number]>> = {
  mintmark_public_host_eventloop_lag_p50_seconds: ['How late the event loop of the public host was since the last scrape: the median.', ({ delay }) => delay.p50],
  mintmark_public_host_eventloop_lag_p99_seconds: ['The same, 99th percentile.', ({ delay }) => delay.p99],
  mintmark_public_host_eventloop_lag_max_seconds: ['The same, the most.', ({ delay }) => delay.max],
  mintmark_public_host_heap_used_bytes: ['Memory in use on the heap of the public host, which is not that of the rest of the process.', ({ heapUsed }) => heapUsed],
};

/** Registers everything that is read at a scrape. */
export function registerGauges(registry: Registry, sources: Sources): void {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({ name: 'mintmark_build_info', help: 'The version that runs; always 1.', labelNames: ['version', 'node'], registers }).set({ version: sources.version, node: process.versions.node }, 1);
  reading(registry, 'mintmark_key_pool_keys', 'Keys that are ready for new issuers and rotations.', () => sources.pool.level());
  reading(registry, 'mintmark_signers_waiting', 'Signers whose request waits for a later ring: those that are connected.', sources.openPolls);
  reading(registry, 'mintmark_publisher_ready', 'Whether documents are served: 1 or 0.', () => Number(sources.publicHost.ready));
  sampled(registry, Counter, ['mintmark_log_failures_total', 'Log lines that could not be written.'], [], async () => [[sources.lostLogLines()]]);
  registerHost(registry, sources.publicHost);
  reading(registry, 'mintmark_rotation_frozen', 'Whether a freeze window is open, in which no key rotates by itself: 1 or 0.', () => Number(frozenUntil(sources.freezeWindows, sources.store.now()) !== null));
  registerTotals(registry, sources);
}

function registerHost(registry: Registry, { counts }: Sources['publicHost']): void {
  /** Of the scrape that is under way: it is one question, whatever the number of metrics. */
  let asked: Promise<ThreadCounts | null> | null = null;
  const ofNow = (): Promise<ThreadCounts | null> => (asked ??= counts().finally(() => { asked = null; }));
  const one = (read: (known: ThreadCounts) => number) => async () => [await ofNow()].flatMap((known): readonly Sample[] => (known === null ? [] : [[read(known)]]));
  sampled(registry, Gauge, ['mintmark_public_host_up', 'Whether the public host says how it is: 1 or 0.'], [], async () => [[Number((await ofNow()) !== null)]]);
  for (const [name, [help, read]] of Object.entries(HOST_GAUGES)) sampled(registry, Gauge, [name, help], [], one(read));
  for (const [count, metric] of Object.entries(PUBLISHER_GAUGES)) sampled(registry, Gauge, metric, [], one(({ publisher }) => publisher[count as keyof PublisherCounts]));
  for (const [count, metric] of Object.entries(PUBLISHER_COUNTERS)) sampled(registry, Counter, metric, [], one(({ publisher }) => publisher[count as keyof PublisherCounts]));
  sampled(registry, Counter, ['mintmark_public_requests_total', 'Requests to the public host, by document and status.'], ['document', 'status'], async () =>
    Object.entries((await ofNow())?.requests ?? {}).flatMap(([document, statuses]) => Object.entries(statuses).map(([status, count]) => [count, document, status] as const)));
}

function registerTotals(registry: Registry, { store, freezeWindows }: Sources): void {
  const statistics = freshStatistics(() => totalsOf(store, freezeWindows), () => performance.now());
  registry.registerMetric(new Gauge({ name: 'mintmark_store_up', help: 'Whether the totals could be read from the store: 1 or 0.', registers: [], async collect() { this.set(Number((await statistics()) !== null)); } }));
  for (const { name, help, labels = [], read } of TOTALS) {
    sampled(registry, Gauge, [name, help], labels, async () => {
      const known = await statistics();
      return known === null ? [] : read(known, store.now(), freezeWindows);
    });
  }
}

const totalsOf = (store: Store, freezeWindows: readonly FreezeWindow[]): Promise<Totals> => store.read(async (tx) => {
  const now = store.now();
  const overdueAt = lastOpen(freezeWindows, after(now, -TOLERANCE));
  return { ...await tx.statistics(AGES.map((days) => after(now, -days * DAY)), overdueAt), signers: await tx.signerStatistics(silentSince(now), now) };
});

function reading(registry: Registry, name: string, help: string, read: () => number): void {
  registry.registerMetric(new Gauge({ name, help, registers: [], collect() { this.set(read()); } }));
}

/** What others know and count: there are as many samples as there are values. */
function sampled(registry: Registry, Kind: typeof Gauge | typeof Counter, [name, help]: readonly [string, string], labels: readonly string[], read: () => Promise<readonly Sample[]>): void {
  registry.registerMetric(new Kind({
    name, help, labelNames: labels, registers: [],
    async collect() {
      const samples = await read();
      this.reset();
      // Without a value there is no sample, where a plain metric would have a zero.
      if (samples.length === 0 && labels.length === 0) this.remove();
      for (const [value, ...values] of samples) this.inc(labelled(labels, values), value);
    },
  }));
}

const labelled = (names: readonly string[], values: readonly string[]): Record<string, string> => Object.fromEntries(names.map((name, at) => [name, values[at]!]));
