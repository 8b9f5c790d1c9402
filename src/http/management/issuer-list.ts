/**
 * All issuers of a subscription, for tables: `$filter` by `location` and `resourceGroup`, and a small part of OData's `$orderby`.
 *
 * Without `$orderby` the list is by id and pages without end; `$orderby` is `name` or `nextRotationAt` with `asc` or `desc`, sorts
 * in memory, and is refused where more than 1000 clusters have an issuer there. Of all that are sorted only what the order
 * needs is read and kept, in steps between which other requests have their turn; only the page is rendered.
 */
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { MintmarkError } from '../../domain/errors.ts';
import { normalizeLocation } from '../../domain/locations.ts';
import type { Clusters } from '../../service/clusters.ts';
import type { Issuers } from '../../service/issuers.ts';
import type { Listed, Page } from '../../store/store.ts';
import type { IssuerSummaryBody } from './contract.ts';
import { issuerSummaryBody, type ListedCluster } from './issuer-body.ts';
import { parseEqualities, scopeOf } from './filter.ts';
import { listBody, pageOf, pageQuery } from './paging.ts';
import type { Asked } from './route.ts';

const ORDER = /^(name|nextRotationAt)(?: (asc|desc))?$/;
const MOST_SORTED = 1000;
/** Clusters, or rings, that are read at a time. */
const STEP = 50;

export const issuerListQuery = pageQuery.extend({ $filter: z.string().max(500).optional(), $orderby: z.string().max(100).optional() });

type Filter = Readonly<Partial<Record<'location' | 'resourceGroup', string>>>;
interface Deps {
  readonly clusters: Clusters;
  readonly issuers: Issuers;
  readonly managementUrl: string;
}

/** @throws MintmarkError `InvalidQueryParameter`, `InvalidResourceName`. */
export async function listIssuers(deps: Deps, asked: Asked<string, unknown, z.output<typeof issuerListQuery>>) {
  const { $filter = '', $orderby = '' } = asked.query;
  const filter = parseEqualities($filter, ['location', 'resourceGroup']);
  const scope = scopeOf(asked.subscription.id, filter);
  const find = (page: Page): Promise<Listed<ListedCluster>> => findClusters(deps.clusters, scope, filter, page);
  const found = $orderby === '' ? await summaries(deps.issuers, await find(pageOf(asked.query))) : await sorted(deps.issuers, find, parseOrder($orderby), pageOf(asked.query));
  return listBody(deps.managementUrl, asked, found, (summary) => summary);
}

async function findClusters(clusters: Clusters, scope: string, { location }: Filter, page: Page): Promise<Listed<ListedCluster>> {
  const { items, next } = await clusters.list({ scope, withIssuer: true }, page);
  const found = items.map(({ cluster }) => ({ id: cluster.id, name: cluster.name, location: cluster.location, issuerId: cluster.issuerId }));
  return { items: found.filter((cluster) => location === undefined || cluster.location === normalizeLocation(location)), next };
}

async function summaries(issuers: Issuers, { items, next }: Listed<ListedCluster>): Promise<Listed<IssuerSummaryBody>> {
  const made: IssuerSummaryBody[] = [];
  for (const cluster of items) made.push(issuerSummaryBody(cluster, await issuers.view(cluster)));
  return { items: made, next };
}

type Find = (page: Page) => Promise<Listed<ListedCluster>>;

/** A page out of the sorted whole; its cursor is the place in it. */
async function sorted(issuers: Issuers, find: Find, { keyOf, sign }: Order, { limit, cursor }: Page): Promise<Listed<IssuerSummaryBody>> {
  if (cursor !== undefined && !/^\d{1,4}$/.test(cursor)) throw refuse('$skiptoken', 'The place to go on from in the list is not one that this server gave. Begin the list again.');
  const start = Number(cursor ?? 0);
  const all = await keyed(issuers, await findAll(find), keyOf);
  const ordered = all.toSorted((one, other) => sign * compareText(one.key, other.key) || compareText(one.cluster.id, other.cluster.id)).map(({ cluster }) => cluster);
  return summaries(issuers, { items: ordered.slice(start, start + limit), next: start + limit < ordered.length ? String(start + limit) : null });
}

/** @throws MintmarkError `InvalidQueryParameter` when there are too many to sort. */
async function findAll(find: Find): Promise<readonly ListedCluster[]> {
  const all: ListedCluster[] = [];
  let cursor: string | undefined;
  for (let read = 0; read < MOST_SORTED; read += STEP) {
    const { items, next } = await find({ limit: STEP, cursor });
    all.push(...items);
    await setImmediate();
    if (next === null) return all;
    cursor = next;
  }
  throw refuse('$orderby', `$orderby sorts at most ${MOST_SORTED} issuers and there are more; narrow the list by a resource group in $filter, or leave $orderby out.`);
}

/** Each cluster with what it is sorted by. */
async function keyed(issuers: Issuers, clusters: readonly ListedCluster[], keyOf: KeyOf): Promise<readonly { readonly cluster: ListedCluster; readonly key: string }[]> {
  const all: { readonly cluster: ListedCluster; readonly key: string }[] = [];
  for (const cluster of clusters) {
    all.push({ cluster, key: await keyOf(cluster, issuers) });
    if (all.length % STEP === 0) await setImmediate();
  }
  return all;
}

type KeyOf = (cluster: ListedCluster, issuers: Issuers) => Promise<string>;

const KEYS = {
  name: async ({ name }) => name.toLowerCase(),
  /** Those that do not rotate by themselves come last. */
  nextRotationAt: async (cluster, issuers) => (await issuers.nextActivation(cluster))?.at.toISOString() ?? '9999',
} as const satisfies Record<string, KeyOf>;

interface Order {
  readonly keyOf: KeyOf;
  readonly sign: 1 | -1;
}

function parseOrder(text: string): Order {
  const [, by, direction] = ORDER.exec(text.trim()) ?? [];
  if (by === undefined) throw refuse('$orderby', '$orderby is name or nextRotationAt, followed by asc or desc.');
  return { keyOf: KEYS[by as keyof typeof KEYS], sign: direction === 'desc' ? -1 : 1 };
}

function compareText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

const refuse = (target: string, message: string): MintmarkError => new MintmarkError('InvalidQueryParameter', message, { target });
