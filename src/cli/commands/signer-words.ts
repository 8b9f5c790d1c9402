/** Signers in people's words: how each is, what ends with one, and what is left to do. Pure: gives sentences. */
import type { KeyBody } from '../../http/management/contract.ts';
import type { CreateSignerReply, SignerBody } from '../../http/management/signer-contract.ts';
import { lengthInWords } from '../lengths-of-time.ts';
import { timeInWords } from '../output/resources.ts';
import type { ClusterFlags } from './flags.ts';
import { wayOut } from './signer-debt.ts';

const ago = (time: string, now: Date): string => `${lengthInWords(Math.max(0, (now.getTime() - Date.parse(time)) / 1000))} ago`;

/** Milliseconds by which a clock may be off before it is said: half of what a signer may be off at all. */
const CLOCK_OFF = 60_000;

/** When it was last heard of, whatever it said. */
export const lastSeenAt = ({ properties: { lastContactAt, lastRefusedAt } }: Pick<SignerBody, 'properties'>): string =>
  (lastRefusedAt !== null && Date.parse(lastRefusedAt) > Date.parse(lastContactAt) ? lastRefusedAt : lastContactAt);

/** `current`, `behind: has version 12 of 14`, `silent for 2 d 3 h`, `written off`, `deleted, owes 1 key`. */
export function stateInWords({ properties }: SignerBody, now: Date): string {
  const { state, acknowledgedVersion, ringVersion, refusesRingSince, writtenOffAt, deletedAt, debt } = properties;
  const has = acknowledgedVersion === null ? 'has acknowledged nothing yet' : `has version ${acknowledgedVersion} of ${ringVersion}`;
  const words = {
    current: 'current',
    behind: `behind: ${has}`,
    refusing: `refuses its ring since ${timeInWords(refusesRingSince)}: ${has}`,
    silent: `silent for ${lengthInWords((now.getTime() - Date.parse(lastSeenAt({ properties }))) / 1000)}`,
    writtenOff: `written off since ${timeInWords(writtenOffAt)}`,
    deleted: `deleted since ${timeInWords(deletedAt)}${debt.length === 0 ? '' : `, owes ${debt.length === 1 ? '1 key' : `${debt.length} keys`}`}`,
  } as const satisfies Record<SignerBody['properties']['state'], string>;
  return words[state];
}

/** `in step`, `1 min 30 s ahead`. */
export function clockInWords({ properties: { clockOffsetMilliseconds: offset } }: SignerBody): string {
  if (offset === null) return 'not known yet';
  if (Math.abs(offset) < 1000) return 'in step';
  return `${lengthInWords(Math.abs(offset) / 1000)} ${offset > 0 ? 'ahead' : 'behind'}`;
}

/** What a list of signers gives cause to warn of. `keys`: those of the issuer, where one of them owes some. */
export function listWarnings(signers: readonly SignerBody[], now: Date, cluster: ClusterFlags, keys: readonly KeyBody[]): readonly string[] {
  return [...doubledNames(signers, now, cluster), ...signers.filter(({ properties: { state } }) => state === 'refusing').map((signer) => refusalInWords(signer, cluster)), ...signers.flatMap(({ name, properties: { state, leaseEndsAt, leaseSeconds, clockOffsetMilliseconds, debt } }) => [
    ...(state === 'silent' && leaseEndsAt !== null && leaseSeconds !== null && Date.parse(leaseEndsAt) - now.getTime() < leaseSeconds * 500
      ? [`The signer ${name} stops to sign within ${lengthInWords((Date.parse(leaseEndsAt) - now.getTime()) / 1000)} unless it reaches the server: its API server would issue no tokens.`] : []),
    ...(clockOffsetMilliseconds !== null && Math.abs(clockOffsetMilliseconds) > CLOCK_OFF && state !== 'deleted' && state !== 'writtenOff' ? [`The clock of ${name} is off by ${lengthInWords(Math.abs(clockOffsetMilliseconds) / 1000)}; at 2 min its requests are refused.`] : []),
    ...(debt.length > 0 ? [`${name} was deleted and had the private half of ${debt.join(', ')}, which still verifies. ${wayOut(debt, keys, cluster)}`] : []),
  ])];
}

/** Why it does so is in its own log alone: what may be said to the server does not depend on a ring that is none of its. */
function refusalInWords({ name, properties: { refusesRingSince, leaseEndsAt } }: SignerBody, { resourceGroup, name: cluster }: ClusterFlags): string {
  const end = leaseEndsAt === null ? 'A rotation waits for it until it takes one' : `A rotation waits for it until ${timeInWords(leaseEndsAt)}, when its lease is over and its API server issues no tokens any more`;
  return `The signer ${name} refuses the key ring that this server gives it since ${timeInWords(refusesRingSince)}, and goes on with the one that it has. ${end}. Its log and /healthz on its host say why: the ring is not by the server that it enrolled with, is older than its own, or was changed on the way. If this server was restored or made anew, empty the signer's state folder and enrol it again: mintmark signer create -g ${resourceGroup} -n ${cluster} --signer ${name}.`;
}

const isEnrolled = ({ properties: { state } }: SignerBody): boolean => state !== 'writtenOff' && state !== 'deleted';
const seenInWords = (signers: readonly SignerBody[], now: Date): string => signers.map((signer) => `${signer.properties.signerId} (last seen ${ago(lastSeenAt(signer), now)})`).join(', ');

/** Why a name does not say which signer is meant; null where it does. `untouched` is said beside. */
export function manyMeant(signers: readonly SignerBody[], name: string, now: Date, untouched: string): string | null {
  const meant = signers.filter((signer) => signer.name === name && isEnrolled(signer));
  return meant.length < 2 ? null : `${meant.length} signers are enrolled as ${name}: ${seenInWords(meant, now)}.${untouched} Say which one is meant by its id: --signer ID.`;
}

/** A machine that brought its name itself ends no former one of that name: a person sees who is who. */
function doubledNames(signers: readonly SignerBody[], now: Date, { resourceGroup, name: cluster }: ClusterFlags): readonly string[] {
  const enrolled = Map.groupBy(signers.filter((signer) => isEnrolled(signer) && signer.properties.replacedAt === null), ({ name }) => name);
  return [...enrolled].filter(([, same]) => same.length > 1).map(([name, same]) =>
    `${same.length} signers are enrolled as ${name}: ${seenInWords(same, now)}. A rotation waits for each. If the machine of one is gone, write it off by its id: mintmark signer write-off -g ${resourceGroup} -n ${cluster} --signer ID.`);
}

/** Said with a token: what it is for, and who gives way. */
export function tokenWarnings({ name, expiresAt, replaces }: CreateSignerReply, now: Date): readonly string[] {
  return [
    `The token is shown only now. It lets one machine enrol${name === null ? '' : ` as ${name}`} until ${timeInWords(expiresAt)}: put it in a file there that only root can read.`,
    ...(replaces === null ? [] : [`A signer ${replaces.name} is enrolled, last seen ${ago(replaces.lastContactAt, now)}. Whoever enrols with this token takes its place, and nothing waits for it any longer.`]),
  ];
}

/** By the server's clock: it was in contact within the last two minutes, in which one that runs asks more than once. */
const isThere = ({ properties: { state } }: SignerBody): boolean => state === 'current' || state === 'behind' || state === 'refusing';

/** When one that is there is enrolled anew. */
const comesBack = ({ properties: { state } }: SignerBody): string => (state === 'refusing' ? 'as soon as it takes the ring that it refuses now' : 'at its next contact, within a minute');

export function beforeWriteOff(signer: SignerBody, now: Date): readonly string[] {
  const seen = `The signer ${signer.name} was last seen ${ago(lastSeenAt(signer), now)}`;
  if (!isEnrolled(signer)) return [`${seen}. It is written off already.`];
  if (isThere(signer)) return [`${seen}: it is alive, and a write-off does not end it. It signs on, and comes back by itself ${comesBack(signer)}, with the key that signs. Until then it is not enrolled: no rotation waits for it, so tokens that it signs may end before their time, and nothing keeps its cluster from being deleted. To end it for good, use 'mintmark signer delete'.`];
  return [`${seen}. From now on no rotation waits for it. If it still signs, tokens of a key that it has not parted from may end before their time. If its machine is alive, it is given the key that signs again at its next contact: to shut it out, use 'mintmark signer delete'.`];
}

export const writeOffQuestion = (signer: SignerBody): string => (isThere(signer) ? `Write off the signer ${signer.name}, although it is alive?` : `Write off the signer ${signer.name}?`);

/** `before`: the signer as it was, which tells whether it is there. */
export function afterWriteOff(before: SignerBody, { resourceGroup, name: cluster }: ClusterFlags): readonly string[] {
  const { name, properties: { signerId } } = before;
  const deletion = `mintmark signer delete -g ${resourceGroup} -n ${cluster} --signer ${signerId}. That tells what is left to do about the keys that it had.`;
  return [isThere(before)
    ? `${name} is written off, but it is alive: it signs on, and comes back by itself ${comesBack(before)}, with the key that signs. To end it for good, detach its API server and delete it: ${deletion}`
    : `${name} is written off. If its machine is alive, it is enrolled anew at its next contact and given the key that signs again. To shut it out, or if it will not come back, delete it: ${deletion}`];
}

export function beforeDeletion(signer: SignerBody, now: Date): readonly string[] {
  return [`The signer ${signer.name} was last seen ${ago(lastSeenAt(signer), now)}.${isThere(signer) ? ' It is there: it will wipe its ring, and its API server will issue no tokens and not start again. Detach that first.' : ''}`];
}

/** Both steps of rule 12, or what is left of them. `keys`: those of the issuer, where it owes some. */
export function afterDeletion({ name, properties: { debt } }: SignerBody, cluster: ClusterFlags, keys: readonly KeyBody[]): readonly string[] {
  if (debt.length === 0) return [`${name} is deleted. No key that it had verifies any more: nothing is left to do.`];
  return [`${name} is deleted, and told to wipe its ring when it asks. It had the private half of ${debt.join(', ')}. ${wayOut(debt, keys, cluster)}`];
}
