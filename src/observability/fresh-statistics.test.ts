import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoreStatistics } from '../store/store.ts';
import { freshStatistics } from './fresh-statistics.ts';

/** Countings by number, each of which takes so many milliseconds; a negative number fails. */
function counting(takes: number) {
  const state = { now: 0, counted: 0, fails: false };
  const ask = freshStatistics(async () => {
    state.now += takes;
    state.counted += 1;
    if (state.fails) throw new Error('the store is away');
    return { overdueRotations: state.counted } as StoreStatistics;
  }, () => state.now);
  return { state, ask: async () => (await ask())?.overdueRotations ?? null };
}

test('counted at most every five seconds', async () => {
  const { state, ask } = counting(1);
  assert.deepEqual([await ask(), await ask()], [1, 1]);
  state.now += 4999;
  assert.equal(await ask(), 1);
  state.now += 1;
  assert.equal(await ask(), 2);
});

test('counted more seldom where it takes long', async () => {
  const { state, ask } = counting(400);
  await ask();
  state.now += 19_999;
  assert.equal(await ask(), 1);
  state.now += 1;
  assert.equal(await ask(), 2);
});

test('who asks meanwhile gets the same', async () => {
  const { state, ask } = counting(1);
  assert.deepEqual([await Promise.all([ask(), ask(), ask()]), state.counted], [[1, 1, 1], 1]);
});

test('null when it fails, and tried again later', async () => {
  const { state, ask } = counting(1);
  state.fails = true;
  assert.equal(await ask(), null);
  state.fails = false;
  assert.equal(await ask(), null);
  state.now += 5000;
  assert.equal(await ask(), 2);
});
