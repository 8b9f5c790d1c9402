/** Resource groups, in the shape of Azure Resource Manager. */
import { z } from 'zod';
import { eTagOf, type Resource } from '../../../domain/resource.ts';
import type { GroupAddress, ResourceGroups } from '../../../service/resource-groups.ts';
import { listOf, resourceGroup, type ResourceGroupBody, resourceGroupRequest, tagsRequest } from '../contract.ts';
import { hasTag, parseEqualities, TAG_MEMBERS } from '../filter.ts';
import { pollingHeaders } from '../operation-body.ts';
import { fillPage, listBody, pageOf, pageQuery } from '../paging.ts';
import { RESOURCE_GROUP, SUBSCRIPTION } from '../paths.ts';
import { type Asked, type Route, route } from '../route.ts';

const READ = { action: 'resource/read', on: 'resource group' } as const;
const WRITE = { action: 'resource/write', on: 'resource group' } as const;

const groupsQuery = pageQuery.extend({ $filter: z.string().max(2000).optional() });

export const resourceGroupRoutes = (groups: ResourceGroups, managementUrl: string): readonly Route[] => [
  route({
    method: 'GET', url: `${SUBSCRIPTION}/resourceGroups`, access: { action: 'resource/read', on: 'subscription' },
    summary: `Lists the resource groups of a subscription. $filter: ${TAG_MEMBERS.join(', ')} eq '…', joined by 'and'.`, query: groupsQuery, replies: { 200: listOf(resourceGroup) },
    async handle(asked) {
      const tag = parseEqualities(asked.query.$filter, TAG_MEMBERS);
      const { items, next } = await fillPage((page) => groups.list(asked.subscription.id, page), pageOf(asked.query));
      return { status: 200, body: listBody(managementUrl, asked, { items: items.filter(({ tags }) => hasTag(tag, tags)), next }, groupBody) };
    },
  }),
  route({
    method: 'PUT', url: RESOURCE_GROUP, access: WRITE, summary: 'Creates or updates a resource group; what is absent is kept.', body: resourceGroupRequest, replies: { 200: resourceGroup, 201: resourceGroup },
    async handle(asked) {
      const { location, tags } = asked.body;
      const { group, created } = await groups.put(addressOf(asked), { location: location ?? undefined, tags: tags ?? undefined }, asked.precondition);
      return { status: created ? 201 : 200, body: groupBody(group) };
    },
  }),
  route({
    method: 'PATCH', url: RESOURCE_GROUP, access: WRITE, summary: "Replaces a resource group's tags.", body: tagsRequest, replies: { 200: resourceGroup },
    async handle(asked) {
      const { tags } = asked.body;
      const group = tags === undefined || tags === null ? await groups.get(addressOf(asked)) : await groups.setTags(addressOf(asked), tags, asked.precondition);
      return { status: 200, body: groupBody(group) };
    },
  }),
  route({
    method: 'GET', url: RESOURCE_GROUP, access: READ, summary: 'Shows a resource group.', replies: { 200: resourceGroup },
    handle: async (asked) => ({ status: 200, body: groupBody(await groups.get(addressOf(asked))) }),
  }),
  route({
    method: 'HEAD', url: RESOURCE_GROUP, access: READ, summary: 'Tells whether a resource group exists: 204, or 404.', replies: { 204: null },
    async handle(asked) {
      await groups.get(addressOf(asked));
      return { status: 204 };
    },
  }),
  route({
    method: 'DELETE', url: RESOURCE_GROUP, access: { action: 'resource/delete', on: 'resource group' }, summary: 'Deletes a resource group and the clusters and identities in it.', replies: { 202: null },
    async handle(asked) {
      const { location } = await groups.get(addressOf(asked));
      const operation = await groups.remove(asked.caller, addressOf(asked), asked.precondition);
      return { status: 202, headers: pollingHeaders(managementUrl, location, operation) };
    },
  }),
];

const addressOf = ({ caller, subscription, params }: Asked<typeof RESOURCE_GROUP>): GroupAddress => ({ tenantId: caller.tenantId, subscriptionId: subscription.id, name: params.resourceGroup });

const groupBody = (group: Resource): ResourceGroupBody => ({
  id: group.id, name: group.name, type: group.type, eTag: eTagOf(group), location: group.location, tags: { ...group.tags }, properties: { provisioningState: 'Succeeded' },
});
