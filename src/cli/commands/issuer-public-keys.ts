/** `issuer show-public-keys`: the public keys of an issuer as a key file of an API server. */
import type { KeyBody } from '../../http/management/contract.ts';
import { command } from '../command.ts';
import { paths } from '../paths.ts';
import { CLUSTER_FLAGS, type ClusterFlags } from './flags.ts';

export const publicKeysShown = command<ClusterFlags>({
  examples: ['mintmark issuer show-public-keys -g myResourceGroup -n myAKSCluster > accepted.pub', 'mintmark issuer show-public-keys -g myResourceGroup -n myAKSCluster --output json'],
  options: CLUSTER_FLAGS,
  async run(session, flags) {
    const keys = await (await session.api()).list<KeyBody>(paths.issuerPart(await session.cluster(flags), 'keys'));
    const { namedKeysPem, ringKeys } = await import('../../attach/ring-keys.ts');
    const result = ringKeys(keys).map((key) => ({ ...key }));
    return { result, text: namedKeysPem(keys), table: { rows: result.map(({ pem: _pem, ...row }) => row) } };
  },
});
