/**
 * A managed cluster as the wire shows it: what is stored, and the members that only fill the reply, so that every
 * client that expects a cluster of Azure's finds what it looks for. Ids of identities are derived and belong to nobody.
 */
import { MOST_POOLS, pools } from '../../domain/agent-pools.ts';
import { KNOWN_MINORS, parseKubernetesVersion } from '../../domain/kubernetes-version.ts';
import { resourceKey } from '../../domain/resource-id.ts';
import { eTagOf, isJsonObject, type JsonObject, type Resource } from '../../domain/resource.ts';
import type { ClusterView } from '../../service/clusters.ts';
import { derivedUuid } from '../../service/derived-uuid.ts';
import type { ManagedClusterBody } from './contract.ts';

export function managedClusterBody({ cluster, issuer }: ClusterView): ManagedClusterBody {
  const { properties, envelope } = cluster;
  const identity = identityBody(cluster);
  return {
    id: cluster.id, name: cluster.name, type: cluster.type, location: cluster.location, tags: { ...cluster.tags },
    ...(identity === null ? {} : { identity }),
    sku: objectMember(envelope, 'sku'),
    eTag: eTagOf(cluster),
    properties: {
      ...properties,
      provisioningState: 'Succeeded',
      powerState: { code: 'Running' },
      kubernetesVersion: String(properties.kubernetesVersion),
      currentKubernetesVersion: String(properties.kubernetesVersion),
      maxAgentPools: MOST_POOLS,
      fqdn: fqdnOf(cluster),
      agentPoolProfiles: [...pools(properties)],
      servicePrincipalProfile: objectMember(properties, 'servicePrincipalProfile'),
      networkProfile: objectMember(properties, 'networkProfile'),
      oidcIssuerProfile: issuer === null ? { enabled: false } : { enabled: true, issuerURL: issuer.url },
    },
  };
}

/** The agent pools as resources of their own. */
export const agentPoolBodies = ({ id, type, properties }: Resource) => pools(properties).map(({ name, ...pool }) => ({
  id: `${id}/agentPools/${String(name)}`,
  name: String(name),
  type: `${type}/agentPools`,
  properties: { orchestratorVersion: String(properties.kubernetesVersion), ...pool, provisioningState: 'Succeeded', powerState: { code: 'Running' }, currentOrchestratorVersion: String(properties.kubernetesVersion) },
}));

/** Later minors of Kubernetes that Mintmark knows; storing one upgrades nothing. */
export function upgradeProfileBody({ id, type, name, properties }: Resource) {
  const kubernetesVersion = String(properties.kubernetesVersion);
  const { minor } = parseKubernetesVersion(kubernetesVersion);
  const upgrades = KNOWN_MINORS.filter((known) => known > minor).map((known) => ({ kubernetesVersion: `1.${known}`, isPreview: false }));
  return {
    id: `${id}/upgradeProfiles/default`, name: 'default', type: `${type}/upgradeProfiles`,
    properties: {
      controlPlaneProfile: { name, kubernetesVersion, osType: 'Linux', upgrades },
      agentPoolProfiles: pools(properties).map((pool) => ({ name: String(pool.name), kubernetesVersion, osType: String(pool.osType ?? 'Linux'), upgrades })),
    },
  };
}

/** The identity with the ids that Azure would have made for it; null when the cluster has none. */
function identityBody({ id, tenantId, envelope }: Resource): JsonObject | null {
  const { identity = null } = envelope;
  if (!isJsonObject(identity)) return null;
  const key = resourceKey(id);
  const system = /SystemAssigned/i.test(String(identity.type)) ? { principalId: derivedUuid(key, 'identity', 'principalId'), tenantId } : {};
  const assigned = identity.userAssignedIdentities;
  if (!isJsonObject(assigned ?? null) || assigned === undefined) return { ...identity, ...system };
  const filled = Object.keys(assigned as JsonObject).map((one) => [one, { principalId: derivedUuid(resourceKey(one), 'principalId'), clientId: derivedUuid(resourceKey(one), 'clientId') }] as const);
  return { ...identity, ...system, userAssignedIdentities: Object.fromEntries(filled) };
}

/** The form of Azure's host names, under a top-level domain that never resolves (RFC 2606): the API server is elsewhere. */
function fqdnOf({ id, name, location, properties }: Resource): string {
  const prefix = String(properties.fqdnSubdomain ?? properties.dnsPrefix ?? name).toLowerCase();
  return `${prefix}-${derivedUuid(resourceKey(id), 'fqdn').slice(0, 8)}.hcp.${location}.mintmark.invalid`;
}

function objectMember(of: JsonObject, member: string): JsonObject {
  const value = of[member];
  return isJsonObject(value) ? value : {};
}
