import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Action, ACTIONS, assertAllowed, assertAllowedOver, type ClientSecret, isAllowed, type Principal, type RoleAssignment, ROLES, tenantScope, withoutSecret, withSecret } from './principal.ts';

const CLUSTER = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c';
const TENANT = tenantScope('t');

/** Action → who may do it: Owner, Contributor, Reader. */
const ALLOWED: Readonly<Record<Action, readonly [boolean, boolean, boolean]>> = {
  'resource/read': [true, true, true],
  'resource/write': [true, true, false],
  'resource/delete': [true, true, false],
  'issuer/read': [true, true, true],
  'kubeconfig/read': [true, true, false],
  'kubeconfig/write': [true, true, false],
  'issuer/rotate': [true, true, false],
  'issuer/setPolicy': [true, true, false],
  'issuer/forceRotate': [true, false, false],
  'issuer/revokeKey': [true, false, false],
  'issuer/issueToken': [true, false, false],
  'issuer/importKey': [true, false, false],
  'issuer/createSigner': [true, false, false],
  'issuer/writeOffSigner': [true, false, false],
  'issuer/deleteSigner': [true, false, false],
  'issuer/revokeJoinCredential': [true, false, false],
  'tenant/read': [true, true, true],
  'tenant/write': [true, false, false],
  'tenant/delete': [true, false, false],
  'subscription/write': [true, false, false],
  'subscription/delete': [true, false, false],
  'principal/read': [true, true, true],
  'principal/write': [true, false, false],
  'principal/delete': [true, false, false],
  'roleAssignment/read': [true, true, true],
  'roleAssignment/write': [true, false, false],
  'roleAssignment/delete': [true, false, false],
  'principal/resetSecret': [true, false, false],
};

for (const action of Object.keys(ACTIONS) as Action[]) {
  test(`who may do ${action}`, () => {
    assert.deepEqual(ROLES.map((role) => isAllowed([{ principalId: 'p', role, scope: '/subscriptions/s' }], action, CLUSTER, 't')), ALLOWED[action]);
  });
}

const reader = (scope: string): readonly RoleAssignment[] => [{ principalId: 'p', role: 'Reader', scope }];

/** A role at a scope, asked for at a place in the tenant `t`. */
const SCOPES: readonly (readonly [scope: string, place: string, counts: boolean])[] = [
  ['/', CLUSTER, true], ['/subscriptions/s', CLUSTER, true], ['/subscriptions/S/resourcegroups/G', CLUSTER, true], [CLUSTER, CLUSTER, true], [`${CLUSTER}/agentPools/a`, CLUSTER, false],
  ['/subscriptions/s2', CLUSTER, false], ['/subscriptions/s/resourceGroups/g2', CLUSTER, false], [`${CLUSTER}2`, CLUSTER, false], ['/subscriptions/s/resourceGroups/g/providers', CLUSTER, true],
  [TENANT, CLUSTER, true], [TENANT.toUpperCase(), CLUSTER, true], [tenantScope('t2'), CLUSTER, false], [`${TENANT}/principals/p`, CLUSTER, false], ['/providers', CLUSTER, true],
  ['/', TENANT, true], [TENANT, TENANT, true], ['/subscriptions/s', TENANT, false], [tenantScope('t2'), TENANT, false],
  ['/', '/', true], [TENANT, '/', false], ['/subscriptions/s', '/', false],
];

for (const [scope, place, counts] of SCOPES) {
  test(`a role at ${scope} ${counts ? 'counts' : 'does not count'} for ${place}`, () => assert.equal(isAllowed(reader(scope), 'resource/read', place, 't'), counts));
}

test('no role allows nothing; the best of several counts', () => {
  assert.equal(isAllowed([], 'resource/read', CLUSTER, 't'), false);
  assert.equal(isAllowed([{ principalId: 'p', role: 'Reader', scope: '/' }, { principalId: 'p', role: 'Owner', scope: CLUSTER }], 'issuer/revokeKey', CLUSTER, 't'), true);
});

test('a refusal names principal, action, place and role', () => {
  assert.throws(() => assertAllowed('me', [], 'issuer/rotate', CLUSTER, 't'), { code: 'AuthorizationFailed', message: `The principal 'me' may not do 'issuer/rotate' on '${CLUSTER}': it needs the role Contributor there or above.` });
});

/** Scopes at which somebody is Owner → scopes of another's roles → whether the one may take the other over. */
const OVER: readonly (readonly [mine: readonly string[], theirs: readonly string[], allowed: boolean])[] = [
  [['/subscriptions/s'], ['/subscriptions/s/resourceGroups/g'], true],
  [['/subscriptions/s'], ['/subscriptions/s', '/subscriptions/s2'], false],
  [['/subscriptions/s', '/subscriptions/s2'], ['/subscriptions/s', '/subscriptions/s2'], true],
  [['/subscriptions/s'], [TENANT], false],
  [['/subscriptions/s'], [], false],
  [[TENANT], [], true],
  [[TENANT], [TENANT, '/subscriptions/s'], true],
  [[TENANT], ['/'], false],
  [['/'], ['/', TENANT], true],
];

for (const [mine, theirs, allowed] of OVER) {
  test(`an Owner at ${mine.join(', ')} ${allowed ? 'manages' : 'does not manage'} who has roles at ${theirs.join(', ') || 'nothing'}`, () => {
    const attempt = (role: 'Owner' | 'Contributor') => (): void => assertAllowedOver('me', mine.map((scope) => ({ principalId: 'me', role, scope })), 'principal/write', theirs.map((scope) => ({ role: 'Reader', scope })), 't');
    if (allowed) attempt('Owner')();
    else assert.throws(attempt('Owner'), { code: 'AuthorizationFailed' });
    assert.throws(attempt('Contributor'), { code: 'AuthorizationFailed' });
  });
}

const AT = new Date('2026-01-02T03:04:05Z');
const secret = (id: string, used = true): ClientSecret => ({ id, hash: id, createdAt: AT, usedAt: used ? AT : null });
const withSecrets = (...secrets: readonly ClientSecret[]): Principal => ({ id: 'p', tenantId: 't', displayName: 'p', secrets, createdAt: AT });
const NEW = secret('new', false);

/** Secrets before, how, secrets after; null is a refusal. */
const RESETS: readonly (readonly [what: string, before: readonly ClientSecret[], append: boolean, replaces: string | null, after: readonly string[] | null])[] = [
  ['the first', [], false, null, ['new']],
  ['in place of all', [secret('a'), secret('b')], false, null, ['new']],
  ['beside none', [], true, null, ['new']],
  ['beside one', [secret('a')], true, null, ['a', 'new']],
  ['beside one that nobody has used', [secret('a', false)], true, null, ['a', 'new']],
  ['beside two', [secret('a'), secret('b', false)], true, null, null],
  ['in place of the one that the same request made', [secret('a'), secret('b', false)], true, 'b', ['a', 'new']],
  ['in place of the only one that the same request made', [secret('b', false)], true, 'b', ['new']],
  ['beside the one that the same request made and somebody has used', [secret('b')], true, 'b', ['b', 'new']],
  ['beside two, one of them of the same request and used', [secret('a'), secret('b')], true, 'b', null],
];

for (const [what, before, append, replaces, after] of RESETS) {
  test(`a new secret ${what}`, () => {
    const reset = (): readonly string[] => withSecret(withSecrets(...before), NEW, { append, replaces }).map(({ id }) => id);
    if (after === null) assert.throws(reset, { code: 'OperationNotAllowed', message: /has 2 secrets already: delete the one that is not used any more \(a or b\)/ });
    else assert.deepEqual(reset(), after);
  });
}

test('a secret goes, unless it is the only one or there is none of that name', () => {
  assert.deepEqual(withoutSecret(withSecrets(secret('a'), secret('b')), 'a'), [secret('b')]);
  assert.throws(() => withoutSecret(withSecrets(secret('a')), 'a'), { code: 'OperationNotAllowed' });
  assert.throws(() => withoutSecret(withSecrets(secret('a')), 'b'), { code: 'ResourceNotFound' });
});
