import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathOf } from './request-target.ts';

for (const [target, expected] of [
  ['/a/b', '/a/b'],
  ['/a/b?c=d?e', '/a/b'],
  ['/a/b?', '/a/b'],
  ['/', '/'],
  ['//a', '//a'],
  ['/a/../%2e/B/', '/a/../%2e/B/'],
  ['/x?http://h/a', '/x'],
  ['http://h/a/b', '/a/b'],
  ['HTTPS://h:1/a/b?c', '/a/b'],
  ['http://h', ''],
  ['http://h?x', ''],
  ['http://h//a', '//a'],
  ['ftp://h/a', 'ftp://h/a'],
  ['*', '*'],
  ['', ''],
] as const) {
  test(`the path of '${target}' is '${expected}'`, () => assert.equal(pathOf(target), expected));
}
