/** User-assigned managed identities, in the shape of Azure's `Microsoft.ManagedIdentity`. */
import { identityIds, isEnabled } from '../../../domain/managed-identity.ts';
import { resourceGroupId, subscriptionScope } from '../../../domain/resource-id.ts';
import { eTagOf, type Resource } from '../../../domain/resource.ts';
import type { Identities, IdentityAddress } from '../../../service/identities.ts';
import type { ResourceGroups } from '../../../service/resource-groups.ts';
import { listOf, tagsRequest } from '../contract.ts';
import { identity, type IdentityBody, identityRequest } from '../identity-contract.ts';
import { fillPage, listBody, pageOf, pageQuery } from '../paging.ts';
import { MANAGED_IDENTITY, RESOURCE_GROUP, SUBSCRIPTION } from '../paths.ts';
import { type Asked, type Route, route } from '../route.ts';

const READ = { action: 'resource/read', on: 'managed identity' } as const;
const WRITE = { action: 'resource/write', on: 'managed identity' } as const;
const LIST = 'providers/Microsoft.ManagedIdentity/userAssignedIdentities';

export const identityRoutes = (identities: Identities, groups: ResourceGroups, managementUrl: string): readonly Route[] => [
  ...identityListRoutes(identities, groups, managementUrl),
  ...oneIdentityRoutes(identities),
];

/** The identities of a subscription or a group. */
const identityListRoutes = (identities: Identities, groups: ResourceGroups, managementUrl: string): readonly Route[] => [
  route({
    method: 'GET', url: `${SUBSCRIPTION}/${LIST}`, access: { action: 'resource/read', on: 'subscription' }, summary: 'Lists the managed identities of a subscription.',
    query: pageQuery, replies: { 200: listOf(identity) },
    handle: async (asked) => ({ status: 200, body: listBody(managementUrl, asked, await fillPage((page) => identities.list(subscriptionScope(asked.subscription.id), page), pageOf(asked.query)), identityBody) }),
  }),
  route({
    method: 'GET', url: `${RESOURCE_GROUP}/${LIST}`, access: { action: 'resource/read', on: 'resource group' }, summary: 'Lists the managed identities of a resource group.',
    query: pageQuery, replies: { 200: listOf(identity) },
    async handle(asked) {
      const group = await groups.get({ tenantId: asked.caller.tenantId, subscriptionId: asked.subscription.id, name: asked.params.resourceGroup });
      const scope = resourceGroupId(asked.subscription.id, group.name);
      return { status: 200, body: listBody(managementUrl, asked, await fillPage((page) => identities.list(scope, page), pageOf(asked.query)), identityBody) };
    },
  }),
];

/** One identity: created, updated, shown, deleted. */
const oneIdentityRoutes = (identities: Identities): readonly Route[] => [
  route({
    method: 'PUT', url: MANAGED_IDENTITY, access: WRITE, summary: 'Creates or updates a managed identity; what is absent is kept. Its ids never change.',
    body: identityRequest, replies: { 200: identity, 201: identity },
    async handle(asked) {
      const { location, tags, properties } = asked.body;
      const request = { location: location ?? undefined, tags: tags ?? undefined, accountEnabled: properties?.accountEnabled ?? undefined };
      const { created, identity: stored } = await identities.put(identityAddressOf(asked), request, asked.precondition);
      return { status: created ? 201 : 200, body: identityBody(stored) };
    },
  }),
  route({
    method: 'PATCH', url: MANAGED_IDENTITY, access: WRITE, summary: "Replaces a managed identity's tags.", body: tagsRequest, replies: { 200: identity },
    async handle(asked) {
      const { tags } = asked.body;
      const stored = tags === undefined || tags === null ? await identities.get(identityAddressOf(asked)) : await identities.setTags(identityAddressOf(asked), tags, asked.precondition);
      return { status: 200, body: identityBody(stored) };
    },
  }),
  route({
    method: 'GET', url: MANAGED_IDENTITY, access: READ, summary: 'Shows a managed identity.', replies: { 200: identity },
    handle: async (asked) => ({ status: 200, body: identityBody(await identities.get(identityAddressOf(asked))) }),
  }),
  route({
    method: 'DELETE', url: MANAGED_IDENTITY, access: { action: 'resource/delete', on: 'managed identity' },
    summary: 'Deletes a managed identity with its federated credentials and roles; its access tokens end at once.', replies: { 200: null, 204: null },
    handle: async (asked) => ({ status: (await identities.remove(identityAddressOf(asked), asked.precondition)) ? 200 : 204 }),
  }),
];

/** The identity that a path names. */
export const identityAddressOf = ({ caller, subscription, params }: Pick<Asked<typeof MANAGED_IDENTITY>, 'caller' | 'subscription' | 'params'>): IdentityAddress =>
  ({ tenantId: caller.tenantId, subscriptionId: subscription.id, resourceGroup: params.resourceGroup, name: params.identity });

const identityBody = (stored: Resource): IdentityBody => ({
  id: stored.id, name: stored.name, type: stored.type, eTag: eTagOf(stored), location: stored.location, tags: { ...stored.tags },
  properties: { tenantId: stored.tenantId, ...identityIds(stored), accountEnabled: isEnabled(stored) },
});
