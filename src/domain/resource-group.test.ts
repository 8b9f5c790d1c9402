import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createResourceGroup, updateResourceGroup } from './resource-group.ts';

const PLACE = { tenantId: 't', subscriptionId: 's', name: 'g' };
const DEFAULTS = { location: 'eastus', configuredLocations: ['lab'] };
const NOW = new Date(0);
const made = createResourceGroup({ location: 'West Europe', tags: { a: '1' } }, PLACE, DEFAULTS, NOW);

test('a new group', () => {
  assert.deepEqual(made, {
    id: '/subscriptions/s/resourceGroups/g', type: 'Microsoft.Resources/resourceGroups', name: 'g', tenantId: 't', subscriptionId: 's', location: 'westeurope',
    tags: { a: '1' }, envelope: {}, properties: {}, issuerId: null, version: 1, createdAt: NOW, updatedAt: NOW,
  });
  assert.equal(createResourceGroup({}, PLACE, DEFAULTS, NOW).location, 'eastus');
});

test('an update keeps what is absent', () => {
  assert.deepEqual(updateResourceGroup(made, {}, [], new Date(1)), { ...made, version: 2, updatedAt: new Date(1) });
  assert.deepEqual(updateResourceGroup(made, { location: 'WESTEUROPE', tags: {} }, [], new Date(1)).tags, {});
});

test('a location that is no longer configured still names its own groups', () => {
  const lab = createResourceGroup({ location: 'lab' }, PLACE, DEFAULTS, NOW);
  assert.equal(updateResourceGroup(lab, { location: 'lab' }, [], NOW).location, 'lab');
});

const REFUSED: readonly (readonly [string, () => unknown, string])[] = [
  ['another location', () => updateResourceGroup(made, { location: 'eastus' }, [], NOW), 'LocationCanNotChange'],
  ['an unknown location', () => createResourceGroup({ location: 'moon' }, PLACE, DEFAULTS, NOW), 'LocationNotAvailable'],
  ['a tag with a control character at create', () => createResourceGroup({ tags: { a: '\u0000' } }, PLACE, DEFAULTS, NOW), 'InvalidRequestContent'],
  ['a tag with a control character at update', () => updateResourceGroup(made, { tags: { 'a\u007f': '' } }, [], NOW), 'InvalidRequestContent'],
  ['a bad name', () => createResourceGroup({}, { ...PLACE, name: 'a.' }, DEFAULTS, NOW), 'InvalidResourceName'],
];

for (const [what, attempt, code] of REFUSED) test(`${what} is refused`, () => assert.throws(attempt, { code }));
