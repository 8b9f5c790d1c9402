import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lengthInWords, parseLength, parsePeriod } from './lengths-of-time.ts';

const LENGTHS = { '1h': 3600, '90m': 5400, '3600s': 3600, '3600': 3600, '30d': 2_592_000, '720H': 2_592_000, P30D: 2_592_000, PT1H: 3600, P1DT2H3M4S: 93_784, pt90m: 5400 } as const;

test('lengths as people write them', () => {
  for (const [text, seconds] of Object.entries(LENGTHS)) assert.equal(parseLength(text), seconds, text);
});

test('what is no length is a bad argument', () => {
  for (const text of ['', '1w', '-1h', '1.5h', 'P', 'PT', 'P1W', '1h30m', 'off', '99999999999999999999d']) assert.throws(() => parseLength(text), { name: 'CommandError', exitCode: 2 }, text);
});

test('a period may be off', () => {
  assert.deepEqual(['off', 'OFF', '30d'].map(parsePeriod), ['off', 'off', 2_592_000]);
});

test('lengths in words are the two largest units, rounded up to a second', () => {
  const words = [0, -5, 0.2, 59, 60, 61, 360, 3600, 83_400, 86_400, 90_000, 90_061, 2_592_000].map(lengthInWords);
  assert.deepEqual(words, ['0 s', '0 s', '1 s', '59 s', '1 min', '1 min 1 s', '6 min', '1 h', '23 h 10 min', '1 d', '1 d 1 h', '1 d 1 h', '30 d']);
});
