import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergePools } from './agent-pools.ts';

const STORED = [{ name: 'nodepool1', count: 1, vmSize: 'x' }];
const named = (...names: readonly string[]) => names.map((name) => ({ name }));
const numbered = (count: number) => named(...Array.from({ length: count }, (_, index) => `a${index}`));

test('pools replace those stored, and of one with the same name what is absent is kept', () => {
  assert.deepEqual(mergePools(STORED, [{ name: 'nodepool1', count: 2 }, { name: 'b' }], STORED), [{ name: 'nodepool1', count: 2, vmSize: 'x' }, { name: 'b' }]);
});

for (const none of [undefined, []]) test(`${JSON.stringify(none)} leaves them as they were`, () => assert.equal(mergePools(STORED, none, STORED), STORED));

for (const given of [named('a'), named('constructor'), named('abcdefghij12'), numbered(100)]) {
  test(`${given.length} with the name ${given.at(-1)?.name} are taken`, () => assert.deepEqual(mergePools([], given, []), given));
}

const NAME = 'Each agent pool has a name of 1 to 12 lower-case letters and digits, with a letter at the start.';
const COUNT = 'The count of an agent pool is a whole number from 0 to 5000.';

/** what, pools → message. */
const REFUSED: readonly (readonly [string, readonly Readonly<Record<string, string | number>>[], string])[] = [
  ['101 pools', numbered(101), 'There are 101 agent pools; a cluster has at most 100.'],
  ['two of the same name', named('a', 'b', 'a'), 'Two agent pools have the same name.'],
  ['no name', [{ count: 1 }], NAME],
  ['a name that is a number', [{ name: 1 }], NAME],
  ['an empty name', named(''), NAME],
  ['13 characters', named('abcdefghij123'), NAME],
  ['upper case', named('Nodepool'), NAME],
  ['a digit first', named('1a'), NAME],
  ['a hyphen', named('a-b'), NAME],
  ['a slash', named('a/b'), NAME],
  ['a line feed at the end', named('a\n'), NAME],
  ['-1 nodes', [{ name: 'a', count: -1 }], COUNT],
  ['5001 nodes', [{ name: 'a', count: 5001 }], COUNT],
  ['half a node', [{ name: 'a', count: 0.5 }], COUNT],
  ['a count that is text', [{ name: 'a', count: '1' }], COUNT],
];

for (const [what, given, message] of REFUSED) {
  test(`${what}: refused`, () => assert.throws(() => mergePools(STORED, given, STORED), { code: 'InvalidRequestContent', target: 'properties.agentPoolProfiles', message }));
}
