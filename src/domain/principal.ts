/**
 * Who may do what: tenants, subscriptions, principals, their roles, and the one table of what each role allows.
 *
 * A tenant here is Mintmark's own, not one of Entra ID. Roles are read at each request, never carried in a token. A role
 * at `/` counts for the tenants of the whole server, one at a tenant for every subscription in it, any other for what is
 * below its scope. Leaves to the services: in which tenant something is.
 */
import { MintmarkError } from './errors.ts';
import { isWithin } from './resource-id.ts';

export interface Tenant {
  readonly id: string;
  readonly displayName: string;
  readonly createdAt: Date;
}

export interface Subscription {
  readonly id: string;
  readonly tenantId: string;
  readonly displayName: string;
  readonly createdAt: Date;
}

/** A secret to log in with, of which only a scrypt hash is kept. */
export interface ClientSecret {
  readonly id: string;
  /** In the form that `keys/secrets.ts` writes. */
  readonly hash: string;
  readonly createdAt: Date;
  /** When it first logged in; null until then. */
  readonly usedAt: Date | null;
}

/** A program or person that logs in with a secret. */
export interface Principal {
  /** The client id. */
  readonly id: string;
  readonly tenantId: string;
  readonly displayName: string;
  /** At most `MOST_SECRETS`, so that two may overlap while one is replaced. */
  readonly secrets: readonly ClientSecret[];
  readonly createdAt: Date;
}

export interface RoleAssignment {
  readonly principalId: string;
  readonly role: Role;
  /** A resource id, or the start of one: the role counts for everything below. */
  readonly scope: string;
  /** The UUID under which it was given as a resource; absent where it was given with its principal. */
  readonly name?: string;
}

/** A role to be given. */
export type Grant = Pick<RoleAssignment, 'role' | 'scope'>;

export const ROLES = ['Owner', 'Contributor', 'Reader'] as const;
export type Role = (typeof ROLES)[number];

const RANK = { Reader: 1, Contributor: 2, Owner: 3 } as const satisfies Record<Role, number>;

/** Action → the least role that allows it. */
export const ACTIONS = {
  'resource/read': 'Reader',
  'resource/write': 'Contributor',
  'resource/delete': 'Contributor',
  'kubeconfig/read': 'Contributor',
  'kubeconfig/write': 'Contributor',
  'issuer/read': 'Reader',
  'issuer/rotate': 'Contributor',
  'issuer/setPolicy': 'Contributor',
  'issuer/forceRotate': 'Owner',
  'issuer/revokeKey': 'Owner',
  'issuer/issueToken': 'Owner',
  'issuer/importKey': 'Owner',
  'issuer/createSigner': 'Owner',
  'issuer/writeOffSigner': 'Owner',
  'issuer/deleteSigner': 'Owner',
  'issuer/revokeJoinCredential': 'Owner',
  'tenant/read': 'Reader',
  'tenant/write': 'Owner',
  'tenant/delete': 'Owner',
  'subscription/write': 'Owner',
  'subscription/delete': 'Owner',
  'principal/read': 'Reader',
  'principal/write': 'Owner',
  'principal/delete': 'Owner',
  'principal/resetSecret': 'Owner',
  'roleAssignment/read': 'Reader',
  'roleAssignment/write': 'Owner',
  'roleAssignment/delete': 'Owner',
} as const satisfies Record<string, Role>;

export type Action = keyof typeof ACTIONS;

/** The scope of the whole server. */
export const SERVER_SCOPE = '/';

export const TENANT_TYPE = 'Mintmark.Admin/tenants';

export const tenantScope = (tenantId: string): string => `/providers/${TENANT_TYPE}/${tenantId}`;

/** `id` lies in the tenant `tenantId`, which an id does not show; the whole server lies in none. */
export function isAllowed(assignments: readonly RoleAssignment[], action: Action, id: string, tenantId: string): boolean {
  return hasRole(assignments, ACTIONS[action], id, tenantId);
}

function hasRole(assignments: readonly RoleAssignment[], least: Role, id: string, tenantId: string): boolean {
  const places = id === SERVER_SCOPE ? [id] : [id, tenantScope(tenantId)];
  return assignments.some(({ role, scope }) => RANK[role] >= RANK[least] && places.some((place) => isWithin(place, scope)));
}

/** @throws MintmarkError `AuthorizationFailed` naming action and scope. */
export function assertAllowed(principalId: string, assignments: readonly RoleAssignment[], action: Action, id: string, tenantId: string): void {
  if (isAllowed(assignments, action, id, tenantId)) return;
  throw new MintmarkError('AuthorizationFailed', `The principal '${principalId}' may not do '${action}' on '${id}': it needs the role ${ACTIONS[action]} there or above.`);
}

/**
 * Whether somebody with `assignments` may do this to a principal that has, or is to have, these roles: only who is
 * allowed to at every one of their scopes, else one could become, or make, somebody mightier. Without roles it is a matter of the tenant.
 */
export function assertAllowedOver(bearerId: string, assignments: readonly RoleAssignment[], action: Action, roles: readonly Grant[], tenantId: string): void {
  const scopes = roles.length === 0 ? [tenantScope(tenantId)] : roles.map(({ scope }) => scope);
  for (const scope of scopes) assertAllowed(bearerId, assignments, action, scope, tenantId);
}

/**
 * Whether somebody with `assignments` may decide who can log in as a principal with these roles: only who has each of
 * them at the same scope or above, else one could become somebody mightier.
 * @throws MintmarkError `AuthorizationFailed`.
 */
export function assertHasRolesOf(bearerId: string, assignments: readonly RoleAssignment[], roles: readonly RoleAssignment[], tenantId: string): void {
  const lacking = roles.find(({ role, scope }) => !hasRole(assignments, role, scope, tenantId));
  if (lacking === undefined) return;
  throw new MintmarkError('AuthorizationFailed', `The principal '${bearerId}' may not decide who can log in as '${lacking.principalId}', which has a role that it has not itself: ${lacking.role} at '${lacking.scope}'.`);
}

/** A principal's secrets at once. */
export const MOST_SECRETS = 2;

/**
 * The secrets with a new one: in place of all others, or with `append` beside one. `replaces` names the secret that an
 * earlier try of this very request made: it goes if nobody has used it yet.
 * @throws MintmarkError `OperationNotAllowed` when there would be more than two.
 */
export function withSecret({ id, secrets }: Principal, secret: ClientSecret, { append, replaces }: { readonly append: boolean; readonly replaces: string | null }): readonly ClientSecret[] {
  if (!append) return [secret];
  const kept = secrets.filter((one) => one.id !== replaces || one.usedAt !== null);
  if (kept.length < MOST_SECRETS) return [...kept, secret];
  throw new MintmarkError('OperationNotAllowed', `The principal '${id}' has ${MOST_SECRETS} secrets already: delete the one that is not used any more (${kept.map((one) => one.id).join(' or ')}), or reset without appending.`);
}

/** @throws MintmarkError `ResourceNotFound`; `OperationNotAllowed` for the only one. */
export function withoutSecret({ id, secrets }: Principal, secretId: string): readonly ClientSecret[] {
  const left = secrets.filter((one) => one.id !== secretId);
  if (left.length === secrets.length) throw new MintmarkError('ResourceNotFound', `The principal '${id}' has no secret '${secretId.slice(0, 80)}'.`);
  if (left.length === 0) throw new MintmarkError('OperationNotAllowed', `The secret '${secretId}' is the only one of the principal '${id}', which could not log in without it. Reset it, or delete the principal.`);
  return left;
}
