/** Tenants, subscriptions, principals and secrets, through the front door. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { GROUP, type ManagementWorld, openManagement, OTHER_SUBSCRIPTION, OTHER_TENANT, START, SUBSCRIPTION, TENANT } from '../../../test/support/management.ts';
import type { NamedBody, PrincipalBody, SecretReply } from './contract.ts';

const TENANTS = '/providers/Mintmark.Admin/tenants';
const HERE = `${TENANTS}/${TENANT}`;
const S = `/subscriptions/${SUBSCRIPTION}`;
const named = (displayName: string): object => ({ properties: { displayName } });
type Assignment = readonly [role: string, scope: string];
const roles = (...assignments: readonly Assignment[]): object => ({ properties: { displayName: 'someone', roleAssignments: assignments.map(([role, scope]) => ({ role, scope })) } });

type Sent = readonly [principal: string, method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, payload?: object];

/** Status and, for a refusal, its code. */
async function outcome(world: ManagementWorld, [principal, method, url, payload]: Sent): Promise<readonly [number, string?]> {
  const reply = await world.as(principal, { method, url, ...(payload === undefined ? {} : { payload }) });
  return reply.statusCode < 300 ? [reply.statusCode] : [reply.statusCode, reply.json<{ error: { code: string } }>().error.code];
}

async function names(world: ManagementWorld, principal: string, url: string): Promise<readonly string[]> {
  return (await world.as(principal, { url })).json<{ value: NamedBody[] }>().value.map(({ name }) => name);
}

/** A principal with these roles, made by `root`; its path. */
async function someone(world: ManagementWorld, ...assignments: readonly Assignment[]): Promise<string> {
  const url = `${HERE}/principals/${randomUUID()}`;
  assert.deepEqual(await outcome(world, ['root', 'PUT', url, roles(...assignments)]), [201]);
  return url;
}

const reset = async (world: ManagementWorld, url: string, append: boolean, requestId?: string): Promise<SecretReply> => {
  const reply = await world.as('root', { method: 'POST', url: `${url}/resetSecret`, payload: { append }, headers: requestId === undefined ? {} : { 'x-ms-client-request-id': requestId } });
  assert.deepEqual([reply.statusCode, reply.headers['cache-control']], [200, 'no-store']);
  return reply.json<SecretReply>();
};

const logsIn = (world: ManagementWorld, { clientId, clientSecret, tenantId }: SecretReply): Promise<boolean> => world.deps.access.login({ tenantId, clientId, clientSecret }, 'x').then(() => true, () => false);

test('a tenant is created, renamed, filled, and deleted only when it is empty', async () => {
  const world = await openManagement();
  const [tenant, subscription] = [randomUUID(), randomUUID()];
  const url = `${TENANTS}/${tenant}`;
  const created = await world.as('root', { method: 'PUT', url: url.toUpperCase(), payload: named('Team A') });
  assert.deepEqual([created.statusCode, created.json()], [201, { id: url, name: tenant, type: 'Mintmark.Admin/tenants', properties: { displayName: 'Team A', createdAt: START.toISOString() } }]);
  assert.deepEqual(await outcome(world, ['root', 'PUT', url, named('Team B')]), [200]);
  assert.equal((await world.as('root', { url })).json<NamedBody>().properties.displayName, 'Team B');
  assert.deepEqual(await names(world, 'root', TENANTS), [TENANT, OTHER_TENANT, tenant].toSorted());
  assert.deepEqual(await names(world, 'reader', TENANTS), [TENANT]);
  assert.deepEqual(await names(world, 'nobody', TENANTS), []);

  assert.deepEqual(await outcome(world, ['root', 'PUT', `${url}/subscriptions/${subscription}`, named('One')]), [201]);
  assert.deepEqual(await names(world, 'root', `${url}/subscriptions`), [subscription]);
  const person = `${url}/principals/${randomUUID()}`;
  assert.deepEqual(await outcome(world, ['root', 'PUT', person, roles(['Owner', url])]), [201]);
  assert.deepEqual(await outcome(world, ['root', 'DELETE', url]), [409, 'OperationNotAllowed']);
  assert.deepEqual(await outcome(world, ['root', 'DELETE', `${url}/subscriptions/${subscription}`]), [204]);
  assert.deepEqual(await outcome(world, ['root', 'DELETE', url]), [204]);
  assert.deepEqual(await outcome(world, ['root', 'GET', person]), [404, 'TenantNotFound']);
  assert.equal(await world.store.read((tx) => tx.principal(person.split('/').at(-1)!)), null);
});

test('a subscription goes only when it is empty, and the roles in it go with it', async () => {
  const world = await openManagement();
  const url = `${HERE}/subscriptions/${SUBSCRIPTION}`;
  await world.ask('PUT', GROUP, {});
  assert.deepEqual(await outcome(world, ['owner', 'DELETE', url]), [409, 'OperationNotAllowed']);
  await world.ask('DELETE', GROUP);
  assert.deepEqual(await outcome(world, ['tenant-owner', 'DELETE', `${HERE}/subscriptions/${OTHER_SUBSCRIPTION}`]), [404, 'SubscriptionNotFound']);
  assert.deepEqual(await outcome(world, ['owner', 'DELETE', url]), [204]);
  for (const who of ['owner', 'group-reader']) assert.deepEqual(await world.store.read((tx) => tx.roleAssignments(who)), []);
  assert.deepEqual(await outcome(world, ['tenant-owner', 'PUT', url, named('again')]), [201]);
  assert.deepEqual(await outcome(world, ['owner', 'GET', S]), [404, 'SubscriptionNotFound']);
  assert.deepEqual(await outcome(world, ['tenant-owner', 'PUT', `${HERE}/subscriptions/${OTHER_SUBSCRIPTION}`, named('taken')]), [409, 'OperationNotAllowed']);
});

test('a role at a tenant counts in its subscriptions, and in no other tenant', async () => {
  const world = await openManagement();
  assert.deepEqual(await outcome(world, ['tenant-owner', 'PUT', GROUP, {}]), [201]);
  assert.deepEqual(await outcome(world, ['tenant-owner', 'GET', `/subscriptions/${OTHER_SUBSCRIPTION}`]), [404, 'SubscriptionNotFound']);
  assert.deepEqual(await outcome(world, ['root', 'GET', S]), [404, 'SubscriptionNotFound']);
});

const X = randomUUID();
const NEW = `${HERE}/principals/${X}`;
const ELSEWHERE = `${TENANTS}/${OTHER_TENANT}`;

/** Who asks for a principal with which role, and what becomes of it. Nobody gives what it does not have there or above. */
const GRANTS: readonly (readonly [who: string, role: string, scope: string, status: number])[] = [
  ['root', 'Owner', '/', 201], ['root', 'Owner', HERE, 201], ['root', 'Reader', S, 201],
  ['tenant-owner', 'Owner', '/', 403], ['tenant-owner', 'Reader', '/', 403], ['tenant-owner', 'Owner', HERE, 201], ['tenant-owner', 'Contributor', GROUP, 201],
  ['owner', 'Reader', '/', 403], ['owner', 'Reader', HERE, 403], ['owner', 'Owner', S, 201], ['owner', 'Reader', GROUP, 201], ['owner', 'Contributor', S.toUpperCase(), 201],
  ['contributor', 'Reader', S, 403], ['contributor', 'Contributor', S, 403], ['reader', 'Reader', S, 403], ['group-reader', 'Reader', GROUP, 403],
  ['root', 'Reader', ELSEWHERE, 400], ['root', 'Reader', `/subscriptions/${OTHER_SUBSCRIPTION}`, 400], ['root', 'Reader', `/subscriptions/${X}`, 400], ['root', 'Reader', '//', 400], ['root', 'Emperor', S, 400],
  ['stranger', 'Reader', S, 404], ['nobody', 'Reader', S, 404],
];

for (const [who, role, scope, status] of GRANTS) {
  test(`${who} gives the role ${role} at ${scope}: ${status}`, async () => {
    const world = await openManagement();
    assert.equal((await outcome(world, [who, 'PUT', NEW, roles([role, scope])]))[0], status);
    assert.equal((await world.store.read((tx) => tx.roleAssignments(X))).length, status === 201 ? 1 : 0);
  });
}

/** Whom each may take over, be it by a new secret, other roles or deletion: the roles of that one are the columns. */
const TARGETS: readonly (readonly Assignment[])[] = [[['Owner', '/']], [['Reader', '/']], [['Owner', HERE]], [['Owner', S]], [['Reader', GROUP]], [['Reader', GROUP], ['Reader', HERE]], []];
const MANAGES: readonly (readonly [who: string, allowed: readonly boolean[]])[] = [
  ['root', [true, true, true, true, true, true, true]],
  ['tenant-owner', [false, false, true, true, true, true, true]],
  ['owner', [false, false, false, true, true, false, false]],
  ['contributor', [false, false, false, false, false, false, false]],
  ['reader', [false, false, false, false, false, false, false]],
];

for (const [who, allowed] of MANAGES) {
  test(`whom ${who} may take over`, async () => {
    const world = await openManagement();
    for (const [index, target] of TARGETS.entries()) {
      const url = await someone(world, ...target);
      const attempts: readonly Sent[] = [[who, 'POST', `${url}/resetSecret`], [who, 'PUT', url, roles(...target)], [who, 'PUT', url, roles(['Reader', GROUP])], [who, 'DELETE', url]];
      const statuses: number[] = [];
      for (const attempt of attempts) statuses.push((await outcome(world, attempt))[0]);
      assert.deepEqual(statuses, allowed[index] === true ? [200, 200, 200, 204] : [403, 403, 403, 403], JSON.stringify(target));
    }
  });
}

test('principals are shown to who may read one of their roles', async () => {
  const world = await openManagement();
  const url = await someone(world, ['Reader', GROUP]);
  const list = (who: string): Promise<readonly string[]> => names(world, who, `${HERE}/principals`);
  const id = url.split('/').at(-1)!;
  assert.deepEqual((await list('group-reader')).toSorted(), ['group-reader', id].toSorted());
  assert.deepEqual((await list('reader')).toSorted(), ['contributor', 'group-reader', id, 'owner', 'reader'].toSorted());
  assert.deepEqual((await list('root')).toSorted(), ['contributor', 'group-reader', id, 'nobody', 'owner', 'reader', 'tenant-owner'].toSorted());
  assert.deepEqual(await outcome(world, ['reader', 'GET', `${HERE}/principals/tenant-owner`]), [403, 'AuthorizationFailed']);
  assert.deepEqual(await outcome(world, ['root', 'GET', `${HERE}/principals/root`]), [404, 'ResourceNotFound']);
  assert.deepEqual((await world.as('group-reader', { url })).json<PrincipalBody>(), {
    id: url, name: id, type: 'Mintmark.Admin/tenants/principals',
    properties: { clientId: id, tenantId: TENANT, displayName: 'someone', createdAt: START.toISOString(), roleAssignments: [{ role: 'Reader', scope: GROUP }], secrets: [] },
  });
});

test('a secret is told once, two overlap while one is replaced, and the rest of them ends with a plain reset', async () => {
  const world = await openManagement();
  const url = await someone(world, ['Reader', S]);
  const first = await reset(world, url, false);
  assert.deepEqual([first.tenantId, first.clientId, await logsIn(world, first)], [TENANT, url.split('/').at(-1), true]);
  const second = await reset(world, url, true);
  assert.deepEqual([await logsIn(world, first), await logsIn(world, second)], [true, true]);
  assert.deepEqual(await outcome(world, ['root', 'POST', `${url}/resetSecret`, { append: true }]), [409, 'OperationNotAllowed']);
  const shown = await world.as('root', { url });
  assert.deepEqual(shown.json<PrincipalBody>().properties.secrets.map(({ secretId, firstUsedAt }) => [secretId, firstUsedAt]), [[first.secretId, START.toISOString()], [second.secretId, START.toISOString()]]);
  assert.ok(!shown.body.includes(first.clientSecret) && !shown.body.includes('scrypt'));

  assert.deepEqual(await outcome(world, ['root', 'DELETE', `${url}/secrets/${first.secretId}`]), [204]);
  assert.deepEqual([await logsIn(world, first), await logsIn(world, second)], [false, true]);
  assert.deepEqual(await outcome(world, ['root', 'DELETE', `${url}/secrets/${first.secretId}`]), [404, 'ResourceNotFound']);
  assert.deepEqual(await outcome(world, ['root', 'DELETE', `${url}/secrets/${second.secretId}`]), [409, 'OperationNotAllowed']);
  const third = await reset(world, url, false);
  assert.deepEqual([await logsIn(world, second), await logsIn(world, third)], [false, true]);
});

test('a repeated request makes another secret in place of the one that nobody used', async () => {
  const world = await openManagement();
  const url = await someone(world, ['Reader', S]);
  const first = await reset(world, url, false);
  const lost = await reset(world, url, true, 'one-request');
  const repeated = await reset(world, url, true, 'one-request');
  assert.deepEqual([await logsIn(world, first), await logsIn(world, lost), await logsIn(world, repeated)], [true, false, true]);
  const again = await world.as('root', { method: 'POST', url: `${url}/resetSecret`, payload: { append: true }, headers: { 'x-ms-client-request-id': 'one-request' } });
  assert.equal(again.statusCode, 409);
});

test('the server keeps an Owner that can log in', async () => {
  const world = await openManagement();
  const root = `${ELSEWHERE}/principals/root`;
  await world.as('root', { method: 'DELETE', url: `${ELSEWHERE}/subscriptions/${OTHER_SUBSCRIPTION}` });
  const without = await someone(world, ['Owner', '/']);
  for (const url of [root, ELSEWHERE]) assert.deepEqual(await outcome(world, ['root', 'DELETE', url]), [409, 'OperationNotAllowed']);
  assert.equal((await world.store.read((tx) => tx.principal('stranger')))?.id, 'stranger', 'a refused deletion takes nothing');
  await reset(world, without, false);
  assert.deepEqual(await outcome(world, ['root', 'DELETE', ELSEWHERE]), [204]);
});

test('a client id is one of its tenant only', async () => {
  const world = await openManagement();
  const id = (await someone(world, ['Reader', S])).split('/').at(-1)!;
  assert.deepEqual(await outcome(world, ['root', 'PUT', `${ELSEWHERE}/principals/${id}`, roles(['Reader', ELSEWHERE])]), [409, 'OperationNotAllowed']);
  assert.deepEqual(await outcome(world, ['stranger', 'DELETE', `${ELSEWHERE}/principals/${id}`]), [404, 'ResourceNotFound']);
});

const BAD: readonly (readonly [what: string, url: string, payload: object, code: string])[] = [
  ['an id that is no UUID', `${TENANTS}/x`, named('x'), 'InvalidResourceName'],
  ['a principal whose id is no UUID', `${HERE}/principals/me`, roles(), 'InvalidResourceName'],
  ['no name', `${TENANTS}/${X}`, {}, 'InvalidRequestContent'],
  ['an empty name', `${TENANTS}/${X}`, named(''), 'InvalidRequestContent'],
  ['a name with a line break', `${HERE}/subscriptions/${X}`, named('a\nb'), 'InvalidRequestContent'],
  ['a name of 129 characters', `${TENANTS}/${X}`, named('x'.repeat(129)), 'InvalidRequestContent'],
  ['21 roles', NEW, roles(...Array.from({ length: 21 }, () => ['Reader', '/'] as const)), 'InvalidRequestContent'],
];

for (const [what, url, payload, code] of BAD) {
  test(`refused: ${what}`, async () => assert.deepEqual(await outcome(await openManagement(), ['root', 'PUT', url, payload]), [400, code]));
}
