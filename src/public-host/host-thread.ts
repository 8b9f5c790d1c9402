/**
 * The public host on a thread of its own, as the server sees it: a `PublicHost` that answers by messages.
 *
 * Owns the thread: its start, its end within a stated time, and that an end that nobody asked for is told. Gets what the
 * thread writes (confirmations), and its log. Leaves to `serving.ts` what the thread does.
 */
import { Worker } from 'node:worker_threads';
import type { Level, Logger } from 'pino';
import { MintmarkError } from '../domain/errors.ts';
import { connectCalls, type Remote } from './calls.ts';
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

interface Thread {
  readonly remote: Remote<HostCalls>;
  /** Resolves when it is over, whyever, with what its end means if nobody asked for it. */
  readonly over: Promise<MintmarkError>;
  terminate(): Promise<unknown>;
}

/** Not started. */
export function createHostThread(data: ThreadData, ground: ThreadGround): HostThread {
  let thread: Thread | null = null;
  /** From the start until an end is asked for. */
  let serving = false;
  let counting: Promise<ThreadCounts> | null = null;

  /** What is asked of a thread that serves. */
  const remote = (): Remote<HostCalls> => {
    if (thread === null || !serving) throw new Error('The public host does not run.');
    return thread.remote;
  };

  /** Waits for an end that the thread has this long for; then it is ended as it is. */
  async function orTerminated(ending: Promise<void>): Promise<void> {
    const overdue = setTimeout(() => {
      ground.log.error('the public host did not end in time: its requests are cut off');
      serving = false;
      void thread?.terminate();
    }, data.stopWithin * 1000 + END_WITHIN_MS);
    try {
      await ending;
    } catch (error) {
      if (serving) throw error;
    } finally {
      clearTimeout(overdue);
    }
  }

  return {
    async start() {
      thread = beginThread(data, ground);
      try {
        const port = await thread.remote.start();
        serving = true;
        void thread.over.then((error) => { if (serving) ground.lost(error); });
        return port;
      } catch (error) {
        await thread.terminate();
        throw error;
      }
    },
    get ready() {
      return serving;
    },
    catchUp: async () => remote().catchUp(),
    renewTls: async (pair) => remote().renewTls(pair),
    async counts() {
      if (!serving) return null;
      counting ??= remote().counts().finally(() => { counting = null; });
      return within(COUNTS_WITHIN_MS, counting);
    },
    async close() {
      if (serving) await orTerminated(remote().close());
    },
    async stop() {
      if (!serving || thread === null) return;
      await orTerminated(thread.remote.stop());
      serving = false;
      await thread.over;
    },
  };
}

function beginThread(data: ThreadData, { confirm, log }: ThreadGround): Thread {
  const thread = new Worker(THREAD, { name: THREAD_NAME, workerData: data });
  const { remote, end } = connectCalls<HostCalls>(thread, { confirm, log: (line) => logAgain(log, line) } satisfies ServerCalls);
  const over = new Promise<MintmarkError>((resolve) => {
    let failure: unknown;
    thread.once('error', (error) => { failure = error; }).once('exit', (code) => {
      const error = endOf(failure, code);
      end(error);
      resolve(error);
    });
  });
  return { remote, over, terminate: () => thread.terminate() };
}

/** What the end means of a thread that should have gone on. */
function endOf(failure: unknown, code: number): MintmarkError {
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
