import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Action, ACTIONS, assertAllowed, isAllowed, type Role } from './principal.ts';

const CLUSTER = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c';

/** Action → who may do it: Reader, Contributor, Owner. */
const ALLOWED: Readonly<Record<Action, readonly [boolean, boolean, boolean]>> = {
  'resource/read': [true, true, true],
  'resource/write': [false, true, true],
  'resource/delete': [false, true, true],
  'issuer/read': [true, true, true],
  'issuer/rotate': [false, true, true],
  'issuer/setPolicy': [false, true, true],
  'issuer/forceRotate': [false, false, true],
  'issuer/revokeKey': [false, false, true],
  'issuer/issueToken': [false, false, true],
};
const ROLES: readonly Role[] = ['Reader', 'Contributor', 'Owner'];

for (const action of Object.keys(ACTIONS) as Action[]) {
  test(`who may do ${action}`, () => {
    assert.deepEqual(ROLES.map((role) => isAllowed([{ principalId: 'p', role, scope: '/subscriptions/s' }], action, CLUSTER)), ALLOWED[action]);
  });
}

const SCOPES: readonly (readonly [string, boolean])[] = [
  ['/', true], ['/subscriptions/s', true], ['/subscriptions/S/resourcegroups/G', true], [CLUSTER, true], [`${CLUSTER}/agentPools/a`, false],
  ['/subscriptions/s2', false], ['/subscriptions/s/resourceGroups/g2', false], [`${CLUSTER}2`, false], ['/subscriptions/s/resourceGroups/g/providers', true],
];

for (const [scope, allowed] of SCOPES) {
  test(`a role at ${scope} ${allowed ? 'counts' : 'does not count'} for the cluster`, () => assert.equal(isAllowed([{ principalId: 'p', role: 'Reader', scope }], 'resource/read', CLUSTER), allowed));
}

test('no role allows nothing; the best of several counts', () => {
  assert.equal(isAllowed([], 'resource/read', CLUSTER), false);
  assert.equal(isAllowed([{ principalId: 'p', role: 'Reader', scope: '/' }, { principalId: 'p', role: 'Owner', scope: CLUSTER }], 'issuer/revokeKey', CLUSTER), true);
});

test('a refusal names principal, action, place and role', () => {
  assert.throws(() => assertAllowed('me', [], 'issuer/rotate', CLUSTER), { code: 'AuthorizationFailed', message: `The principal 'me' may not do 'issuer/rotate' on '${CLUSTER}': it needs the role Contributor there or above.` });
});
