/** Every route in one place: method, path, who may use it. A change here is a change of the API. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openManagement, URL_BASE } from '../../../test/support/management.ts';
import type { Route } from './route.ts';
import { managementRoutes } from './server.ts';

const S = '/subscriptions/:subscriptionId';
const G = `${S}/resourceGroups/:resourceGroup`;
const C = `${G}/providers/Microsoft.ContainerService/managedClusters/:cluster`;
const T = '/providers/Mintmark.Admin/tenants/:tenantId';
const P = `${T}/principals/:principalId`;
const U = `${G}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/:identity`;
const I = `${C}/providers/Mintmark.Oidc/issuers/default`;

/** Roles, at each scope alike. */
const authorization = (scope: string, on: string): readonly string[] => [
  `GET ${scope}/providers/Microsoft.Authorization/roleAssignments roleAssignment/read on ${on}`,
  `GET ${scope}/providers/Microsoft.Authorization/roleAssignments/:assignment roleAssignment/read on ${on}`,
  `PUT ${scope}/providers/Microsoft.Authorization/roleAssignments/:assignment roleAssignment/write on ${on}`,
  `DELETE ${scope}/providers/Microsoft.Authorization/roleAssignments/:assignment roleAssignment/delete on ${on}`,
  `GET ${scope}/providers/Microsoft.Authorization/roleDefinitions roleAssignment/read on ${on}`,
  `GET ${scope}/providers/Microsoft.Authorization/roleDefinitions/:definition roleAssignment/read on ${on}`,
];

const ROUTES: readonly string[] = [
  'GET /healthz public',
  'GET /readyz public',
  'GET /subscriptions principal',
  `GET ${S} resource/read on any part`,
  `GET ${S}/locations resource/read on any part`,
  `GET ${S}/providers resource/read on any part`,
  `GET ${S}/providers/:namespace resource/read on any part`,
  `GET ${S}/resourceGroups resource/read on subscription`,
  `PUT ${G} resource/write on resource group`,
  `PATCH ${G} resource/write on resource group`,
  `GET ${G} resource/read on resource group`,
  `HEAD ${G} resource/read on resource group`,
  `DELETE ${G} resource/delete on resource group`,
  `GET ${S}/resources resource/read on subscription`,
  `GET ${G}/resources resource/read on resource group`,
  `GET ${S}/providers/Microsoft.ContainerService/managedClusters resource/read on subscription`,
  `GET ${G}/providers/Microsoft.ContainerService/managedClusters resource/read on resource group`,
  `PUT ${C} resource/write on managed cluster`,
  `PATCH ${C} resource/write on managed cluster`,
  `GET ${C} resource/read on managed cluster`,
  `DELETE ${C} resource/delete on managed cluster`,
  `GET ${C}/agentPools resource/read on managed cluster`,
  `GET ${C}/agentPools/:agentPool resource/read on managed cluster`,
  `GET ${C}/upgradeProfiles/default resource/read on managed cluster`,
  `POST ${C}/rotateServiceAccountSigningKeys issuer/rotate on managed cluster`,
  `POST ${C}/stop resource/write on managed cluster`,
  `POST ${C}/start resource/write on managed cluster`,
  `POST ${C}/rotateClusterCertificates resource/write on managed cluster`,
  ...[['user', 'User'], ['admin', 'Admin']].flatMap(([user, name]) => [
    `POST ${C}/listCluster${name}Credential kubeconfig/read on managed cluster`,
    `PUT ${C}/providers/Mintmark.Oidc/kubeconfigs/${user} kubeconfig/write on managed cluster`,
    `DELETE ${C}/providers/Mintmark.Oidc/kubeconfigs/${user} kubeconfig/write on managed cluster`,
  ]),
  `GET ${S}/providers/Mintmark.Oidc/issuers issuer/read on subscription`,
  `GET ${I} issuer/read on managed cluster`,
  `GET ${I}/keys issuer/read on managed cluster`,
  `GET ${I}/keys/:kid issuer/read on managed cluster`,
  `GET ${I}/events issuer/read on managed cluster`,
  `GET ${I}/rotationPolicy issuer/read on managed cluster`,
  `PUT ${I}/rotationPolicy issuer/setPolicy on managed cluster`,
  `POST ${I}/rotate issuer/rotate on managed cluster`,
  `POST ${I}/revokeKey issuer/revokeKey on managed cluster`,
  `POST ${I}/issueToken issuer/issueToken on managed cluster`,
  `POST ${I}/importKey issuer/importKey on managed cluster`,
  `GET ${I}/signers issuer/read on managed cluster`,
  `GET ${I}/signers/:signer issuer/read on managed cluster`,
  `DELETE ${I}/signers/:signer issuer/deleteSigner on managed cluster`,
  `POST ${I}/writeOffSigner issuer/writeOffSigner on managed cluster`,
  `POST ${I}/createSigner issuer/createSigner on managed cluster`,
  `POST ${I}/createJoinCredential issuer/createSigner on managed cluster`,
  `GET ${I}/joinCredentials issuer/read on managed cluster`,
  `GET ${I}/joinCredentials/:credential issuer/read on managed cluster`,
  `DELETE ${I}/joinCredentials/:credential issuer/revokeJoinCredential on managed cluster`,
  `GET ${S}/providers/Microsoft.ManagedIdentity/userAssignedIdentities resource/read on subscription`,
  `GET ${G}/providers/Microsoft.ManagedIdentity/userAssignedIdentities resource/read on resource group`,
  `PUT ${U} resource/write on managed identity`,
  `PATCH ${U} resource/write on managed identity`,
  `GET ${U} resource/read on managed identity`,
  `DELETE ${U} resource/delete on managed identity`,
  `GET ${U}/federatedIdentityCredentials resource/read on managed identity`,
  `PUT ${U}/federatedIdentityCredentials/:credential resource/write on managed identity`,
  `GET ${U}/federatedIdentityCredentials/:credential resource/read on managed identity`,
  `DELETE ${U}/federatedIdentityCredentials/:credential resource/delete on managed identity`,
  ...authorization(S, 'subscription'),
  ...authorization(G, 'resource group'),
  ...authorization(C, 'managed cluster'),
  ...authorization(U, 'managed identity'),
  `GET ${S}/providers/Microsoft.ContainerService/locations/:location/operations/:operation resource/read on any part`,
  `GET ${S}/providers/Microsoft.ContainerService/locations/:location/operationresults/:operation resource/read on any part`,
  'GET /providers/Mintmark.Admin/tenants principal',
  `PUT ${T} tenant/write on server`,
  `GET ${T} tenant/read on any part of a tenant`,
  `DELETE ${T} tenant/delete on server`,
  `GET ${T}/subscriptions tenant/read on any part of a tenant`,
  `PUT ${T}/subscriptions/:subscriptionId subscription/write on tenant`,
  `DELETE ${T}/subscriptions/:subscriptionId subscription/delete on subscription of a tenant`,
  `GET ${T}/principals principal/read on any part of a tenant`,
  `PUT ${P} principal/write on any part of a tenant`,
  `GET ${P} principal/read on any part of a tenant`,
  `DELETE ${P} principal/delete on any part of a tenant`,
  `POST ${P}/resetSecret principal/resetSecret on any part of a tenant`,
  `DELETE ${P}/secrets/:secretId principal/resetSecret on any part of a tenant`,
];

const world = await openManagement();
const routes = managementRoutes(world.deps, { managementUrl: URL_BASE, configuredLocations: [], maxBodyBytes: 1024, tokenIssue: true });
const line = ({ method, url, access }: Route): string => `${method} ${url} ${typeof access === 'string' ? access : `${access.action} on ${access.on}`}`;

test('the routes are these', () => assert.deepEqual(routes.map(line), ROUTES));

test('every route that Fastify has declares who may use it', async () => {
  const undeclared: string[] = [];
  const server = (await openManagement()).server;
  server.addHook('onRoute', ({ config, method, url }) => {
    if (config?.access === undefined) undeclared.push(`${String(method)} ${url}`);
  });
  await server.ready();
  assert.deepEqual(undeclared, []);
});

const LOGIN = [
  'POST /{tenantId}/oauth2/v2.0/token', 'GET /{tenantId}/v2.0/.well-known/openid-configuration', 'GET /{tenantId}/discovery/v2.0/keys',
  ...['/adfs', '/adfs/{tenantId}'].flatMap((base) => [`POST ${base}/oauth2/token`, `GET ${base}/.well-known/openid-configuration`, `GET ${base}/discovery/keys`]),
  'GET /metadata/endpoints',
];

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly summary?: string; readonly parameters?: readonly { readonly in: string; readonly name: string }[]; readonly responses: object }>>>>;
}

test('the OpenAPI document has every path and method, with its parameters', async () => {
  const { openapi, paths } = (await world.as(null, { method: 'GET', url: '/openapi.json' })).json<OpenApi>();
  assert.equal(openapi, '3.1.0');
  const expected = routes.map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
  const found = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  assert.deepEqual(found.toSorted(), [...expected, ...LOGIN].toSorted());
  for (const [path, methods] of Object.entries(paths)) {
    for (const { parameters = [], summary, responses } of Object.values(methods)) {
      const places = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      assert.deepEqual(parameters.filter((one) => one.in === 'path').map(({ name }) => name), places);
      assert.ok(summary !== undefined && summary.endsWith('.'), path);
      assert.ok('default' in responses, path);
    }
  }
});
