/**
 * Kubeconfigs that somebody has left with the server, so that `az aks get-credentials` finds them: sealed, because there
 * are credentials in them.
 *
 * Each is a resource below its cluster and goes with it; it opens in its own place alone. Leaves to the edge who may read one.
 */
import { MintmarkError } from '../domain/errors.ts';
import { KUBECONFIG_TYPE, kubeconfigId, resourceKey } from '../domain/resource-id.ts';
import { bounded } from '../domain/resource-bounds.ts';
import type { Resource } from '../domain/resource.ts';
import type { SealContext, Sealer } from '../keys/seal.ts';
import type { Store } from '../store/store.ts';
import type { ClusterAddress, Clusters } from './clusters.ts';

/** Whose credentials are in it. */
export const KUBECONFIG_USERS = ['user', 'admin'] as const;
export type KubeconfigUser = (typeof KUBECONFIG_USERS)[number];

/** Each throws MintmarkError `ResourceNotFound`, `ResourceGroupNotFound` where there is no such cluster. */
export interface Kubeconfigs {
  /** Takes the place of a former one. @throws MintmarkError `InvalidRequestContent`. */
  put(at: ClusterAddress, user: KubeconfigUser, text: string): Promise<{ readonly kubeconfig: Resource; readonly created: boolean }>;
  /** The text as it was given. @throws MintmarkError `ResourceNotFound`. */
  get(at: ClusterAddress, user: KubeconfigUser): Promise<string>;
  /** False when there is none. */
  remove(at: ClusterAddress, user: KubeconfigUser): Promise<boolean>;
}

/** In bytes of UTF-8. */
const LARGEST = 32 * 1024;

export function createKubeconfigs(store: Store, sealer: Sealer, clusters: Pick<Clusters, 'get'>): Kubeconfigs {
  return {
    async put(at, user, text) {
      const bytes = Buffer.from(text, 'utf8');
      if (bytes.length === 0 || bytes.length > LARGEST) throw new MintmarkError('InvalidRequestContent', `A kubeconfig has 1 to ${LARGEST} bytes, not ${bytes.length}. Leave in it what the cluster needs alone: kubectl config view --minify --flatten`, { target: 'properties.kubeconfig' });
      const { cluster } = await clusters.get(at);
      const sealed = Buffer.from(await sealer.seal(bytes, contextOf(cluster, user))).toString('base64');
      return store.write(async (tx) => {
        const stored = await tx.resource(kubeconfigId(cluster.id, user));
        // Deleted meanwhile, and perhaps made again by somebody else.
        if ((await tx.resource(cluster.id))?.createdAt.getTime() !== cluster.createdAt.getTime()) throw new MintmarkError('ResourceNotFound', `The managed cluster '${cluster.name}' was deleted meanwhile.`);
        const kubeconfig = bounded({ ...resourceOf(cluster, user, tx.now), version: (stored?.version ?? 0) + 1, createdAt: stored?.createdAt ?? tx.now, properties: { sealed } });
        await tx.putResource(kubeconfig);
        return { kubeconfig, created: stored === null };
      });
    },
    async get(at, user) {
      const { cluster } = await clusters.get(at);
      const stored = await store.read((tx) => tx.resource(kubeconfigId(cluster.id, user)));
      if (stored === null) throw new MintmarkError('ResourceNotFound', missing(cluster.name, user));
      const bytes = await sealer.open(Buffer.from(String(stored.properties.sealed), 'base64'), contextOf(cluster, user));
      const text = Buffer.from(bytes).toString('utf8');
      bytes.fill(0);
      return text;
    },
    async remove(at, user) {
      const { cluster } = await clusters.get(at);
      return store.write((tx) => tx.deleteResource(kubeconfigId(cluster.id, user)));
    },
  };
}

const contextOf = ({ tenantId, id }: Resource, user: KubeconfigUser): SealContext => ({ tenantId, issuerId: resourceKey(id), kid: `kubeconfig/${user}` });

const resourceOf = ({ id, tenantId, subscriptionId, location }: Resource, user: KubeconfigUser, now: Date) =>
  ({ id: kubeconfigId(id, user), type: KUBECONFIG_TYPE, name: user, tenantId, subscriptionId, location, tags: {}, envelope: {}, issuerId: null, updatedAt: now });

const missing = (cluster: string, user: KubeconfigUser): string =>
  `Mintmark has no kubeconfig of the ${user === 'admin' ? 'administrator' : 'user'} of '${cluster}': it registers a cluster that runs elsewhere. Take the kubeconfig from where it runs, or leave one here: mintmark cluster set-credentials --name ${cluster} --resource-group GROUP --kubeconfig FILE${user === 'admin' ? ' --admin' : ''}`;
