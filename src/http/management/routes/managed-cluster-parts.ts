/** Parts of a managed cluster that Azure's clients read as resources of their own: agent pools and upgrades, as they were stored. */
import { MintmarkError } from '../../../domain/errors.ts';
import type { Clusters } from '../../../service/clusters.ts';
import { agentPool, listOf, upgradeProfile } from '../contract.ts';
import { agentPoolBodies, upgradeProfileBody } from '../managed-cluster-body.ts';
import { MANAGED_CLUSTER } from '../paths.ts';
import { type Route, route } from '../route.ts';
import { addressOf } from './managed-clusters.ts';

const READ = { action: 'resource/read', on: 'managed cluster' } as const;

export const managedClusterPartRoutes = (clusters: Clusters): readonly Route[] => [
  route({
    method: 'GET', url: `${MANAGED_CLUSTER}/agentPools`, access: READ, summary: "Lists a cluster's agent pools as they were stored.", replies: { 200: listOf(agentPool) },
    handle: async (asked) => ({ status: 200, body: { value: agentPoolBodies((await clusters.get(addressOf(asked))).cluster) } }),
  }),
  route({
    method: 'GET', url: `${MANAGED_CLUSTER}/agentPools/:agentPool`, access: READ, summary: 'Shows one agent pool as it was stored.', replies: { 200: agentPool },
    async handle(asked) {
      const name = asked.params.agentPool;
      const pool = agentPoolBodies((await clusters.get(addressOf(asked))).cluster).find((one) => one.name.toLowerCase() === name.toLowerCase());
      if (pool === undefined) throw new MintmarkError('ResourceNotFound', `The cluster '${asked.params.cluster}' has no agent pool '${name.slice(0, 80)}'.`);
      return { status: 200, body: pool };
    },
  }),
  route({
    method: 'GET', url: `${MANAGED_CLUSTER}/upgradeProfiles/default`, access: READ, summary: 'Shows the later Kubernetes versions that may be stored.', replies: { 200: upgradeProfile },
    handle: async (asked) => ({ status: 200, body: upgradeProfileBody((await clusters.get(addressOf(asked))).cluster) }),
  }),
];
