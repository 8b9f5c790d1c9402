/**
 * Queries that are asked again and again: built and compiled once for each database, then only given their values.
 *
 * To build and compile a query takes several times as long as SQLite takes to answer it.
 */
import type { Compilable, CompiledQuery, Kysely } from 'kysely';
import type { Tables } from './sql-tables.ts';

/** Stands in a query for the value of that name. */
class Place<Given> {
  readonly name: keyof Given;

  constructor(name: keyof Given) {
    this.name = name;
  }
}

/** A query whose rows depend on values alone. */
export type Prepared<Given, Row> = (db: Kysely<Tables>, given: Given) => Promise<readonly Row[]>;

/** `build` gets places for the values, so it can put each of them into the query and do nothing else with it. */
export function prepared<Given extends object, Row>(build: (db: Kysely<Tables>, given: Given) => Compilable<Row>): Prepared<Given, Row> {
  const compiled = new WeakMap<object, CompiledQuery<Row>>();
  const places = new Proxy({}, { get: (_, name) => new Place<Given>(name as keyof Given) }) as Given;

  return async (db, given) => {
    // One for each database that was opened, whatever the transaction.
    const { adapter } = db.getExecutor();
    const query: CompiledQuery<Row> = compiled.get(adapter) ?? build(db, places).compile();
    compiled.set(adapter, query);
    const { rows } = await db.executeQuery<Row>({ ...query, parameters: query.parameters.map((value) => (value instanceof Place ? given[(value as Place<Given>).name] : value)) });
    return rows;
  };
}
