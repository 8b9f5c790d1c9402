import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memberNames } from './json-member-names.ts';

/** What, the text, the names. */
const ROWS: readonly (readonly [string, string, readonly string[]])[] = [
  ['none', ' { } ', []],
  ['in their order, with space', '{ "b" : 1 ,\n"a":2}', ['b', 'a']],
  ['the same twice', '{"a":1,"a":2}', ['a', 'a']],
  ['the same in another spelling', String.raw`{"a":1,"\u0061":2}`, ['a', 'a']],
  ['an empty one', '{"":1,"":2}', ['', '']],
  ['what parsers treat apart', '{"__proto__":{"iss":1},"constructor":2}', ['__proto__', 'constructor']],
  ['not those of what it holds', '{"a":{"x":1,"y":{"z":2}},"b":[{"c":1},[{"d":1}]],"e":3}', ['a', 'b', 'e']],
  ['marks inside strings', String.raw`{"a{\"}:[":"}\\","b":"{\":\"[","c":"\\\\"}`, ['a{"}:[', 'b', 'c']],
  ['values of every kind', '{"a":null,"b":true,"c":-1.5e3,"d":[],"e":{},"f":"x"}', ['a', 'b', 'c', 'd', 'e', 'f']],
  ['a string of many escapes', `{"a":"${String.raw`\n\"`.repeat(20_000)}","b":1}`, ['a', 'b']],
];

for (const [what, text, names] of ROWS) {
  test(`member names: ${what}`, () => {
    assert.deepEqual(memberNames(text), names);
    assert.deepEqual(Object.keys(JSON.parse(text) as object).toSorted(), [...new Set(names)].toSorted(), 'as the parser has them');
  });
}

test('member names: a text that is cut short, which no parser lets come here, ends all the same', () => {
  assert.deepEqual(memberNames('{"a":1,"b'), ['a']);
});
