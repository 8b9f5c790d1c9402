import assert from 'node:assert/strict';
import { test } from 'node:test';
import { START } from '../../test/support/rings.ts';
import { MintmarkError } from '../domain/errors.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { createJointWrites } from './joint-writes.ts';

/** A store that counts its transactions. */
function counting(): Store & { readonly transactions: () => number } {
  const store = openMemoryStore({ clock: () => START });
  let transactions = 0;
  return { ...store, write: (work) => { transactions += 1; return store.write(work); }, transactions: () => transactions };
}

test('what comes while one is written shares the next transaction, each with its own result', async () => {
  const store = counting();
  const jointly = createJointWrites(store);
  const results = await Promise.all(Array.from({ length: 50 }, (_, number) => jointly(async (tx) => {
    await tx.putSetting(`s${number}`, String(number));
    return number;
  })));
  assert.deepEqual(results, Array.from({ length: 50 }, (_, number) => number));
  assert.equal(store.transactions(), 2, 'the first by itself, then all others');
  assert.deepEqual(await store.read(async (tx) => [await tx.setting('s0'), await tx.setting('s49')]), ['0', '49']);
});

test('more than a hundred are several transactions, and later ones begin anew', async () => {
  const store = counting();
  const jointly = createJointWrites(store);
  await Promise.all(Array.from({ length: 301 }, () => jointly(async () => null)));
  assert.equal(store.transactions(), 4);
  assert.equal(await jointly(async () => 'later'), 'later');
  assert.equal(store.transactions(), 5);
});

test('a refusal is of the one that it is for', async () => {
  const store = counting();
  const jointly = createJointWrites(store);
  const outcomes = await Promise.allSettled([0, 1, 2].map((number) => jointly(async (tx) => {
    if (number === 1) throw new MintmarkError('AssertionRefused', 'no');
    await tx.putSetting(`s${number}`, 'there');
  })));
  assert.deepEqual(outcomes.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled']);
  assert.deepEqual(await store.read(async (tx) => [await tx.setting('s0'), await tx.setting('s1'), await tx.setting('s2')]), ['there', null, 'there']);
});

const FAILURES: readonly (readonly [string, Error])[] = [['the store', new MintmarkError('StoreBusy', 'busy')], ['a fault', new TypeError('a fault')]];
for (const [what, error] of FAILURES) {
  test(`${what} fails for all that share the transaction, and nothing of it is kept`, async () => {
    const store = counting();
    const jointly = createJointWrites(store);
    const outcomes = await Promise.allSettled([0, 1, 2].map((number) => jointly(async (tx) => {
      await tx.putSetting(`s${number}`, 'there');
      if (number === 2) throw error;
    })));
    assert.deepEqual(outcomes.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected']);
    assert.deepEqual(await store.read(async (tx) => [await tx.setting('s0'), await tx.setting('s1')]), ['there', null]);
    assert.equal(await jointly(async () => 'goes on'), 'goes on');
  });
}
