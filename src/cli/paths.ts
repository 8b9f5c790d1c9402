/** Every path of the management API that the command line asks for, with its api-version. Names are escaped here and nowhere else. */

const VERSIONS = { subscriptions: '2022-12-01', groups: '2024-11-01', clusters: '2025-03-01', identities: '2023-01-31', roles: '2022-04-01', mintmark: '2026-11-01' } as const;

const join = (...segments: readonly string[]): string => segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
const versioned = (path: string, kind: keyof typeof VERSIONS): string => `${path}?api-version=${VERSIONS[kind]}`;

export interface ClusterName {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly name: string;
}

export interface PrincipalName {
  readonly tenant: string;
  /** Client id. */
  readonly id: string;
}

export interface IdentityName {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly identity: string;
}

const tenantId = (tenant: string): string => join('providers', 'Mintmark.Admin', 'tenants', tenant);
const principalId = ({ tenant, id }: PrincipalName): string => tenantId(tenant) + join('principals', id);

const clusterId = ({ subscription, resourceGroup, name }: ClusterName): string =>
  join('subscriptions', subscription, 'resourceGroups', resourceGroup, 'providers', 'Microsoft.ContainerService', 'managedClusters', name);

const MANAGED_IDENTITIES = ['providers', 'Microsoft.ManagedIdentity', 'userAssignedIdentities'] as const;

const identityId = ({ subscription, resourceGroup, identity }: IdentityName): string => join('subscriptions', subscription, 'resourceGroups', resourceGroup, ...MANAGED_IDENTITIES, identity);

/** A scope as it is shown: each of its segments is escaped by itself. */
const scopeId = (scope: string): string => join(...scope.split('/').filter((segment) => segment !== ''));

const issuerId = (cluster: ClusterName): string => clusterId(cluster) + join('providers', 'Mintmark.Oidc', 'issuers', 'default');

/** Documents and actions below an issuer. */
type IssuerPart = 'keys' | 'rotationPolicy' | 'events' | 'rotate' | 'revokeKey' | 'importKey' | 'issueToken' | 'signers' | 'createSigner' | 'writeOffSigner' | 'joinCredentials' | 'createJoinCredential';

export const paths = {
  login: (tenant: string): string => join(tenant, 'oauth2', 'v2.0', 'token'),
  tenants: (): string => versioned(join('providers', 'Mintmark.Admin', 'tenants'), 'mintmark'),
  tenant: (tenant: string): string => versioned(tenantId(tenant), 'mintmark'),
  tenantSubscriptions: (tenant: string): string => versioned(tenantId(tenant) + join('subscriptions'), 'mintmark'),
  tenantSubscription: (tenant: string, subscription: string): string => versioned(tenantId(tenant) + join('subscriptions', subscription), 'mintmark'),
  principals: (tenant: string): string => versioned(tenantId(tenant) + join('principals'), 'mintmark'),
  principal: (principal: PrincipalName): string => versioned(principalId(principal), 'mintmark'),
  resetSecret: (principal: PrincipalName): string => versioned(principalId(principal) + join('resetSecret'), 'mintmark'),
  secret: (principal: PrincipalName, secret: string): string => versioned(principalId(principal) + join('secrets', secret), 'mintmark'),
  subscriptions: (): string => versioned('/subscriptions', 'subscriptions'),
  locations: (subscription: string): string => versioned(join('subscriptions', subscription, 'locations'), 'subscriptions'),
  groups: (subscription: string): string => versioned(join('subscriptions', subscription, 'resourcegroups'), 'groups'),
  group: (subscription: string, name: string): string => versioned(join('subscriptions', subscription, 'resourcegroups', name), 'groups'),
  clusters: (subscription: string): string => versioned(join('subscriptions', subscription, 'providers', 'Microsoft.ContainerService', 'managedClusters'), 'clusters'),
  clustersOf: (subscription: string, group: string): string =>
    versioned(join('subscriptions', subscription, 'resourceGroups', group, 'providers', 'Microsoft.ContainerService', 'managedClusters'), 'clusters'),
  cluster: (cluster: ClusterName): string => versioned(clusterId(cluster), 'clusters'),
  kubeconfig: (cluster: ClusterName, user: 'user' | 'admin'): string => versioned(clusterId(cluster) + join('providers', 'Mintmark.Oidc', 'kubeconfigs', user), 'mintmark'),
  rotateSigningKeys: (cluster: ClusterName): string => versioned(`${clusterId(cluster)}/rotateServiceAccountSigningKeys`, 'clusters'),
  identities: (subscription: string): string => versioned(join('subscriptions', subscription, ...MANAGED_IDENTITIES), 'identities'),
  identitiesOf: (subscription: string, group: string): string => versioned(join('subscriptions', subscription, 'resourceGroups', group, ...MANAGED_IDENTITIES), 'identities'),
  identity: (identity: IdentityName): string => versioned(identityId(identity), 'identities'),
  federatedCredentials: (identity: IdentityName): string => versioned(identityId(identity) + join('federatedIdentityCredentials'), 'identities'),
  federatedCredential: (identity: IdentityName, name: string): string => versioned(identityId(identity) + join('federatedIdentityCredentials', name), 'identities'),
  roleAssignments: (scope: string, filter: string): string =>
    `${versioned(scopeId(scope) + join('providers', 'Microsoft.Authorization', 'roleAssignments'), 'roles')}${filter === '' ? '' : `&$filter=${encodeURIComponent(filter)}`}`,
  roleAssignment: (scope: string, name: string): string => versioned(scopeId(scope) + join('providers', 'Microsoft.Authorization', 'roleAssignments', name), 'roles'),
  issuers: (subscription: string): string => versioned(join('subscriptions', subscription, 'providers', 'Mintmark.Oidc', 'issuers'), 'mintmark'),
  issuer: (cluster: ClusterName): string => versioned(issuerId(cluster), 'mintmark'),
  issuerPart: (cluster: ClusterName, part: IssuerPart): string => versioned(issuerId(cluster) + join(part), 'mintmark'),
  /** One of a list below an issuer. */
  issuerItem: (cluster: ClusterName, list: 'signers' | 'joinCredentials', item: string): string => versioned(issuerId(cluster) + join(list, item), 'mintmark'),
} as const;
