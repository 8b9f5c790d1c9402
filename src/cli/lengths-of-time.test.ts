import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lengthInWords, lengthWithin, parseLength, parsePeriod } from './lengths-of-time.ts';

test('a length is read to seconds', () => {
  assert.deepEqual(['1h', '90m', '3600', 'P30D'].map(parseLength), [3600, 5400, 3600, 2_592_000]);
});

test('what is no length is a bad argument', () => {
  for (const text of ['', '1w', 'off', '99999999999999999999d']) assert.throws(() => parseLength(text), { name: 'CommandError', exitCode: 2 }, text);
});

test('a length outside of its bounds is a bad argument that names them', () => {
  const read = lengthWithin('--expires-in', 60, 3600);
  assert.deepEqual(['1m', '1h'].map(read), [60, 3600]);
  for (const text of ['59s', '0s', '3601', '2h']) assert.throws(() => read(text), { name: 'CommandError', exitCode: 2, message: `argument --expires-in: '${text}' is not from 1m to 1h.` });
  assert.throws(() => read('soon'), { exitCode: 2, message: /no length of time/ });
});

test('a period may be off', () => {
  assert.deepEqual(['off', 'OFF', '30d'].map(parsePeriod), ['off', 'off', 2_592_000]);
});

test('lengths in words are the two largest units, rounded up to a second', () => {
  const words = [0, -5, 0.2, 59, 60, 61, 360, 3600, 83_400, 86_400, 90_000, 90_061, 2_592_000].map(lengthInWords);
  assert.deepEqual(words, ['0 s', '0 s', '1 s', '59 s', '1 min', '1 min 1 s', '6 min', '1 h', '23 h 10 min', '1 d', '1 d 1 h', '1 d 1 h', '30 d']);
});
