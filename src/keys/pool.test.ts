import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UnsealedKey } from './generate.ts';
import { createKeyPool } from './pool.ts';

/** Keys by number, made when told. */
function workshop(): { generate: () => Promise<UnsealedKey>; made: () => number } {
  let made = 0;
  return { generate: async () => ({ kid: `key${(made += 1)}` }) as unknown as UnsealedKey, made: () => made };
}
const fail = (error: unknown): never => assert.fail(String(error));
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a pool fills up to its size and refills what is taken', async () => {
  const { generate, made } = workshop();
  const pool = createKeyPool({ size: 3, generate, onError: fail });
  await settled();
  assert.equal(made(), 3);
  assert.equal((await pool.take()).kid, 'key1');
  await settled();
  assert.equal(made(), 4);
});

test('an empty pool makes keys on the spot, no key twice', async () => {
  const { generate } = workshop();
  const pool = createKeyPool({ size: 0, generate, onError: fail });
  const taken = await Promise.all([pool.take(), pool.take(), pool.take()]);
  assert.equal(new Set(taken.map(({ kid }) => kid)).size, 3);
});

test('what is given back is taken again, unless the pool is full', async () => {
  const { generate } = workshop();
  const pool = createKeyPool({ size: 1, generate, onError: fail });
  await settled();
  const key = await pool.take();
  pool.stop();
  pool.giveBack(key);
  assert.equal(await pool.take(), key);
});

test('a failure to make a key ahead is reported, and taking tries again', async () => {
  const errors: unknown[] = [];
  let broken = true;
  const pool = createKeyPool({ size: 1, generate: async () => { if (broken) throw new Error('no entropy'); return { kid: 'key1' } as unknown as UnsealedKey; }, onError: (error) => errors.push(error) });
  await settled();
  assert.equal(errors.length, 1);
  broken = false;
  assert.equal((await pool.take()).kid, 'key1');
});
