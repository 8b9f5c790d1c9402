/** Subscriptions, their locations, and the resource provider as Azure's clients look it up. */
import { type Location, locations } from '../../../domain/locations.ts';
import type { Subscription } from '../../../domain/principal.ts';
import { subscriptionScope } from '../../../domain/resource-id.ts';
import type { Access } from '../../../service/access.ts';
import { listOf, location, provider, subscription } from '../contract.ts';
import { SUBSCRIPTION } from '../paths.ts';
import { type Route, route } from '../route.ts';

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
    method: 'GET', url: `${SUBSCRIPTION}/providers/Microsoft.ContainerService`, access: { action: 'resource/read', on: 'any part' }, summary: 'Shows the resource types of managed clusters.', replies: { 200: provider },
    handle: async (asked) => ({ status: 200, body: providerBody(asked.subscription, locations(configuredLocations)) }),
  }),
];

const subscriptionBody = ({ id, tenantId, displayName }: Subscription) => ({ id: subscriptionScope(id), subscriptionId: id, tenantId, displayName, state: 'Enabled' as const, managedByTenants: [] });

const locationBody = ({ id }: Subscription, { name, displayName }: Location) => ({
  id: `${subscriptionScope(id)}/locations/${name}`, name, displayName, type: 'Region' as const, regionalDisplayName: displayName,
  metadata: { regionType: 'Physical', regionCategory: 'Recommended' },
});

const providerBody = ({ id }: Subscription, all: readonly Location[]) => ({
  id: `${subscriptionScope(id)}/providers/Microsoft.ContainerService`, namespace: 'Microsoft.ContainerService', registrationState: 'Registered' as const,
  resourceTypes: ['managedClusters', 'managedClusters/agentPools', 'locations/operations', 'locations/operationresults']
    .map((resourceType) => ({ resourceType, locations: all.map(({ displayName }) => displayName), apiVersions: API_VERSIONS })),
});
