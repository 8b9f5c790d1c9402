import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMintmarkError } from '../domain/errors.ts';
import { isLocked, toStoreError } from './sqlite-errors.ts';

const sqliteError = (errcode: number): Error => Object.assign(new Error('said by SQLite'), { code: 'ERR_SQLITE_ERROR', errcode });

/** Result code of SQLite, extended ones among them → what it is told as. */
const CODES = [
  ['SQLITE_BUSY', 5, 'StoreBusy'], ['SQLITE_BUSY_SNAPSHOT', 517, 'StoreBusy'], ['SQLITE_READONLY_DBMOVED', 1032, 'StoreUnavailable'],
  ['SQLITE_IOERR_WRITE', 778, 'StoreUnavailable'], ['SQLITE_IOERR_FSYNC', 1034, 'StoreUnavailable'], ['SQLITE_IOERR_SHMSIZE', 4874, 'StoreFull'],
  ['SQLITE_FULL', 13, 'StoreFull'], ['SQLITE_CORRUPT', 11, 'StoreCorrupt'], ['SQLITE_CORRUPT_INDEX', 779, 'StoreCorrupt'], ['SQLITE_NOTADB', 26, 'StoreCorrupt'],
] as const;

for (const [name, errcode, code] of CODES) {
  test(`${name} is ${code}`, () => {
    const error = sqliteError(errcode);
    const meant = toStoreError(error);
    assert.ok(isMintmarkError(meant, code), String(meant));
    assert.equal(meant.cause, error);
    assert.equal(isLocked(error), code === 'StoreBusy');
  });
}

test('what is a fault of the program, or no error of SQLite, stays what it is', () => {
  for (const error of [sqliteError(1), sqliteError(21), new Error('x'), Object.assign(new Error('x'), { code: 'EROFS' }), 'text', null]) assert.equal(toStoreError(error), error);
});
