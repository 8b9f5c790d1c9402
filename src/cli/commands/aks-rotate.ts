/** `aks oidc-issuer rotate-signing-keys`: Azure CLI's command, with what it breaks said before and after (R6). */
import { command, type OptionSpec } from '../command.ts';
import { assertCanAsk, confirm } from '../confirmation.ts';
import { paths } from '../paths.ts';
import { CLUSTER_FLAGS, type ClusterFlags, NO_WAIT, type NoWaitFlag, type RevokePreviousFlag, YES, type YesFlag } from './flags.ts';
import { rotationFacts } from './rotation-facts.ts';
import { afterRevocation, assertAskedFor, beforeRotation, rotationQuestion } from './rotation-warnings.ts';

const REVOKE_PREVIOUS: OptionSpec = { flags: '--revoke-previous', summary: "Revoke keys that an earlier rotation retired, where the server does not do so unasked; Mintmark's own flag" };

export const rotateSigningKeys = command<ClusterFlags & YesFlag & NoWaitFlag & RevokePreviousFlag>({
  examples: ['mintmark aks oidc-issuer rotate-signing-keys --name myAKSCluster --resource-group myResourceGroup'],
  options: [...CLUSTER_FLAGS, REVOKE_PREVIOUS, YES, NO_WAIT],
  async run(session, flags) {
    const yes = flags.yes === true;
    assertCanAsk(session, yes);
    const [api, cluster] = [await session.api(), await session.cluster(flags)];
    const facts = await rotationFacts(api, cluster);
    assertAskedFor(facts, flags.revokePrevious === true);
    for (const text of beforeRotation(facts)) session.report.warn(text);
    await confirm(session, rotationQuestion(facts), yes);
    const reply = await (flags.revokePrevious === true ? api.send('POST', paths.issuerPart(cluster, 'rotate'), { revokePrevious: true }) : api.send('POST', paths.rotateSigningKeys(cluster)));
    const operation = flags.wait ? await api.follow(reply) : null;
    const revoked = operation?.properties.revoked ?? facts.issuer.properties.rotationWouldRevoke.map(({ kid }) => kid);
    for (const text of afterRevocation(facts.issuer, revoked)) session.report.warn(text);
    return {};
  },
});
