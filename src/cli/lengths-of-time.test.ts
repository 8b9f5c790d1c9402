import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lengthInWords, parseLength, parsePeriod } from './lengths-of-time.ts';

test('a length is read to seconds', () => {
  assert.deepEqual(['1h', '90m', '3600', 'P30D'].map(parseLength), [3600, 5400, 3600, 2_592_000]);
});

test('what is no length is a bad argument', () => {
  for (const text of ['', '1w', 'off', '99999999999999999999d']) assert.throws(() => parseLength(text), { name: 'CommandError', exitCode: 2 }, text);
});

test('a period may be off', () => {
  assert.deepEqual(['off', 'OFF', '30d'].map(parsePeriod), ['off', 'off', 2_592_000]);
});

test('lengths in words are the two largest units, rounded up to a second', () => {
  const words = [0, -5, 0.2, 59, 60, 61, 360, 3600, 83_400, 86_400, 90_000, 90_061, 2_592_000].map(lengthInWords);
  assert.deepEqual(words, ['0 s', '0 s', '1 s', '59 s', '1 min', '1 min 1 s', '6 min', '1 h', '23 h 10 min', '1 d', '1 d 1 h', '1 d 1 h', '30 d']);
});
