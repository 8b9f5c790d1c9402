import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseUnique } from './unique-members.ts';

const TWICE: readonly string[] = [
  '{"a":1,"a":1}', '{"a":1,"b":{},"a":2}', String.raw`{"a":1,"\u0061":2}`, '{"x":[{"a":1,"a":2}]}', '{"x":{"y":{"a":1 , "a" : 2}}}', '{"":1,"":2}', String.raw`{"\"":1,"\"":2}`, '{"__proto__":1,"__proto__":2}',
];

for (const text of TWICE) test(`a member twice: ${text}`, () => assert.equal(parseUnique(text), undefined));

const ONCE: readonly string[] = ['{"a":{"a":1},"b":{"a":1}}', '[{"a":1},{"a":1}]', '{"a":"a","b":"a"}', String.raw`{"a":"\"a\":1,\"a\":2"}`, '{"a":"{","b":"}"}', '{"a":["a","a"]}', '{"A":1,"a":2}', '"a"', '[]', '1'];

for (const text of ONCE) test(`each member once: ${text}`, () => assert.deepEqual(parseUnique(text), JSON.parse(text)));

for (const text of ['', '{', '{"a":}', "{'a':1}", '{"a":1}x', 'NaN']) test(`no JSON: ${text}`, () => assert.equal(parseUnique(text), undefined));

test('any JSON that was written from a value is read as that value', () => {
  fc.assert(fc.property(fc.json(), (text) => assert.deepEqual(parseUnique(JSON.stringify(JSON.parse(text))), JSON.parse(text))));
});
