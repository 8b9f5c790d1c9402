/** What can be asked of a state in memory. */
import { hasCome } from '../domain/durations.ts';
import { awaitsConfirmation } from '../domain/key-ring.ts';
import { isWithin, MANAGED_IDENTITY_TYPE, MANAGED_CLUSTER_TYPE, resourceKey } from '../domain/resource-id.ts';
import type { Resource } from '../domain/resource.ts';
import { compare, type Held, type MemoryState, ringWithSigners, signersByName, type StoredRing } from './memory-state.ts';
import { signerStatisticsReads } from './memory-signer-statistics.ts';
import { statisticsReads } from './memory-statistics.ts';
import { listed, numberedPageStart, pageStart, type RolePosition, rolePageStart, rolePosition } from './page.ts';
import type { StoreReader } from './store.ts';

/** `state` gives the view of a read transaction, or the draft of a write transaction as it is now. */
export const memoryReads = (state: () => MemoryState): StoreReader => ({ ...accountReads(state), ...resourceReads(state), ...keyRingReads(state), ...publicationReads(state), ...recordReads(state), ...signerReads(state), ...statisticsReads(state), ...signerStatisticsReads(state) });

type View = () => MemoryState;
type Some<Name extends keyof StoreReader> = Pick<StoreReader, Name>;

/** What is in a table, by key. */
function all<T extends keyof Held>(view: View, table: T): readonly Held[T][] {
  return sorted([...view().tables[table].entries()], ([key]) => key).map(([, value]) => value as Held[T]);
}

function sorted<T>(items: readonly T[], ...by: readonly ((item: T) => string | number)[]): readonly T[] {
  const order = (a: T, b: T): number => by.map((key) => compare(key(a), key(b))).find((sign) => sign !== 0) ?? 0;
  return items.toSorted(order);
}

const accountReads = (view: View): Some<'tenant' | 'tenants' | 'subscription' | 'subscriptions' | 'principal' | 'principals' | 'roleAssignments' | 'roleAssignmentsAt' | 'roleAssignmentsBelow'> => ({
  tenant: async (id) => view().tables.tenants.get(resourceKey(id)) ?? null,
  tenants: async () => all(view, 'tenants'),
  subscription: async (id) => view().tables.subscriptions.get(resourceKey(id)) ?? null,
  subscriptions: async (tenantId) => all(view, 'subscriptions').filter((subscription) => resourceKey(subscription.tenantId) === resourceKey(tenantId)),
  principal: async (id) => view().tables.principals.get(resourceKey(id)) ?? null,
  async principals(tenantId, page) {
    const start = pageStart(page);
    const found = all(view, 'principals').filter((principal) => resourceKey(principal.tenantId) === resourceKey(tenantId) && (start === null || resourceKey(principal.id) > start));
    return listed(found.slice(0, page.limit + 1), page.limit, ({ id }) => resourceKey(id));
  },
  roleAssignments: async (principalId) => all(view, 'roleAssignments').filter((assignment) => resourceKey(assignment.principalId) === resourceKey(principalId)),
  roleAssignmentsAt: async (scope) => all(view, 'roleAssignments').filter((assignment) => resourceKey(assignment.scope) === resourceKey(scope)),
  async roleAssignmentsBelow(scope, page) {
    const start = rolePageStart(page);
    const below = all(view, 'roleAssignments').filter((assignment) => isWithin(assignment.scope, scope) && resourceKey(assignment.scope) !== resourceKey(scope));
    const inOrder = sorted(below, (one) => resourceKey(one.scope), (one) => resourceKey(one.principalId), (one) => one.role);
    const found = inOrder.filter((one) => start === null || isBehind(rolePosition(one), start));
    return listed(found.slice(0, page.limit + 1), page.limit, (one) => JSON.stringify(rolePosition(one)));
  },
});

/** Whether a position comes after another, part by part. */
const isBehind = (position: RolePosition, start: RolePosition): boolean => (position.map((part, index) => compare(part, start[index]!)).find((sign) => sign !== 0) ?? 0) > 0;

const resourceReads = (view: View): Some<'resource' | 'resources' | 'identityByClientId' | 'identityByPrincipalId' | 'issuer' | 'issuerByPath' | 'issuerIds'> => ({
  resource: async (id) => view().tables.resources.get(resourceKey(id)) ?? null,
  async resources({ type, scope, withIssuer }, page) {
    const start = pageStart(page);
    const found = all(view, 'resources').filter(({ id, type: ofType, issuerId }) =>
      ofType === type && isWithin(id, scope) && (withIssuer !== true || issuerId !== null) && (start === null || resourceKey(id) > start));
    return listed(found.slice(0, page.limit + 1), page.limit, ({ id }) => resourceKey(id));
  },
  identityByClientId: async (clientId) => identities(view).find(({ properties }) => properties.clientId === resourceKey(clientId)) ?? null,
  identityByPrincipalId: async (principalId) => identities(view).find(({ properties }) => properties.principalId === resourceKey(principalId)) ?? null,
  issuer: async (id) => view().tables.issuers.get(id) ?? null,
  async issuerByPath(path) {
    const { issuerPaths, issuers } = view().tables;
    return issuers.get(issuerPaths.get(path) ?? '') ?? null;
  },
  issuerIds: async () => all(view, 'rings').filter(({ ring }) => ring.open || ring.keys.length > 0).map(({ ring }) => ring.issuerId),
});

const identities = (view: View): readonly Resource[] => all(view, 'resources').filter(({ type }) => type === MANAGED_IDENTITY_TYPE);

const keyRingReads = (view: View): Some<'keyRing' | 'sealedKey' | 'isRevoked' | 'events' | 'dueIssuers' | 'nextWake'> => ({
  async keyRing(issuerId) {
    const stored = view().tables.rings.get(issuerId);
    return stored === undefined ? null : ringWithSigners(view(), stored);
  },
  sealedKey: async (issuerId, kid) => view().tables.rings.get(issuerId)?.sealed.get(kid) ?? null,
  isRevoked: async (issuerId, kid) => view().tables.rings.get(issuerId)?.revoked.has(kid) ?? false,
  async events(issuerId, page) {
    const start = numberedPageStart(page);
    const events = view().tables.rings.get(issuerId)?.events ?? [];
    return listed(events.slice(0, start === null ? events.length : start - 1).toReversed(), page.limit, ({ number }) => String(number));
  },
  dueIssuers: async (at, limit) => byWake(view).filter(({ wakeAt }) => hasCome(wakeAt, at)).slice(0, limit).map(({ ring }) => ring.issuerId),
  nextWake: async () => byWake(view)[0]?.wakeAt ?? null,
});

type Waiting = StoredRing & { readonly wakeAt: Date };

function byWake(view: View): readonly Waiting[] {
  const waiting = all(view, 'rings').filter((stored): stored is Waiting => stored.wakeAt !== null);
  return sorted(waiting, ({ wakeAt }) => wakeAt.getTime(), ({ ring }) => ring.issuerId);
}

const publicationReads = (view: View): Some<'changesSince' | 'lastChange' | 'changeOf' | 'confirmation' | 'issuersAwaitingConfirmation'> => ({
  changesSince: async (since, limit) => byChange(view).filter(({ change }) => change > since).slice(0, limit).map(({ change, ring }) => ({ change, issuerId: ring.issuerId })),
  lastChange: async () => view().change,
  changeOf: async (issuerId) => view().tables.rings.get(issuerId)?.change ?? null,
  async confirmation() {
    const said = all(view, 'publishers');
    return said.length === 0 ? null : { change: Math.min(...said.map(({ change }) => change)), at: new Date(Math.max(...said.map(({ at }) => at.getTime()))) };
  },
  issuersAwaitingConfirmation: async (upTo, limit) =>
    byChange(view).filter(({ change, ring }) => change <= upTo && awaitsConfirmation(ring)).slice(0, limit).map(({ ring }) => ring.issuerId),
});

const byChange = (view: View): readonly StoredRing[] => sorted([...view().tables.rings.values()], ({ change }) => change);

const recordReads = (view: View): Some<'operation' | 'operationsEndingBy' | 'requestedOperation' | 'liveTokens' | 'serverKeys' | 'setting'> => ({
  operation: async (id) => view().tables.operations.get(id) ?? null,
  async operationsEndingBy(change, limit) {
    const ending = all(view, 'operations').filter(({ status, endsWithChange }) => status === 'InProgress' && endsWithChange !== null && endsWithChange <= change);
    return sorted(ending, ({ endsWithChange }) => endsWithChange ?? 0, ({ id }) => id).slice(0, limit);
  },
  async requestedOperation(key, since) {
    const request = view().tables.requests.get(key);
    return request === undefined || hasCome(request.at, since) ? null : request.operationId;
  },
  async liveTokens(issuerId, at) {
    const live = [...view().tables.tokens.values()].filter((token) => token.issuerId === issuerId && !hasCome(token.expiresAt, at));
    const kids = sorted([...new Set(live.map(({ kid }) => kid))], (kid) => kid);
    return new Map(kids.map((kid) => [kid, live.filter((token) => token.kid === kid).length]));
  },
  serverKeys: async (purpose) =>
    sorted(all(view, 'serverKeys').filter((key) => key.purpose === purpose), ({ createdAt }) => -createdAt.getTime(), ({ kid }) => kid),
  setting: async (name) => view().tables.settings.get(name) ?? null,
});

const signerReads = (view: View): Some<'signer' | 'signersOf' | 'enrolledSignersWithin' | 'enrolmentCredential' | 'enrolmentCredentialsOf'> => ({
  signer: async (id) => view().tables.signers.get(id) ?? null,
  signersOf: async (issuerId) => signersByName(view().tables, issuerId),
  async enrolledSignersWithin(scope, limit) {
    const clusters = all(view, 'resources').filter(({ id, type, issuerId }) => type === MANAGED_CLUSTER_TYPE && issuerId !== null && isWithin(id, scope));
    return clusters.flatMap(({ id, name: clusterName, issuerId }) =>
      signersByName(view().tables, issuerId!).filter(({ writtenOffAt }) => writtenOffAt === null).map(({ name }) => ({ clusterId: id, clusterName, name }))).slice(0, limit);
  },
  enrolmentCredential: async (id) => view().tables.credentials.get(id) ?? null,
  enrolmentCredentialsOf: async (issuerId) =>
    sorted(all(view, 'credentials').filter((credential) => credential.issuerId === issuerId), ({ createdAt }) => createdAt.getTime(), ({ id }) => id),
});
