/** What the store in memory holds: immutable tables by key. */
import type { Issuer } from '../domain/issuer.ts';
import type { KeyRing } from '../domain/key-ring.ts';
import type { Operation } from '../domain/operation.ts';
import type { Principal, RoleAssignment, Subscription, Tenant } from '../domain/principal.ts';
import type { Resource } from '../domain/resource.ts';
import { concerns, enrolledPart, type EnrolmentCredential, type SignerRecord } from '../domain/signer.ts';
import type { IssuedToken } from '../domain/service-account-token.ts';
import type { Confirmation, NumberedEvent, ServerKey } from './store.ts';

export interface StoredRing {
  /** Without its signers, which have a table of their own. */
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
  readonly signers: SignerRecord;
  readonly credentials: EnrolmentCredential;
  /** When each may be forgotten. */
  readonly assertions: Date;
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
    signers: none, credentials: none, assertions: none,
  },
  change: 0,
};

/** A stored ring with the signers that concern it: first those that are enrolled. */
export function ringWithSigners({ tables }: MemoryState, stored: StoredRing): KeyRing {
  const signers = signersByName(tables, stored.ring.issuerId).filter((signer) => concerns(signer, stored.ring.keys));
  const [enrolled, writtenOff] = [true, false].map((is) => signers.filter(({ writtenOffAt }) => (writtenOffAt === null) === is).map(enrolledPart));
  return { ...stored.ring, signers: [...enrolled!, ...writtenOff!] };
}

export function signersByName(tables: Tables, issuerId: string): readonly SignerRecord[] {
  const found = [...tables.signers.values()].filter((signer) => signer.issuerId === issuerId);
  return found.toSorted((a, b) => compare(a.name, b.name) || compare(a.id, b.id));
}

export function compare(a: string | number, b: string | number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A key of several parts, none of which has a line break. */
export const keyOf = (...parts: readonly string[]): string => parts.join('\n');
