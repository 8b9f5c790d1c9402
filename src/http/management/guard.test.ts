/** Every route with every principal: who is let through, who is not, and how it is said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLUSTER, GROUP, openManagement, OTHER_SUBSCRIPTION, SUBSCRIPTION, TENANT, URL_BASE } from '../../../test/support/management.ts';
import { ACTIONS } from '../../domain/principal.ts';
import { isInTenant } from './guard.ts';
import type { AccessInTenant, Route } from './route.ts';
import { managementRoutes } from './server.ts';

const world = await openManagement();
await world.ask('PUT', GROUP, {});
await world.ask('PUT', CLUSTER, {});
await world.ask('PUT', `${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/myIdentity`, {});
const routes = managementRoutes(world.deps, { managementUrl: URL_BASE, configuredLocations: [], maxBodyBytes: 1024, tokenIssue: true }).filter(({ access }) => access !== 'public');

const PLACES: Readonly<Record<string, string>> = { subscriptionId: SUBSCRIPTION, resourceGroup: 'myGroup', cluster: 'myCluster', agentPool: 'nodepool1', kid: 'x', location: 'eastus', operation: 'x', tenantId: TENANT, principalId: 'x', secretId: 'x', identity: 'myIdentity', credential: 'one', assignment: 'x', definition: 'x' };
const urlOf = ({ url }: Route): string => url.replaceAll(/:(\w+)/g, (_, name: string) => PLACES[name]!);

/** What the guard makes of a principal on a route: a refusal, or null when it is let through to whatever comes then. */
function expected({ access }: Route, principal: string): string | null {
  if (typeof access === 'string') return null;
  const least = ACTIONS[access.action];
  if (isInTenant(access)) return expectedInTenant(access, principal, least);
  if (principal === 'stranger' || principal === 'nobody' || principal === 'root') return 'SubscriptionNotFound';
  if (principal === 'group-reader') return access.on === 'any part' || (access.on !== 'subscription' && least === 'Reader') ? null : 'AuthorizationFailed';
  const enough = { reader: ['Reader'], contributor: ['Reader', 'Contributor'], owner: ['Reader', 'Contributor', 'Owner'] }[principal] ?? ['Reader', 'Contributor', 'Owner'];
  return enough.includes(least) ? null : 'AuthorizationFailed';
}

/** For the administration of the tenant `TENANT`; `root` alone, who is of another tenant, has a role for the whole server. */
function expectedInTenant({ on }: AccessInTenant, principal: string, least: string): string | null {
  assert.ok(on === 'any part of a tenant' || least === 'Owner');
  if (principal === 'root') return null;
  if (on === 'server') return 'AuthorizationFailed';
  if (principal === 'stranger' || principal === 'nobody') return 'TenantNotFound';
  if (on === 'any part of a tenant' || principal === 'tenant-owner') return null;
  return on === 'subscription of a tenant' && principal === 'owner' ? null : 'AuthorizationFailed';
}

/** A body that no route understands (a tag that is a number), so that being let through changes nothing. */
const HARMLESS = { tags: { a: 1 }, properties: 1, force: 1, kid: 1, metadata: 1 };
const GUARD_CODES = ['AuthenticationFailed', 'AuthorizationFailed', 'SubscriptionNotFound', 'TenantNotFound'];

for (const route of routes) {
  const { method } = route;
  for (const principal of ['reader', 'contributor', 'owner', 'group-reader', 'nobody', 'stranger', 'tenant-owner', 'root']) {
    const refusal = expected(route, principal);
    if (refusal === null && (method === 'DELETE' || route.url.endsWith('rotateServiceAccountSigningKeys'))) continue;
    test(`${principal}: ${method} ${route.url}: ${refusal ?? 'let through'}`, async () => {
      const reply = await world.as(principal, { method, url: urlOf(route), ...(method === 'GET' || method === 'HEAD' ? {} : { payload: HARMLESS }) });
      const code = method === 'HEAD' ? (refusal !== null && reply.statusCode !== 204 ? refusal : null) : (reply.json<{ error?: { code: string } }>().error?.code ?? null);
      assert.equal(code !== null && GUARD_CODES.includes(code) ? code : null, refusal);
      if (refusal !== null) assert.equal(reply.statusCode, refusal === 'AuthorizationFailed' ? 403 : 404);
    });
  }
  test(`without a token: ${method} ${route.url}`, async () => {
    const reply = await world.as(null, { method, url: urlOf(route) });
    assert.deepEqual([reply.statusCode, reply.headers['www-authenticate']], [401, 'Bearer']);
  });
}

test('force and emergency need Owner', async () => {
  for (const how of [{ force: true }, { emergency: true }]) {
    const reply = await world.as('contributor', { method: 'POST', url: `${CLUSTER}/providers/Mintmark.Oidc/issuers/default/rotate`, payload: how });
    assert.equal(reply.statusCode, 403);
    assert.match(reply.body, /'issuer\/forceRotate'/);
  }
});

test('to ask for the revocation of retired keys needs no more than to rotate', async () => {
  const url = `${CLUSTER}/providers/Mintmark.Oidc/issuers/default/rotate`;
  for (const [principal, status] of [['reader', 403], ['contributor', 202]] as const) assert.equal((await world.as(principal, { method: 'POST', url, payload: { revokePrevious: true } })).statusCode, status, principal);
});

test('an operation is shown to who may read its resource; to all others it answers as one that does not exist', async () => {
  const place = (subscription: string, id: string): string => `/subscriptions/${subscription}/providers/Microsoft.ContainerService/locations/eastus/operations/${id}`;
  const other = `/subscriptions/${SUBSCRIPTION}/resourceGroups/otherGroup`;
  await world.ask('PUT', other, {});
  const real = String((await world.ask('DELETE', other)).headers['azure-asyncoperation']).split('/').at(-1)!;
  const fake = '00000000-0000-4000-8000-000000000000';
  for (const [principal, subscription, status] of [['owner', SUBSCRIPTION, 200], ['reader', SUBSCRIPTION, 200], ['group-reader', SUBSCRIPTION, 404], ['stranger', SUBSCRIPTION, 404], ['stranger', OTHER_SUBSCRIPTION, 404]] as const) {
    const [ofReal, ofFake] = [await world.as(principal, { url: place(subscription, real) }), await world.as(principal, { url: place(subscription, fake) })];
    assert.deepEqual([ofReal.statusCode, ofFake.statusCode], [status, 404], principal);
    if (status === 404) assert.equal(ofReal.body.replaceAll(real, fake), ofFake.body);
  }
});

const TOKENS: readonly (readonly [string, string | undefined])[] = [
  ['no header', undefined], ['Basic', 'Basic YTpi'], ['no token', 'Bearer '], ['no JWT', 'Bearer abc'], ['none', 'Bearer eyJhbGciOiJub25lIn0.e30.'], ['two parts', 'Bearer a.b c'], ['over-long', `Bearer ${'a'.repeat(9000)}`],
];

/** `{"access_token":{"nbf":{"essential":true}}}`: a client of Azure logs in anew. */
const CHALLENGE = 'Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ=="';

for (const [what, authorization] of TOKENS) {
  test(`401 for ${what}`, async () => {
    const reply = await world.server.inject({ url: '/subscriptions', headers: authorization === undefined ? {} : { authorization } });
    assert.deepEqual([reply.statusCode, reply.headers['www-authenticate'], reply.json<{ error: { code: string } }>().error.code], [401, authorization?.startsWith('Bearer ') === true ? CHALLENGE : 'Bearer', 'AuthenticationFailed']);
  });
}

test('a name can not pose as more of the path', async () => {
  const spoofed = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${encodeURIComponent('myGroup/providers/Microsoft.ContainerService/managedClusters/myCluster')}`;
  const reply = await world.ask('GET', spoofed);
  assert.deepEqual([reply.statusCode, reply.json<{ error: { code: string } }>().error.code], [400, 'InvalidResourceName']);
});

test('a role that is taken away counts at the next request', async () => {
  const own = await openManagement();
  assert.equal((await own.as('nobody', { url: `/subscriptions/${SUBSCRIPTION}` })).statusCode, 404);
  await own.store.write((tx) => tx.putRoleAssignment({ principalId: 'nobody', role: 'Reader', scope: '/' }));
  assert.equal((await own.as('nobody', { url: `/subscriptions/${SUBSCRIPTION}` })).statusCode, 200);
});
