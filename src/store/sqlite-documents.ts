/**
 * The store as a public host may see it: one connection that only reads, and only what documents are made of.
 *
 * SQLite itself refuses everything else, by its authorizer: no statement of this connection can read a sealed private half, a
 * server's key or a secret's hash, whatever asks for it. Leaves to `sqlite.ts` making the file and its tables.
 */
import { constants, DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { keyRingReads } from './sql-key-rings.ts';
import { publicationReads } from './sql-publication.ts';
import { resourceReads } from './sql-resources.ts';
import type { Tables } from './sql-tables.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { openingError } from './sqlite-errors.ts';
import { DEFAULT_BUSY_TIMEOUT_MS, whenFree } from './sqlite-locks.ts';
import type { DocumentReader } from './store.ts';

export interface DocumentStore {
  /** One consistent view. Never waits for who writes. May run `work` again. */
  read<T>(work: (tx: DocumentReader) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Table by table what documents are made of. */
const READABLE: ReadonlySet<string | null> = new Set<keyof Tables>(['store_state', 'issuers', 'key_rings', 'signing_keys', 'verify_only_keys', 'signers']);
const { SQLITE_OK, SQLITE_DENY, SQLITE_READ, SQLITE_SELECT, SQLITE_TRANSACTION } = constants;

/** Action → whether it is allowed on that table, or whatever else its first argument names. All others are not. */
const ALLOWED: ReadonlyMap<number, (name: string | null) => boolean> = new Map([
  [SQLITE_READ, (table: string | null) => READABLE.has(table)],
  [SQLITE_SELECT, () => true],
  [SQLITE_TRANSACTION, () => true],
]);

/** Opens a store that is open elsewhere. @throws MintmarkError `StoreUnavailable`, `StoreCorrupt`, `StoreBusy`. */
export function openSqliteDocuments(file: string): DocumentStore {
  const database = openDocumentsConnection(file);
  const reader = new Kysely<Tables>({ dialect: sqliteDialect(database, { begin: 'begin deferred', ended: () => undefined }) });
  return {
    read: (work) => whenFree(DEFAULT_BUSY_TIMEOUT_MS, () => reader.transaction().execute((db) => work(documentReads(db)))),
    // Waits for its turn.
    close: () => reader.connection().execute(async () => database.isOpen && database.close()).then(() => undefined),
  };
}

/** The connection alone. */
export function openDocumentsConnection(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    database.setAuthorizer((action, name) => (ALLOWED.get(action)?.(name) === true ? SQLITE_OK : SQLITE_DENY));
    return database;
  } catch (error) {
    throw openingError(file, error);
  }
}

function documentReads(db: Kysely<Tables>): DocumentReader {
  const { issuer, issuerIds } = resourceReads(db);
  const { changesSince, lastChange } = publicationReads(db);
  return { issuer, issuerIds, keyRing: keyRingReads(db).keyRing, changesSince, lastChange };
}
