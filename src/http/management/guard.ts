/**
 * Who may pass: the one hook before every route, in front of the body. Authenticates the bearer, finds the subscription
 * in the bearer's own tenant (that of another answers as if it were absent), then asks the roles for the row's action.
 */
import type { FastifyRequest } from 'fastify';
import { MintmarkError } from '../../domain/errors.ts';
import type { Subscription } from '../../domain/principal.ts';
import { assertResourceName, MANAGED_CLUSTER_TYPE, managedClusterId, RESOURCE_GROUP_TYPE, resourceGroupId, subscriptionScope } from '../../domain/resource-id.ts';
import type { Access } from '../../service/access.ts';
import type { Caller } from '../../service/caller.ts';
import type { RouteAccess } from './route.ts';

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
  /** Null where the path names none. */
  readonly subscription: Subscription | null;
}

type Params = Readonly<Partial<Record<'subscriptionId' | 'resourceGroup' | 'cluster', string>>>;

/** The resource that a role is needed on. Names are checked first, so that no name can pose as more of a path. */
const TARGETS = {
  'subscription': (subscriptionId) => subscriptionScope(subscriptionId),
  'resource group': (subscriptionId, { resourceGroup = '' }) => resourceGroupId(subscriptionId, assertResourceName(RESOURCE_GROUP_TYPE, resourceGroup)),
  'managed cluster': (subscriptionId, { resourceGroup = '', cluster = '' }) =>
    managedClusterId(subscriptionId, assertResourceName(RESOURCE_GROUP_TYPE, resourceGroup), assertResourceName(MANAGED_CLUSTER_TYPE, cluster)),
} as const satisfies Record<string, (subscriptionId: string, params: Params) => string>;

/** @throws MintmarkError `AuthenticationFailed`, `SubscriptionNotFound`, `InvalidResourceName`, `AuthorizationFailed`. */
export async function passGuard(access: Access, request: FastifyRequest, needed: RouteAccess): Promise<Passed | null> {
  if (needed === 'public') return null;
  const bearer = await access.authenticate(bearerToken(request.headers.authorization));
  const caller: Caller = { ...bearer, clientRequestId: clientRequestId(request) };
  if (needed === 'principal') return { caller, subscription: null };
  const params = request.params as Params;
  const subscription = await access.subscription(caller, params.subscriptionId ?? '');
  if (needed.on !== 'any part') await access.authorize(caller, needed.action, TARGETS[needed.on](subscription.id, params));
  return { caller, subscription };
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
