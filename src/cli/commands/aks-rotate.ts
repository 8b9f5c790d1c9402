/** `aks oidc-issuer rotate-signing-keys`: Azure CLI's command, with what it breaks said before and after (R6). */
import type { IssuerBody } from '../../http/management/contract.ts';
import { command } from '../command.ts';
import { assertCanAsk, confirm } from '../confirmation.ts';
import { paths } from '../paths.ts';
import { CLUSTER_FLAGS, type ClusterFlags, NO_WAIT, type NoWaitFlag, YES, type YesFlag } from './flags.ts';
import { afterRevocation, beforeRotation } from './rotation-warnings.ts';

const QUESTION = 'The active key retires: its tokens verify until they end, for 24 hours at the most. Rotating again within that time revokes it, and invalidates its tokens immediately. Do you wish to continue?';

export const rotateSigningKeys = command<ClusterFlags & YesFlag & NoWaitFlag>({
  examples: ['mintmark aks oidc-issuer rotate-signing-keys --name myAKSCluster --resource-group myResourceGroup'],
  options: [...CLUSTER_FLAGS, YES, NO_WAIT],
  async run(session, flags) {
    const yes = flags.yes === true;
    assertCanAsk(session, yes);
    const [api, cluster] = [await session.api(), await session.cluster(flags)];
    const issuer = await api.get<IssuerBody>(paths.issuer(cluster));
    for (const text of beforeRotation(issuer)) session.report.warn(text);
    await confirm(session, QUESTION, yes);
    const reply = await api.send('POST', paths.rotateSigningKeys(cluster));
    const operation = flags.wait ? await api.follow(reply) : null;
    const revoked = operation?.properties.revoked ?? issuer.properties.rotationWouldRevoke.map(({ kid }) => kid);
    for (const text of afterRevocation(issuer, revoked)) session.report.warn(text);
    return {};
  },
});
