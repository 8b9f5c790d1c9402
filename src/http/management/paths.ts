/** The paths of the management API, as route patterns: Azure Resource Manager's, and ours below a managed cluster. */
import { MANAGED_CLUSTER_TYPE, MANAGED_IDENTITY_TYPE } from '../../domain/resource-id.ts';

export const SUBSCRIPTION = '/subscriptions/:subscriptionId';
export const RESOURCE_GROUP = `${SUBSCRIPTION}/resourceGroups/:resourceGroup`;
export const MANAGED_CLUSTER = `${RESOURCE_GROUP}/providers/${MANAGED_CLUSTER_TYPE}/:cluster` as const;
export const MANAGED_IDENTITY = `${RESOURCE_GROUP}/providers/${MANAGED_IDENTITY_TYPE}/:identity` as const;
export const FEDERATED_CREDENTIAL = `${MANAGED_IDENTITY}/federatedIdentityCredentials/:credential` as const;
export const TENANTS = '/providers/Mintmark.Admin/tenants';
export const TENANT = `${TENANTS}/:tenantId` as const;
export const TENANT_SUBSCRIPTION = `${TENANT}/subscriptions/:subscriptionId` as const;
export const PRINCIPAL = `${TENANT}/principals/:principalId` as const;
export const SECRET = `${PRINCIPAL}/secrets/:secretId` as const;
export const ISSUER = `${MANAGED_CLUSTER}/providers/Mintmark.Oidc/issuers/default` as const;

/** A pattern with its places filled, percent-encoded. */
export const fillPath = (pattern: string, params: Readonly<Record<string, string>>): string =>
  pattern.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
