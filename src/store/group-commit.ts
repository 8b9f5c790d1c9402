/**
 * Group commit: transactions that wait at the same time are written together, with one wait for the disk.
 *
 * Each is a savepoint of its own, one after another: it sees what those before it did, and what it did is undone when it
 * fails. All of them are told how they ended after the one commit, so what was resolved is on the disk, and what was
 * refused was refused for what is. When the whole transaction goes down with one of them (a full disk, a damaged page), each is
 * tried again alone, so that nobody pays for another's page.
 */
import type { DatabaseSync } from 'node:sqlite';

/** Runs one transaction; may run it again after a conflict. */
type Transaction<Db> = (work: (db: Db) => Promise<void>) => Promise<void>;

/** Lets the event loop do other things; the time at which it comes back. */
async function nextTurn(): Promise<number> {
  await new Promise(setImmediate);
  return performance.now();
}

export interface GroupCommit<Db> {
  write<T>(work: (db: Db) => Promise<T>): Promise<T>;
  /** Resolves when everything that was asked before has ended. */
  drained(): Promise<void>;
}

interface Waiting<Db> {
  readonly work: (db: Db) => Promise<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** More would save little. */
const MOST_TOGETHER = 16;
/** Milliseconds for which works keep the event loop to themselves, one that takes longer excepted. */
const LONGEST_STRETCH = 2;

/** `meaning` of an error that a work ended with. */
export function groupCommit<Db>(database: DatabaseSync, transaction: Transaction<Db>, meaning: (error: unknown) => unknown): GroupCommit<Db> {
  const waiting: Waiting<Db>[] = [];
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    // What has arrived by the time that the event loop comes round goes together, and between two groups it does other things.
    for (;;) {
      await nextTurn();
      if (waiting.length === 0) break;
      await commitTogether(waiting.splice(0, MOST_TOGETHER));
    }
    running = null;
  }

  async function commitTogether(group: readonly Waiting<Db>[]): Promise<void> {
    let ends: (() => void)[] = [];
    try {
      await transaction(async (db) => {
        ends = [];
        let begun = performance.now();
        for (const one of group) {
          if (performance.now() - begun > LONGEST_STRETCH) begun = await nextTurn();
          ends.push(await attempt(db, one));
        }
      });
      for (const end of ends) end();
    } catch (error) {
      if (group.length === 1) group[0]!.reject(error);
      else for (const one of group) await commitTogether([one]);
    }
  }

  /** Does the work, or undoes it; gives what is to be told once all is committed. @throws what has ended the whole transaction. */
  async function attempt(db: Db, { work, resolve, reject }: Waiting<Db>): Promise<() => void> {
    database.exec('savepoint work');
    try {
      const value = await work(db);
      database.exec('release work');
      return () => resolve(value as never);
    } catch (error) {
      if (!database.isTransaction) throw error;
      database.exec('rollback to work; release work');
      return () => reject(meaning(error));
    }
  }

  return {
    write: (work) => new Promise((resolve, reject) => {
      waiting.push({ work, resolve, reject });
      running ??= run();
    }),
    async drained() {
      await running;
    },
  };
}
