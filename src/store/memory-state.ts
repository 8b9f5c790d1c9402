/** What the store in memory holds: immutable tables by key. */
import type { Issuer } from '../domain/issuer.ts';
import type { KeyRing } from '../domain/key-ring.ts';
import type { Operation } from '../domain/operation.ts';
import type { Principal, RoleAssignment, Subscription, Tenant } from '../domain/principal.ts';
import type { Resource } from '../domain/resource.ts';
import type { IssuedToken } from '../domain/service-account-token.ts';
import type { Confirmation, NumberedEvent, ServerKey } from './store.ts';

export interface StoredRing {
  readonly ring: KeyRing;
  readonly change: number;
  readonly wakeAt: Date | null;
  readonly sealed: ReadonlyMap<string, Uint8Array>;
  /** Every kid that was ever revoked. */
  readonly revoked: ReadonlySet<string>;
  /** In order. */
  readonly events: readonly NumberedEvent[];
}

/** Table → what it holds. */
export interface Held {
  readonly tenants: Tenant;
  readonly subscriptions: Subscription;
  readonly principals: Principal;
  readonly roleAssignments: RoleAssignment;
  readonly resources: Resource;
  readonly issuers: Issuer;
  /** Path → id. */
  readonly issuerPaths: string;
  readonly rings: StoredRing;
  readonly publishers: Confirmation;
  readonly operations: Operation;
  readonly requests: { readonly operationId: string; readonly at: Date };
  readonly tokens: IssuedToken;
  readonly serverKeys: ServerKey;
  readonly settings: string;
}

export type Tables = { readonly [T in keyof Held]: ReadonlyMap<string, Held[T]> };

export interface MemoryState {
  readonly tables: Tables;
  /** Number of the last commit of any ring. */
  readonly change: number;
}

const none: ReadonlyMap<string, never> = new Map<string, never>();

export const EMPTY: MemoryState = {
  tables: {
    tenants: none, subscriptions: none, principals: none, roleAssignments: none, resources: none, issuers: none, issuerPaths: none,
    rings: none, publishers: none, operations: none, requests: none, tokens: none, serverKeys: none, settings: none,
  },
  change: 0,
};

/** A key of several parts, none of which has a line break. */
export const keyOf = (...parts: readonly string[]): string => parts.join('\n');
