import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRoleScope } from './role-scope.ts';

const GROUP = '/subscriptions/s-1/resourceGroups/my.Group';

/** Text → subscription as spelt, and the scope with the subscription `S`. */
const SCOPES: readonly (readonly [text: string, subscriptionId: string | null, scope: string])[] = [
  ['/', null, '/'],
  ['/PROVIDERS/mintmark.admin/tenants/T', null, '/providers/Mintmark.Admin/tenants/t'],
  ['/subscriptions/s-1', 's-1', '/subscriptions/S'],
  ['/Subscriptions/s', 's', '/subscriptions/S'],
  [GROUP, 's-1', '/subscriptions/S/resourceGroups/my.Group'],
  [`${GROUP.toUpperCase()}/providers/Microsoft.ContainerService/managedClusters/c`, 'S-1', '/subscriptions/S/resourceGroups/MY.GROUP/providers/Microsoft.ContainerService/managedClusters/c'],
  [`${GROUP}/providers/microsoft.managedidentity/USERASSIGNEDIDENTITIES/app-1`, 's-1', '/subscriptions/S/resourceGroups/my.Group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app-1'],
];

for (const [text, subscriptionId, scope] of SCOPES) {
  test(`the scope ${text}`, () => {
    const read = readRoleScope(text, 't');
    assert.deepEqual([read.subscriptionId, read.spelt('S')], [subscriptionId, scope]);
  });
}

const REFUSED: readonly (readonly [text: string, code: string])[] = [
  ...['', '//', '/ ', 'x', '/subscriptions', '/subscriptions/', '/subscriptions/s/', '/subscriptions//resourceGroups/g', '/providers/Mintmark.Admin/tenants', '/providers/Mintmark.Admin/tenants/other',
    '/providers/Mintmark.Admin/tenants/t/principals/p', `${GROUP}/providers/Other/x/y`, '/subscriptions/s\n', '/subscriptions/s/..', '/subscriptions/s/resourceGroups/a/b'].map((text) => [text, 'InvalidRequestContent'] as const),
  ['/subscriptions/s/resourceGroups/a*', 'InvalidResourceName'],
  [`${GROUP}/providers/Microsoft.ContainerService/managedClusters/-`, 'InvalidResourceName'],
  [`${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ab`, 'InvalidResourceName'],
  [`${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app/federatedIdentityCredentials/one`, 'InvalidRequestContent'],
];

for (const [text, code] of REFUSED) test(`no scope: ${JSON.stringify(text)}`, () => assert.throws(() => readRoleScope(text, 't'), { code }));
