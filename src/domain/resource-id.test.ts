import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertResourceName, isWithin, MANAGED_CLUSTER_TYPE, managedClusterId, RESOURCE_GROUP_TYPE, resourceGroupId, resourceGroupOf, resourceKey, subscriptionScope } from './resource-id.ts';

test('ids are built in the spelling of their parts', () => {
  assert.equal(subscriptionScope('S-1'), '/subscriptions/S-1');
  assert.equal(resourceGroupId('S-1', 'MyGroup'), '/subscriptions/S-1/resourceGroups/MyGroup');
  assert.equal(managedClusterId('S-1', 'MyGroup', 'C1'), '/subscriptions/S-1/resourceGroups/MyGroup/providers/Microsoft.ContainerService/managedClusters/C1');
  assert.equal(resourceGroupOf(managedClusterId('S-1', 'MyGroup', 'C1')), 'MyGroup');
  assert.equal(resourceGroupOf('/subscriptions/S-1'), '');
  assert.equal(resourceKey('/Subscriptions/S-1'), '/subscriptions/s-1');
});

const WITHIN: readonly (readonly [string, string, boolean])[] = [
  ['/subscriptions/a', '/subscriptions/a', true],
  ['/subscriptions/a/resourceGroups/g', '/subscriptions/a', true],
  ['/subscriptions/a/resourceGroups/G', '/SUBSCRIPTIONS/A/resourcegroups/g', true],
  ['/subscriptions/a', '/subscriptions/a/', true],
  ['/subscriptions/a', '/', true],
  ['/subscriptions/ab', '/subscriptions/a', false],
  ['/subscriptions/a', '/subscriptions/a/resourceGroups/g', false],
  ['/subscriptions/a/resourceGroups/g2', '/subscriptions/a/resourceGroups/g', false],
];

for (const [id, scope, within] of WITHIN) {
  test(`${id} is ${within ? '' : 'not '}within ${scope}`, () => assert.equal(isWithin(id, scope), within));
}

const GOOD: readonly (readonly [string, readonly string[]])[] = [
  [RESOURCE_GROUP_TYPE, ['g', 'My_Group-1.(x)', '_', 'a'.repeat(90)]],
  [MANAGED_CLUSTER_TYPE, ['c', 'C1', 'a-b_c', 'a'.repeat(63)]],
];
const BAD: readonly (readonly [string, readonly string[]])[] = [
  [RESOURCE_GROUP_TYPE, ['', 'a.', 'a'.repeat(91), 'a/b', 'a b', 'ä', 'a\n', 'a%2f', '😀']],
  [MANAGED_CLUSTER_TYPE, ['', '-a', 'a-', '_a', 'a.b', 'a'.repeat(64), 'a/b', 'a\u0000', '\u212a', '../x']],
];

for (const [type, names] of GOOD) {
  for (const name of names) test(`${type} can be named '${name.slice(0, 20)}'`, () => assert.equal(assertResourceName(type, name), name));
}

for (const [type, names] of BAD) {
  for (const name of names) test(`${type} can not be named ${JSON.stringify(name.slice(0, 20))}`, () => assert.throws(() => assertResourceName(type, name), { code: 'InvalidResourceName', target: 'name' }));
}

test('the message says the rule', () => {
  assert.throws(() => assertResourceName(MANAGED_CLUSTER_TYPE, '-a'), {
    message: "'-a' can not be the name of a resource of type Microsoft.ContainerService/managedClusters: it has 1 to 63 letters, digits, underscores and hyphens, with a letter or digit at both ends.",
  });
});
