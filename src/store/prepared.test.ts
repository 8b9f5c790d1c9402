import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CompiledQuery, type Dialect, Kysely, PostgresAdapter, PostgresQueryCompiler, SqliteAdapter, SqliteQueryCompiler } from 'kysely';
import { prepared } from './prepared.ts';
import type { Tables } from './sql-tables.ts';

/** A database that only writes down what it is asked. */
function recorder(kind: 'sqlite' | 'postgres') {
  const asked: string[] = [];
  const dialect: Dialect = {
    createAdapter: () => (kind === 'sqlite' ? new SqliteAdapter() : new PostgresAdapter()),
    createQueryCompiler: () => (kind === 'sqlite' ? new SqliteQueryCompiler() : new PostgresQueryCompiler()),
    createIntrospector: () => { throw new Error('not asked'); },
    createDriver: () => ({
      init: async () => {}, destroy: async () => {}, releaseConnection: async () => {}, beginTransaction: async () => {}, commitTransaction: async () => {}, rollbackTransaction: async () => {},
      acquireConnection: async () => ({
        executeQuery: async ({ sql, parameters }: CompiledQuery) => (asked.push(`${sql} ${JSON.stringify(parameters)}`), { rows: [] }),
        streamQuery: () => { throw new Error('not asked'); },
      }),
    }),
  };
  return { db: new Kysely<Tables>({ dialect }), asked };
}

test('a query is built once for each database, whatever the transaction, and gets its values each time', async () => {
  let built = 0;
  const query = prepared((db, { name, value }: { name: string; value: string }) => {
    built += 1;
    return db.insertInto('settings').values({ name, value }).onConflict((on) => on.column('name').doUpdateSet({ value }));
  });
  const [lite, post] = [recorder('sqlite'), recorder('postgres')];
  await query(lite.db, { name: 'a', value: '1' });
  await lite.db.transaction().execute((tx) => query(tx, { name: 'b', value: '2' }));
  await lite.db.transaction().execute((tx) => query(tx, { value: '4', name: 'c' }));
  assert.equal(built, 1);
  await query(post.db, { name: 'd', value: '5' });
  assert.equal(built, 2);
  assert.deepEqual(lite.asked, [['a', '1', '1'], ['b', '2', '2'], ['c', '4', '4']].map((values) => `insert into "settings" ("name", "value") values (?, ?) on conflict ("name") do update set "value" = ? ${JSON.stringify(values)}`));
  assert.deepEqual(post.asked, ['insert into "settings" ("name", "value") values ($1, $2) on conflict ("name") do update set "value" = $3 ["d","5","5"]']);
});

test('values that are written into the query itself stay', async () => {
  const query = prepared((db, { key }: { key: string }) => db.selectFrom('principals').select('id').where('key', '=', key).where('created_at', '>', 7).limit(1));
  const { db, asked } = recorder('sqlite');
  for (const key of ['a', 'b']) await query(db, { key });
  assert.deepEqual(asked.map((line) => line.replace(/^.*\? /, '')), ['["a",7,1]', '["b",7,1]']);
});
