/** `aks wait`: asks again until the cluster is as wanted. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagedClusterBody } from '../../http/management/contract.ts';
import { command } from '../command.ts';
import { failure, isNotFound, usageError } from '../errors.ts';
import type { ManagementApi } from '../management-api.ts';
import { printable } from '../output/printable.ts';
import { parseQuery, type Query } from '../output/query.ts';
import { clusterOutput } from '../output/resources.ts';
import { paths } from '../paths.ts';
import { CLUSTER_FLAGS, type ClusterFlags, wholeNumber } from './flags.ts';

interface WaitFlags extends ClusterFlags {
  readonly created?: true;
  readonly updated?: true;
  readonly deleted?: true;
  readonly exists?: true;
  readonly custom?: string;
  /** Seconds. */
  readonly interval?: number;
  readonly timeout?: number;
}

export const aksWait = command<WaitFlags>({
  examples: ['mintmark aks wait -g myResourceGroup -n myAKSCluster --created', `mintmark aks wait -g myResourceGroup -n myAKSCluster --custom "oidcIssuerProfile.enabled"`],
  options: [
    ...CLUSTER_FLAGS,
    { flags: '--created', summary: "Wait until created, with 'provisioningState' at 'Succeeded'" },
    { flags: '--updated', summary: "Wait until updated, with 'provisioningState' at 'Succeeded'" },
    { flags: '--deleted', summary: 'Wait until deleted' },
    { flags: '--exists', summary: 'Wait until the cluster exists' },
    { flags: '--custom <jmespath>', summary: 'Wait until the query over the cluster gives something' },
    { flags: '--interval <seconds>', summary: 'Seconds between two looks (30)', parse: wholeNumber('--interval', 1) },
    { flags: '--timeout <seconds>', summary: 'Longest wait, in seconds (3600)', parse: wholeNumber('--timeout', 1) },
  ],
  async run(session, flags) {
    const reached = await goalOf(flags);
    const [api, path] = [await session.api(), paths.cluster(await session.cluster(flags))];
    const { interval = 30, timeout = 3600 } = flags;
    const end = performance.now() + timeout * 1000;
    while (!reached(await look(api, path))) {
      if (performance.now() + interval * 1000 > end) throw failure(`Wait operation timed-out after ${timeout} seconds`);
      await sleep(interval * 1000);
    }
    return {};
  },
});

/** Tells of the cluster, or of null where there is none. */
type Goal = (cluster: ManagedClusterBody | null) => boolean;

async function goalOf(flags: WaitFlags): Promise<Goal> {
  const custom: Query | null = flags.custom === undefined ? null : await parseQuery(flags.custom);
  const goals: readonly (readonly [boolean, Goal])[] = [
    [flags.created === true || flags.updated === true, hasSucceeded],
    [flags.deleted === true, (cluster) => cluster === null],
    [flags.exists === true, (cluster) => cluster !== null],
    [custom !== null, (cluster) => cluster !== null && Boolean(custom?.(clusterOutput(cluster)))],
  ];
  const asked = goals.filter(([given]) => given);
  if (asked.length === 0) throw usageError('incorrect usage: --created | --updated | --deleted | --exists | --custom JMESPATH');
  return (cluster) => asked.every(([, reached]) => reached(cluster));
}

function hasSucceeded(cluster: ManagedClusterBody | null): boolean {
  if (cluster?.properties.provisioningState === 'Failed') throw failure(`The operation failed: 'provisioningState' of ${printable(cluster.name)} is 'Failed'.`);
  return cluster?.properties.provisioningState === 'Succeeded';
}

async function look(api: ManagementApi, path: string): Promise<ManagedClusterBody | null> {
  return api.get<ManagedClusterBody>(path).catch((error: unknown) => {
    if (isNotFound(error)) return null;
    throw error;
  });
}
