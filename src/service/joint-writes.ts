/**
 * Writes that wait for the same transaction: what comes while one is being committed goes into the next, together. So
 * the disk is waited for once for many signers that ask at the same time, and a single one waits no longer than before.
 */
import { isMintmarkError } from '../domain/errors.ts';
import type { Store, StoreWriter } from '../store/store.ts';

/** Runs work in a transaction that others may share. It may refuse, by a MintmarkError, only before it has written anything. */
export type JointWrite = <T>(work: (tx: StoreWriter) => Promise<T>) => Promise<T>;

interface Job {
  /** Gives what settles the job once the transaction is committed. */
  run(tx: StoreWriter): Promise<() => void>;
  fail(error: unknown): void;
}

const MOST_TOGETHER = 100;

export function createJointWrites(store: Store): JointWrite {
  const waiting: Job[] = [];
  let isWriting = false;

  async function writeAll(): Promise<void> {
    isWriting = true;
    while (waiting.length > 0) await writeTogether(store, waiting.splice(0, MOST_TOGETHER));
    isWriting = false;
  }

  return <T>(work: (tx: StoreWriter) => Promise<T>) => new Promise<T>((resolve, reject) => {
    const run = async (tx: StoreWriter): Promise<() => void> => {
      try {
        const value = await work(tx);
        return () => resolve(value);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        return () => reject(error);
      }
    };
    waiting.push({ run, fail: reject });
    if (!isWriting) void writeAll();
  });
}

async function writeTogether(store: Store, jobs: readonly Job[]): Promise<void> {
  try {
    const settles = await store.write(async (tx) => {
      const done: (() => void)[] = [];
      for (const job of jobs) done.push(await job.run(tx));
      return done;
    });
    for (const settle of settles) settle();
  } catch (error) {
    for (const job of jobs) job.fail(error);
  }
}

/** What one of them was refused for takes nothing from the others; what the store could not do concerns all. */
const isRefusal = (error: unknown): boolean => isMintmarkError(error) && !error.code.startsWith('Store');
