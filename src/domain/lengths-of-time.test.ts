import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secondsOf, shortLength } from './lengths-of-time.ts';

const LENGTHS = { '1h': 3600, '90m': 5400, '3600s': 3600, '3600': 3600, '30d': 2_592_000, '720H': 2_592_000, P30D: 2_592_000, PT1H: 3600, P1DT2H3M4S: 93_784, pt90m: 5400 } as const;

test('lengths as people write them', () => {
  assert.deepEqual(Object.keys(LENGTHS).map(secondsOf), Object.values(LENGTHS));
});

test('what is no length is null', () => {
  for (const text of ['', '1w', '-1h', '1.5h', 'P', 'PT', 'P1W', '1h30m', 'off', ' 1h', '99999999999999999999d']) assert.equal(secondsOf(text), null, text);
});

test('the short form is read back as the same length', () => {
  const seconds = [0, 1, 59, 60, 90, 600, 3600, 5400, 86_400, 90_000, 2_592_000];
  assert.deepEqual(seconds.map(shortLength), ['0s', '1s', '59s', '1m', '90s', '10m', '1h', '90m', '1d', '25h', '30d']);
  assert.deepEqual(seconds.map((length) => secondsOf(shortLength(length))), seconds);
});
