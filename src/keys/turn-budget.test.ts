import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TurnBudget } from './turn-budget.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

test('a turn has so many milliseconds from the first question on, and the next turn has its own', async () => {
  let now = 1000;
  const turn = new TurnBudget(10, () => now);
  assert.equal(turn.isLeft(), true);
  now += 9;
  assert.equal(turn.isLeft(), true);
  now += 1;
  assert.equal(turn.isLeft(), false);
  // What waits in the same turn does not begin another one.
  await Promise.resolve();
  await new Promise<void>((resolve) => { process.nextTick(resolve); });
  assert.equal(turn.isLeft(), false);
  await nextTurn();
  now += 3_600_000;
  assert.equal(turn.isLeft(), true);
  now += 10;
  assert.equal(turn.isLeft(), false);
});
