/** The diff that people are shown before a manifest is changed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineDiff } from './line-diff.ts';

const ROWS: readonly (readonly [string, string, readonly string[]])[] = [
  ['a\nb\n', 'a\nb\n', []],
  ['a\nb\nc', 'a\nB\nc', [' a', '-b', '+B', ' c']],
  ['', 'x', ['-', '+x']],
  ['1\n2\n3\n4\n5\n6\n7\n8\n9', '1\n2\n3\n5\n6\n7\n8\n9\nx', [' 2', ' 3', '-4', ' 5', ' 6', '…', ' 8', ' 9', '+x']],
  ['a\nb', 'b\na', ['-a', ' b', '+a']],
];

for (const [before, after, lines] of ROWS) test(`${JSON.stringify(before)} → ${JSON.stringify(after)}`, () => assert.deepEqual(lineDiff(before, after), lines));
