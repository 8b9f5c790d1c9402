/** Signers of a cluster: `signer create|list|show|write-off|delete`, and the credentials of fleets. A token is printed once, where it is the result. */
import type { CreateSignerReply, SignerBody } from '../../http/management/signer-contract.ts';
import { command, entry, type Group, type OptionSpec } from '../command.ts';
import { assertCanAsk, confirm } from '../confirmation.ts';
import { failure, usageError } from '../errors.ts';
import { SIGNER_NAME } from '../../domain/signer-name.ts';
import { lengthWithin } from '../lengths-of-time.ts';
import type { JsonObject } from '../output/json-value.ts';
import { flattened, timeInWords } from '../output/resources.ts';
import type { ManagementApi } from '../management-api.ts';
import { type ClusterName, paths } from '../paths.ts';
import { bodyOf } from '../reply-body.ts';
import { CLUSTER_FLAGS, type ClusterFlags, YES, type YesFlag } from './flags.ts';
import { attached, detached } from './signer-attach.ts';
import { restartConfirmed } from './signer-confirm-restart.ts';
import { signerEnroll } from './signer-enroll.ts';
import { joinCredentialCreated, joinCredentialRevoked, joinCredentialsListed } from './signer-join.ts';
import { signerRun } from './signer-run.ts';
import { keysOwed } from './signer-debt.ts';
import { afterDeletion, afterWriteOff, beforeDeletion, beforeWriteOff, clockInWords, lastSeenAt, listWarnings, manyMeant, stateInWords, tokenWarnings, writeOffQuestion } from './signer-words.ts';

interface SignerFlag extends ClusterFlags {
  readonly signer: string;
}

const SIGNER: OptionSpec = { flags: '--signer <name>', summary: "Name or id of the signer, as 'signer list' shows it", required: true };

function signerName(text: string): string {
  if (SIGNER_NAME.test(text)) return text;
  throw usageError(`argument --signer: '${text}' is no name for a signer. It has lower-case letters, digits, dots and hyphens, begins and ends with a letter or digit, and is 253 characters long at most.`);
}

const created = command<ClusterFlags & { readonly signer?: string; readonly expiresIn?: number }>({
  examples: ['mintmark signer create -g myResourceGroup -n myAKSCluster --signer cp-1 --query token -o tsv'],
  options: [
    ...CLUSTER_FLAGS,
    { flags: '--signer <name>', summary: 'Name of the signer: that of its host; what the machine says when left out', parse: signerName },
    { flags: '--expires-in <length>', summary: 'How long the token is good, 1m to 1h (1h)', parse: lengthWithin('--expires-in', 60, 3600) },
  ],
  async run(session, { signer: name, expiresIn: expiresInSeconds, ...flags }) {
    const reply = bodyOf<CreateSignerReply>(await (await session.api()).send('POST', paths.issuerPart(await session.cluster(flags), 'createSigner'), { name, expiresInSeconds }));
    for (const text of tokenWarnings(reply, new Date())) session.report.warn(text);
    return { result: { ...reply } };
  },
});

function row(signer: SignerBody, now: Date): JsonObject {
  const { properties } = signer;
  return {
    name: signer.name, mode: properties.mode === 'keyFiles' ? 'key-files' : properties.mode, state: stateInWords(signer, now), version: properties.acknowledgedVersion ?? 'none', lastSeen: timeInWords(lastSeenAt(signer)), clock: clockInWords(signer), mintmark: properties.mintmarkVersion ?? 'not known yet', keyInUse: properties.keyInUse ?? 'not known yet',
    debt: properties.debt.length, signerId: properties.signerId,
  };
}

const listed = command<ClusterFlags>({
  examples: ['mintmark signer list -g myResourceGroup -n myAKSCluster --output table'],
  options: CLUSTER_FLAGS,
  async run(session, flags) {
    const [api, cluster] = [await session.api(), await session.cluster(flags)];
    const [signers, now] = [await api.list<SignerBody>(paths.issuerPart(cluster, 'signers')), new Date()];
    for (const text of listWarnings(signers, now, flags, await keysOwed(api, cluster, signers))) session.report.warn(text);
    return { result: signers.map(flattened), table: { rows: signers.map((signer) => row(signer, now)) } };
  },
});

const shown = command<SignerFlag>({
  examples: ['mintmark signer show -g myResourceGroup -n myAKSCluster --signer cp-1'],
  options: [...CLUSTER_FLAGS, SIGNER],
  async run(session, { signer: name, ...flags }) {
    const [api, cluster] = [await session.api(), await session.cluster(flags)];
    const [signer, now] = [await oneSigner(api, cluster, name), new Date()];
    for (const text of listWarnings([signer], now, flags, await keysOwed(api, cluster, [signer]))) session.report.warn(text);
    return { result: flattened(signer), table: { rows: [row(signer, now)] } };
  },
});

/** The one that is to end. @throws CommandError as `oneSigner`. */
const oneToEnd = (api: ManagementApi, cluster: ClusterName, name: string): Promise<SignerBody> => oneSigner(api, cluster, name, ' Nothing was changed.');

/** The one that is meant. @throws CommandError where the name could mean several. */
async function oneSigner(api: ManagementApi, cluster: ClusterName, name: string, untouched = ''): Promise<SignerBody> {
  const many = manyMeant(await api.list<SignerBody>(paths.issuerPart(cluster, 'signers')), name, new Date(), untouched);
  if (many !== null) throw failure(many);
  return api.get<SignerBody>(paths.issuerItem(cluster, 'signers', name));
}

const writtenOff = command<SignerFlag & YesFlag>({
  examples: ['mintmark signer write-off -g myResourceGroup -n myAKSCluster --signer cp-1'],
  options: [...CLUSTER_FLAGS, SIGNER, YES],
  async run(session, { signer: name, yes = false, ...flags }) {
    assertCanAsk(session, yes);
    const [api, cluster] = [await session.api(), await session.cluster(flags)];
    const before = await oneToEnd(api, cluster, name);
    for (const text of beforeWriteOff(before, new Date())) session.report.warn(text);
    await confirm(session, writeOffQuestion(before), yes);
    const signer = bodyOf<SignerBody>(await api.send('POST', paths.issuerPart(cluster, 'writeOffSigner'), { name }));
    for (const text of afterWriteOff(before, flags)) session.report.warn(text);
    return { result: flattened(signer) };
  },
});

const deleted = command<SignerFlag & YesFlag>({
  examples: ['mintmark signer delete -g myResourceGroup -n myAKSCluster --signer cp-1'],
  options: [...CLUSTER_FLAGS, SIGNER, YES],
  async run(session, { signer: name, yes = false, ...flags }) {
    assertCanAsk(session, yes);
    const [api, cluster] = [await session.api(), await session.cluster(flags)];
    for (const text of beforeDeletion(await oneToEnd(api, cluster, name), new Date())) session.report.warn(text);
    await confirm(session, `Delete the signer ${name} for good?`, yes);
    const signer = bodyOf<SignerBody>(await api.send('DELETE', paths.issuerItem(cluster, 'signers', name)));
    for (const text of afterDeletion(signer, flags, await keysOwed(api, cluster, [signer]))) session.report.warn(text);
    return { result: flattened(signer) };
  },
});

export const signer: Group = {
  commands: [
    entry('create', 'Make a token with which one machine enrols as a signer', created),
    entry('list', 'List the signers of a cluster: version, last contact, clock, key in use, debt', listed),
    entry('show', 'Show one signer', shown),
    entry('write-off', 'Stop waiting for a signer that is gone', writtenOff),
    entry('delete', 'Delete a signer for good', deleted),
    entry('enroll', 'Enrol this host as a signer, on the host of an API server', signerEnroll),
    entry('run', 'Sign for the API server on this host', signerRun),
    entry('attach', 'Let the API server on this host take part', attached),
    entry('detach', 'Undo what attach did', detached),
    entry('confirm-restart', 'Say that the API server was restarted with its key files', restartConfirmed),
    entry('create-join-credential', 'Make a credential for machines that come and go', joinCredentialCreated),
    entry('list-join-credentials', 'List the join credentials of a cluster', joinCredentialsListed),
    entry('revoke-join-credential', 'Let nobody enrol with a join credential any more', joinCredentialRevoked),
  ],
};
