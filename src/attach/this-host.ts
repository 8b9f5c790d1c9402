/**
 * Whether an address is one of this host. A proof is of the API server that answers, and behind a load balancer that is
 * any of a cluster's: the one here may never have been restarted.
 */
import { lookup } from 'node:dns/promises';
import { BlockList, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { ApiServer } from './api-server-client.ts';

interface Surroundings {
  /** The addresses that a name, or an address as it is, stands for. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** The addresses of this host by interface. */
  readonly interfaces: () => Readonly<Record<string, readonly { readonly address: string }[] | undefined>>;
}

const REAL: Surroundings = { resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address), interfaces: networkInterfaces };

/** kube-proxy's, in IPVS mode, which has the addresses of all Services: they lead to any API server. */
const OF_SERVICES = /^kube-ipvs/;

/** Why the API server is not, or is not known to be, that of this host; a sentence, null when it is. */
export async function otherHost({ url }: Pick<ApiServer, 'url'>, { resolve, interfaces }: Surroundings = REAL): Promise<string | null> {
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  const found = await resolve(host).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
  if (typeof found === 'string') return `The name ${host} can not be resolved (${found}).`;
  const own = ownAddresses(interfaces);
  if (typeof own === 'string') return own;
  const foreign = found.filter((address) => !own.check(address, familyOf(address)));
  if (foreign.length === 0 && found.length > 0) return null;
  const what = foreign.includes(host) ? host : `${host} (${foreign.join(', ')})`;
  return `${what} is no address of this host, so another API server could answer, and prove nothing about the one here: name this host in the kubeconfig's server, as in 'kubectl config set-cluster kubernetes --kubeconfig FILE --server=https://ADDRESS-OF-THIS-HOST:6443'.`;
}

/** Or why they are not known. */
function ownAddresses(interfaces: Surroundings['interfaces']): BlockList | string {
  const own = new BlockList();
  own.addSubnet('127.0.0.0', 8);
  own.addAddress('::1', 'ipv6');
  try {
    for (const [name, addresses = []] of Object.entries(interfaces())) {
      if (!OF_SERVICES.test(name)) for (const { address } of addresses) own.addAddress(address, familyOf(address));
    }
    return own;
  } catch (error) {
    return `The addresses of this host can not be read (${(error as NodeJS.ErrnoException).code}): in a unit of systemd, RestrictAddressFamilies needs AF_NETLINK.`;
  }
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv4(address) ? 'ipv4' : 'ipv6');
