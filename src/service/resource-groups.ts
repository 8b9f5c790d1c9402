/**
 * Resource groups: what clusters and identities are created in and deleted with.
 *
 * A deletion takes them away in bounded transactions and the group in the last of them, which sees that none is
 * left: nothing can be created in a group that is gone. A deletion that fails on its way can be asked for again.
 */
import { MintmarkError } from '../domain/errors.ts';
import type { Operation } from '../domain/operation.ts';
import { createResourceGroup, type ResourceGroupRequest, updateResourceGroup } from '../domain/resource-group.ts';
import { MANAGED_CLUSTER_TYPE, MANAGED_IDENTITY_TYPE, RESOURCE_GROUP_TYPE, resourceGroupId, subscriptionScope } from '../domain/resource-id.ts';
import { assertPrecondition, changes, type Precondition, type Resource, retag } from '../domain/resource.ts';
import type { Listed, Page, Store, StoreReader } from '../store/store.ts';
import { assertNoSigners } from './attached-signers.ts';
import { actorOf, type Caller } from './caller.ts';
import { endedDeletion, removeCluster } from './clusters.ts';
import { removeIdentity } from './identities.ts';
import type { Issuers } from './issuers.ts';
import type { Publications } from './publications.ts';

export interface GroupAddress {
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly name: string;
}

export interface ResourceGroups {
  /** @throws MintmarkError `PreconditionFailed`, `SubscriptionNotFound`, and what the domain refuses. */
  put(at: GroupAddress, request: ResourceGroupRequest, precondition: Precondition): Promise<{ readonly group: Resource; readonly created: boolean }>;
  /** @throws MintmarkError `ResourceGroupNotFound`, `PreconditionFailed`. */
  setTags(at: GroupAddress, tags: Readonly<Record<string, string>>, precondition: Precondition): Promise<Resource>;
  /** @throws MintmarkError `ResourceGroupNotFound`. */
  get(at: GroupAddress): Promise<Resource>;
  list(subscriptionId: string, page: Page): Promise<Listed<Resource>>;
  /** Deletes the group and all that is in it. @throws MintmarkError `ResourceGroupNotFound`, `PreconditionFailed`, `SignersAttached`. */
  remove(caller: Caller, at: GroupAddress, precondition: Precondition): Promise<Operation>;
}

/** Clusters, and identities, that one transaction deletes. */
const BATCH = 100;

interface GroupDeps {
  readonly store: Store;
  readonly issuers: Issuers;
  readonly publications: Pick<Publications, 'settleInTime'>;
  readonly defaults: { readonly location: string; readonly configuredLocations: readonly string[] };
}

export function createResourceGroups({ store, issuers, publications, defaults }: GroupDeps): ResourceGroups {
  return {
    put: (at, request, precondition) => store.write(async (tx) => {
      const stored = await tx.resource(idOf(at));
      assertPrecondition(precondition, stored);
      // A subscription can go between the guard and here; nothing may be left in one that is gone.
      if (stored === null && (await tx.subscription(at.subscriptionId)) === null) throw new MintmarkError('SubscriptionNotFound', `The subscription '${at.subscriptionId}' could not be found.`);
      const group = stored === null ? createResourceGroup(request, at, defaults, tx.now) : updateResourceGroup(stored, request, defaults.configuredLocations, tx.now);
      if (stored !== null && !changes(stored, group)) return { group: stored, created: false };
      await tx.putResource(group);
      return { group, created: stored === null };
    }),
    setTags: (at, tags, precondition) => store.write(async (tx) => {
      const stored = await existing(tx, at);
      assertPrecondition(precondition, stored);
      const group = retag(stored, tags, tx.now);
      if (!changes(stored, group)) return stored;
      await tx.putResource(group);
      return group;
    }),
    get: (at) => store.read((tx) => existing(tx, at)),
    list: (subscriptionId, page) => store.read((tx) => tx.resources({ type: RESOURCE_GROUP_TYPE, scope: subscriptionScope(subscriptionId) }, page)),
    async remove(caller, at, precondition) {
      // Before the first batch: a group that is refused keeps all of its clusters.
      await store.read(async (tx) => assertNoSigners(tx, (await existing(tx, at)).id));
      for (;;) {
        const operation = await removeBatch(store, issuers, at, precondition, actorOf(caller));
        await publications.settleInTime();
        if (operation !== null) return operation;
      }
    },
  };
}

/** Deletes some clusters and identities of the group, and with the last of them the group itself. Null while there are any left. */
function removeBatch(store: Store, issuers: Issuers, at: GroupAddress, precondition: Precondition, actor: string): Promise<Operation | null> {
  return store.write(async (tx) => {
    const group = await existing(tx, at);
    assertPrecondition(precondition, group);
    const clusters = await tx.resources({ type: MANAGED_CLUSTER_TYPE, scope: group.id }, { limit: BATCH });
    for (const cluster of clusters.items) await removeCluster(tx, issuers, cluster, actor);
    const identities = await tx.resources({ type: MANAGED_IDENTITY_TYPE, scope: group.id }, { limit: BATCH });
    for (const identity of identities.items) await removeIdentity(tx, identity);
    if (clusters.next !== null || identities.next !== null) return null;
    await tx.deleteResource(group.id);
    return endedDeletion(tx, group, 'deleteResourceGroup');
  });
}

const idOf = ({ subscriptionId, name }: GroupAddress): string => resourceGroupId(subscriptionId, name);

async function existing(tx: StoreReader, at: GroupAddress): Promise<Resource> {
  const stored = await tx.resource(idOf(at));
  if (stored === null) throw new MintmarkError('ResourceGroupNotFound', `Resource group '${at.name}' could not be found.`, { target: 'resourceGroup' });
  return stored;
}
