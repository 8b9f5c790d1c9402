/**
 * Persistence: what is kept and with which guarantees.
 *
 * Knows domain values and sealed bytes, nothing of what they mean. Every back end passes `test/conformance`.
 *
 * - `write` runs one transaction: all of it or nothing, serialized against every other write. The work may be run again
 *   after a conflict, so it has no effect outside of the transaction and does not wait for anything else.
 * - `read` runs on one consistent view.
 * - What `write` resolved is on the disk (fsync).
 * - Ids are compared without regard to case (`resourceKey`); lists are in a stable order and page by an opaque cursor.
 * - Failures are `MintmarkError`: `StoreBusy`, `StoreFull`, `StoreUnavailable`, `StoreCorrupt`.
 */
import type { KeyRing, KeyState } from '../domain/key-ring.ts';
import type { KeyEvent, RingChange } from '../domain/key-ring-change.ts';
import type { Issuer } from '../domain/issuer.ts';
import type { Operation } from '../domain/operation.ts';
import type { Principal, RoleAssignment, Subscription, Tenant } from '../domain/principal.ts';
import type { Resource } from '../domain/resource.ts';
import type { EnrolmentCredential, SignerRecord } from '../domain/signer.ts';
import type { SignerState } from '../domain/signer-state.ts';
import type { IssuedToken } from '../domain/service-account-token.ts';

export interface Store {
  read<T>(work: (tx: StoreReader) => Promise<T>): Promise<T>;
  write<T>(work: (tx: StoreWriter) => Promise<T>): Promise<T>;
  /** The store's clock, by which all times in a ring are (rule 1). */
  now(): Date;
  close(): Promise<void>;
}

export interface Page {
  /** 1 to 1000. */
  readonly limit: number;
  /** Where the former page ended: its `next`. */
  readonly cursor?: string | undefined;
}

export interface Listed<T> {
  readonly items: readonly T[];
  /** Null at the end. */
  readonly next: string | null;
}

/** What a ring update gives: the change, and when the rotator has to look at the ring again (null: never by itself). */
export interface RingUpdate {
  readonly change: RingChange;
  readonly wakeAt: Date | null;
}

export type NumberedEvent = KeyEvent & { readonly number: number };

/** A change of documents: each commit of a ring has a number of its own in the whole store, growing. */
export interface DocumentChange {
  readonly change: number;
  readonly issuerId: string;
}

/** Up to which change every publisher serves the documents, and since when at the latest. */
export interface Confirmation {
  readonly change: number;
  readonly at: Date;
}

/** Key material of the server itself, sealed: its access-token signing keys and the like. */
export interface ServerKey {
  readonly purpose: string;
  readonly kid: string;
  readonly publicJwk: Readonly<Record<string, string>>;
  readonly sealed: Uint8Array;
  readonly createdAt: Date;
}

/** What an operation in progress waits for: publishers that have not confirmed; else signers that have not acknowledged; else old documents in caches. */
export type WaitCause = 'publication' | 'signers' | 'caches';

/** Totals over all issuers, for metrics. */
export interface StoreStatistics {
  /** Issuers by what they are: open, or deleted with documents left. */
  readonly issuers: Readonly<Record<'open' | 'closed', number>>;
  /** For each state how many keys were made since each of the instants asked for, and after the former one; the last number is of those before all of them. */
  readonly keys: Readonly<Record<KeyState, readonly number[]>>;
  /** When the first active key gives way by its period; null where none does. */
  readonly firstRotation: Date | null;
  /** Rings whose active key should have given way by `overdueAt`. */
  readonly overdueRotations: number;
  readonly waitingOperations: Readonly<Record<WaitCause, number>>;
}

/** Totals over all signers, for metrics. */
export interface SignerStatistics {
  readonly states: Readonly<Record<SignerState, number>>;
  /** Deleted signers that had a private half of a key that still verifies. */
  readonly indebted: number;
  /** Signers without contact, silent or refusing, half of whose lease is over. */
  readonly leasesHalfOver: number;
}

/** A signer that is enrolled, and the cluster whose issuer it signs for. */
export interface AttachedSigner {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly name: string;
}

export interface StoreReader {
  tenant(id: string): Promise<Tenant | null>;
  tenants(): Promise<readonly Tenant[]>;
  subscription(id: string): Promise<Subscription | null>;
  subscriptions(tenantId: string): Promise<readonly Subscription[]>;
  principal(id: string): Promise<Principal | null>;
  /** The principals of a tenant, by id. */
  principals(tenantId: string, page: Page): Promise<Listed<Principal>>;
  roleAssignments(principalId: string): Promise<readonly RoleAssignment[]>;
  /** The roles that are given at exactly this scope. */
  roleAssignmentsAt(scope: string): Promise<readonly RoleAssignment[]>;
  /** The roles that are given below this scope, by scope. */
  roleAssignmentsBelow(scope: string, page: Page): Promise<Listed<RoleAssignment>>;

  resource(id: string): Promise<Resource | null>;
  /** Resources of a type at or below a scope, by id. `withIssuer` leaves out those that have none. */
  resources(query: { readonly type: string; readonly scope: string; readonly withIssuer?: boolean }, page: Page): Promise<Listed<Resource>>;
  /** The managed identity that logs in with this id. */
  identityByClientId(clientId: string): Promise<Resource | null>;
  /** The managed identity that roles are given to by this id. */
  identityByPrincipalId(principalId: string): Promise<Resource | null>;

  issuer(id: string): Promise<Issuer | null>;
  /** The issuer whose URL has exactly this path. */
  issuerByPath(path: string): Promise<Issuer | null>;
  /** The ids of all issuers that may still have documents (open, or deleted with keys left). */
  issuerIds(): Promise<readonly string[]>;

  /** @throws MintmarkError `StoreCorrupt` when what is stored is no whole ring. */
  keyRing(issuerId: string): Promise<KeyRing | null>;
  sealedKey(issuerId: string, kid: string): Promise<Uint8Array | null>;
  /** Whether the kid was ever revoked in this issuer's ring. */
  isRevoked(issuerId: string, kid: string): Promise<boolean>;
  /** Newest first. */
  events(issuerId: string, page: Page): Promise<Listed<NumberedEvent>>;
  /** Issuers whose ring has something due at `at`, the longest overdue first. */
  dueIssuers(at: Date, limit: number): Promise<readonly string[]>;
  /** The earliest `wakeAt` of all rings. */
  nextWake(): Promise<Date | null>;

  /** Changes after `change`, in order; only the latest of each issuer. */
  changesSince(change: number, limit: number): Promise<readonly DocumentChange[]>;
  lastChange(): Promise<number>;
  /** The change of an issuer's last commit. */
  changeOf(issuerId: string): Promise<number | null>;
  /** Null while there is no publisher. */
  confirmation(): Promise<Confirmation | null>;
  /** Issuers whose last commit is at most `change` and whose ring waits for a confirmation. */
  issuersAwaitingConfirmation(change: number, limit: number): Promise<readonly string[]>;

  signer(id: string): Promise<SignerRecord | null>;
  /** All signers of an issuer by name, those too that were written off or deleted and are not forgotten. */
  signersOf(issuerId: string): Promise<readonly SignerRecord[]>;
  /** Signers that are enrolled for clusters at or below a scope, by cluster and name. */
  enrolledSignersWithin(scope: string, limit: number): Promise<readonly AttachedSigner[]>;
  enrolmentCredential(id: string): Promise<EnrolmentCredential | null>;
  /** In the order in which they were made. */
  enrolmentCredentialsOf(issuerId: string): Promise<readonly EnrolmentCredential[]>;

  operation(id: string): Promise<Operation | null>;
  /** Operations in progress that end when `change` is confirmed. */
  operationsEndingBy(change: number, limit: number): Promise<readonly Operation[]>;
  /** The operation that a request with this key began, if that was after `since`. */
  requestedOperation(key: string, since: Date): Promise<string | null>;

  /** For each kid of the issuer, how many recorded tokens have not ended by `at`. */
  liveTokens(issuerId: string, at: Date): Promise<ReadonlyMap<string, number>>;
  /** Newest first. */
  serverKeys(purpose: string): Promise<readonly ServerKey[]>;
  setting(name: string): Promise<string | null>;
  /** Counts by indexes alone. `silentSince`: who has not asked since then is silent. */
  signerStatistics(silentSince: Date, now: Date): Promise<SignerStatistics>;
  /** Counts by indexes alone. `madeSince`: instants that divide keys by their age, the latest first. */
  statistics(madeSince: readonly Date[], overdueAt: Date): Promise<StoreStatistics>;
}

/** What documents are made of: all that a public host reads. */
export type DocumentReader = Pick<StoreReader, 'issuer' | 'keyRing' | 'issuerIds' | 'changesSince' | 'lastChange'>;

export interface StoreWriter extends StoreReader {
  /** The instant of this transaction; never earlier than that of one before it. */
  readonly now: Date;

  putTenant(tenant: Tenant): Promise<void>;
  putSubscription(subscription: Subscription): Promise<void>;
  putPrincipal(principal: Principal): Promise<void>;
  /** Inserts it, or gives the same role of the same principal at the same scope this name. */
  putRoleAssignment(assignment: RoleAssignment): Promise<void>;
  /** Nothing that is in it goes with it. */
  deleteTenant(id: string): Promise<void>;
  /** Nothing that is in it goes with it. */
  deleteSubscription(id: string): Promise<void>;
  /** Its roles stay. */
  deletePrincipal(id: string): Promise<void>;
  /** Takes all its roles from a principal. */
  deleteRoleAssignments(principalId: string): Promise<void>;
  /** Takes one role away, whatever its name. */
  deleteRoleAssignment(assignment: RoleAssignment): Promise<void>;
  /** Takes away every role at or below a scope, whoever has it. */
  deleteRoleAssignmentsWithin(scope: string): Promise<void>;

  /** Inserts or replaces. */
  putResource(resource: Resource): Promise<void>;
  /** True when it was there. */
  deleteResource(id: string): Promise<boolean>;

  /** @throws when the id or the path was ever used before. */
  insertIssuer(issuer: Issuer): Promise<void>;
  markIssuerDeleted(id: string, at: Date): Promise<void>;
  /** Writes a newborn ring; gives the number of its document change. */
  insertKeyRing(update: RingUpdate): Promise<number>;
  /**
   * Gives the ring to `update` with the transaction's time; writes what it returns: the ring, its events, new sealed
   * halves, and destroys every sealed half that no active or prepared key needs. Null from `update` writes nothing.
   * Resolves with the ring as it is now and the number of its last document change; null when there is no such ring.
   */
  updateKeyRing(issuerId: string, update: (ring: KeyRing, now: Date) => RingUpdate | null): Promise<{ readonly ring: KeyRing; readonly change: number } | null>;
  /** Moves only the instant at which the rotator looks at the ring; no commit of the ring, no document change. */
  setWakeAt(issuerId: string, at: Date | null): Promise<void>;
  /** Makes every open ring with another publication gap due at `at`. */
  wakeRingsWithOtherGap(gapSeconds: number, at: Date): Promise<void>;
  /** Makes every ring due at `at` whose active key should have given way by then. */
  wakeOverdueRings(at: Date): Promise<void>;

  /** Inserts or replaces. The ring of its issuer, which exists, has it among its signers from then on (`concerns`); that is no commit of the ring. */
  putSigner(signer: SignerRecord): Promise<void>;
  /** Takes every signer that was replaced, and is not written off, as replaced now. */
  restartReplacements(): Promise<void>;
  putEnrolmentCredential(credential: EnrolmentCredential): Promise<void>;
  /** True when it was there. */
  deleteEnrolmentCredential(id: string): Promise<boolean>;
  /** Remembers a signer's assertion until `expiresAt`; false when it was remembered already, so that each is used once. */
  rememberAssertion(signerId: string, jti: string, expiresAt: Date): Promise<boolean>;

  /** Writes down that this publisher serves all documents up to `change`, from the transaction's time on. */
  confirmPublication(publisher: string, change: number): Promise<void>;
  removePublisher(publisher: string): Promise<void>;

  putOperation(operation: Operation): Promise<void>;
  rememberRequest(key: string, operationId: string): Promise<void>;
  /** Records a token if the issuer's ring is still at this version with this active kid; false when it has moved on. */
  recordToken(token: IssuedToken, ringVersion: number): Promise<boolean>;
  putServerKey(key: ServerKey): Promise<void>;
  deleteServerKey(purpose: string, kid: string): Promise<void>;
  putSetting(name: string, value: string): Promise<void>;
  /**
   * Deletes what is past its time: token records 7 days after the token's end, operations 7 days after theirs, request keys
   * after 24 hours, assertions with their end, enrolment credentials 7 days after theirs, and signers that were
   * written off 90 days ago and of whose keys none verifies any more.
   */
  sweep(): Promise<void>;
}
