/** Signers in people's words: how each is, what ends with one, and what is left to do. Pure: gives sentences. */
import type { CreateSignerReply, SignerBody } from '../../http/management/signer-contract.ts';
import { lengthInWords } from '../lengths-of-time.ts';
import { timeInWords } from '../output/resources.ts';
import type { ClusterFlags } from './flags.ts';

const ago = (time: string, now: Date): string => `${lengthInWords(Math.max(0, (now.getTime() - Date.parse(time)) / 1000))} ago`;

/** Milliseconds by which a clock may be off before it is said: half of what a signer may be off at all. */
const CLOCK_OFF = 60_000;

/** `current`, `behind: has version 12 of 14`, `silent for 2 d 3 h`, `written off`, `deleted, owes 1 key`. */
export function stateInWords({ properties }: SignerBody, now: Date): string {
  const { state, acknowledgedVersion, ringVersion, lastContactAt, writtenOffAt, deletedAt, debt } = properties;
  const has = acknowledgedVersion === null ? 'has acknowledged nothing yet' : `has version ${acknowledgedVersion} of ${ringVersion}`;
  const words = {
    current: 'current',
    behind: `behind: ${has}`,
    silent: `silent for ${lengthInWords((now.getTime() - Date.parse(lastContactAt)) / 1000)}`,
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

/** What a list of signers gives cause to warn of. */
export function listWarnings(signers: readonly SignerBody[], now: Date, cluster: ClusterFlags): readonly string[] {
  return [...doubledNames(signers, now, cluster), ...signers.flatMap(({ name, properties: { state, leaseEndsAt, leaseSeconds, clockOffsetMilliseconds, debt } }) => [
    ...(state === 'silent' && leaseEndsAt !== null && leaseSeconds !== null && Date.parse(leaseEndsAt) - now.getTime() < leaseSeconds * 500
      ? [`The signer ${name} stops to sign within ${lengthInWords((Date.parse(leaseEndsAt) - now.getTime()) / 1000)} unless it reaches the server: its API server would issue no tokens.`] : []),
    ...(clockOffsetMilliseconds !== null && Math.abs(clockOffsetMilliseconds) > CLOCK_OFF && state !== 'deleted' && state !== 'writtenOff' ? [`The clock of ${name} is off by ${lengthInWords(Math.abs(clockOffsetMilliseconds) / 1000)}; at 2 min its requests are refused.`] : []),
    ...(debt.length > 0 ? [`${name} was deleted and had the private half of ${debt.join(', ')}, which still verifies. ${wayOut(debt, cluster)}`] : []),
  ])];
}

/** A machine that brought its name itself ends no former one of that name: a person sees who is who. */
function doubledNames(signers: readonly SignerBody[], now: Date, { resourceGroup, name: cluster }: ClusterFlags): readonly string[] {
  const enrolled = Map.groupBy(signers.filter(({ properties: { state } }) => state !== 'writtenOff' && state !== 'deleted'), ({ name }) => name);
  return [...enrolled].filter(([, same]) => same.length > 1).map(([name, same]) => {
    const each = same.map(({ properties: { signerId, lastContactAt } }) => `${signerId} (last seen ${ago(lastContactAt, now)})`).join(', ');
    return `${same.length} signers are enrolled as ${name}: ${each}. A rotation waits for each. If the machine of one is gone, write it off by its id: mintmark signer write-off -g ${resourceGroup} -n ${cluster} --signer ID.`;
  });
}

/** Said with a token: what it is for, and who gives way. */
export function tokenWarnings({ name, expiresAt, replaces }: CreateSignerReply, now: Date): readonly string[] {
  return [
    `The token is shown only now. It lets one machine enrol${name === null ? '' : ` as ${name}`} until ${timeInWords(expiresAt)}: put it in a file there that only root can read.`,
    ...(replaces === null ? [] : [`A signer ${replaces.name} is enrolled, last seen ${ago(replaces.lastContactAt, now)}. Whoever enrols with this token takes its place, and nothing waits for it any longer.`]),
  ];
}

export function beforeWriteOff({ name, properties: { state, lastContactAt } }: SignerBody, now: Date): readonly string[] {
  const seen = `The signer ${name} was last seen ${ago(lastContactAt, now)}.`;
  if (state === 'writtenOff' || state === 'deleted') return [`${seen} It is written off already.`];
  return [`${seen} From now on no rotation waits for it. If it still signs, tokens of a key that it has not parted from may end before their time.`];
}

export const afterWriteOff = ({ name }: SignerBody): readonly string[] => [`${name} is written off. If it comes back it is enrolled anew before it is given anything. If its machine will not come back, delete it, so that the keys that it had are accounted for.`];

export function beforeDeletion({ name, properties: { state, lastContactAt } }: SignerBody, now: Date): readonly string[] {
  const isThere = state === 'current' || state === 'behind';
  return [`The signer ${name} was last seen ${ago(lastContactAt, now)}.${isThere ? ' It is there: it will wipe its ring, and its API server will issue no tokens and not start again. Detach that first.' : ''}`];
}

/** Both steps of rule 12. */
export function afterDeletion({ name, properties: { debt } }: SignerBody, cluster: ClusterFlags): readonly string[] {
  if (debt.length === 0) return [`${name} is deleted. No key that it had verifies any more: nothing is left to do.`];
  return [`${name} is deleted, and told to wipe its ring when it asks. It had the private half of ${debt.join(', ')}. ${wayOut(debt, cluster)}`];
}

function wayOut(debt: readonly string[], { resourceGroup, name }: ClusterFlags): string {
  const place = `-g ${resourceGroup} -n ${name}`;
  const revocations = debt.map((kid) => `mintmark issuer revoke-key ${place} --kid ${kid}`).join('; ');
  return `1. Rotate, so that nothing new is signed with it: mintmark issuer rotate ${place}. 2. If the machine may have leaked it, revoke it when it is retired: ${revocations}.`;
}
