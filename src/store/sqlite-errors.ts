/**
 * What SQLite's result codes mean to whoever runs Mintmark: https://www.sqlite.org/rescode.html.
 *
 * Leaves to the edges how the codes are told further. Messages name no file: only those at opening do.
 */
import { type ErrorCode, isMintmarkError, MintmarkError } from '../domain/errors.ts';
import { diskError } from './disk-errors.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly message: string;
}

const LOCKED = { code: 'StoreBusy', message: 'Another process holds the lock of the store; its turn to write did not come in time. Try again.' } as const;
const DAMAGED = { code: 'StoreCorrupt', message: "The store's file is damaged or is no SQLite database. Stop Mintmark and restore the file from a backup." } as const;
const FULL = { code: 'StoreFull', message: 'The disk of the store is full. Nothing was changed. Free some space; reading goes on meanwhile.' } as const;
const unavailable = (why: string): Meaning => ({ code: 'StoreUnavailable', message: `The store can not be read or written: ${why}. Nothing was changed.` });

/** Primary result code → meaning. All others are errors of the program. */
const MEANINGS: ReadonlyMap<number, Meaning> = new Map([
  [3, unavailable('the permission is denied (SQLITE_PERM)')],
  [5, LOCKED],
  [6, LOCKED],
  [7, unavailable('there is not enough memory (SQLITE_NOMEM)')],
  [8, unavailable('its file, or the folder of it, can only be read (SQLITE_READONLY)')],
  [10, unavailable('the disk reported an error (SQLITE_IOERR); look at the kernel log')],
  [11, DAMAGED],
  [13, FULL],
  [14, unavailable('its file can not be opened (SQLITE_CANTOPEN); look at its folder and permissions')],
  [15, unavailable('its file is locked in a way that SQLite does not know (SQLITE_PROTOCOL)')],
  [19, { code: 'InternalError', message: 'A record is in the store already, or belongs to one that is not (SQLITE_CONSTRAINT). Nothing was changed.' }],
  [23, unavailable('the access is denied (SQLITE_AUTH)')],
  [26, DAMAGED],
]);

/** Extended result code → meaning, where it says more than its primary one. */
const MORE_EXACT: ReadonlyMap<number, Meaning> = new Map([
  // SQLITE_IOERR_SHMSIZE: the index of the write-ahead log could not grow.
  [10 | (19 << 8), FULL],
]);

interface SqliteError extends Error {
  readonly code: 'ERR_SQLITE_ERROR';
  readonly errcode: number;
}

const isSqliteError = (error: unknown): error is SqliteError => error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR' && 'errcode' in error;

/** Whether it may well work a moment later: another connection had the lock. */
export const isLocked = (error: unknown): boolean => isSqliteError(error) && MEANINGS.get(error.errcode & 0xff) === LOCKED;

/** What node:sqlite itself refuses: by its code. */
const REFUSALS: ReadonlyMap<unknown, Meaning> = new Map([
  // An integer that JavaScript can not hold exactly.
  ['ERR_OUT_OF_RANGE', { code: 'StoreCorrupt', message: 'A number in the store is larger than any that Mintmark writes. Restore the store from a backup.' }],
  ['ERR_INVALID_STATE', { code: 'StoreUnavailable', message: 'The store is closed: the server is stopping.' }],
]);

/** The foreseen error that an error of node:sqlite stands for; any other error as it is. */
export function toStoreError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const meaning = isSqliteError(error) ? (MORE_EXACT.get(error.errcode) ?? MEANINGS.get(error.errcode & 0xff)) : REFUSALS.get(error.code);
  return meaning === undefined ? error : new MintmarkError(meaning.code, meaning.message, { cause: error });
}

/** The same for an error of opening this file, which is named. */
export function openingError(file: string, error: unknown): unknown {
  const meant = toStoreError(error);
  if (isMintmarkError(meant)) return new MintmarkError(meant.code, `The store ${file} can not be opened. ${meant.message}`, { cause: error });
  const ofDisk = diskError(error, `The store ${file} can not be opened`);
  if (ofDisk !== null) return ofDisk;
  if (!(meant instanceof Error) || !('syscall' in meant)) return meant;
  return new MintmarkError('StoreUnavailable', `The store ${file} can not be opened: ${meant.message}. Look at its folder and permissions.`, { cause: error });
}
