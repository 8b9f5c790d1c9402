/** Roles as resources, through the front door. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { CLUSTER, GROUP, type ManagementWorld, openManagement, OTHER_SUBSCRIPTION, SUBSCRIPTION, TENANT } from '../../../test/support/management.ts';
import type { ErrorBody } from './contract.ts';
import type { AssignmentBody, IdentityBody } from './identity-contract.ts';

const S = `/subscriptions/${SUBSCRIPTION}`;
const ID = `${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app`;
const ROLES = { Owner: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635', Contributor: 'b24988ac-6180-42a0-ab88-20f7382dd24c', Reader: 'acdd72a7-3385-48ef-bd42-f606fba81ae7' } as const;
const at = (scope: string, name = ''): string => `${scope}/providers/Microsoft.Authorization/roleAssignments${name === '' ? '' : `/${name}`}`;
const definition = (role: keyof typeof ROLES): string => `${S}/providers/Microsoft.Authorization/roleDefinitions/${ROLES[role]}`;
const giving = (principalId: string, role: keyof typeof ROLES): object => ({ properties: { roleDefinitionId: definition(role), principalId, principalType: 'ServicePrincipal' } });

async function open(): Promise<{ readonly world: ManagementWorld; readonly principalId: string; readonly clientId: string }> {
  const world = await openManagement();
  await world.ask('PUT', GROUP, {});
  await world.ask('PUT', CLUSTER, {});
  const { principalId, clientId } = (await world.ask('PUT', ID, {})).json<IdentityBody>().properties;
  return { world, principalId, clientId };
}

const valuesAt = async (world: ManagementWorld, who: string, url: string): Promise<readonly string[]> =>
  (await world.as(who, { url })).json<{ value: AssignmentBody[] }>().value.map(({ properties }) => `${properties.roleName} ${properties.scope}`);

test('a role is given, shown, given again without effect, and taken away', async () => {
  const { world, principalId } = await open();
  const name = randomUUID();
  const lower = at(GROUP, name).toLowerCase();
  const given = await world.ask('PUT', lower, giving(principalId.toUpperCase(), 'Contributor'));
  const body = {
    id: at(GROUP, name), name, type: 'Microsoft.Authorization/roleAssignments',
    properties: { roleDefinitionId: definition('Contributor'), principalId, principalType: 'ServicePrincipal', scope: GROUP, roleName: 'Contributor' },
  };
  assert.deepEqual([given.statusCode, given.json()], [201, body]);
  assert.deepEqual(await world.store.read((tx) => tx.roleAssignments(principalId)), [{ principalId, role: 'Contributor', scope: GROUP, name }]);
  const again = await world.ask('PUT', at(GROUP, name), giving(principalId, 'Contributor'));
  assert.deepEqual([again.statusCode, again.json()], [200, body]);
  assert.deepEqual((await world.ask('GET', at(GROUP, name))).json(), body);
  const taken = await world.ask('DELETE', at(GROUP, name));
  assert.deepEqual([taken.statusCode, taken.json(), (await world.ask('DELETE', at(GROUP, name))).statusCode, (await world.ask('GET', at(GROUP, name))).statusCode], [200, body, 204, 404]);
  assert.deepEqual(await world.store.read((tx) => tx.roleAssignments(principalId)), []);
});

test('the same role once more is said to exist, in the words that Azure CLI looks for', async () => {
  const { world, principalId } = await open();
  const name = randomUUID();
  await world.ask('PUT', at(GROUP, name), giving(principalId, 'Reader'));
  const twin = await world.ask('PUT', at(GROUP, randomUUID()), giving(principalId, 'Reader'));
  assert.deepEqual([twin.statusCode, twin.json<ErrorBody>().error.code], [409, 'RoleAssignmentExists']);
  assert.match(twin.json<ErrorBody>().error.message, /role assignment already exists/);
  const other = await world.ask('PUT', at(GROUP, name), giving(principalId, 'Owner'));
  assert.deepEqual([other.statusCode, other.json<ErrorBody>().error.code], [409, 'OperationNotAllowed']);
});

test('a role that was given with its principal has a name too, and keeps it', async () => {
  const { world } = await open();
  const [reader] = (await world.ask('GET', `${at(S)}?$filter=principalId eq 'reader'`)).json<{ value: AssignmentBody[] }>().value;
  assert.deepEqual((await world.ask('GET', at(S, reader!.name))).json(), reader);
  assert.deepEqual((await world.ask('PUT', at(S, reader!.name), giving('reader', 'Reader'))).statusCode, 200);
  assert.equal((await world.ask('DELETE', at(S, reader!.name))).statusCode, 200);
  assert.equal((await world.as('reader', { url: S })).statusCode, 404);
});

test('a name outlives a change of the other roles of its principal', async () => {
  const { world } = await open();
  const [id, name] = [randomUUID(), randomUUID()];
  const url = `/providers/Mintmark.Admin/tenants/${TENANT}/principals/${id}`;
  const put = (...roleAssignments: readonly object[]): Promise<{ statusCode: number }> => world.as('tenant-owner', { method: 'PUT', url, payload: { properties: { displayName: 'x', roleAssignments } } });
  await put();
  assert.equal((await world.ask('PUT', at(GROUP, name), giving(id, 'Reader'))).statusCode, 201);
  assert.equal((await put({ role: 'Reader', scope: GROUP.toUpperCase().replace('/SUBSCRIPTIONS/', '/subscriptions/') }, { role: 'Owner', scope: ID })).statusCode, 200);
  assert.equal((await world.ask('GET', at(GROUP, name))).statusCode, 200);
});

test('who may give which role where', async () => {
  const { world, principalId } = await open();
  await world.store.write((tx) => tx.putRoleAssignment({ principalId: 'nobody', role: 'Owner', scope: GROUP }));
  const outcomes: readonly (readonly [who: string, scope: string, status: number])[] = [
    ['owner', S, 201], ['owner', CLUSTER, 201], ['nobody', GROUP, 201], ['nobody', ID, 201], ['nobody', S, 403], ['contributor', GROUP, 403], ['reader', GROUP, 403], ['stranger', GROUP, 404], ['root', GROUP, 404],
  ];
  for (const [who, scope, status] of outcomes) {
    const reply = await world.as(who, { method: 'PUT', url: at(scope, randomUUID()), payload: giving(principalId, 'Owner') });
    assert.equal(reply.statusCode, status, `${who} at ${scope}`);
  }
});

test('what is listed: what counts at the scope, what is below it, and no more than one may read', async () => {
  const { world, principalId } = await open();
  for (const [scope, role] of [[S, 'Reader'], [GROUP, 'Contributor'], [CLUSTER, 'Owner'], [ID, 'Reader']] as const) await world.ask('PUT', at(scope, randomUUID()), giving(principalId, role));
  const mine = (more = ''): string => `$filter=${more}principalId eq '${principalId}'`;
  assert.deepEqual(await valuesAt(world, 'owner', `${at(S)}?${mine()}`), [`Reader ${S}`, `Contributor ${GROUP}`, `Owner ${CLUSTER}`, `Reader ${ID}`]);
  assert.deepEqual(await valuesAt(world, 'owner', `${at(GROUP)}?${mine('atScope() and ')}`), [`Reader ${S}`, `Contributor ${GROUP}`]);
  assert.deepEqual(await valuesAt(world, 'owner', `${at(ID)}?$filter=atScope() and assignedTo('${principalId}')`), [`Reader ${S}`, `Contributor ${GROUP}`, `Reader ${ID}`]);
  assert.deepEqual(await valuesAt(world, 'group-reader', `${at(GROUP)}?${mine()}`), [`Contributor ${GROUP}`, `Owner ${CLUSTER}`, `Reader ${ID}`]);
  const everything = [`Contributor ${S}`, `Owner ${S}`, `Reader ${S}`, `Reader ${S}`, `Contributor ${GROUP}`, `Reader ${GROUP}`, `Owner ${CLUSTER}`, `Reader ${ID}`];
  assert.deepEqual((await valuesAt(world, 'owner', at(S))).toSorted(), everything.toSorted());
  assert.deepEqual((await valuesAt(world, 'tenant-owner', `${at(S)}?$filter=atScope()`)).toSorted(), [...everything.slice(0, 4), `Owner /providers/Mintmark.Admin/tenants/${TENANT}`].toSorted());
});

test('a long list goes on by its link', async () => {
  const { world, principalId } = await open();
  for (const [scope, role] of [[GROUP, 'Contributor'], [CLUSTER, 'Owner'], [ID, 'Reader']] as const) await world.ask('PUT', at(scope, randomUUID()), giving(principalId, role));
  const first = (await world.ask('GET', `${at(GROUP)}?$top=1`)).json<{ value: AssignmentBody[]; nextLink: string }>();
  const second = (await world.ask('GET', first.nextLink.replace(/^https:\/\/[^/]+/, ''))).json<{ value: AssignmentBody[]; nextLink?: string }>();
  assert.deepEqual([second.value.map(({ properties }) => properties.scope), second.nextLink], [[ID], undefined]);
});

test('whoever is given a role by way of credentials is warned of', async () => {
  const { world, principalId } = await open();
  await world.ask('PUT', `${ID}/federatedIdentityCredentials/one`, { properties: { issuer: 'https://a', subject: 'b' } });
  const reply = await world.ask('PUT', at(GROUP, randomUUID()), giving(principalId, 'Owner'));
  assert.match(String(reply.headers['warning']), /a federated credential of the identity 'app' names acts with this role; it has 1\. Look at them: az identity federated-credential list --identity-name app --resource-group myGroup/);
});

test('role definitions, as Azure CLI looks them up', async () => {
  const { world } = await open();
  const url = `${GROUP}/providers/Microsoft.Authorization/roleDefinitions`;
  const found = async (filter: string): Promise<readonly unknown[]> => (await world.as('group-reader', { url: `${url}${filter}` })).json<{ value: { id: string; properties: { roleName: string } }[] }>().value.map(({ id, properties }) => [id, properties.roleName]);
  assert.deepEqual(await found("?$filter=roleName eq 'contributor'"), [[definition('Contributor'), 'Contributor']]);
  assert.deepEqual(await found("?$filter=roleName eq 'Storage Blob Data Reader'"), []);
  assert.equal((await found('')).length, 3);
  assert.equal((await world.ask('GET', `${url}/${ROLES.Owner}`)).json<{ name: string }>().name, ROLES.Owner);
  assert.equal((await world.ask('GET', `${url}/${randomUUID()}`)).statusCode, 404);
});

const given = await open();
const NAME = randomUUID();
const { principalId, clientId } = given;
const ELSEWHERE = GROUP.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION);
await given.world.as('stranger', { method: 'PUT', url: ELSEWHERE, payload: {} });
const strange = (await given.world.as('stranger', { method: 'PUT', url: ID.replace(GROUP, ELSEWHERE), payload: {} })).json<IdentityBody>().properties.principalId;
const BAD: readonly (readonly [what: string, url: string, payload: object, status: number, code: string])[] = [
  ['a name that is no UUID', at(GROUP, 'x'), giving(principalId, 'Reader'), 400, 'InvalidResourceName'],
  ['a scope that is not there', at(`${GROUP}x`, NAME), giving(principalId, 'Reader'), 404, 'ResourceNotFound'],
  ['a principal that is not there', at(GROUP, NAME), giving(randomUUID(), 'Reader'), 400, 'PrincipalNotFound'],
  ['the client id of an identity', at(GROUP, NAME), giving(clientId, 'Reader'), 400, 'PrincipalNotFound'],
  ['a principal of another tenant', at(GROUP, NAME), giving('stranger', 'Reader'), 400, 'PrincipalNotFound'],
  ['an identity of another tenant', at(GROUP, NAME), giving(strange, 'Reader'), 400, 'PrincipalNotFound'],
  ['an unknown role', at(GROUP, NAME), { properties: { roleDefinitionId: definition('Reader').replace('acdd', 'aaaa'), principalId } }, 400, 'InvalidRequestContent'],
  ['a condition', at(GROUP, NAME), { properties: { ...(giving(principalId, 'Reader') as { properties: object }).properties, condition: 'x' } }, 400, 'InvalidRequestContent'],
  ['a group of people', at(GROUP, NAME), { properties: { roleDefinitionId: definition('Reader'), principalId, principalType: 'Group' } }, 400, 'InvalidRequestContent'],
  ['another subscription', at(`/subscriptions/${OTHER_SUBSCRIPTION}`, NAME), giving(principalId, 'Reader'), 404, 'SubscriptionNotFound'],
];

for (const [what, url, payload, status, code] of BAD) {
  test(`refused: ${what}`, async () => {
    const reply = await given.world.ask('PUT', url, payload);
    assert.deepEqual([reply.statusCode, reply.json<ErrorBody>().error.code], [status, code]);
  });
}

for (const filter of ['x', "principalId eq 'a' and principalId eq 'b'", "principalId eq a", "atScope() or assignedTo('a')"]) {
  test(`refused: the filter ${filter}`, async () => {
    const reply = await given.world.ask('GET', `${at(GROUP)}?$filter=${encodeURIComponent(filter)}`);
    assert.deepEqual([reply.statusCode, reply.json<ErrorBody>().error.code], [400, 'InvalidQueryParameter']);
  });
}
