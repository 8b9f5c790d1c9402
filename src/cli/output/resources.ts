/**
 * Resources as Azure CLI shows them, made from what is on the wire: `properties` flattened where Azure CLI does, its
 * spelling of names (`issuerUrl` for `issuerURL`), and the resource group taken from the id.
 */
import type { IssuerBody, KeyBody, ManagedClusterBody, ResourceGroupBody } from '../../http/management/contract.ts';
import { isObject, type JsonObject, type JsonValue } from './json-value.ts';

/** Wire → Azure CLI, where they differ. */
const SPELLINGS: ReadonlyMap<string, string> = new Map(Object.entries({
  issuerURL: 'issuerUrl', discoveryURL: 'discoveryUrl', jwksURI: 'jwksUri', enableRBAC: 'enableRbac', diskEncryptionSetID: 'diskEncryptionSetId',
  azurePortalFQDN: 'azurePortalFqdn', privateFQDN: 'privateFqdn', osDiskSizeGB: 'osDiskSizeGb', vnetSubnetID: 'vnetSubnetId', podSubnetID: 'podSubnetId',
  enableFIPS: 'enableFips', enableUltraSSD: 'enableUltraSsd', proximityPlacementGroupID: 'proximityPlacementGroupId', hostGroupID: 'hostGroupId',
  capacityReservationGroupID: 'capacityReservationGroupId', enableNodePublicIP: 'enableNodePublicIp', nodePublicIPPrefixID: 'nodePublicIpPrefixId',
  dnsServiceIP: 'dnsServiceIp', serviceCidrIPv6: 'serviceCidrIpv6', nodeOSUpgradeChannel: 'nodeOsUpgradeChannel',
  enablePrivateClusterPublicFQDN: 'enablePrivateClusterPublicFqdn', privateDNSZone: 'privateDnsZone', clientAppID: 'clientAppId', serverAppID: 'serverAppId',
  tenantID: 'tenantId', enableAzureRBAC: 'enableAzureRbac',
}));

/** Members whose names are people's own. */
const OWN_NAMES: ReadonlySet<string> = new Set(['tags', 'nodeLabels', 'config', 'userAssignedIdentities', 'publicJwk']);

export const clusterOutput = (cluster: ManagedClusterBody): JsonObject => flattened(cluster);

/** Azure CLI leaves `properties` of a group where they are. */
export const groupOutput = (group: ResourceGroupBody): JsonObject => ({ managedBy: null, ...(group as JsonObject) });

export const issuerOutput = (issuer: IssuerBody): JsonObject => flattened(issuer);

/** Anything with `properties`, or without. */
export function flattened(resource: object): JsonObject {
  const { properties, ...top } = resource as JsonObject;
  const id = typeof top['id'] === 'string' ? top['id'] : '';
  const group = /\/resourcegroups\/([^/]+)/i.exec(id)?.[1];
  const flat = { ...top, ...(isObject(properties) ? properties : {}), ...(group === undefined ? {} : { resourceGroup: group }) };
  return respelt(flat) as JsonObject;
}

function respelt(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(respelt);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [SPELLINGS.get(name) ?? name, OWN_NAMES.has(name) ? inner : respelt(inner)]));
}

const CLUSTER_COLUMNS = ['name', 'location', 'resourceGroup', 'kubernetesVersion', 'currentKubernetesVersion', 'provisioningState', 'fqdn'] as const;

export const clusterRow = (cluster: JsonObject): JsonObject => Object.fromEntries(CLUSTER_COLUMNS.map((column) => [column, cluster[column] ?? null]));

export const groupRow = ({ name, location, properties }: ResourceGroupBody): JsonObject => ({ name, location, status: properties.provisioningState });

/** What a key's state means, said to people. Times are UTC. */
export function keyStateInWords({ state, expiresAt, activatedAt, revokedAt }: Pick<KeyBody, 'state' | 'expiresAt' | 'activatedAt' | 'revokedAt'>): string {
  const words = {
    prepared: 'prepared (published, has not signed yet)',
    active: `active (signs since ${timeInWords(activatedAt)})`,
    retired: expiresAt === null ? 'retired (still verifies; a signer may not know yet that it signs no more)' : `retired (still verifies until ${timeInWords(expiresAt)})`,
    revoked: `revoked (out of the list since ${timeInWords(revokedAt)})`,
  } as const satisfies Record<KeyBody['state'], string>;
  return words[state];
}

/** `2026-11-23 09:14:00`, in UTC. */
export const timeInWords = (time: string | null): string => (time === null ? 'not known yet' : new Date(time).toISOString().slice(0, 19).replace('T', ' '));
