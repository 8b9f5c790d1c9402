/**
 * The rules of a managed cluster: what a create or update makes of it, what can not change, whether it has an issuer.
 *
 * Node pools, network and version are stored and echoed, never acted on. Leaves to `agent-pools.ts` the node pools, to
 * `resource-bounds.ts` how much there may be, to `rotation.ts` the keys, to `http/management` the members that only fill
 * the reply.
 */
import { mergePools, pools } from './agent-pools.ts';
import { MintmarkError } from './errors.ts';
import { hasIssuerByDefault, parseKubernetesVersion, versionWarning } from './kubernetes-version.ts';
import { knownLocation } from './locations.ts';
import { bounded } from './resource-bounds.ts';
import { assertResourceName, MANAGED_CLUSTER_TYPE, managedClusterId } from './resource-id.ts';
import { isJsonObject, type Json, type JsonObject, merge, type Resource } from './resource.ts';

/** What a client sends; unknown and read-only members have no effect. */
export interface ClusterRequest {
  readonly location?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly identity?: JsonObject | undefined;
  readonly sku?: JsonObject | undefined;
  readonly properties: JsonObject;
}

export interface ClusterPlace {
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly name: string;
  /** What the cluster says that its kubelets are, unless the request says; nothing acts on it. */
  readonly kubeletIdentity: JsonObject;
}

export interface ClusterDefaults {
  /** Where the cluster is when the request does not say. */
  readonly location: string;
  /** Locations beside the public Azure regions. */
  readonly configuredLocations: readonly string[];
}

/** What a request comes to: the cluster as it will be, whether it needs an issuer now, and what the person should know. */
export interface ClusterDecision {
  readonly cluster: Resource;
  readonly enableIssuer: boolean;
  readonly warnings: readonly string[];
}

type Kind = 'text' | 'label' | 'switch' | 'object' | 'list';

/** The writable members of `properties` that are stored and echoed, and what each has to be. `oidcIssuerProfile` is decided here, not stored. */
const STORED_PROPERTIES: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ...of('label', 'dnsPrefix', 'fqdnSubdomain'),
  ...of('text', 'kubernetesVersion', 'nodeResourceGroup', 'supportPlan', 'diskEncryptionSetID', 'publicNetworkAccess'),
  ...of('switch', 'enableRBAC', 'disableLocalAccounts'),
  ...of('list', 'agentPoolProfiles'),
  ...of('object', 'linuxProfile', 'windowsProfile', 'servicePrincipalProfile', 'addonProfiles', 'podIdentityProfile', 'networkProfile', 'aadProfile',
    'autoUpgradeProfile', 'upgradeSettings', 'autoScalerProfile', 'apiServerAccessProfile', 'identityProfile', 'httpProxyConfig', 'securityProfile',
    'storageProfile', 'ingressProfile', 'workloadAutoScalerProfile', 'azureMonitorProfile', 'serviceMeshProfile', 'metricsProfile',
    'nodeProvisioningProfile', 'nodeResourceGroupProfile', 'bootstrapProfile', 'aiToolchainOperatorProfile'),
]);

const KINDS = {
  text: { words: 'a string', holds: (value: Json) => typeof value === 'string' },
  /** A DNS label (RFC 1123, section 2.1) with the length that AKS leaves of one. */
  label: { words: 'a string of 1 to 54 letters, digits and hyphens, with a letter or digit at both ends', holds: (value: Json) => typeof value === 'string' && /^[a-z0-9]([-a-z0-9]{0,52}[a-z0-9])?$/i.test(value) },
  switch: { words: 'true or false', holds: (value: Json) => typeof value === 'boolean' },
  object: { words: 'an object', holds: (value: Json) => isJsonObject(value) },
  list: { words: 'a list of objects', holds: (value: Json) => Array.isArray(value) && value.every(isJsonObject) },
} as const satisfies Record<Kind, { words: string; holds: (value: Json) => boolean }>;

/** Members that hold a secret, in lower case and compared so: never stored, so never echoed. */
const SECRET_MEMBERS: ReadonlySet<string> = new Set([
  'secret', 'clientsecret', 'serverappsecret', 'password', 'adminpassword', 'gmsapassword', 'privatekey', 'connectionstring', 'token',
]);

/** Each one's ids in the reply cost more than the little that a request says of it. */
const MOST_IDENTITIES = 20;

const DEFAULT_POOL: JsonObject = { name: 'nodepool1', count: 1, mode: 'System', osType: 'Linux', type: 'VirtualMachineScaleSets' };
const DEFAULT_SKU: JsonObject = { name: 'Base', tier: 'Free' };
const STORED_NOT_DONE = 'stored and echoed only: Mintmark registers a cluster that runs elsewhere and';

/** A new cluster. @throws MintmarkError for a bad name, location or version, and for what is of the wrong kind or too much. */
export function createCluster(request: ClusterRequest, place: ClusterPlace, defaults: ClusterDefaults, now: Date): ClusterDecision {
  const name = assertResourceName(MANAGED_CLUSTER_TYPE, place.name);
  const location = knownLocation(request.location ?? defaults.location, defaults.configuredLocations);
  const version = parseKubernetesVersion(textMember(request.properties, 'kubernetesVersion') ?? '');
  const given = storable(request.properties);
  const stored = merge(blankProperties({ ...place, name }, location), given);
  const properties = { ...stored, kubernetesVersion: version.text, agentPoolProfiles: mergePools([], given.agentPoolProfiles, [DEFAULT_POOL]) };
  const cluster: Resource = bounded({
    id: managedClusterId(place.subscriptionId, place.resourceGroup, name), type: MANAGED_CLUSTER_TYPE, name,
    tenantId: place.tenantId, subscriptionId: place.subscriptionId, location,
    tags: request.tags ?? {}, envelope: merge({ sku: DEFAULT_SKU }, envelopeOf(request)), properties, issuerId: null, version: 1, createdAt: now, updatedAt: now,
  });
  const warnings = [versionWarning(version), `The cluster's nodes, network and version are ${STORED_NOT_DONE} creates no nodes.`];
  return { cluster, enableIssuer: issuerAsked(request.properties) ?? hasIssuerByDefault(version), warnings: present(warnings) };
}

/**
 * An update by PUT: absent means keep.
 * @throws MintmarkError `IssuerCanNotBeDisabled`, `LocationCanNotChange`, `KubernetesDowngrade`, `UnsupportedKubernetesVersion`, `InvalidRequestContent`.
 */
export function updateCluster(stored: Resource, request: ClusterRequest, defaults: ClusterDefaults, now: Date): ClusterDecision {
  assertSameLocation(stored, request, defaults);
  const asked = issuerAsked(request.properties);
  if (asked === false && stored.issuerId !== null) throw new MintmarkError('IssuerCanNotBeDisabled', `The OIDC issuer of '${stored.name}' can not be disabled: running workloads and their relying parties depend on its issuer URL. Nothing was changed.`, { target: 'properties.oidcIssuerProfile.enabled' });
  const version = nextVersion(stored, request);
  const given = storable(request.properties);
  const merged = merge(stored.properties, given);
  const properties = { ...merged, kubernetesVersion: version.text, agentPoolProfiles: mergePools(pools(stored.properties), given.agentPoolProfiles, pools(stored.properties)) };
  const cluster = bounded({ ...stored, tags: request.tags ?? stored.tags, envelope: merge(stored.envelope, envelopeOf(request)), properties, version: stored.version + 1, updatedAt: now });
  const warnings = [stored.properties.kubernetesVersion === version.text ? null : versionWarning(version), upgradeWarning(stored.properties, properties), scaleWarning(stored.properties, properties)];
  return { cluster, enableIssuer: asked === true && stored.issuerId === null, warnings: present(warnings) };
}

function assertSameLocation(stored: Resource, request: ClusterRequest, defaults: ClusterDefaults): void {
  if (request.location === undefined) return;
  const location = knownLocation(request.location, [...defaults.configuredLocations, stored.location]);
  if (location !== stored.location) throw new MintmarkError('LocationCanNotChange', `'${stored.name}' is in ${stored.location}, which is part of its issuer URL; it can not move to ${location}.`, { target: 'location' });
}

function nextVersion(stored: Resource, request: ClusterRequest): { text: string; minor: number } {
  const current = parseKubernetesVersion(textMember(stored.properties, 'kubernetesVersion') ?? '');
  const next = parseKubernetesVersion(textMember(request.properties, 'kubernetesVersion') || current.text);
  if (next.minor < current.minor) throw new MintmarkError('KubernetesDowngrade', `'${stored.name}' is at Kubernetes ${current.text}; it can not go back to ${next.text}.`, { target: 'properties.kubernetesVersion' });
  return next;
}

function upgradeWarning(before: JsonObject, now: JsonObject): string | null {
  return before.kubernetesVersion === now.kubernetesVersion ? null : `The Kubernetes version ${String(now.kubernetesVersion)} is ${STORED_NOT_DONE} upgrades nothing.`;
}

function scaleWarning(before: JsonObject, now: JsonObject): string | null {
  const counts = (properties: JsonObject): string => JSON.stringify(pools(properties).map(({ name, count }) => [name, count]));
  return counts(before) === counts(now) ? null : `The node counts are ${STORED_NOT_DONE} scales nothing.`;
}

/** `oidcIssuerProfile.enabled`, or null when the request does not say. */
function issuerAsked(properties: JsonObject): boolean | null {
  const profile = properties.oidcIssuerProfile;
  if (profile === undefined || profile === null) return null;
  const enabled = isJsonObject(profile) ? (profile.enabled ?? null) : profile;
  if (enabled === null || typeof enabled === 'boolean') return enabled;
  throw new MintmarkError('InvalidRequestContent', 'oidcIssuerProfile.enabled is true or false.', { target: 'properties.oidcIssuerProfile.enabled' });
}

function textMember(properties: JsonObject, member: string): string | undefined {
  const value = properties[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new MintmarkError('InvalidRequestContent', `${member} is a string.`, { target: `properties.${member}` });
}

/** The members that are kept. @throws MintmarkError `InvalidRequestContent` naming each that is of the wrong kind. */
function storable(properties: JsonObject): JsonObject {
  const known = Object.entries(properties).filter(([member, value]) => STORED_PROPERTIES.has(member) && value !== null);
  const wrong = known.flatMap(([member, value]) => {
    const { words, holds } = KINDS[STORED_PROPERTIES.get(member)!];
    return holds(value) ? [] : [{ code: 'InvalidRequestContent' as const, message: `${member} is ${words}.`, target: `properties.${member}` }];
  });
  if (wrong.length > 0) throw new MintmarkError('InvalidRequestContent', wrong.map(({ message }) => message).join(' '), { target: wrong[0]!.target, details: wrong });
  return withoutSecrets(Object.fromEntries(known)) as JsonObject;
}

function withoutSecrets(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([member]) => !SECRET_MEMBERS.has(member.toLowerCase())).map(([member, inner]) => [member, withoutSecrets(inner)]));
}

/** What a new cluster has where the request does not say: whole enough for the clients that read it back. */
function blankProperties({ resourceGroup, name, kubeletIdentity }: ClusterPlace, location: string): JsonObject {
  return {
    nodeResourceGroup: `MC_${resourceGroup}_${name}_${location}`, networkProfile: {},
    servicePrincipalProfile: { clientId: 'msi' }, identityProfile: { kubeletidentity: kubeletIdentity },
  };
}

/**
 * The writable members beside `properties`. Ids of identities are made by the server, so what a client sends of them is dropped.
 * @throws MintmarkError `InvalidRequestContent` for too many identities.
 */
function envelopeOf({ identity, sku }: ClusterRequest): JsonObject {
  const { type = null, userAssignedIdentities = null } = identity ?? {};
  const ids = isJsonObject(userAssignedIdentities) ? Object.keys(userAssignedIdentities) : null;
  if (ids !== null && ids.length > MOST_IDENTITIES) throw new MintmarkError('InvalidRequestContent', `There are ${ids.length} user-assigned identities; a cluster has at most ${MOST_IDENTITIES}.`, { target: 'identity.userAssignedIdentities' });
  const assigned = ids === null ? {} : { userAssignedIdentities: Object.fromEntries(ids.map((id) => [id, {}])) };
  return { ...(type === null ? {} : { identity: { type: withoutSecrets(type), ...assigned } }), ...(sku === undefined ? {} : { sku: withoutSecrets(sku) }) };
}

function of(kind: Kind, ...members: readonly string[]): readonly (readonly [string, Kind])[] {
  return members.map((member) => [member, kind]);
}

function present(warnings: readonly (string | null)[]): readonly string[] {
  return warnings.filter((warning) => warning !== null);
}
