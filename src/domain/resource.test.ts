import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertPrecondition, changes, eTagOf, isJsonObject, type JsonObject, merge, type Resource, retag } from './resource.ts';

const parse = (text: string): JsonObject => JSON.parse(text) as JsonObject;

/** stored, given → merged; all as JSON. */
const MERGED: readonly (readonly [string, string, string])[] = [
  ['{"a":1}', '{}', '{"a":1}'],
  ['{"a":1}', '{"a":2,"b":3}', '{"a":2,"b":3}'],
  ['{"a":1}', '{"a":null}', '{"a":1}'],
  ['{"a":{"b":1,"c":2}}', '{"a":{"c":3,"d":null}}', '{"a":{"b":1,"c":3}}'],
  ['{"a":[1,2]}', '{"a":[3]}', '{"a":[3]}'],
  ['{"a":1}', '{"a":{"b":null,"c":2}}', '{"a":{"c":2}}'],
  ['{"a":{"b":1}}', '{"a":"x"}', '{"a":"x"}'],
  ['{}', '{"constructor":{"x":1},"toString":{"y":2}}', '{"constructor":{"x":1},"toString":{"y":2}}'],
  ['{"hasOwnProperty":1}', '{"hasOwnProperty":{"valueOf":1}}', '{"hasOwnProperty":{"valueOf":1}}'],
];

for (const [stored, given, merged] of MERGED) {
  test(`${stored} and ${given}`, () => assert.equal(JSON.stringify(merge(parse(stored), parse(given))), merged));
}

test('a member named __proto__ stays a member and changes no prototype', () => {
  const merged = merge(parse('{"a":1}'), parse('{"__proto__":{"polluted":true}}'));
  assert.equal(Object.getPrototypeOf(merged), Object.prototype);
  assert.equal('polluted' in merged, false);
  assert.equal('polluted' in {}, false);
});

test('what is an object', () => {
  assert.deepEqual([{}, [], null, 'x', 1, undefined].map((value) => isJsonObject(value)), [true, false, false, false, false, false]);
});

const RESOURCE: Resource = {
  id: '/subscriptions/s/resourceGroups/g', type: 't', name: 'g', tenantId: 't', subscriptionId: 's', location: 'eastus', tags: { a: '1' }, envelope: {}, properties: {}, issuerId: null,
  version: 3, createdAt: new Date(0), updatedAt: new Date(0),
};

test('the eTag is of version and birth', () => {
  assert.equal(eTagOf(RESOURCE), '3-0');
  assert.equal(eTagOf({ ...RESOURCE, version: 4 }), '4-0');
  assert.equal(eTagOf({ ...RESOURCE, createdAt: new Date('2026-01-01T00:00:00Z') }), '3-mjuohs00');
});

/** If-Match, If-None-Match, there is a resource → whether it is refused. */
const CONDITIONS: readonly (readonly [string | null, string | null, boolean, boolean])[] = [
  [null, null, true, false], [null, null, false, false],
  ['3-0', null, true, false], ['"3-0"', null, true, false], ['"x", "3-0"', null, true, false], ['*', null, true, false],
  ['2-0', null, true, true], ['W/"3-0"', null, true, true], ['*', null, false, true], ['3-0', null, false, true],
  [null, '*', true, true], [null, '*', false, false], [null, '"3-0"', true, true], [null, '2-0', true, false], [null, '3-0', false, false],
];

for (const [ifMatch, ifNoneMatch, there, refused] of CONDITIONS) {
  test(`If-Match ${ifMatch}, If-None-Match ${ifNoneMatch}, ${there ? 'stored' : 'absent'}: ${refused ? 'refused' : 'passes'}`, () => {
    const check = (): void => assertPrecondition({ ifMatch, ifNoneMatch }, there ? RESOURCE : null);
    if (refused) assert.throws(check, { code: 'PreconditionFailed', target: ifMatch === null ? 'If-None-Match' : 'If-Match' });
    else check();
  });
}

test('a PATCH has the bounds of a PUT', () => {
  assert.throws(() => retag(RESOURCE, { a: 'x'.repeat(257) }, new Date(5)), { code: 'InvalidRequestContent', target: 'tags' });
});

test('tags are replaced as a whole, and only a difference is a change', () => {
  const now = new Date(5);
  const next = retag(RESOURCE, { b: '2' }, now);
  assert.deepEqual(next, { ...RESOURCE, tags: { b: '2' }, version: 4, updatedAt: now });
  assert.equal(changes(RESOURCE, next), true);
  assert.equal(changes(RESOURCE, retag(RESOURCE, { a: '1' }, now)), false);
  assert.equal(changes(RESOURCE, { ...RESOURCE, issuerId: 'i' }), true);
});
