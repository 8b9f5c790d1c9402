/**
 * The public host on a thread of its own, as the server sees it: a `PublicHost` that answers by messages.
 *
 * Owns the thread: its start, its end within a stated time, and that an end that nobody asked for is told. Gets what the
 * thread writes (confirmations), and its log. Leaves to `serving.ts` what the thread does.
 */
import { Worker } from 'node:worker_threads';
import type { Level, Logger } from 'pino';
import { MintmarkError } from '../domain/errors.ts';
import { connectCalls } from './calls.ts';
import { errorOf, type PlainError } from './plain-error.ts';
import type { HostCalls, ServerCalls, ThreadCounts, ThreadData } from './protocol.ts';
import type { PublicHost } from './public-host.ts';

export interface HostThread extends PublicHost {
  /** Null when the thread does not answer within a second. */
  counts(): Promise<ThreadCounts | null>;
}

export interface ThreadGround {
  readonly confirm: ServerCalls['confirm'];
  readonly log: Logger;
  /** Told when the thread, which has served, has ended by itself. */
  readonly lost: (error: MintmarkError) => void;
}

/** Beside this file, in the sources and in what is built of them. */
const THREAD = new URL(import.meta.url.replace(/host-thread(\.[jt]s)$/, 'thread$1'));

/** By which the thread is known to debuggers, profilers and tests. */
const THREAD_NAME = 'public-host';
const COUNTS_WITHIN_MS = 1000;
/** What an orderly end may take beyond the time that requests in flight have, in milliseconds. */
const END_WITHIN_MS = 5000;

/** A thread that is there and loads its program, and has nothing to do yet. */
export interface LoadedThread {
  readonly worker: Worker;
  readonly over: Promise<End>;
}

/** How a thread has ended. */
interface End {
  /** It had nothing more to do. */
  readonly orderly: boolean;
  /** What its end means if nobody asked for it. */
  readonly error: MintmarkError;
}

/** Begins one, ahead of time: it takes a while, and can do so beside what else a start takes. It keeps no process alive until it is used. */
export function loadThread(): LoadedThread {
  const worker = new Worker(THREAD, { name: THREAD_NAME });
  worker.unref();
  const over = new Promise<End>((resolve) => {
    let failure: unknown;
    worker.once('error', (error) => { failure = error; }).once('exit', (code) => resolve({ orderly: failure === undefined && code === 0, error: unasked(failure, code) }));
  });
  return { worker, over };
}

/** Not started. */
export function createHostThread(data: ThreadData, { confirm, log, lost }: ThreadGround, { worker, over }: LoadedThread = loadThread()): HostThread {
  const { remote, end } = connectCalls<HostCalls>(worker, { confirm, log: (line) => logAgain(log, line) } satisfies ServerCalls);
  let state: 'new' | 'serving' | 'stopping' | 'terminated' = 'new';
  let counting: Promise<ThreadCounts> | null = null;

  void over.then(({ orderly, error }) => {
    const asked = state === 'terminated' || (state === 'stopping' && orderly);
    end(asked ? new Error('The public host was stopped.') : error);
    if (!asked && state !== 'new') lost(error);
  });

  /** Ends it as it is. */
  async function terminate(): Promise<void> {
    state = 'terminated';
    await worker.terminate();
  }

  /** Waits for an end that the thread has this long for; then it is ended as it is. */
  async function orTerminated(ending: Promise<void>): Promise<void> {
    const overdue = setTimeout(() => {
      log.error('the public host did not end in time: its requests are cut off');
      void terminate();
    }, data.stopWithin * 1000 + END_WITHIN_MS);
    try {
      await ending;
    } catch (error) {
      if (state !== 'terminated') throw error;
    } finally {
      clearTimeout(overdue);
    }
  }

  return {
    async start() {
      worker.ref();
      try {
        const port = await remote.start(data);
        state = 'serving';
        return port;
      } catch (error) {
        await terminate();
        throw error;
      }
    },
    get ready() {
      return state === 'serving';
    },
    catchUp: () => remote.catchUp(),
    renewTls: (pair) => remote.renewTls(pair),
    async counts() {
      if (state !== 'serving') return null;
      counting ??= remote.counts().finally(() => { counting = null; });
      return within(COUNTS_WITHIN_MS, counting);
    },
    async close() {
      if (state === 'serving') await orTerminated(remote.close());
    },
    async stop() {
      if (state === 'new') await terminate();
      if (state === 'serving') {
        state = 'stopping';
        await orTerminated(remote.stop());
      }
      await over;
    },
  };
}

/** What the end means of a thread that should have gone on. */
function unasked(failure: unknown, code: number): MintmarkError {
  const why = failure instanceof Error ? failure.message : failure === undefined ? `its exit code is ${code}` : String(failure);
  const error = new MintmarkError('InternalError', `The thread of the public host has ended by itself: ${why.replace(/\.$/, '')}.`);
  // In one text, and not as a cause: a log would put the message of that behind this one, which has it already.
  if (failure instanceof Error) error.stack += `\ncaused by: ${failure.stack}`;
  return error;
}

/** A line of the thread's log becomes one of the server's, whole and in its form; the time is that at which it arrives. */
function logAgain(log: Logger, line: string): void {
  const { level, msg, ...facts } = JSON.parse(line) as { readonly level: Level; readonly msg: string; readonly err?: PlainError };
  log[level](facts.err === undefined ? facts : { ...facts, err: errorOf(facts.err) }, msg);
}

/** Null when it takes longer, or fails. */
async function within<T>(ms: number, asked: Promise<T>): Promise<T | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(late.resolve, ms, null);
  return Promise.race([asked.catch(() => null), late.promise]).finally(() => clearTimeout(timer));
}
