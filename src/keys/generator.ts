/**
 * Makes RSA keys on threads of their own, which give way to everything else: to make one takes a processor for a long while,
 * and whoever asks for a document or a signature meanwhile must not wait for it.
 *
 * Not in node's own pool of threads: they sign, and a key would keep one of four of them for as long as hundreds of
 * signatures take. A thread that has nothing to make for a while ends, and what its memory still holds of keys with it.
 * Leaves to `pool.ts` how many keys are made at once; there are as many threads.
 */
import type { KeyObject } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { type RsaBits, UnsealedKey } from './generate.ts';

export interface KeyGenerator {
  /** A fresh RS256 key. Rejects with the error of the thread, which is then replaced, and after `stop`. */
  generate(bits: RsaBits): Promise<UnsealedKey>;
  /** Ends the threads, and what they are making. */
  stop(): Promise<void>;
}

/** What a thread answers. Key objects pass between threads without being written out. */
export interface MadePair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** Beside this file, in the sources and in what is built of them. */
const THREAD = new URL(import.meta.url.replace(/generator(\.[jt]s)$/, 'generator-thread$1'));

const DEFAULT_IDLE_MS = 10_000;

interface Idle {
  readonly thread: Worker;
  readonly end: NodeJS.Timeout;
}

/** `idleMs`: for how long a thread is kept that has nothing to make, in milliseconds. */
export function createKeyGenerator(idleMs = DEFAULT_IDLE_MS): KeyGenerator {
  const idle: Idle[] = [];
  const threads = new Set<Worker>();
  let stopped = false;

  function newThread(): Worker {
    if (stopped) throw new Error('The server is stopping: no more keys are made.');
    const thread = new Worker(THREAD);
    threads.add(thread);
    thread.once('exit', () => threads.delete(thread));
    return thread;
  }

  function idleThread(): Worker | undefined {
    const one = idle.pop();
    clearTimeout(one?.end);
    return one?.thread;
  }

  /** Until there is more to make; it keeps no process alive meanwhile. One that is being ended does, until it has. */
  function keep(thread: Worker): void {
    if (stopped) return;
    thread.unref();
    const end = setTimeout(() => {
      idle.splice(idle.findIndex((one) => one.thread === thread), 1);
      void thread.terminate();
    }, idleMs).unref();
    idle.push({ thread, end });
  }

  return {
    async generate(bits) {
      const thread = idleThread() ?? newThread();
      const { publicKey, privateKey } = await ask(thread, bits);
      keep(thread);
      return new UnsealedKey('RS256', publicKey, privateKey);
    },
    async stop() {
      stopped = true;
      while (idleThread() !== undefined);
      // An end that nothing else waits for has to keep the process alive, or it would be over before this resolves.
      for (const thread of threads) thread.ref();
      await Promise.all([...threads].map((thread) => thread.terminate()));
    },
  };
}

function ask(thread: Worker, bits: RsaBits): Promise<MadePair> {
  thread.ref();
  const answer = Promise.withResolvers<MadePair>();
  const ended = (): void => answer.reject(new Error('The thread that was making a key has ended.'));
  thread.once('message', answer.resolve).once('error', answer.reject).once('exit', ended);
  thread.postMessage(bits);
  return answer.promise.finally(() => thread.off('message', answer.resolve).off('error', answer.reject).off('exit', ended));
}
