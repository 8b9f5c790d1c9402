/**
 * All issuers of a subscription, for tables: a small part of OData's `$filter` and `$orderby`.
 *
 * `$filter` is `location eq '…'` and `resourceGroup eq '…'`, joined by `and`. Without `$orderby` the list is by id and
 * pages without end; `$orderby` is `name` or `nextRotationAt` with `asc` or `desc`, sorts in memory, and is refused
 * where more than 1000 issuers match.
 */
import { z } from 'zod';
import { MintmarkError } from '../../domain/errors.ts';
import { normalizeLocation } from '../../domain/locations.ts';
import { resourceGroupId, subscriptionScope } from '../../domain/resource-id.ts';
import type { Resource } from '../../domain/resource.ts';
import type { Clusters, ClusterView } from '../../service/clusters.ts';
import type { Issuers } from '../../service/issuers.ts';
import type { Listed, Page } from '../../store/store.ts';
import type { IssuerSummaryBody } from './contract.ts';
import { issuerSummaryBody } from './issuer-body.ts';
import { listBody, pageOf, pageQuery } from './paging.ts';
import type { Asked } from './route.ts';

const CONDITION = /^(location|resourceGroup) eq '([^']{1,100})'$/;
const ORDER = /^(name|nextRotationAt)(?: (asc|desc))?$/;
const MOST_SORTED = 1000;

export const issuerListQuery = pageQuery.extend({ $filter: z.string().max(500).optional(), $orderby: z.string().max(100).optional() });

type Filter = Readonly<Partial<Record<'location' | 'resourceGroup', string>>>;
interface Deps {
  readonly clusters: Clusters;
  readonly issuers: Issuers;
  readonly managementUrl: string;
}

/** @throws MintmarkError `InvalidQueryParameter`. */
export async function listIssuers(deps: Deps, asked: Asked<string, unknown, z.output<typeof issuerListQuery>>) {
  const { $filter = '', $orderby = '' } = asked.query;
  const filter = parseFilter($filter);
  const subscriptionId = asked.subscription.id;
  const scope = filter.resourceGroup === undefined ? subscriptionScope(subscriptionId) : resourceGroupId(subscriptionId, filter.resourceGroup);
  const find = (page: Page): Promise<Listed<Resource>> => findClusters(deps.clusters, scope, filter, page);
  const found = $orderby === '' ? await summaries(deps.issuers, await find(pageOf(asked.query))) : await sorted(deps.issuers, find, parseOrder($orderby), pageOf(asked.query));
  return listBody(deps.managementUrl, asked, found, (summary) => summary);
}

async function findClusters(clusters: Clusters, scope: string, { location }: Filter, page: Page): Promise<Listed<Resource>> {
  const { items, next } = await clusters.list({ scope, withIssuer: true }, page);
  return { items: items.map(({ cluster }: ClusterView) => cluster).filter((cluster) => location === undefined || cluster.location === location), next };
}

async function summaries(issuers: Issuers, { items, next }: Listed<Resource>): Promise<Listed<IssuerSummaryBody>> {
  const made: IssuerSummaryBody[] = [];
  for (const cluster of items) made.push(issuerSummaryBody(cluster, await issuers.view(cluster)));
  return { items: made, next };
}

/** A page out of the sorted whole; its cursor is the place in it. */
async function sorted(issuers: Issuers, find: (page: Page) => Promise<Listed<Resource>>, compare: Compare, { limit, cursor }: Page): Promise<Listed<IssuerSummaryBody>> {
  const all = await find({ limit: MOST_SORTED });
  if (all.next !== null) throw refuse('$orderby', `$orderby sorts at most ${MOST_SORTED} issuers and there are more; narrow the list by a resource group in $filter, or leave $orderby out.`);
  if (cursor !== undefined && !/^\d{1,4}$/.test(cursor)) throw refuse('$skiptoken', 'The place to go on from in the list is not one that this server gave. Begin the list again.');
  const start = Number(cursor ?? 0);
  const { items } = await summaries(issuers, all);
  const ordered = items.toSorted(compare);
  return { items: ordered.slice(start, start + limit), next: start + limit < ordered.length ? String(start + limit) : null };
}

function parseFilter(text: string): Filter {
  if (text.trim() === '') return {};
  const conditions = text.trim().split(/ +and +/).map((condition) => CONDITION.exec(condition.trim()));
  if (conditions.includes(null)) throw refuse('$filter', "$filter is location eq '…' or resourceGroup eq '…', or both joined by 'and'.");
  const filter: Filter = Object.fromEntries(conditions.map((match) => [match![1], match![2]]));
  return filter.location === undefined ? filter : { ...filter, location: normalizeLocation(filter.location) };
}

type Compare = (one: IssuerSummaryBody, other: IssuerSummaryBody) => number;

const KEYS = {
  name: ({ properties }: IssuerSummaryBody) => properties.clusterName.toLowerCase(),
  /** Those that do not rotate by themselves come last. */
  nextRotationAt: ({ properties }: IssuerSummaryBody) => properties.nextRotationAt ?? '9999',
} as const;

function parseOrder(text: string): Compare {
  const [, by, direction] = ORDER.exec(text.trim()) ?? [];
  if (by === undefined) throw refuse('$orderby', '$orderby is name or nextRotationAt, followed by asc or desc.');
  const keyOf = KEYS[by as keyof typeof KEYS];
  const sign = direction === 'desc' ? -1 : 1;
  return (one, other) => sign * compareText(keyOf(one), keyOf(other)) || compareText(one.id, other.id);
}

function compareText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

const refuse = (target: string, message: string): MintmarkError => new MintmarkError('InvalidQueryParameter', message, { target });
