/** The changes that a transaction makes to its draft of a state in memory. */
import { after, DAY, HOUR, hasCome } from '../domain/durations.ts';
import { MintmarkError } from '../domain/errors.ts';
import { OPERATION_DAYS, REPEAT_HOURS } from '../domain/operation.ts';
import type { RoleAssignment } from '../domain/principal.ts';
import { isWithin, resourceKey } from '../domain/resource-id.ts';
import { ENDED_CREDENTIAL_DAYS, isForgotten } from '../domain/signer.ts';
import { automaticRotationDue } from '../domain/rotation-schedule.ts';
import { TOKEN_RECORD_DAYS } from '../domain/service-account-token.ts';
import { memoryReads } from './memory-reads.ts';
import { type Held, keyOf, type MemoryState, ringWithSigners, type StoredRing, type Tables } from './memory-state.ts';
import { assertBirth, assertSuccessor, issuerUsedBefore, revokedKids, sealedToDestroy } from './ring-commit.ts';
import type { RingUpdate, StoreWriter } from './store.ts';

/** A writer on a draft of `before`, which itself is never changed; `draft` gives what the writer has made of it. */
export function memoryWrites(before: MemoryState, now: Date): { readonly writer: StoreWriter; readonly draft: () => MemoryState } {
  const draft = new Draft(before);
  const state = (): MemoryState => draft;
  const writer = { now, ...memoryReads(state), ...accountWrites(draft), ...resourceWrites(draft), ...keyRingWrites(draft, now), ...publicationWrites(draft, now), ...recordWrites(draft, now), ...signerWrites(draft, now) };
  return { writer, draft: () => draft.finished() };
}

/** A state whose tables are copied before they are first written. */
class Draft implements MemoryState {
  tables: Tables;
  change: number;
  readonly #before: Tables;

  constructor({ tables, change }: MemoryState) {
    this.tables = tables;
    this.change = change;
    this.#before = tables;
  }

  put<T extends keyof Held>(table: T, key: string, value: Held[T]): void {
    this.#own(table).set(key, value);
  }

  delete(table: keyof Held, key: string): boolean {
    return this.tables[table].has(key) && this.#own(table).delete(key);
  }

  deleteWhere<T extends keyof Held>(table: T, is: (value: Held[T]) => boolean): void {
    for (const [key, value] of this.tables[table]) if (is(value as Held[T])) this.delete(table, key);
  }

  finished(): MemoryState {
    return { tables: this.tables, change: this.change };
  }

  #own<T extends keyof Held>(table: T): Map<string, Held[T]> {
    if (this.tables[table] === this.#before[table]) this.tables = { ...this.tables, [table]: new Map(this.tables[table] as ReadonlyMap<string, Held[T]>) };
    return this.tables[table] as unknown as Map<string, Held[T]>;
  }
}

type Some<Name extends keyof StoreWriter> = Pick<StoreWriter, Name>;

const accountWrites = (draft: Draft): Some<
  'putTenant' | 'putSubscription' | 'putPrincipal' | 'putRoleAssignment' | 'deleteTenant' | 'deleteSubscription' | 'deletePrincipal' | 'deleteRoleAssignments' | 'deleteRoleAssignment' | 'deleteRoleAssignmentsWithin'
> => ({
  putTenant: async (tenant) => draft.put('tenants', resourceKey(tenant.id), tenant),
  putSubscription: async (subscription) => draft.put('subscriptions', resourceKey(subscription.id), subscription),
  putPrincipal: async (principal) => draft.put('principals', resourceKey(principal.id), principal),
  putRoleAssignment: async (assignment) => draft.put('roleAssignments', roleKey(assignment), assignment),
  deleteTenant: async (id) => void draft.delete('tenants', resourceKey(id)),
  deleteSubscription: async (id) => void draft.delete('subscriptions', resourceKey(id)),
  deletePrincipal: async (id) => void draft.delete('principals', resourceKey(id)),
  deleteRoleAssignments: async (principalId) => draft.deleteWhere('roleAssignments', (assignment) => resourceKey(assignment.principalId) === resourceKey(principalId)),
  deleteRoleAssignment: async (assignment) => void draft.delete('roleAssignments', roleKey(assignment)),
  deleteRoleAssignmentsWithin: async (scope) => draft.deleteWhere('roleAssignments', (assignment) => isWithin(assignment.scope, scope)),
});

const roleKey = ({ principalId, scope, role }: RoleAssignment): string => keyOf(resourceKey(principalId), resourceKey(scope), role);

const resourceWrites = (draft: Draft): Some<'putResource' | 'deleteResource' | 'insertIssuer' | 'markIssuerDeleted'> => ({
  putResource: async (resource) => draft.put('resources', resourceKey(resource.id), resource),
  deleteResource: async (id) => draft.delete('resources', resourceKey(id)),
  async insertIssuer(issuer) {
    if (draft.tables.issuers.has(issuer.id) || draft.tables.issuerPaths.has(issuer.path)) throw issuerUsedBefore(issuer);
    draft.put('issuers', issuer.id, issuer);
    draft.put('issuerPaths', issuer.path, issuer.id);
  },
  async markIssuerDeleted(id, at) {
    const issuer = draft.tables.issuers.get(id);
    if (issuer !== undefined && issuer.deletedAt === null) draft.put('issuers', id, { ...issuer, deletedAt: at });
  },
});

const keyRingWrites = (draft: Draft, now: Date): Some<'insertKeyRing' | 'updateKeyRing' | 'setWakeAt' | 'wakeRingsWithOtherGap' | 'wakeOverdueRings'> => ({
  async insertKeyRing(update) {
    const { issuerId } = update.change.ring;
    assertBirth(update.change);
    if (draft.tables.rings.has(issuerId)) throw new MintmarkError('InternalError', `The issuer ${issuerId} has a key ring already. Nothing was changed.`);
    return commit(draft, null, update).change;
  },
  async updateKeyRing(issuerId, decide) {
    const stored = draft.tables.rings.get(issuerId);
    if (stored === undefined) return null;
    const before = ringWithSigners(draft, stored);
    const update = decide(before, now);
    if (update === null) return { ring: before, change: stored.change };
    assertSuccessor(before, update.change);
    const { change } = commit(draft, stored, update);
    return { ring: update.change.ring, change };
  },
  async setWakeAt(issuerId, at) {
    const stored = draft.tables.rings.get(issuerId);
    if (stored !== undefined) draft.put('rings', issuerId, { ...stored, wakeAt: at });
  },
  async wakeRingsWithOtherGap(gapSeconds, at) {
    wake(draft, at, ({ ring }) => ring.open && ring.gap.seconds !== gapSeconds);
  },
  async wakeOverdueRings(at) {
    wake(draft, at, ({ ring }) => {
      const due = automaticRotationDue(ring);
      return due !== null && hasCome(due, at);
    });
  },
});

/** Makes rings due at `at` that are not due before. */
function wake(draft: Draft, at: Date, which: (stored: StoredRing) => boolean): void {
  const asleep = [...draft.tables.rings.values()].filter((stored) => which(stored) && (stored.wakeAt === null || stored.wakeAt > at));
  for (const stored of asleep) draft.put('rings', stored.ring.issuerId, { ...stored, wakeAt: at });
}

function commit(draft: Draft, stored: StoredRing | null, { change: ringChange, wakeAt }: RingUpdate): StoredRing {
  const { ring, events, sealed } = ringChange;
  const former = stored?.sealed ?? new Map<string, Uint8Array>();
  const destroyed = new Set(sealedToDestroy(ringChange, new Set(former.keys())));
  const numbered = events.map((event, index) => ({ ...event, number: (stored?.events.length ?? 0) + 1 + index }));
  draft.change += 1;
  const next: StoredRing = {
    ring: { ...ring, signers: [] }, change: draft.change, wakeAt,
    sealed: new Map([...[...former].filter(([kid]) => !destroyed.has(kid)), ...sealed.map(({ kid, sealed: bytes }) => [kid, bytes] as const)]),
    revoked: new Set([...(stored?.revoked ?? []), ...revokedKids(ringChange)]),
    events: [...(stored?.events ?? []), ...numbered],
  };
  draft.put('rings', ring.issuerId, next);
  return next;
}

const publicationWrites = (draft: Draft, now: Date): Some<'confirmPublication' | 'removePublisher'> => ({
  async confirmPublication(publisher, change) {
    if (draft.tables.publishers.get(publisher)?.change !== change) draft.put('publishers', publisher, { change, at: now });
  },
  removePublisher: async (publisher) => void draft.delete('publishers', publisher),
});

const recordWrites = (draft: Draft, now: Date): Some<'putOperation' | 'rememberRequest' | 'recordToken' | 'putServerKey' | 'deleteServerKey' | 'putSetting' | 'sweep'> => ({
  putOperation: async (operation) => draft.put('operations', operation.id, operation),
  rememberRequest: async (key, operationId) => draft.put('requests', key, { operationId, at: now }),
  async recordToken(token, ringVersion) {
    const ring = draft.tables.rings.get(token.issuerId)?.ring;
    if (ring?.version !== ringVersion || !ring.keys.some(({ kid, state }) => kid === token.kid && state === 'active')) return false;
    const key = keyOf(token.issuerId, token.jti);
    if (draft.tables.tokens.has(key)) throw new MintmarkError('InternalError', `A token ${token.jti} of issuer ${token.issuerId} is recorded already. Nothing was changed.`);
    draft.put('tokens', key, token);
    return true;
  },
  putServerKey: async (key) => draft.put('serverKeys', keyOf(key.purpose, key.kid), key),
  deleteServerKey: async (purpose, kid) => void draft.delete('serverKeys', keyOf(purpose, kid)),
  putSetting: async (name, value) => draft.put('settings', name, value),
  async sweep() {
    draft.deleteWhere('tokens', ({ expiresAt }) => hasCome(expiresAt, after(now, -TOKEN_RECORD_DAYS * DAY)));
    draft.deleteWhere('operations', ({ endedAt }) => endedAt !== null && hasCome(endedAt, after(now, -OPERATION_DAYS * DAY)));
    draft.deleteWhere('requests', ({ at }) => hasCome(at, after(now, -REPEAT_HOURS * HOUR)));
    draft.deleteWhere('assertions', (expiresAt) => hasCome(expiresAt, now));
    const ended = after(now, -ENDED_CREDENTIAL_DAYS * DAY);
    draft.deleteWhere('credentials', ({ expiresAt, revokedAt }) => [expiresAt, revokedAt].some((at) => at !== null && hasCome(at, ended)));
    draft.deleteWhere('signers', (signer) => isForgotten(signer, draft.tables.rings.get(signer.issuerId)?.ring ?? null, now));
  },
});

const signerWrites = (draft: Draft, now: Date): Some<'putSigner' | 'restartReplacements' | 'putEnrolmentCredential' | 'deleteEnrolmentCredential' | 'rememberAssertion'> => ({
  putSigner: async (signer) => draft.put('signers', signer.id, signer),
  async restartReplacements() {
    for (const signer of draft.tables.signers.values()) if (signer.replacedAt !== null && signer.writtenOffAt === null) draft.put('signers', signer.id, { ...signer, replacedAt: now });
  },
  putEnrolmentCredential: async (credential) => draft.put('credentials', credential.id, credential),
  deleteEnrolmentCredential: async (id) => draft.delete('credentials', id),
  async rememberAssertion(signerId, jti, expiresAt) {
    const key = keyOf(signerId, jti);
    if (draft.tables.assertions.has(key)) return false;
    draft.put('assertions', key, expiresAt);
    return true;
  },
});
