import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { groupCommit } from './group-commit.ts';

/** A table of words in memory; `works` is how many were in each transaction that was committed. */
function words(t: TestContext) {
  const database = new DatabaseSync(':memory:');
  t.after(() => database.close());
  database.exec('create table words (word text primary key)');
  const works: number[] = [];
  const hooks = { commit: (): void => undefined };
  let inThis = 0;
  const commits = groupCommit<DatabaseSync>(database, async (work) => {
    inThis = 0;
    database.exec('begin immediate');
    try {
      await work(database);
      hooks.commit();
      database.exec('commit');
      works.push(inThis);
    } catch (error) {
      if (database.isTransaction) database.exec('rollback');
      throw error;
    }
  }, (error) => (error instanceof Error && error.message.startsWith('UNIQUE') ? 'taken' : error));
  const all = (): readonly unknown[] => database.prepare('select word from words order by rowid').all().map((row) => row['word']);
  const add = (word: string): Promise<readonly unknown[]> => commits.write(async (db) => {
    inThis += 1;
    db.prepare('insert into words values (?)').run(word);
    return all();
  });
  return { database, commits, works, hooks, all, add };
}

test('what is asked at the same time is committed together, each seeing what those before it did', async (t) => {
  const { add, works } = words(t);
  assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(add)), [['a'], ['a', 'b'], ['a', 'b', 'c']]);
  assert.deepEqual(works, [3]);
});

test('at most sixteen go together, and the event loop comes round in between', async (t) => {
  const { add, works } = words(t);
  const rounds: number[] = [];
  const many = Promise.all(Array.from({ length: 40 }, (_, index) => add(String(index))));
  setImmediate(function round() {
    rounds.push(works.length);
    if (works.length < 3) setImmediate(round);
  });
  await many;
  assert.deepEqual(works, [16, 16, 8]);
  assert.deepEqual([1, 2].every((done) => rounds.includes(done)), true, rounds.join());
});

test('works that take long let the event loop come round in between, and none else into their transaction', async (t) => {
  const { commits, add, works } = words(t);
  let turns = 0;
  const turn = (): void => { if ((turns += 1) < 100) setImmediate(turn); };
  const seen: number[] = [];
  const long = async (): Promise<void> => {
    seen.push(turns);
    for (const begun = performance.now(); performance.now() < begun + 5;);
  };
  turn();
  const all = [commits.write(long), commits.write(long), commits.write(long)];
  setImmediate(() => all.push(add('later').then(() => undefined)));
  await all[2];
  assert.ok(seen[0]! < seen[1]! && seen[1]! < seen[2]!, seen.join());
  assert.deepEqual(works, [0]);
  await all[3];
});

test('a work that fails is undone alone, and told what its error means', async (t) => {
  const { add, commits, all, works } = words(t);
  const failure = new Error('half-way');
  const results = await Promise.allSettled([
    add('a'),
    commits.write(async (db) => {
      db.exec("insert into words values ('lost')");
      throw failure;
    }),
    commits.write(() => { throw failure; }),
    add('a'),
    add('b'),
  ]);
  assert.deepEqual(results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as unknown))), [['a'], failure, failure, 'taken', ['a', 'b']]);
  assert.deepEqual([all(), works.length], [['a', 'b'], 1]);
});

test('nothing is told before the commit, and when that fails none of them happened, a refusal neither', async (t) => {
  const { add, commits, hooks, all } = words(t);
  const [told, toldAtCommit, full]: [string[], number[], Error] = [[], [], new Error('disk full')];
  hooks.commit = () => {
    toldAtCommit.push(told.length);
    throw full;
  };
  const both = [add('a'), commits.write(() => Promise.reject(new Error('refused')))].map((one) => one.finally(() => told.push('told')));
  assert.deepEqual((await Promise.allSettled(both)).map((result) => result.status === 'rejected' && (result.reason as unknown)), [full, full]);
  assert.deepEqual(toldAtCommit, [0, 0, 1], 'together, then each alone');
  assert.deepEqual(all(), []);
  hooks.commit = () => undefined;
  await add('a');
  assert.deepEqual(all(), ['a']);
});

test('one that takes the whole transaction with it fails alone: the others are done again without it', async (t) => {
  const { add, commits, all, works } = words(t);
  const failure = new Error('a damaged page');
  const results = await Promise.allSettled([add('a'), commits.write(async (db) => {
    db.exec('rollback');
    throw failure;
  }), add('b')]);
  assert.deepEqual(results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as unknown))), [['a'], failure, ['a', 'b']]);
  assert.deepEqual(all(), ['a', 'b']);
  assert.deepEqual(works, [1, 1]);
});

test('a transaction that is run again tells only of its last run', async (t) => {
  const database = new DatabaseSync(':memory:');
  t.after(() => database.close());
  let runs = 0;
  const commits = groupCommit<DatabaseSync>(database, async (work) => {
    for (; runs < 2;) {
      database.exec('begin');
      await work(database);
      database.exec((runs += 1) < 2 ? 'rollback' : 'commit');
    }
  }, (error) => error);
  assert.equal(await commits.write(async () => runs), 1);
});

test('it is drained when all that was asked before has ended', async (t) => {
  const { add, commits, all } = words(t);
  for (const word of ['a', 'b']) void add(word);
  await commits.drained();
  assert.deepEqual(all(), ['a', 'b']);
  await commits.drained();
});
