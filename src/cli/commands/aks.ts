/** Managed clusters: `aks create|update|show|list|delete|wait|scale|upgrade` and `aks oidc-issuer`, as Azure CLI has them. */
import type { ManagedClusterBody } from '../../http/management/contract.ts';
import { command, entry, type Group, type OptionSpec, type Outcome } from '../command.ts';
import { confirm } from '../confirmation.ts';
import { failure, usageError } from '../errors.ts';
import type { JsonObject } from '../output/json-value.ts';
import { printable } from '../output/printable.ts';
import { clusterOutput, clusterRow } from '../output/resources.ts';
import { paths } from '../paths.ts';
import { setCredentials } from './aks-credentials.ts';
import type { Session } from '../session.ts';
import { aksCreate } from './aks-create.ts';
import { clusterOutcome, putCluster } from './aks-put.ts';
import { rotateSigningKeys } from './aks-rotate.ts';
import { aksWait } from './aks-wait.ts';
import { azureFlagRefusal } from './azure-flags.ts';
import { CLUSTER_FLAGS, type ClusterFlags, NO_WAIT, type NoWaitFlag, TAGS, type TagsFlag, tagsOf, wholeNumber, YES, type YesFlag } from './flags.ts';

const updated = command<ClusterFlags & NoWaitFlag & TagsFlag & { readonly enableOidcIssuer?: true }>({
  examples: ['mintmark aks update --resource-group myResourceGroup --name myAKSCluster --enable-oidc-issuer'],
  options: [...CLUSTER_FLAGS, { flags: '--enable-oidc-issuer', summary: 'Enable the OIDC issuer; it can not be disabled again' }, TAGS, NO_WAIT],
  refusal: azureFlagRefusal,
  async run(session, flags) {
    if (flags.enableOidcIssuer === undefined && flags.tags === undefined) throw usageError('Nothing to update: give --enable-oidc-issuer or --tags.');
    const cluster = await session.cluster(flags);
    const { location, properties: { oidcIssuerProfile: before } } = await (await session.api()).get<ManagedClusterBody>(paths.cluster(cluster));
    const properties = flags.enableOidcIssuer === true ? { oidcIssuerProfile: { enabled: true } } : {};
    const outcome = await putCluster(session, cluster, { location, tags: tagsOf(flags), properties }, flags.wait);
    if (flags.enableOidcIssuer === true && !before.enabled) await sayWhatChanges(session, flags, outcome);
    return outcome;
  },
});

/** R9: the cluster was there before its issuer, so something runs in it. Without waiting, its URL is not known yet. */
async function sayWhatChanges({ report }: Session, { resourceGroup, name }: ClusterFlags, { result }: Outcome): Promise<void> {
  const { issuerUrl } = Object(Object(result)['oidcIssuerProfile']) as { readonly issuerUrl?: string };
  if (issuerUrl === undefined) return;
  const { issuerChanges } = await import('../../attach/notes.ts');
  for (const text of issuerChanges(issuerUrl)) report.warn(text);
  report.warn(`How to attach it: mintmark issuer show-api-server-flags -g ${resourceGroup} -n ${name}`);
}

const shown = command<ClusterFlags>({
  examples: ['mintmark aks show --name myAKSCluster --resource-group myResourceGroup --query "oidcIssuerProfile.issuerUrl" -o tsv'],
  options: CLUSTER_FLAGS,
  async run(session, flags) {
    return clusterOutcome(await (await session.api()).get<ManagedClusterBody>(paths.cluster(await session.cluster(flags))));
  },
});

const GROUP_FILTER: OptionSpec = { flags: '-g, --resource-group <name>', summary: 'Only the clusters of this resource group' };

const listed = command<Partial<ClusterFlags>>({
  examples: ['mintmark aks list --output table'],
  options: [GROUP_FILTER],
  async run(session, { resourceGroup }) {
    const subscription = await session.subscription();
    const path = resourceGroup === undefined ? paths.clusters(subscription) : paths.clustersOf(subscription, resourceGroup);
    const clusters = (await (await session.api()).list<ManagedClusterBody>(path)).map(clusterOutput);
    return { result: clusters, table: { rows: clusters.map(clusterRow) } };
  },
});

const deleted = command<ClusterFlags & YesFlag & NoWaitFlag>({
  examples: ['mintmark aks delete --name myAKSCluster --resource-group myResourceGroup --yes'],
  options: [...CLUSTER_FLAGS, YES, NO_WAIT],
  async run(session, flags) {
    await confirm(session, `The cluster '${flags.name}' will be deleted. Its tokens verify until they end; its issuer URL is never used again. Go on?`, flags.yes === true);
    const api = await session.api();
    const reply = await api.send('DELETE', paths.cluster(await session.cluster(flags)));
    if (flags.wait) await api.follow(reply);
    return {};
  },
});

const scaled = command<ClusterFlags & NoWaitFlag & { readonly nodeCount: number; readonly nodepoolName?: string }>({
  examples: ['mintmark aks scale --name myAKSCluster --resource-group myResourceGroup --node-count 3'],
  options: [
    ...CLUSTER_FLAGS,
    { flags: '-c, --node-count <count>', summary: 'Number of nodes to store and show; nothing is scaled', required: true, parse: wholeNumber('--node-count/-c') },
    { flags: '--nodepool-name <name>', summary: 'Name of the node pool; the only one when left out' },
    NO_WAIT,
  ],
  async run(session, { nodeCount, nodepoolName, ...flags }) {
    const cluster = await session.cluster(flags);
    const { location, properties } = await (await session.api()).get<ManagedClusterBody>(paths.cluster(cluster));
    const pool = chosenPool(properties.agentPoolProfiles as readonly JsonObject[], nodepoolName);
    return putCluster(session, cluster, { location, properties: { agentPoolProfiles: [{ ...pool, count: nodeCount }] } }, flags.wait);
  },
});

function chosenPool(pools: readonly JsonObject[], name: string | undefined): JsonObject {
  if (name === undefined && pools.length > 1) throw usageError('There is more than one node pool in the cluster. Please specify nodepool name.');
  const pool = name === undefined ? pools[0] : pools.find((candidate) => String(candidate['name']).toLowerCase() === name.toLowerCase());
  if (pool === undefined) throw failure(`The cluster has no node pool '${name}'. It has: ${pools.map((known) => printable(String(known['name']))).join(', ') || 'none'}.`);
  return pool;
}

const upgraded = command<ClusterFlags & YesFlag & NoWaitFlag & { readonly kubernetesVersion: string }>({
  examples: ['mintmark aks upgrade --name myAKSCluster --resource-group myResourceGroup --kubernetes-version 1.35 --yes'],
  options: [...CLUSTER_FLAGS, { flags: '-k, --kubernetes-version <version>', summary: 'Version to store and show; nothing is upgraded', required: true }, YES, NO_WAIT],
  async run(session, { kubernetesVersion, ...flags }) {
    await confirm(session, `The version ${kubernetesVersion} will be stored, without a way back to a lower one. Go on?`, flags.yes === true);
    const cluster = await session.cluster(flags);
    const { location } = await (await session.api()).get<ManagedClusterBody>(paths.cluster(cluster));
    return putCluster(session, cluster, { location, properties: { kubernetesVersion } }, flags.wait);
  },
});

const oidcIssuer: Group = {
  commands: [entry('rotate-signing-keys', 'Rotate the signing keys of the OIDC issuer', rotateSigningKeys)],
};

export const aks: Group = {
  commands: [
    entry('create', 'Register a managed cluster, or update the one that exists', aksCreate),
    entry('update', 'Update a managed cluster', updated),
    entry('show', 'Show a managed cluster', shown),
    entry('list', 'List managed clusters', listed),
    entry('delete', 'Delete a managed cluster', deleted),
    entry('wait', 'Wait until a managed cluster is as wanted', aksWait),
    entry('scale', 'Store another number of nodes', scaled),
    entry('upgrade', 'Store another Kubernetes version', upgraded),
    entry('set-credentials', 'Leave a kubeconfig of a managed cluster for others', setCredentials),
    entry('oidc-issuer', 'Work on the OIDC issuer of a managed cluster', oidcIssuer),
  ],
};
