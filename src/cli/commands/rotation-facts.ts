/** What is asked of the server before a rotation or revocation, so that what it breaks can be said. */
import type { IssuerBody } from '../../http/management/contract.ts';
import { CommandError } from '../errors.ts';
import type { ManagementApi } from '../management-api.ts';
import { type ClusterName, paths } from '../paths.ts';
import type { Facts } from './rotation-warnings.ts';

/** @throws CommandError: 3 where there is no issuer, 1 for any other refusal. */
export async function rotationFacts(api: ManagementApi, cluster: ClusterName): Promise<Facts> {
  const issuer = await api.get<IssuerBody>(paths.issuer(cluster));
  return { issuer, hasSigners: await hasSigners(api, cluster) };
}

/** The first page tells. A server that is older than signers has none. */
async function hasSigners(api: ManagementApi, cluster: ClusterName): Promise<boolean> {
  try {
    const { value } = await api.get<{ readonly value: readonly unknown[] }>(paths.issuerPart(cluster, 'signers'));
    return value.length > 0;
  } catch (error) {
    if (error instanceof CommandError && error.status === 404) return false;
    throw error;
  }
}
