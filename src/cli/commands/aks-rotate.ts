/** `aks oidc-issuer rotate-signing-keys`: Azure CLI's command, with what it breaks said before and after (R6). */
import type { IssuerBody } from '../../http/management/contract.ts';
import { command, type OptionSpec } from '../command.ts';
import { assertCanAsk, confirm } from '../confirmation.ts';
import { paths } from '../paths.ts';
import { CLUSTER_FLAGS, type ClusterFlags, NO_WAIT, type NoWaitFlag, type RevokePreviousFlag, YES, type YesFlag } from './flags.ts';
import { afterRevocation, assertAskedFor, beforeRotation, mustBeAsked } from './rotation-warnings.ts';

/** What rotating again would do is said by what the server would do then. */
const questionOf = ({ properties }: IssuerBody): string => [
  'The active key retires: its tokens verify until they end, for 24 hours at the most.',
  ...(mustBeAsked(properties.secondRotation) ? [] : ['Rotating again within that time revokes it, and invalidates its tokens immediately.']),
  'Do you wish to continue?',
].join(' ');

const REVOKE_PREVIOUS: OptionSpec = { flags: '--revoke-previous', summary: "Revoke keys that an earlier rotation retired, where the server does not do so unasked; Mintmark's own flag" };

export const rotateSigningKeys = command<ClusterFlags & YesFlag & NoWaitFlag & RevokePreviousFlag>({
  examples: ['mintmark aks oidc-issuer rotate-signing-keys --name myAKSCluster --resource-group myResourceGroup'],
  options: [...CLUSTER_FLAGS, REVOKE_PREVIOUS, YES, NO_WAIT],
  async run(session, flags) {
    const yes = flags.yes === true;
    assertCanAsk(session, yes);
    const [api, cluster] = [await session.api(), await session.cluster(flags)];
    const issuer = await api.get<IssuerBody>(paths.issuer(cluster));
    assertAskedFor(issuer, flags.revokePrevious === true);
    for (const text of beforeRotation(issuer)) session.report.warn(text);
    await confirm(session, questionOf(issuer), yes);
    const reply = await (flags.revokePrevious === true ? api.send('POST', paths.issuerPart(cluster, 'rotate'), { revokePrevious: true }) : api.send('POST', paths.rotateSigningKeys(cluster)));
    const operation = flags.wait ? await api.follow(reply) : null;
    const revoked = operation?.properties.revoked ?? issuer.properties.rotationWouldRevoke.map(({ kid }) => kid);
    for (const text of afterRevocation(issuer, revoked)) session.report.warn(text);
    return {};
  },
});
