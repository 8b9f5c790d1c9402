/**
 * `aks create`: an upsert, so that it can be repeated. Only what was asked for is sent: the server merges, so a repeat
 * never takes back what was set since.
 */
import { readFile } from 'node:fs/promises';
import type { ManagedClusterBody, ResourceGroupBody } from '../../http/management/contract.ts';
import { command, type OptionSpec } from '../command.ts';
import { isNotFound, usageError } from '../errors.ts';
import type { ManagementApi } from '../management-api.ts';
import { type ClusterName, paths } from '../paths.ts';
import { putCluster } from './aks-put.ts';
import { azureFlagRefusal } from './azure-flags.ts';
import { CLUSTER_FLAGS, type ClusterFlags, NO_WAIT, type NoWaitFlag, TAGS, type TagsFlag, tagsOf, wholeNumber } from './flags.ts';

interface CreateFlags extends ClusterFlags, NoWaitFlag, TagsFlag {
  readonly location?: string;
  readonly kubernetesVersion?: string;
  readonly nodeCount?: number;
  readonly nodeVmSize?: string;
  readonly nodepoolName?: string;
  readonly dnsNamePrefix?: string;
  readonly sshKeyValue?: string;
  /** commander turns `--no-ssh-key` into `sshKey: false`. */
  readonly sshKey: boolean;
  readonly enableOidcIssuer?: true;
}

const OPTIONS: readonly OptionSpec[] = [
  ...CLUSTER_FLAGS,
  { flags: '--enable-oidc-issuer', summary: 'Enable the OIDC issuer; from Kubernetes 1.34 on it is on by default' },
  { flags: '-l, --location <location>', summary: 'Location, a label in the issuer URL; that of the group when left out' },
  { flags: '-k, --kubernetes-version <version>', summary: 'Version of the cluster, such as 1.34; the newest known when left out' },
  TAGS,
  { flags: '-c, --node-count <count>', summary: 'Number of nodes; stored and shown, no nodes are made', parse: wholeNumber('--node-count/-c') },
  { flags: '-s, --node-vm-size <size>', summary: 'Size of the nodes; stored and shown' },
  { flags: '--nodepool-name <name>', summary: 'Name of the node pool; nodepool1 when left out' },
  { flags: '-p, --dns-name-prefix <prefix>', summary: 'Prefix of the DNS name; stored and shown' },
  { flags: '--generate-ssh-keys', summary: 'Accepted; Mintmark needs no SSH key' },
  { flags: '-x, --no-ssh-key', summary: 'Accepted; Mintmark needs no SSH key' },
  { flags: '--ssh-key-value <key>', summary: 'Public SSH key, or a file with one; stored and shown' },
  { flags: '--enable-managed-identity', summary: 'Accepted; every cluster is shown with a system-assigned identity' },
  NO_WAIT,
];

export const aksCreate = command<CreateFlags>({
  examples: [
    'mintmark aks create --resource-group myResourceGroup --name myAKSCluster --enable-oidc-issuer',
    'mintmark aks create -g myResourceGroup -n myAKSCluster --location westeurope --kubernetes-version 1.33 --enable-oidc-issuer',
  ],
  options: OPTIONS,
  refusal: azureFlagRefusal,
  async run(session, flags) {
    const linuxProfile = await linuxProfileOf(flags);
    const [api, cluster] = [await session.api(), await session.cluster(flags)];
    const location = flags.location ?? (await locationForNew(api, cluster));
    return putCluster(session, cluster, {
      location, tags: tagsOf(flags), identity: { type: 'SystemAssigned' },
      properties: { ...propertiesOf(flags), ...linuxProfile },
    }, flags.wait);
  },
});

/** The group's location for a cluster that is not there yet, as Azure CLI does; a cluster that is there keeps its own. */
async function locationForNew(api: ManagementApi, cluster: ClusterName): Promise<string | undefined> {
  try {
    await api.get<ManagedClusterBody>(paths.cluster(cluster));
    return undefined;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return (await api.get<ResourceGroupBody>(paths.group(cluster.subscription, cluster.resourceGroup))).location;
  }
}

function propertiesOf(flags: CreateFlags): Record<string, unknown> {
  const { nodeCount, nodeVmSize, nodepoolName } = flags;
  const pool = nodeCount === undefined && nodeVmSize === undefined && nodepoolName === undefined
    ? undefined
    : [{ name: nodepoolName ?? 'nodepool1', count: nodeCount, vmSize: nodeVmSize, mode: 'System', osType: 'Linux', type: 'VirtualMachineScaleSets' }];
  return {
    kubernetesVersion: flags.kubernetesVersion, dnsPrefix: flags.dnsNamePrefix, agentPoolProfiles: pool,
    oidcIssuerProfile: flags.enableOidcIssuer === true ? { enabled: true } : undefined,
  };
}

/** The public key as Azure CLI sends it. @throws CommandError (2) for a file that holds none, such as a private key. */
async function linuxProfileOf({ sshKeyValue, sshKey }: CreateFlags): Promise<{ linuxProfile?: unknown }> {
  if (sshKeyValue === undefined || !sshKey) return {};
  const keyData = (isPublicKey(sshKeyValue) ? sshKeyValue : await readFile(sshKeyValue, 'utf8').catch(() => '')).trim();
  if (!isPublicKey(keyData)) throw usageError(`argument --ssh-key-value: neither a public SSH key nor a file with one. Leave it out: Mintmark needs none.`);
  return { linuxProfile: { adminUsername: 'azureuser', ssh: { publicKeys: [{ keyData }] } } };
}

const isPublicKey = (text: string): boolean => /^(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+/.test(text.trim());
