/**
 * What is left to do about the keys that a deleted signer had (rule 12), by what each key does now: the advice to rotate
 * is good only for a key that signs. After it a second rotation would revoke the key, and break the tokens of its pods.
 */
import type { IssuerBody, KeyBody } from '../../http/management/contract.ts';
import type { SignerBody } from '../../http/management/signer-contract.ts';
import type { ManagementApi } from '../management-api.ts';
import { timeInWords } from '../output/resources.ts';
import { type ClusterName, paths } from '../paths.ts';
import type { ClusterFlags } from './flags.ts';

/** The keys of the issuer, asked for only where one of the signers owes some. @throws CommandError as every request. */
export async function keysOwed(api: ManagementApi, cluster: ClusterName, signers: readonly SignerBody[]): Promise<readonly KeyBody[]> {
  if (signers.every(({ properties: { debt } }) => debt.length === 0)) return [];
  return (await api.get<IssuerBody>(paths.issuer(cluster))).properties.keys;
}

/** The steps that are left for a debt. `keys`: those of the issuer, now. */
export function wayOut(debt: readonly string[], keys: readonly KeyBody[], { resourceGroup, name }: ClusterFlags): string {
  const place = `-g ${resourceGroup} -n ${name}`;
  const owed = keys.filter(({ kid, state }) => debt.includes(kid) && state !== 'revoked');
  const [retired, signing] = [owed.filter(({ state }) => state === 'retired'), owed.filter(({ state }) => state !== 'retired')];
  if (owed.length === 0) return 'Meanwhile none of it verifies any more: nothing is left to do.';
  return [...(signing.length === 0 ? [] : [bothSteps(signing, place)]), ...retired.map((key) => lastStep(key, place))].join(' ');
}

function bothSteps(signing: readonly KeyBody[], place: string): string {
  const revocations = signing.map(({ kid }) => revocation(kid, place)).join('; ');
  return `1. Rotate, so that nothing new is signed with ${signing.map(({ kid }) => kid).join(', ')}: mintmark issuer rotate ${place}. 2. If the machine may have leaked it, revoke it when it is retired: ${revocations}.`;
}

function lastStep({ kid, expiresAt }: KeyBody, place: string): string {
  const end = expiresAt === null ? 'a day after every signer has acknowledged that it signs with it no more' : `at ${timeInWords(expiresAt)}`;
  return `${kid} has retired: nothing new is signed with it, and it leaves by itself ${end}. Only if the machine may have leaked it, revoke it, which breaks the tokens that live on it: ${revocation(kid, place)}.`;
}

const revocation = (kid: string, place: string): string => `mintmark issuer revoke-key ${place} --kid ${kid}`;
