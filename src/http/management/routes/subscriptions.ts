/** Subscriptions, their locations, and the resource provider as Azure's clients look it up. */
import { MintmarkError } from '../../../domain/errors.ts';
import { type Location, locations } from '../../../domain/locations.ts';
import type { Subscription } from '../../../domain/principal.ts';
import { subscriptionScope } from '../../../domain/resource-id.ts';
import type { Access } from '../../../service/access.ts';
import { listOf, location, provider, subscription } from '../contract.ts';
import { SUBSCRIPTION } from '../paths.ts';
import { type Route, route } from '../route.ts';

/** Namespace → its resource types, as far as this server has them. */
const PROVIDERS: Readonly<Record<string, readonly string[]>> = {
  'Microsoft.ContainerService': ['managedClusters', 'managedClusters/agentPools', 'locations/operations', 'locations/operationresults'],
  'Microsoft.ManagedIdentity': ['userAssignedIdentities', 'userAssignedIdentities/federatedIdentityCredentials'],
  'Microsoft.Authorization': ['roleAssignments', 'roleDefinitions'],
  'Microsoft.Resources': ['subscriptions', 'subscriptions/resourceGroups', 'resourceGroups'],
};

/** Any api-version is answered; these are what clients find to choose from. */
const API_VERSIONS = ['2026-04-01', '2025-03-01', '2024-09-01', '2023-11-01', '2022-11-01'];

export const subscriptionRoutes = (access: Access, configuredLocations: readonly string[]): readonly Route[] => [
  route({
    method: 'GET', url: '/subscriptions', access: 'principal', summary: 'Lists the subscriptions in which the caller has a role.', replies: { 200: listOf(subscription) },
    handle: async ({ caller }) => ({ status: 200, body: { value: (await access.visibleSubscriptions(caller)).map(subscriptionBody) } }),
  }),
  route({
    method: 'GET', url: SUBSCRIPTION, access: { action: 'resource/read', on: 'any part' }, summary: 'Shows a subscription.', replies: { 200: subscription },
    handle: async (asked) => ({ status: 200, body: subscriptionBody(asked.subscription) }),
  }),
  route({
    method: 'GET', url: `${SUBSCRIPTION}/locations`, access: { action: 'resource/read', on: 'any part' }, summary: 'Lists the locations that a cluster may have.', replies: { 200: listOf(location) },
    handle: async (asked) => ({ status: 200, body: { value: locations(configuredLocations).map((one) => locationBody(asked.subscription, one)) } }),
  }),
  route({
    method: 'GET', url: `${SUBSCRIPTION}/providers`, access: { action: 'resource/read', on: 'any part' }, summary: 'Lists the resource providers that this server stands in for.', replies: { 200: listOf(provider) },
    handle: async (asked) => ({ status: 200, body: { value: Object.keys(PROVIDERS).map((namespace) => providerBody(asked.subscription, namespace, locations(configuredLocations))) } }),
  }),
  route({
    method: 'GET', url: `${SUBSCRIPTION}/providers/:namespace`, access: { action: 'resource/read', on: 'any part' }, summary: 'Shows the resource types of one of them.', replies: { 200: provider },
    async handle({ subscription: of, params }) {
      const namespace = Object.keys(PROVIDERS).find((known) => known.toLowerCase() === params.namespace.toLowerCase());
      if (namespace === undefined) throw new MintmarkError('ResourceNotFound', `This server has nothing of the resource provider '${params.namespace.slice(0, 80)}'; it is Mintmark, not Azure.`);
      return { status: 200, body: providerBody(of, namespace, locations(configuredLocations)) };
    },
  }),
];

const subscriptionBody = ({ id, tenantId, displayName }: Subscription) => ({ id: subscriptionScope(id), subscriptionId: id, tenantId, displayName, state: 'Enabled' as const, managedByTenants: [] });

const locationBody = ({ id }: Subscription, { name, displayName }: Location) => ({
  id: `${subscriptionScope(id)}/locations/${name}`, name, displayName, type: 'Region' as const, regionalDisplayName: displayName,
  metadata: { regionType: 'Physical', regionCategory: 'Recommended' },
});

const providerBody = ({ id }: Subscription, namespace: string, all: readonly Location[]) => ({
  id: `${subscriptionScope(id)}/providers/${namespace}`, namespace, registrationState: 'Registered' as const,
  resourceTypes: PROVIDERS[namespace]!.map((resourceType) => ({ resourceType, locations: all.map(({ displayName }) => displayName), apiVersions: API_VERSIONS })),
});
