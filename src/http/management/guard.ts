/**
 * Who may pass: the one hook before every route, in front of the body. Counts the address, authenticates the bearer, finds
 * the subscription in the bearer's own tenant (that of another answers as if it were absent), or the tenant among those
 * that the bearer can see, then asks the roles for the row's action.
 */
import type { FastifyRequest } from 'fastify';
import { MintmarkError } from '../../domain/errors.ts';
import { SERVER_SCOPE, type Subscription, type Tenant, tenantScope } from '../../domain/principal.ts';
import { assertResourceName, MANAGED_CLUSTER_TYPE, MANAGED_IDENTITY_TYPE, managedClusterId, managedIdentityId, RESOURCE_GROUP_TYPE, resourceGroupId, subscriptionScope } from '../../domain/resource-id.ts';
import type { Access } from '../../service/access.ts';
import type { Caller } from '../../service/caller.ts';
import { clientAddress } from './client-address.ts';
import type { AccessInTenant, RouteAccess } from './route.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent only where there is no route. */
    readonly access?: RouteAccess;
    /** The methods of a path, on the row that refuses all others. */
    readonly allow?: string;
  }
  interface FastifyRequest {
    /** Set by the guard on every route that is not public. */
    passed: Passed | null;
  }
}

export interface Passed {
  readonly caller: Caller;
  /** Null where the path names none of the caller's tenant. */
  readonly subscription: Subscription | null;
  /** Null where the path names none. */
  readonly tenant: Tenant | null;
  /** The resource that the role was needed on; null where it was on none in a subscription. */
  readonly scope: string | null;
}

type Params = Readonly<Partial<Record<'subscriptionId' | 'resourceGroup' | 'cluster' | 'identity' | 'tenantId', string>>>;

/** The resource that a role is needed on. Names are checked first, so that no name can pose as more of a path. */
const TARGETS = {
  'subscription': (subscriptionId) => subscriptionScope(subscriptionId),
  'resource group': (subscriptionId, { resourceGroup = '' }) => resourceGroupId(subscriptionId, assertResourceName(RESOURCE_GROUP_TYPE, resourceGroup)),
  'managed cluster': (subscriptionId, { resourceGroup = '', cluster = '' }) =>
    managedClusterId(subscriptionId, assertResourceName(RESOURCE_GROUP_TYPE, resourceGroup), assertResourceName(MANAGED_CLUSTER_TYPE, cluster)),
  'managed identity': (subscriptionId, { resourceGroup = '', identity = '' }) =>
    managedIdentityId(subscriptionId, assertResourceName(RESOURCE_GROUP_TYPE, resourceGroup), assertResourceName(MANAGED_IDENTITY_TYPE, identity)),
} as const satisfies Record<string, (subscriptionId: string, params: Params) => string>;

/** As above, for what belongs to the administration of a tenant. */
const TENANT_TARGETS = {
  'tenant': (tenantId) => tenantScope(tenantId),
  'subscription of a tenant': (_tenantId, { subscriptionId = '' }) => subscriptionScope(subscriptionId),
} as const satisfies Record<string, (tenantId: string, params: Params) => string>;

/** @throws MintmarkError `TooManyRequests`, `AuthenticationFailed`, `SubscriptionNotFound`, `TenantNotFound`, `InvalidResourceName`, `AuthorizationFailed`. */
export async function passGuard(access: Access, request: FastifyRequest, needed: RouteAccess): Promise<Passed | null> {
  if (needed === 'public') return null;
  access.admit(clientAddress(request));
  const bearer = await access.authenticate(bearerToken(request.headers.authorization));
  const caller: Caller = { ...bearer, clientRequestId: clientRequestId(request) };
  request.caller = caller;
  if (needed === 'principal') return { caller, subscription: null, tenant: null, scope: null };
  const params = request.params as Params;
  if (isInTenant(needed)) return { caller, subscription: null, tenant: await tenantOf(access, caller, needed, params), scope: null };
  const { action, on } = needed;
  const subscription = await access.subscription(caller, params.subscriptionId ?? '', on === 'any part' ? null : { action, on: (id) => TARGETS[on](id, params) });
  return { caller, subscription, tenant: null, scope: on === 'any part' ? null : TARGETS[on](subscription.id, params) };
}

export const isInTenant = (needed: Exclude<RouteAccess, string>): needed is AccessInTenant => needed.on === 'server' || needed.on === 'any part of a tenant' || Object.hasOwn(TENANT_TARGETS, needed.on);

/** The tenant of the path; null where the path names one that need not exist yet. */
async function tenantOf(access: Access, caller: Caller, { action, on }: AccessInTenant, params: Params): Promise<Tenant | null> {
  if (on === 'server') {
    await access.authorize(caller, action, SERVER_SCOPE);
    return null;
  }
  const tenant = await access.visibleTenant(caller, params.tenantId ?? '');
  if (on !== 'any part of a tenant') await access.authorize(caller, action, TENANT_TARGETS[on](tenant.id, params), tenant.id);
  return tenant;
}

/** `x-ms-client-request-id` if it can be one; it goes into replies and logs, and makes a repeated request the same one. */
export function clientRequestId({ headers }: FastifyRequest): string | null {
  const given = headers['x-ms-client-request-id'];
  if (given === undefined || given === '') return null;
  if (typeof given === 'string' && /^[\x21-\x7e]{1,128}$/.test(given)) return given;
  throw new MintmarkError('InvalidRequestContent', 'The header x-ms-client-request-id has 1 to 128 printable ASCII characters without spaces.', { target: 'x-ms-client-request-id' });
}

/** RFC 6750, section 2.1. */
function bearerToken(authorization: string | undefined): string {
  const token = /^Bearer +([\w.~+/=-]{1,8192})$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new MintmarkError('AuthenticationFailed', "The request has no 'Authorization: Bearer' header with an access token. Log in first.");
  return token;
}
