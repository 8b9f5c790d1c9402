/** Managed identities and their federated credentials, through the front door. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROUP, type ManagementWorld, openManagement, OTHER_TENANT, START, SUBSCRIPTION, TENANT } from '../../../test/support/management.ts';
import type { ErrorBody } from './contract.ts';
import type { FederatedCredentialBody, IdentityBody } from './identity-contract.ts';

const ID = `${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app`;
const FIC = `${ID}/federatedIdentityCredentials`;
const S = `/subscriptions/${SUBSCRIPTION}`;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const trust = (subject: string, issuer = 'https://issuer.example/'): object => ({ properties: { issuer, subject, audiences: ['api://AzureADTokenExchange'] } });

async function open(): Promise<ManagementWorld> {
  const world = await openManagement();
  await world.ask('PUT', GROUP, {});
  return world;
}

const create = async (world: ManagementWorld, url = ID): Promise<IdentityBody> => {
  const reply = await world.ask('PUT', url, { location: 'eastus' });
  assert.equal(reply.statusCode, 201);
  return reply.json<IdentityBody>();
};

const codeOf = (reply: { json<T>(): T }): string => reply.json<ErrorBody>().error.code;

test('an identity is made once with random ids, and keeps them', async () => {
  const world = await open();
  const made = await create(world);
  const { principalId, clientId } = made.properties;
  assert.ok(UUID.test(principalId) && UUID.test(clientId) && principalId !== clientId);
  const body = { id: ID, name: 'app', type: 'Microsoft.ManagedIdentity/userAssignedIdentities', eTag: made.eTag!, location: 'eastus', tags: {}, properties: { tenantId: TENANT, principalId, clientId, accountEnabled: true } };
  assert.deepEqual(made, body);
  const forged = { location: 'eastus', properties: { principalId: 'owner', clientId: 'owner', tenantId: OTHER_TENANT } };
  assert.deepEqual((await world.ask('PUT', ID.toUpperCase(), forged)).json(), body);
  assert.deepEqual((await world.ask('GET', `${ID.toUpperCase()}?api-version=2023-01-31`)).json(), body);
  const tagged = await world.ask('PATCH', ID, { tags: { a: 'b' } });
  assert.deepEqual([tagged.statusCode, tagged.json<IdentityBody>().tags, tagged.json<IdentityBody>().properties], [200, { a: 'b' }, body.properties]);
  for (const scope of [S, GROUP]) {
    const listed = await world.ask('GET', `${scope}/providers/microsoft.managedidentity/userassignedidentities`);
    assert.deepEqual(listed.json<{ value: IdentityBody[] }>().value.map(({ id }) => id), [ID]);
  }
});

test('an identity can be disabled and enabled, by that member alone', async () => {
  const world = await open();
  await create(world);
  const enabled = async (payload: object): Promise<boolean> => (await world.ask('PUT', ID, payload)).json<IdentityBody>().properties.accountEnabled;
  assert.deepEqual([await enabled({ properties: { accountEnabled: false } }), await enabled({ tags: {} }), await enabled({ properties: { accountEnabled: true } })], [false, false, true]);
});

test('a deletion takes credentials and roles with it; the same name is another identity', async () => {
  const world = await open();
  const { principalId } = (await create(world)).properties;
  await world.ask('PUT', `${FIC}/one`, trust('a'));
  await world.store.write((tx) => tx.putRoleAssignment({ principalId, role: 'Reader', scope: GROUP }));
  const deletions = [await world.ask('DELETE', ID), await world.ask('DELETE', ID)];
  assert.deepEqual(deletions.map(({ statusCode }) => statusCode), [200, 204]);
  assert.deepEqual(await world.store.read((tx) => tx.roleAssignments(principalId)), []);
  assert.equal((await world.ask('GET', ID)).statusCode, 404);
  assert.equal((await world.ask('GET', FIC)).statusCode, 404);
  assert.notEqual((await create(world)).properties.principalId, principalId);
  assert.deepEqual((await world.ask('GET', FIC)).json(), { value: [] });
});

test('a group takes its identities with it, more than one transaction of them', async () => {
  const world = await open();
  const { principalId } = (await create(world)).properties;
  await world.store.write((tx) => tx.putRoleAssignment({ principalId, role: 'Reader', scope: GROUP }));
  for (let index = 0; index < 101; index += 1) await create(world, `${ID}${index}`);
  assert.equal((await world.ask('DELETE', GROUP)).statusCode, 202);
  assert.deepEqual((await world.ask('GET', `${S}/providers/Microsoft.ManagedIdentity/userAssignedIdentities`)).json(), { value: [] });
  assert.deepEqual(await world.store.read(async (tx) => [await tx.identityByPrincipalId(principalId), await tx.roleAssignments(principalId)]), [null, []]);
});

test('a federated credential, as Azure has it', async () => {
  const world = await open();
  await create(world);
  const created = await world.ask('PUT', `${FIC}/One`, { properties: { issuer: 'https://issuer.example', subject: 'system:serviceaccount:a:b' } });
  const body = { id: `${FIC}/One`, name: 'One', type: 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials', properties: { issuer: 'https://issuer.example', subject: 'system:serviceaccount:a:b', audiences: ['api://AzureADTokenExchange'] } };
  const { eTag, ...shown } = created.json<FederatedCredentialBody>();
  assert.deepEqual([created.statusCode, shown, eTag], [201, body, `1-${START.getTime().toString(36)}`]);
  const changed = await world.ask('PUT', `${FIC}/one`, { properties: { subject: 'b', audiences: ['https://other'] } });
  assert.deepEqual([changed.statusCode, changed.json<FederatedCredentialBody>().name, changed.json<FederatedCredentialBody>().properties], [200, 'One', { issuer: 'https://issuer.example', subject: 'b', audiences: ['https://other'] }]);
  assert.deepEqual((await world.ask('GET', `${FIC}/ONE`)).json(), changed.json());
  assert.deepEqual((await world.ask('GET', FIC)).json(), { value: [changed.json()] });
  assert.deepEqual([(await world.ask('DELETE', `${FIC}/one`)).statusCode, (await world.ask('DELETE', `${FIC}/one`)).statusCode, (await world.ask('GET', `${FIC}/one`)).statusCode], [200, 204, 404]);
});

test('one credential for the same tokens, and 20 in all', async () => {
  const world = await open();
  await create(world);
  for (let index = 0; index < 20; index += 1) assert.equal((await world.ask('PUT', `${FIC}/name${index}`, trust(`s${index}`))).statusCode, 201);
  const refusals = [await world.ask('PUT', `${FIC}/name20`, trust('s20')), await world.ask('PUT', `${FIC}/name1`, trust('s2'))];
  assert.deepEqual(refusals.map((reply) => [reply.statusCode, codeOf(reply)]), [[409, 'OperationNotAllowed'], [409, 'OperationNotAllowed']]);
  assert.deepEqual((await world.ask('PUT', `${FIC}/name1`, trust('s1'))).statusCode, 200);
  // Another letter case, or another slash, is another token.
  await world.ask('DELETE', `${FIC}/name0`);
  assert.equal((await world.ask('PUT', `${FIC}/name1`, trust('S2'))).statusCode, 200);
  assert.equal((await world.ask('PUT', `${FIC}/name0`, trust('s2', 'https://issuer.example'))).statusCode, 201);
});

test('an issuer of this server without its slash is stored, with a warning', async () => {
  const world = await open();
  await create(world);
  const cluster = await world.ask('PUT', `${GROUP}/providers/Microsoft.ContainerService/managedClusters/c`, {});
  const { issuerURL } = cluster.json<{ properties: { oidcIssuerProfile: { issuerURL: string } } }>().properties.oidcIssuerProfile;
  const [right, wrong] = [await world.ask('PUT', `${FIC}/right`, trust('a', issuerURL)), await world.ask('PUT', `${FIC}/wrong`, trust('a', issuerURL.slice(0, -1)))];
  assert.equal(right.headers['warning'], undefined);
  assert.match(String(wrong.headers['warning']), /^299 mintmark "This server has an issuer 'https:.*\/', with a slash at the end/);
});

/** What the identity has, what the writer has → whether the writer may write a credential. */
const WRITERS: readonly (readonly [identity: readonly string[], writer: readonly string[], may: boolean])[] = [
  [[], ['Contributor', GROUP], true],
  [['Contributor', GROUP], ['Contributor', GROUP], true],
  [['Reader', S], ['Contributor', GROUP], false],
  [['Reader', S], ['Contributor', S], true],
  [['Owner', GROUP], ['Contributor', S], false],
  [['Owner', GROUP], ['Owner', GROUP], true],
  [['Owner', S], ['Owner', GROUP], false],
  [['Owner', S], ['Owner', `/providers/Mintmark.Admin/tenants/${TENANT}`], true],
  [['Owner', S], ['Owner', `/providers/Mintmark.Admin/tenants/${OTHER_TENANT}`], false],
  [['Owner', S], ['Owner', '/'], true],
];

for (const [theirs, mine, may] of WRITERS) {
  test(`a credential of an identity with ${theirs.join(' at ') || 'no role'} is ${may ? '' : 'not '}written by ${mine.join(' at ')}`, async () => {
    const world = await open();
    const { principalId } = (await create(world)).properties;
    await world.store.write(async (tx) => {
      const give = (to: string, [role, scope]: readonly string[]): Promise<void> => tx.putRoleAssignment({ principalId: to, role: role as 'Owner', scope: scope! });
      if (theirs.length > 0) await give(principalId, theirs);
      await give('nobody', mine);
      if (!may) await give('nobody', ['Contributor', GROUP]);
    });
    const reply = await world.as('nobody', { method: 'PUT', url: `${FIC}/one`, payload: trust('a') });
    assert.deepEqual([reply.statusCode, may ? null : codeOf(reply)], may ? [201, null] : [403, 'AuthorizationFailed']);
    assert.equal((await world.ask('GET', FIC)).json<{ value: object[] }>().value.length, may ? 1 : 0);
  });
}

test('nobody becomes a principal under an id of an identity', async () => {
  const world = await open();
  const { principalId, clientId } = (await create(world)).properties;
  await world.store.write((tx) => tx.putRoleAssignment({ principalId, role: 'Reader', scope: GROUP }));
  for (const id of [principalId, clientId, principalId.toUpperCase()]) {
    const reply = await world.as('tenant-owner', { method: 'PUT', url: `/providers/Mintmark.Admin/tenants/${TENANT}/principals/${id}`, payload: { properties: { displayName: 'x', roleAssignments: [{ role: 'Owner', scope: S }] } } });
    assert.deepEqual([reply.statusCode, codeOf(reply)], [409, 'OperationNotAllowed']);
  }
  assert.equal((await world.store.read((tx) => tx.roleAssignments(principalId))).length, 1);
  assert.equal((await world.as('root', { method: 'POST', url: `/providers/Mintmark.Admin/tenants/${TENANT}/principals/${principalId}/resetSecret`, payload: {} })).statusCode, 404);
});

const LONG = `https://${'a'.repeat(600)}/`;
const BAD: readonly (readonly [what: string, url: string, payload: object, status: number, code: string, target?: string])[] = [
  ['an identity of two letters', `${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ab`, {}, 400, 'InvalidResourceName', 'name'],
  ['an identity in no group', ID.replace('myGroup', 'none'), {}, 404, 'ResourceGroupNotFound'],
  ['another location', ID, { location: 'westus' }, 400, 'LocationCanNotChange', 'location'],
  ['a location that is none', `${ID}2`, { location: 'moon' }, 400, 'LocationNotAvailable', 'location'],
  ['a credential of two letters', `${FIC}/ab`, trust('a'), 400, 'InvalidResourceName', 'name'],
  ['a credential that begins with a hyphen', `${FIC}/-ab`, trust('a'), 400, 'InvalidResourceName', 'name'],
  ['a credential of no identity', `${ID}x/federatedIdentityCredentials/one`, trust('a'), 404, 'ResourceNotFound'],
  ['no issuer', `${FIC}/one`, { properties: { subject: 'a' } }, 400, 'InvalidRequestContent', 'properties.issuer'],
  ['no subject', `${FIC}/one`, { properties: { issuer: 'https://a' } }, 400, 'InvalidRequestContent', 'properties.subject'],
  ['an empty subject', `${FIC}/one`, trust(''), 400, 'InvalidRequestContent', 'properties.subject'],
  ['a subject of 601 characters', `${FIC}/one`, trust('x'.repeat(601)), 400, 'InvalidRequestContent', 'properties.subject'],
  ['a subject with a line break', `${FIC}/one`, trust('a\nb'), 400, 'InvalidRequestContent', 'properties.subject'],
  ['two audiences', `${FIC}/one`, { properties: { issuer: 'https://a', subject: 'a', audiences: ['a', 'b'] } }, 400, 'InvalidRequestContent', 'properties.audiences'],
  ['no audience in a list', `${FIC}/one`, { properties: { issuer: 'https://a', subject: 'a', audiences: [] } }, 400, 'InvalidRequestContent', 'properties.audiences'],
  ['an empty audience', `${FIC}/one`, { properties: { issuer: 'https://a', subject: 'a', audiences: [''] } }, 400, 'InvalidRequestContent', 'properties.audiences'],
  ...['http://issuer.example', 'issuer.example', 'https:issuer.example', 'https:///issuer.example', 'https://a/?b', 'https://a/#', 'https://u@a/', 'https://a /', 'https://ä/', ' https://a', 'https://a\n', 'https://', 'ftp://a', LONG]
    .map((issuer) => [`the issuer ${JSON.stringify(issuer).slice(0, 40)}`, `${FIC}/one`, trust('a', issuer), 400, 'InvalidRequestContent', 'properties.issuer'] as const),
];

const bad = await open();
await create(bad);
for (const [what, url, payload, status, code, target] of BAD) {
  test(`refused: ${what}`, async () => {
    const reply = await bad.ask('PUT', url, payload);
    assert.deepEqual([reply.statusCode, codeOf(reply), reply.json<ErrorBody>().error.target], [status, code, target]);
  });
}
