import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLocationName, knownLocation, locations, normalizeLocation } from './locations.ts';

const KNOWN: readonly (readonly [string, readonly string[], string])[] = [
  ['eastus', [], 'eastus'],
  ['East US', [], 'eastus'],
  ['EAST  us 2', [], 'eastus2'],
  ['Germany West Central', [], 'germanywestcentral'],
  ['lab', ['lab'], 'lab'],
  ['LAB', ['lab'], 'lab'],
  ['rack-1', ['lab', 'rack-1'], 'rack-1'],
];

for (const [name, configured, normal] of KNOWN) {
  test(`'${name}' is ${normal}`, () => assert.equal(knownLocation(name, configured), normal));
}

for (const name of ['lab', '', 'east-us', 'eastus/../x', 'EASTUS\n', 'constructor', '__proto__', 'ｅastus']) {
  test(`${JSON.stringify(name)} is no location`, () => {
    assert.throws(() => knownLocation(name, []), { code: 'LocationNotAvailable', target: 'location', message: `'${name}' is no location: use a public Azure region such as eastus, or add the name to 'locations' in the configuration.` });
  });
}

test('a location is listed once, also when it is configured again', () => {
  const names = locations(['lab', 'eastus']).map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(locations(['lab', 'eastus']).at(-1), { name: 'lab', displayName: 'lab' });
});

test('every public region has a name that can stand in a host name', () => {
  for (const { name, displayName } of locations([])) {
    assert.equal(normalizeLocation(displayName), name);
    assert.ok(isLocationName(name), name);
  }
});

for (const [name, is] of [['lab', true], ['rack-1', true], ['a'.repeat(63), true], ['a'.repeat(64), false], ['-a', false], ['a-', false], ['Lab', false], ['a.b', false], ['a b', false], ['', false], ['a/b', false]] as const) {
  test(`'${name.slice(0, 20)}' can ${is ? '' : 'not '}be configured`, () => assert.equal(isLocationName(name), is));
}
