/** `issuer rotate` and `issuer revoke-key`: both say first what they break, ask, act, and say what to do after. */
import type { IssuerBody, OperationBody, RotateReply } from '../../http/management/contract.ts';
import { command, type Outcome } from '../command.ts';
import { assertCanAsk, confirm } from '../confirmation.ts';
import { failure, usageError } from '../errors.ts';
import type { Reply } from '../https-exchange.ts';
import type { ManagementApi } from '../management-api.ts';
import { bodyOf } from '../reply-body.ts';
import { type ClusterName, paths } from '../paths.ts';
import type { JsonValue } from '../output/json-value.ts';
import type { Session } from '../session.ts';
import { CLUSTER_FLAGS, type ClusterFlags, NO_WAIT, type NoWaitFlag, type RevokePreviousFlag, YES, type YesFlag } from './flags.ts';
import { rotationFacts } from './rotation-facts.ts';
import { afterRevocation, assertAskedFor, beforeEmergency, beforeForce, beforeRevocation, beforeRotation, type Facts, rotationQuestion } from './rotation-warnings.ts';

interface ActFlags extends ClusterFlags, YesFlag, NoWaitFlag {
  readonly force?: true;
}

interface RotateFlags extends ActFlags, RevokePreviousFlag {
  readonly emergency?: true;
  readonly watch?: true;
}

/** What is asked of the server, and what is said before. */
interface Action {
  readonly part: 'rotate' | 'revokeKey';
  readonly body: unknown;
  readonly warnings: (facts: Facts) => readonly string[];
  readonly question: (facts: Facts) => string;
}

export const issuerRotate = command<RotateFlags>({
  examples: ['mintmark issuer rotate -g myResourceGroup -n myAKSCluster --watch', 'mintmark issuer rotate -g myResourceGroup -n myAKSCluster --emergency'],
  options: [
    ...CLUSTER_FLAGS,
    { flags: '--force', summary: 'Do not wait until every cache has the next key' },
    { flags: '--revoke-previous', summary: 'Revoke keys that an earlier rotation retired, where the server does not do so unasked' },
    { flags: '--emergency', summary: 'Revoke every key at once and start with two new ones' },
    { flags: '--watch', summary: 'Show keys and timeline until the rotation has ended' },
    YES, NO_WAIT,
  ],
  async run(session, flags) {
    if (flags.force === true && flags.emergency === true) throw usageError('Give --force or --emergency, not both: an emergency never waits.');
    if (flags.watch === true && !flags.wait) throw usageError('Give --watch or --no-wait, not both.');
    return act(session, flags, rotation(flags), flags.watch === true);
  },
});

export const revokeKey = command<ActFlags & { readonly kid: string }>({
  examples: ['mintmark issuer revoke-key -g myResourceGroup -n myAKSCluster --kid KID'],
  options: [
    ...CLUSTER_FLAGS,
    { flags: '--kid <kid>', summary: "The key's id, as 'issuer list-keys' shows it", required: true },
    { flags: '--force', summary: 'Revoke the key even if it signs now' },
    YES, NO_WAIT,
  ],
  async run(session, flags) {
    const { kid, force } = flags;
    const warnings = (facts: Facts): readonly string[] => {
      const signs = facts.issuer.properties.keys.some((key) => key.kid === kid && key.state === 'active');
      if (signs && force !== true) throw failure(`The key ${kid} signs now. Rotate first and revoke it when it is retired, or add --force, which breaks every token of this key.`);
      return beforeRevocation(facts, kid, new Date());
    };
    return act(session, flags, { part: 'revokeKey', body: { kid, force }, warnings, question: () => `Revoke the key ${kid}?` }, false);
  },
});

function rotation({ force, emergency, revokePrevious }: RotateFlags): Action {
  if (emergency === true) return { part: 'rotate', body: { emergency }, warnings: beforeEmergency, question: () => 'Revoke every key and start with new ones?' };
  if (force === true) return { part: 'rotate', body: { force, revokePrevious }, warnings: (facts) => beforeForce(facts, new Date()), question: () => 'Rotate without waiting?' };
  const warnings = (facts: Facts): readonly string[] => {
    assertAskedFor(facts, revokePrevious === true);
    return beforeRotation(facts);
  };
  return { part: 'rotate', body: { revokePrevious }, warnings, question: rotationQuestion };
}

async function act(session: Session, flags: ActFlags, { part, body, warnings, question }: Action, watch: boolean): Promise<Outcome> {
  const yes = flags.yes === true;
  assertCanAsk(session, yes);
  const [api, cluster] = [await session.api(), await session.cluster(flags)];
  const facts = await rotationFacts(api, cluster);
  for (const text of warnings(facts)) session.report.warn(text);
  await confirm(session, question(facts), yes);
  const reply = await api.send('POST', paths.issuerPart(cluster, part), body);
  const operation = flags.wait ? await ended(session, api, cluster, reply, watch) : null;
  const { operationId, outcome, revoked: revokedAtOnce, waiting } = bodyOf<RotateReply>(reply);
  const revoked = operation?.properties.revoked ?? revokedAtOnce;
  for (const text of afterRevocation(facts.issuer, revoked)) session.report.warn(text);
  if (watch) return {};
  return { result: { operationId, outcome, revoked, status: operation?.status ?? 'InProgress', waiting: operation === null ? stillWaiting(waiting) : null } };
}

const stillWaiting = (waiting: RotateReply['waiting']): JsonValue =>
  waiting === null ? null : { reason: waiting.reason, until: waiting.until, ...(waiting.signers === undefined ? {} : { signers: waiting.signers.map(({ refusesSince, ...signer }) => ({ ...signer, ...(refusesSince === undefined ? {} : { refusesSince }) })) }) };

/** Waits for the end of the operation, with the issuer in view where that is wanted. */
async function ended(session: Session, api: ManagementApi, cluster: ClusterName, reply: Reply, watch: boolean): Promise<OperationBody | null> {
  if (!watch) return api.follow(reply);
  let over = false;
  const settled = api.follow(reply, { silent: true }).finally(() => { over = true; });
  settled.catch(() => undefined);
  const { watchIssuer } = await import('../issuer-view/watch.ts');
  await watchIssuer(session.io, () => api.get<IssuerBody>(paths.issuer(cluster)), () => over);
  return over ? settled : null;
}
