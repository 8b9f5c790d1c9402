/**
 * All resources of a subscription or a group in one list, whatever their type, as `az resource list` and the Azure SDKs ask for them.
 *
 * One type comes after the other; where a page ends says which of them it is in.
 */
import { z } from 'zod';
import { MintmarkError } from '../../../domain/errors.ts';
import { normalizeLocation } from '../../../domain/locations.ts';
import { MANAGED_CLUSTER_TYPE, MANAGED_IDENTITY_TYPE } from '../../../domain/resource-id.ts';
import type { Resource } from '../../../domain/resource.ts';
import type { Clusters } from '../../../service/clusters.ts';
import type { Identities } from '../../../service/identities.ts';
import type { ResourceGroups } from '../../../service/resource-groups.ts';
import type { Listed, Page } from '../../../store/store.ts';
import { listOf } from '../contract.ts';
import { hasTag, parseEqualities, scopeOf, TAG_MEMBERS } from '../filter.ts';
import { fillPage, listBody, pageOf, pageQuery } from '../paging.ts';
import { RESOURCE_GROUP, SUBSCRIPTION } from '../paths.ts';
import { type Answer, type Asked, type Route, route } from '../route.ts';

const IN_A_GROUP = ['resourceType', 'location', 'name', ...TAG_MEMBERS] as const;
const MEMBERS = ['resourceGroup', ...IN_A_GROUP] as const;
const PLACE = /^([01])(?:\.(.+))?$/;

const resource = z.object({ id: z.string(), name: z.string(), type: z.string(), location: z.string(), tags: z.record(z.string(), z.string()) });
const resourcesQuery = pageQuery.extend({ $filter: z.string().max(2000).optional() });

type Filter = Readonly<Partial<Record<(typeof IN_A_GROUP)[number], string>>>;
type Find = (scope: string, page: Page) => Promise<Listed<Resource>>;

interface Deps {
  readonly clusters: Clusters;
  readonly identities: Identities;
  readonly resourceGroups: ResourceGroups;
}

export function resourceRoutes({ clusters, identities, resourceGroups }: Deps, managementUrl: string): readonly Route[] {
  const types: readonly (readonly [string, Find])[] = [
    [MANAGED_CLUSTER_TYPE, async (scope, page) => {
      const { items, next } = await clusters.list({ scope }, page);
      return { items: items.map(({ cluster }) => cluster), next };
    }],
    [MANAGED_IDENTITY_TYPE, (scope, page) => identities.list(scope, page)],
  ];
  async function list(asked: Pick<Asked<string, unknown, z.output<typeof resourcesQuery>>, 'query' | 'path' | 'search'>, scope: string, filter: Filter): Promise<Answer> {
    const { items, next } = await fillPage((page) => onePage(types, scope, page), pageOf(asked.query));
    return { status: 200, body: listBody(managementUrl, asked, { items: items.filter(matching(filter)), next }, resourceBody) };
  }
  return [
    route({
      method: 'GET', url: `${SUBSCRIPTION}/resources`, access: { action: 'resource/read', on: 'subscription' },
      summary: `Lists a subscription's clusters and identities. $filter: ${MEMBERS.join(', ')} eq '…', joined by 'and'.`, query: resourcesQuery, replies: { 200: listOf(resource) },
      async handle(asked) {
        const { resourceGroup, ...filter } = parseEqualities(asked.query.$filter, MEMBERS);
        return list(asked, scopeOf(asked.subscription.id, { resourceGroup }), filter);
      },
    }),
    route({
      method: 'GET', url: `${RESOURCE_GROUP}/resources`, access: { action: 'resource/read', on: 'resource group' },
      summary: `Lists a resource group's clusters and identities. $filter: ${IN_A_GROUP.join(', ')} eq '…', joined by 'and'.`, query: resourcesQuery, replies: { 200: listOf(resource) },
      async handle(asked) {
        const group = await resourceGroups.get({ tenantId: asked.caller.tenantId, subscriptionId: asked.subscription.id, name: asked.params.resourceGroup });
        return list(asked, group.id, parseEqualities(asked.query.$filter, IN_A_GROUP));
      },
    }),
  ];
}

/** A part of one type's list; behind its end stands the beginning of the next type's. */
async function onePage(types: readonly (readonly [string, Find])[], scope: string, { limit, cursor }: Page): Promise<Listed<Resource>> {
  const [, number = '0', within] = PLACE.exec(cursor ?? '0') ?? [];
  if (cursor !== undefined && !PLACE.test(cursor)) throw new MintmarkError('InvalidQueryParameter', 'The place to go on from in the list is of another list. Begin the list again.');
  const [at, [, find]] = [Number(number), types[Number(number)]!];
  const { items, next } = await find(scope, { limit, cursor: within });
  if (next !== null) return { items, next: `${at}.${next}` };
  return { items, next: at + 1 < types.length ? String(at + 1) : null };
}

const matching = ({ resourceType, location, name, ...tag }: Filter) => (one: Resource): boolean =>
  hasTag(tag, one.tags)
  && (resourceType === undefined || one.type.toLowerCase() === resourceType.toLowerCase())
  && (location === undefined || one.location === normalizeLocation(location))
  && (name === undefined || one.name.toLowerCase() === name.toLowerCase());

const resourceBody = ({ id, name, type, location, tags }: Resource) => ({ id, name, type, location, tags: { ...tags } });
