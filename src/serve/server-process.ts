/** What every process that is a server has: one of its kind on its files, a log, signals that stop it, and a last word when it can not start. */
import { chmodSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Logger, pino } from 'pino';
import { isMintmarkError, MintmarkError } from '../domain/errors.ts';
import { diskError } from '../store/disk-errors.ts';
import { toStoreError } from '../store/sqlite-errors.ts';
import { logLinesTo } from './lines.ts';

/**
 * Takes an exclusive lock of SQLite's on a file of its own: the operating system drops it when the process ends, however it ends.
 * @throws MintmarkError `HomeInUse` with this message while another process holds it; `StoreUnavailable`, `StoreFull`,
 * `InvalidConfiguration` when its file can not be that.
 */
export function lockFile(file: string, message: string): { readonly release: () => void } {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(file, { timeout: 0 });
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;');
    chmodSync(file, 0o600);
    return { release: () => lock?.close() };
  } catch (error) {
    lock?.close();
    throw lockError(file, message, error);
  }
}

/**
 * The lock of a store, beside its file: one server at a time, by whatever links it is named. Not by hard links, which SQLite can
 * not serve either.
 * @throws MintmarkError as `lockFile`.
 */
export const lockStore = (file: string): ReturnType<typeof lockFile> =>
  lockFile(`${realFile(file)}.lock`, `Another Mintmark server runs on the store ${file}. Stop it, or give this one another store.`);

/** Where a file is, or will be where it is not there yet; as given where that can not be told, which opening it will tell. */
function realFile(file: string): string {
  for (const real of [() => realpathSync(file), () => join(realpathSync(dirname(file)), basename(file))]) {
    try {
      return real();
    } catch {
      // The next one.
    }
  }
  return file;
}

function lockError(file: string, inUse: string, cause: unknown): unknown {
  const ofDisk = diskError(cause, `The lock ${file} can not be taken`);
  const meant = ofDisk ?? toStoreError(cause);
  if (ofDisk !== null || !isMintmarkError(meant)) return meant;
  if (meant.code === 'StoreBusy') return new MintmarkError('HomeInUse', inUse, { cause });
  if (meant.code === 'StoreCorrupt') return new MintmarkError('InvalidConfiguration', `The file ${file} is no lock of Mintmark's. Choose another place, or delete the file if nothing else needs it.`, { cause });
  return new MintmarkError(meant.code, `The lock ${file} can not be taken. ${meant.message}`, { cause });
}

export interface ServerLog {
  readonly log: Logger;
  /** Lines that could not be written since the start, for metrics. */
  readonly lostLogLines: () => number;
}

/** One JSON object a line, on stderr; written at once, so that the last words of a process are not lost. A line that can not be written takes nothing else down. */
export function createLog(level: string): ServerLog {
  const lines = logLinesTo(2);
  return { log: pino({ level }, lines), lostLogLines: () => lines.lost };
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const signals = ['SIGINT', 'SIGTERM'] as const;
    const stop = (): void => {
      for (const signal of signals) process.off(signal, stop);
      resolve();
    };
    for (const signal of signals) process.on(signal, stop);
  });
}

/**
 * Ends a server that can not go on, with the reason as its last word and the exit code 1. Not gracefully: what it has
 * promised is in the store whenever it ends, and whoever watches over it can start it again the sooner.
 */
export const endAtOnce = (log: Logger) => (error: Error): void => {
  log.fatal({ err: error }, 'the server ends: it can not go on');
  process.exit(1);
};

/** Says why the server does not run; gives the exit code. Throws on what was not foreseen. */
export function refusal(error: unknown, stderr: { write(text: string): unknown }): 1 {
  if (!isMintmarkError(error)) throw error;
  stderr.write(`ERROR: (${error.code}) ${error.message}\n`);
  return 1;
}
