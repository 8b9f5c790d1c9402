/**
 * The thread of the public host: its own listener, publisher and read-only connection to the store.
 *
 * Gets no key-encryption key, and no private half: its connection refuses to read the tables that have them. Asks the server
 * for the one thing that it writes. Whatever goes wrong here unforeseen ends the thread, and the server with it.
 */
import { setPriority } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parentPort } from 'node:worker_threads';
import { pino } from 'pino';
import { shiftedClock } from '../dev/shifted-clock.ts';
import { systemClock } from '../service/clock.ts';
import { type DocumentSource, Publisher } from '../service/publisher.ts';
import { openSqliteDocuments } from '../store/sqlite-documents.ts';
import { connectCalls } from './calls.ts';
import { plainError } from './plain-error.ts';
import type { HostCalls, ServerCalls, ThreadData, ThreadHealth } from './protocol.ts';
import { createPublicHost } from './public-host.ts';

/** How exactly the delay of the event loop is measured, in milliseconds. */
const DELAY_RESOLUTION = 10;
const MILLISECOND = 1e6;
/** Three times the weight of others (sched(7)). Much more would let a flood of requests keep the server from its work on a single processor. */
const PRIORITY = -5;

const port = parentPort!;
const delays = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION });

const { remote: server } = connectCalls<ServerCalls>(port, {
  async start(data: ThreadData): Promise<number> {
    goFirst();
    serving = open(data);
    delays.enable();
    return serving.host.start();
  },
  catchUp: () => serving!.host.catchUp(),
  renewTls: (pair) => serving!.host.renewTls(pair),
  close: () => serving!.host.close(),
  counts: () => ({ ...serving!.host.counts, ...health() }),
  // Ends what keeps the thread alive, so that it is over once this is answered.
  async stop(): Promise<void> {
    await serving!.host.stop();
    await serving!.documents.close();
    delays.disable();
    setImmediate(() => port.close());
  },
} satisfies HostCalls);

let serving: ReturnType<typeof open> | undefined;

/** A log that can not be written takes no document down; whoever writes it knows of it. */
const write = (line: string): void => void server.log(line).catch(() => undefined);

function open({ storeFile, clockFile, publishedIssuers, logLevel, ...config }: ThreadData) {
  const log = pino({ level: logLevel, base: null, timestamp: false, formatters: { level: (level) => ({ level }) }, serializers: { err: plainError } }, { write });
  const documents = openSqliteDocuments(storeFile);
  const source: DocumentSource = { read: documents.read, write: (work) => work({ confirmPublication: server.confirm }) };
  const clock = clockFile === null ? systemClock : shiftedClock(clockFile);
  const publisher = new Publisher(source, clock, log, { name: 'embedded', maxIssuersInMemory: publishedIssuers });
  return { documents, host: createPublicHost(config, publisher, log) };
}

/**
 * Before the rest of the server, where the system allows it: what documents take is little, and while rotations have every
 * processor at work the slowest requests would wait for the kernel's next tick. On Linux this is the priority of this thread alone.
 */
function goFirst(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(PRIORITY);
  } catch {
    // Not allowed to this user: it goes on as everything does.
  }
}

function health(): ThreadHealth {
  // What is measured is from one look to the next: the time that was meant to pass between them is no delay.
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / MILLISECOND - DELAY_RESOLUTION) / 1000;
  const delay = { p50: late(delays.percentile(50)), p99: late(delays.percentile(99)), max: late(delays.max) };
  delays.reset();
  return { delay, heapUsed: process.memoryUsage().heapUsed };
}
