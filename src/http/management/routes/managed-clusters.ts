/** Managed clusters, in the shape of Azure Kubernetes Service: created, updated, shown, listed, deleted. */
import { resourceGroupId, subscriptionScope } from '../../../domain/resource-id.ts';
import type { ClusterAddress, Clusters } from '../../../service/clusters.ts';
import type { ResourceGroups } from '../../../service/resource-groups.ts';
import { listOf, managedCluster, managedClusterRequest, tagsRequest } from '../contract.ts';
import { managedClusterBody } from '../managed-cluster-body.ts';
import { pollingHeaders } from '../operation-body.ts';
import { fillPage, listBody, pageOf, pageQuery } from '../paging.ts';
import { MANAGED_CLUSTER, RESOURCE_GROUP, SUBSCRIPTION } from '../paths.ts';
import { type Asked, type Route, route } from '../route.ts';

const READ = { action: 'resource/read', on: 'managed cluster' } as const;
const WRITE = { action: 'resource/write', on: 'managed cluster' } as const;

export const managedClusterRoutes = (clusters: Clusters, groups: ResourceGroups, managementUrl: string): readonly Route[] => [
  ...clusterListRoutes(clusters, groups, managementUrl),
  ...oneClusterRoutes(clusters, managementUrl),
];

/** The clusters of a subscription or a group. */
const clusterListRoutes = (clusters: Clusters, groups: ResourceGroups, managementUrl: string): readonly Route[] => [
  route({
    method: 'GET', url: `${SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters`, access: { action: 'resource/read', on: 'subscription' },
    summary: 'Lists the clusters of a subscription.', query: pageQuery, replies: { 200: listOf(managedCluster) },
    handle: async (asked) => ({ status: 200, body: listBody(managementUrl, asked, await fillPage((page) => clusters.list({ scope: subscriptionScope(asked.subscription.id) }, page), pageOf(asked.query)), managedClusterBody) }),
  }),
  route({
    method: 'GET', url: `${RESOURCE_GROUP}/providers/Microsoft.ContainerService/managedClusters`, access: { action: 'resource/read', on: 'resource group' },
    summary: 'Lists the clusters of a resource group.', query: pageQuery, replies: { 200: listOf(managedCluster) },
    async handle(asked) {
      const group = await groups.get({ tenantId: asked.caller.tenantId, subscriptionId: asked.subscription.id, name: asked.params.resourceGroup });
      const scope = resourceGroupId(asked.subscription.id, group.name);
      return { status: 200, body: listBody(managementUrl, asked, await fillPage((page) => clusters.list({ scope }, page), pageOf(asked.query)), managedClusterBody) };
    },
  }),
];

/** One cluster: created, updated, shown, deleted. */
const oneClusterRoutes = (clusters: Clusters, managementUrl: string): readonly Route[] => [
  route({
    method: 'PUT', url: MANAGED_CLUSTER, access: WRITE, summary: 'Creates or updates a cluster; what is absent is kept. An issuer, once enabled, stays.',
    body: managedClusterRequest, replies: { 200: managedCluster, 201: managedCluster },
    async handle(asked) {
      const { location, tags, identity, sku, properties } = asked.body;
      const request = { location: location ?? undefined, tags: tags ?? undefined, identity: identity ?? undefined, sku: sku ?? undefined, properties: properties ?? {} };
      const { created, warnings, ...view } = await clusters.put(asked.caller, addressOf(asked), request, asked.precondition);
      return { status: created ? 201 : 200, body: managedClusterBody(view), warnings };
    },
  }),
  route({
    method: 'PATCH', url: MANAGED_CLUSTER, access: WRITE, summary: "Replaces a cluster's tags.", body: tagsRequest, replies: { 200: managedCluster },
    async handle(asked) {
      const { tags } = asked.body;
      const view = tags === undefined || tags === null ? await clusters.get(addressOf(asked)) : await clusters.setTags(addressOf(asked), tags, asked.precondition);
      return { status: 200, body: managedClusterBody(view) };
    },
  }),
  route({
    method: 'GET', url: MANAGED_CLUSTER, access: READ, summary: 'Shows a cluster.', replies: { 200: managedCluster },
    handle: async (asked) => ({ status: 200, body: managedClusterBody(await clusters.get(addressOf(asked))) }),
  }),
  route({
    method: 'DELETE', url: MANAGED_CLUSTER, access: { action: 'resource/delete', on: 'managed cluster' },
    summary: 'Deletes a cluster and closes its issuer, whose documents stay until the last token has ended.', replies: { 202: null, 204: null },
    async handle(asked) {
      const removed = await clusters.remove(asked.caller, addressOf(asked), asked.precondition);
      return removed === null ? { status: 204 } : { status: 202, headers: pollingHeaders(managementUrl, removed.cluster.location, removed.operation) };
    },
  }),
];

/** The cluster that a path names. */
export const addressOf = ({ caller, subscription, params }: Pick<Asked<typeof MANAGED_CLUSTER>, 'caller' | 'subscription' | 'params'>): ClusterAddress =>
  ({ tenantId: caller.tenantId, subscriptionId: subscription.id, resourceGroup: params.resourceGroup, name: params.cluster });
