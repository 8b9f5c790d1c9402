import assert from 'node:assert/strict';
import { test } from 'node:test';
import { warningTexts } from './warning-header.ts';

test('texts of a Warning header', () => {
  const rows = [
    [undefined, []],
    ['', []],
    ['299 mintmark "one"', ['one']],
    ['299 mintmark "a \\"b\\", \\\\c", 299 - "two"', ['a "b", \\c', 'two']],
    [['299 mintmark "one"', '199 - "two"'], ['one', 'two']],
    ['nonsense', []],
  ] as const;
  for (const [header, texts] of rows) assert.deepEqual(warningTexts(header), texts);
});
