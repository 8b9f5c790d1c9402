/**
 * Managed clusters: created, updated, shown and deleted, and their issuer with them.
 *
 * Decide, make, decide again: what a PUT comes to is decided on a first reading, an issuer's keys are made outside of any
 * transaction, and the decision is taken again on the fresh row inside the one that writes. Leaves the rules to
 * `domain/managed-cluster.ts`, the issuer's ring to `issuers.ts`, permissions to the edge (`access.ts`).
 */
import { randomUUID } from 'node:crypto';
import { MintmarkError } from '../domain/errors.ts';
import type { Issuer } from '../domain/issuer.ts';
import { type ClusterDecision, type ClusterDefaults, type ClusterRequest, createCluster, updateCluster } from '../domain/managed-cluster.ts';
import type { Operation } from '../domain/operation.ts';
import { KUBECONFIG_TYPE, MANAGED_CLUSTER_TYPE, managedClusterId, resourceGroupId, resourceKey } from '../domain/resource-id.ts';
import { assertPrecondition, changes, type Precondition, type Resource, retag } from '../domain/resource.ts';
import type { Listed, Page, Store, StoreReader, StoreWriter } from '../store/store.ts';
import { assertNoSigners } from './attached-signers.ts';
import { actorOf, type Caller } from './caller.ts';
import { derivedUuid } from './derived-uuid.ts';
import type { Issuers, NewIssuer } from './issuers.ts';
import type { Publications } from './publications.ts';

/** Where a cluster is, as the request spells it. */
export interface ClusterAddress {
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly name: string;
}

export interface ClusterView {
  readonly cluster: Resource;
  /** Null when it has none. */
  readonly issuer: Issuer | null;
}

export interface Clusters {
  /** @throws MintmarkError `ResourceGroupNotFound`, `PreconditionFailed`, and what `createCluster` and `updateCluster` refuse. */
  put(caller: Caller, at: ClusterAddress, request: ClusterRequest, precondition: Precondition): Promise<ClusterView & { readonly created: boolean; readonly warnings: readonly string[] }>;
  /** @throws MintmarkError `ResourceNotFound`, `ResourceGroupNotFound`, `PreconditionFailed`. */
  setTags(at: ClusterAddress, tags: Readonly<Record<string, string>>, precondition: Precondition): Promise<ClusterView>;
  /** @throws MintmarkError `ResourceNotFound`, `ResourceGroupNotFound`. */
  get(at: ClusterAddress): Promise<ClusterView>;
  /** The clusters at or below a scope, by id. */
  list(query: { readonly scope: string; readonly withIssuer?: boolean }, page: Page): Promise<Listed<ClusterView>>;
  /** Deletes the cluster and closes its issuer. Null when there is no such cluster. @throws MintmarkError `SignersAttached`, `PreconditionFailed`. */
  remove(caller: Caller, at: ClusterAddress, precondition: Precondition): Promise<{ readonly operation: Operation; readonly cluster: Resource } | null>;
}

type Outcome = ClusterDecision & { readonly created: boolean; readonly stored: Resource | null };

interface ClusterDeps {
  readonly store: Store;
  readonly issuers: Issuers;
  readonly publications: Pick<Publications, 'settleInTime'>;
  readonly defaults: ClusterDefaults;
}

export function createClusters(deps: ClusterDeps): Clusters {
  const { store, issuers, publications } = deps;
  return {
    put: (caller, at, request, precondition) => put(deps, caller, (tx, now) => decide(tx, at, request, precondition, deps.defaults, now)),
    async setTags(at, tags, precondition) {
      return store.write(async (tx) => {
        const stored = await existing(tx, at);
        assertPrecondition(precondition, stored);
        const cluster = retag(stored, tags, tx.now);
        if (!changes(stored, cluster)) return viewOf(tx, stored);
        await tx.putResource(cluster);
        return viewOf(tx, cluster);
      });
    },
    get: (at) => store.read(async (tx) => viewOf(tx, await existing(tx, at))),
    list: (query, page) => store.read(async (tx) => {
      const { items, next } = await tx.resources({ type: MANAGED_CLUSTER_TYPE, ...query }, page);
      const views: ClusterView[] = [];
      for (const cluster of items) views.push(await viewOf(tx, cluster));
      return { items: views, next };
    }),
    async remove(caller, at, precondition) {
      const removed = await store.write(async (tx) => {
        const stored = await tx.resource(idOf(at));
        assertPrecondition(precondition, stored);
        if (stored === null) return null;
        await removeCluster(tx, issuers, stored, actorOf(caller));
        return { operation: await endedDeletion(tx, stored, 'deleteCluster'), cluster: stored };
      });
      if (removed !== null) await publications.settleInTime();
      return removed;
    },
  };
}

/** Deletes one cluster with its kubeconfigs and closes its issuer, inside the caller's transaction. @throws MintmarkError `SignersAttached`. */
export async function removeCluster(tx: StoreWriter, issuers: Issuers, cluster: Resource, actor: string): Promise<void> {
  if (cluster.issuerId !== null) {
    await assertNoSigners(tx, cluster.id);
    await issuers.close(tx, cluster.issuerId, actor);
  }
  const { items } = await tx.resources({ type: KUBECONFIG_TYPE, scope: cluster.id }, { limit: 10 });
  for (const { id } of items) await tx.deleteResource(id);
  await tx.deleteResource(cluster.id);
}

/** Writes the operation of a deletion, which has ended with its transaction. */
export async function endedDeletion(tx: StoreWriter, { id, tenantId, subscriptionId, issuerId }: Resource, kind: Operation['kind']): Promise<Operation> {
  const operation: Operation = {
    id: randomUUID(), tenantId, subscriptionId, resourceId: id, issuerId, kind, status: 'Succeeded',
    startedAt: tx.now, endedAt: tx.now, error: null, endsWithChange: null, result: { revoked: [] },
  };
  await tx.putOperation(operation);
  return operation;
}

async function put({ store, issuers, publications }: ClusterDeps, caller: Caller, decideIn: (tx: StoreReader, now: Date) => Promise<Outcome>) {
  let outlook = await store.read((tx) => decideIn(tx, store.now()));
  for (;;) {
    const made = outlook.enableIssuer ? await issuers.conceive(birthplace(outlook.cluster)) : null;
    let used = false;
    try {
      const written = await store.write(async (tx) => {
        const fresh = await decideIn(tx, tx.now);
        return fresh.enableIssuer && !suits(made, fresh.cluster) ? { again: fresh } : { view: await carryOut(tx, issuers, caller, fresh, made), fresh };
      });
      if (written.again !== undefined) {
        outlook = written.again;
        continue;
      }
      const { view, fresh } = written;
      used = fresh.enableIssuer;
      if (used) await publications.settleInTime();
      return { ...view, created: fresh.created, warnings: fresh.warnings };
    } finally {
      if (!used) made?.giveBack();
    }
  }
}

async function decide(tx: StoreReader, at: ClusterAddress, request: ClusterRequest, precondition: Precondition, defaults: ClusterDefaults, now: Date): Promise<Outcome> {
  const group = await existingGroup(tx, at);
  const stored = await tx.resource(idOf(at));
  assertPrecondition(precondition, stored);
  if (stored !== null) return { ...updateCluster(stored, request, defaults, now), created: false, stored };
  const place = { ...at, resourceGroup: group.name };
  const made = createCluster(request, { ...place, kubeletIdentity: kubeletIdentity(place) }, { location: group.location, configuredLocations: [...defaults.configuredLocations, group.location] }, now);
  return { ...made, created: true, stored: null };
}

/** Writes what was decided; a decision that changes nothing leaves the version as it is. */
async function carryOut(tx: StoreWriter, issuers: Issuers, caller: Caller, { cluster, enableIssuer, stored }: Outcome, made: NewIssuer | null): Promise<ClusterView> {
  const issuer = enableIssuer && made !== null ? made.issuer : null;
  const next = issuer === null ? cluster : { ...cluster, issuerId: issuer.id };
  if (stored !== null && !changes(stored, next)) return viewOf(tx, stored);
  if (issuer !== null && made !== null) await issuers.insert(tx, made, actorOf(caller));
  await tx.putResource(next);
  return issuer === null ? viewOf(tx, next) : { cluster: next, issuer };
}

/** Whether an issuer that was made for an outlook fits the fresh decision: the location is part of its URL. */
const suits = (made: NewIssuer | null, cluster: Resource): boolean => made !== null && made.issuer.region === cluster.location;

const birthplace = ({ id, tenantId, subscriptionId, location }: Resource) => ({ tenantId, subscriptionId, clusterId: resourceKey(id), region: location });

const idOf = ({ subscriptionId, resourceGroup, name }: ClusterAddress): string => managedClusterId(subscriptionId, resourceGroup, name);

async function viewOf(tx: StoreReader, cluster: Resource): Promise<ClusterView> {
  return { cluster, issuer: cluster.issuerId === null ? null : await tx.issuer(cluster.issuerId) };
}

async function existing(tx: StoreReader, at: ClusterAddress): Promise<Resource> {
  const stored = await tx.resource(idOf(at));
  if (stored !== null) return stored;
  const group = await existingGroup(tx, at);
  throw new MintmarkError('ResourceNotFound', `The managed cluster '${at.name}' under resource group '${group.name}' was not found.`);
}

async function existingGroup(tx: StoreReader, { subscriptionId, resourceGroup }: ClusterAddress): Promise<Resource> {
  const group = await tx.resource(resourceGroupId(subscriptionId, resourceGroup));
  if (group === null) throw new MintmarkError('ResourceGroupNotFound', `Resource group '${resourceGroup}' could not be found. Create it: az group create --name ${resourceGroup}`);
  return group;
}

function kubeletIdentity(place: ClusterAddress): Record<'objectId' | 'clientId' | 'resourceId', string> {
  const key = resourceKey(idOf(place));
  const resourceId = `${resourceGroupId(place.subscriptionId, place.resourceGroup)}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${place.name}-agentpool`;
  return { objectId: derivedUuid(key, 'kubelet', 'objectId'), clientId: derivedUuid(key, 'kubelet', 'clientId'), resourceId };
}
