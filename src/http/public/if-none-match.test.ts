import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ifNoneMatch } from './if-none-match.ts';

for (const [header, expected] of [
  ['"abc-_1"', true],
  ['W/"abc-_1"', true],
  ['"x", "abc-_1"', true],
  ['"x,y",W/"z" , W/"abc-_1"', true],
  ['*', true],
  [' * ', true],
  ['"ABC-_1"', false],
  ['"abc-_1-gzip"', false],
  ['abc-_1', false],
  ['"x*"', false],
  ['"', false],
  ['', false],
] as const) {
  test(`If-None-Match: ${header} ${expected ? 'matches' : 'does not match'}`, () => assert.equal(ifNoneMatch(header, '"abc-_1"'), expected));
}
