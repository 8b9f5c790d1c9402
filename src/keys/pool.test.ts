import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMintmarkError } from '../domain/errors.ts';
import type { UnsealedKey } from './generate.ts';
import { createKeyPool } from './pool.ts';

/** Keys by number; with `held`, each is finished when told. */
function workshop(held = false) {
  let made = 0;
  let atOnce = 0;
  let most = 0;
  const finish: (() => void)[] = [];
  const generate = async (): Promise<UnsealedKey> => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    if (held) await new Promise<void>((resolve) => finish.push(resolve));
    atOnce -= 1;
    return { kid: `key${(made += 1)}` } as unknown as UnsealedKey;
  };
  return { generate, made: () => made, most: () => most, finishOne: () => finish.shift()?.() };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const fail = (error: unknown): never => assert.fail(String(error));

test('a pool fills up to its size and refills what is taken', async () => {
  const { generate, made } = workshop();
  const pool = createKeyPool({ size: 3, generate, onError: fail });
  await settled();
  assert.deepEqual([made(), pool.level()], [3, 3]);
  await pool.take();
  await settled();
  assert.deepEqual([made(), pool.level()], [4, 3]);
});

test('no key twice, and never more than two made at once, however many ask', async () => {
  const { generate, most, finishOne } = workshop(true);
  const pool = createKeyPool({ size: 0, generate, onError: fail });
  const taken = Array.from({ length: 20 }, () => pool.take());
  for (let round = 0; round < 20; round += 1) {
    await settled();
    finishOne();
  }
  assert.equal(new Set((await Promise.all(taken)).map(({ kid }) => kid)).size, 20);
  assert.equal(most(), 2);
});

test('who would be the 257th to wait is refused', async () => {
  const { generate } = workshop(true);
  const pool = createKeyPool({ size: 0, generate, onError: fail });
  for (let index = 0; index < 256; index += 1) void pool.take();
  await assert.rejects(pool.take(), (error) => isMintmarkError(error, 'TooManyRequests'));
});

test('what is given back is taken again; who waits has it first', async () => {
  const { generate } = workshop();
  const pool = createKeyPool({ size: 1, generate, onError: fail });
  await settled();
  const key = await pool.take();
  await settled();
  pool.giveBack(key);
  assert.equal(pool.level(), 1, 'a full pool keeps no more');

  const slow = workshop(true);
  const empty = createKeyPool({ size: 0, generate: slow.generate, onError: fail });
  const waits = empty.take();
  empty.giveBack(key);
  assert.equal(await waits, key);
});

test('a failure reaches who waits, or is reported; the next try is a new one', async () => {
  const errors: unknown[] = [];
  let broken = true;
  const generate = async (): Promise<UnsealedKey> => {
    if (broken) throw new Error('no entropy');
    return { kid: 'key1' } as unknown as UnsealedKey;
  };
  const pool = createKeyPool({ size: 1, generate, onError: (error) => errors.push(error) });
  await settled();
  assert.equal(errors.length, 1);
  await assert.rejects(pool.take(), /no entropy/);
  broken = false;
  assert.equal((await pool.take()).kid, 'key1');
});

test('what a stop makes fail is no failure', async () => {
  const { promise, reject } = Promise.withResolvers<UnsealedKey>();
  const pool = createKeyPool({ size: 1, generate: () => promise, onError: fail });
  pool.stop();
  reject(new Error('ended'));
  await settled();
  assert.equal(pool.level(), 0);
});

test('a stopped pool holds nothing and makes keys only for who asks', async () => {
  const { generate, made } = workshop();
  const pool = createKeyPool({ size: 2, generate, onError: fail });
  await settled();
  pool.stop();
  assert.equal(pool.level(), 0);
  await pool.take();
  await settled();
  assert.deepEqual([made(), pool.level()], [3, 0]);
});
