/** Kubeconfigs of a cluster that runs elsewhere: left here by a path of ours, given to who asks as Azure's clients do. */
import { KUBECONFIG_USERS, type Kubeconfigs } from '../../../service/kubeconfigs.ts';
import { kubeconfig, kubeconfigRequest, kubeconfigsReply } from '../contract.ts';
import { MANAGED_CLUSTER } from '../paths.ts';
import { type Route, route } from '../route.ts';
import { addressOf } from './managed-clusters.ts';

/** Whose → Azure's action, and the name in its reply. */
const ASKED = { user: ['listClusterUserCredential', 'clusterUser'], admin: ['listClusterAdminCredential', 'clusterAdmin'] } as const;
const WRITE = { action: 'kubeconfig/write', on: 'managed cluster' } as const;

export const kubeconfigRoutes = (kubeconfigs: Kubeconfigs): readonly Route[] => KUBECONFIG_USERS.flatMap((user) => {
  const [action, name] = ASKED[user];
  const own = `${MANAGED_CLUSTER}/providers/Mintmark.Oidc/kubeconfigs/${user}` as typeof MANAGED_CLUSTER;
  return [
    route({
      method: 'POST', url: `${MANAGED_CLUSTER}/${action}` as typeof MANAGED_CLUSTER, access: { action: 'kubeconfig/read', on: 'managed cluster' },
      summary: `Gives the kubeconfig that somebody has left for the ${user} of a cluster; 404 where nobody has.`, replies: { 200: kubeconfigsReply },
      handle: async (asked) => ({ status: 200, headers: { 'cache-control': 'no-store' }, body: { kubeconfigs: [{ name, value: Buffer.from(await kubeconfigs.get(addressOf(asked), user)).toString('base64') }] } }),
    }),
    route({
      method: 'PUT', url: own, access: WRITE, summary: `Leaves a kubeconfig for the ${user} of a cluster, sealed at rest.`, body: kubeconfigRequest, replies: { 200: kubeconfig, 201: kubeconfig },
      async handle(asked) {
        const { kubeconfig: { id, type }, created } = await kubeconfigs.put(addressOf(asked), user, asked.body.properties.kubeconfig);
        return { status: created ? 201 : 200, body: { id, name: user, type } };
      },
    }),
    route({
      method: 'DELETE', url: own, access: WRITE, summary: `Deletes the kubeconfig of the ${user} of a cluster.`, replies: { 200: null, 204: null },
      handle: async (asked) => ({ status: (await kubeconfigs.remove(addressOf(asked), user)) ? 200 : 204 }),
    }),
  ];
});
