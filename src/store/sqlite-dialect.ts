/**
 * node:sqlite as a Kysely dialect: one connection, synchronous, with its prepared statements kept.
 *
 * Leaves to `sqlite.ts`: which connections there are, their pragmas, waiting for locks.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { CompiledQuery, type DatabaseConnection, type Dialect, type Driver, type QueryResult, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';

export interface Transactions {
  /** How they begin: one that writes takes the lock at once, so that it never fails to get it half-way. */
  readonly begin: 'begin deferred' | 'begin immediate';
  /** Called when one has ended, before the next can begin. */
  readonly ended: () => void;
}

/** More than the statements that the store has; the bound is for those that vary in length. */
const MOST_STATEMENTS = 200;

export const sqliteDialect = (database: DatabaseSync, transactions: Transactions): Dialect => ({
  createAdapter: () => new SqliteAdapter(),
  createDriver: () => sqliteDriver(database, transactions),
  createIntrospector: (db) => new SqliteIntrospector(db),
  createQueryCompiler: () => new SqliteQueryCompiler(),
});

function sqliteDriver(database: DatabaseSync, { begin, ended }: Transactions): Driver {
  const connection = sqliteConnection(database);
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: async () => database.exec(begin),
    commitTransaction: async () => {
      database.exec('commit');
      ended();
    },
    // SQLite itself has rolled back after some errors, a full disk among them.
    rollbackTransaction: async () => {
      if (database.isTransaction) database.exec('rollback');
      ended();
    },
    releaseConnection: async () => {},
    destroy: async () => {},
  };
}

function sqliteConnection(database: DatabaseSync): DatabaseConnection {
  const statements = new Map<string, Prepared>();
  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      // Else what follows an error that has ended the transaction would be committed by itself.
      if (!database.isTransaction) throw new Error('The transaction has ended already.');
      const { statement, givesRows } = prepared(database, statements, sql);
      const values = parameters as readonly SQLInputValue[];
      if (givesRows) return { rows: statement.all(...values) as R[] };
      const { changes } = statement.run(...values);
      return { rows: [], numAffectedRows: BigInt(changes) };
    },
    streamQuery: () => {
      throw new Error('The store does not stream.');
    },
  };
}

interface Prepared {
  readonly statement: StatementSync;
  readonly givesRows: boolean;
}

/** The statement for this text, prepared once; the one not used for the longest gives way. */
function prepared(database: DatabaseSync, statements: Map<string, Prepared>, sql: string): Prepared {
  const known = statements.get(sql) ?? prepare(database, sql);
  statements.delete(sql);
  statements.set(sql, known);
  if (statements.size > MOST_STATEMENTS) statements.delete(statements.keys().next().value!);
  return known;
}

function prepare(database: DatabaseSync, sql: string): Prepared {
  const statement = database.prepare(sql);
  return { statement, givesRows: statement.columns().length > 0 };
}
