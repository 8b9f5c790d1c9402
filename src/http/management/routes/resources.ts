/**
 * All resources of a subscription in one list, whatever their type, as `az resource list` asks for them.
 *
 * One type comes after the other; where a page ends says which of them it is in. `$filter` is a small part of OData's: equality of
 * `resourceGroup`, `resourceType`, `location` and `name`, joined by `and`.
 */
import { z } from 'zod';
import { MintmarkError } from '../../../domain/errors.ts';
import { normalizeLocation } from '../../../domain/locations.ts';
import { MANAGED_CLUSTER_TYPE, MANAGED_IDENTITY_TYPE, resourceGroupId, subscriptionScope } from '../../../domain/resource-id.ts';
import type { Resource } from '../../../domain/resource.ts';
import type { Clusters } from '../../../service/clusters.ts';
import type { Identities } from '../../../service/identities.ts';
import type { Listed, Page } from '../../../store/store.ts';
import { listOf } from '../contract.ts';
import { fillPage, listBody, pageOf, pageQuery } from '../paging.ts';
import { SUBSCRIPTION } from '../paths.ts';
import { type Route, route } from '../route.ts';

const CONDITION = /^(resourceGroup|resourceType|location|name) eq '([^']{1,200})'$/i;
const PLACE = /^([01])(?:\.(.+))?$/;

const resource = z.object({ id: z.string(), name: z.string(), type: z.string(), location: z.string(), tags: z.record(z.string(), z.string()) });
const resourcesQuery = pageQuery.extend({ $filter: z.string().max(1000).optional() });

type Filter = Readonly<Partial<Record<'resourcegroup' | 'resourcetype' | 'location' | 'name', string>>>;
type Find = (scope: string, page: Page) => Promise<Listed<Resource>>;

export function resourceRoutes(clusters: Clusters, identities: Identities, managementUrl: string): readonly Route[] {
  const types: readonly (readonly [string, Find])[] = [
    [MANAGED_CLUSTER_TYPE, async (scope, page) => {
      const { items, next } = await clusters.list({ scope }, page);
      return { items: items.map(({ cluster }) => cluster), next };
    }],
    [MANAGED_IDENTITY_TYPE, (scope, page) => identities.list(scope, page)],
  ];
  return [route({
    method: 'GET', url: `${SUBSCRIPTION}/resources`, access: { action: 'resource/read', on: 'subscription' },
    summary: "Lists a subscription's clusters and identities. $filter: resourceGroup, resourceType, location or name eq '…', joined by 'and'.", query: resourcesQuery, replies: { 200: listOf(resource) },
    async handle(asked) {
      const filter = parseFilter(asked.query.$filter);
      const scope = filter.resourcegroup === undefined ? subscriptionScope(asked.subscription.id) : resourceGroupId(asked.subscription.id, filter.resourcegroup);
      const { items, next } = await fillPage((page) => onePage(types, scope, page), pageOf(asked.query));
      return { status: 200, body: listBody(managementUrl, asked, { items: items.filter(matching(filter)), next }, resourceBody) };
    },
  })];
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

/** @throws MintmarkError `InvalidQueryParameter`. */
function parseFilter(text = ''): Filter {
  const parts = text.split(/ and /i).map((part) => part.trim()).filter((part) => part !== '').map((part) => CONDITION.exec(part));
  const found = parts.map((part) => [part?.[1]?.toLowerCase(), part?.[2]] as const);
  if (found.some(([name]) => name === undefined) || new Set(found.map(([name]) => name)).size < found.length) {
    throw new MintmarkError('InvalidQueryParameter', "The filter is not understood. It is resourceGroup, resourceType, location or name eq '…', each once, joined by 'and'.", { target: '$filter' });
  }
  return Object.fromEntries(found) as Filter;
}

const matching = ({ resourcetype, location, name }: Filter) => (one: Resource): boolean =>
  (resourcetype === undefined || one.type.toLowerCase() === resourcetype.toLowerCase())
  && (location === undefined || one.location === normalizeLocation(location))
  && (name === undefined || one.name.toLowerCase() === name.toLowerCase());

const resourceBody = ({ id, name, type, location, tags }: Resource) => ({ id, name, type, location, tags: { ...tags } });
