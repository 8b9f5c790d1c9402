/**
 * Who may do what: tenants, subscriptions, principals, their roles, and the one table of what each role allows.
 *
 * A tenant here is Mintmark's own, not one of Entra ID. Roles are read at each request, never carried in a token.
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

/** A program or person that logs in with a secret, of which only a scrypt hash is kept. */
export interface Principal {
  /** The client id. */
  readonly id: string;
  readonly tenantId: string;
  readonly displayName: string;
  /** scrypt hashes in the form that `keys/secrets.ts` writes; two may overlap while one is replaced. */
  readonly secretHashes: readonly string[];
  readonly createdAt: Date;
}

export interface RoleAssignment {
  readonly principalId: string;
  readonly role: Role;
  /** A resource id, or the start of one: the role counts for everything below. */
  readonly scope: string;
}

export type Role = 'Owner' | 'Contributor' | 'Reader';

const RANK = { Reader: 1, Contributor: 2, Owner: 3 } as const satisfies Record<Role, number>;

/** Action → the least role that allows it. */
export const ACTIONS = {
  'resource/read': 'Reader',
  'resource/write': 'Contributor',
  'resource/delete': 'Contributor',
  'issuer/read': 'Reader',
  'issuer/rotate': 'Contributor',
  'issuer/setPolicy': 'Contributor',
  'issuer/forceRotate': 'Owner',
  'issuer/revokeKey': 'Owner',
  'issuer/issueToken': 'Owner',
} as const satisfies Record<string, Role>;

export type Action = keyof typeof ACTIONS;

export const isAllowed = (assignments: readonly RoleAssignment[], action: Action, id: string): boolean =>
  assignments.some(({ role, scope }) => RANK[role] >= RANK[ACTIONS[action]] && isWithin(id, scope));

/** @throws MintmarkError `AuthorizationFailed` naming action and scope. */
export function assertAllowed(principalId: string, assignments: readonly RoleAssignment[], action: Action, id: string): void {
  if (isAllowed(assignments, action, id)) return;
  throw new MintmarkError('AuthorizationFailed', `The principal '${principalId}' may not do '${action}' on '${id}': it needs the role ${ACTIONS[action]} there or above.`);
}
