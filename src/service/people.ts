/**
 * Principals of a tenant, their roles and secrets.
 *
 * Whoever makes, changes or takes over a principal could act as it: so all of it needs the role Owner at every scope at
 * which that principal has, or gets, a role. The server always keeps an Owner that can log in. Leaves to the guard
 * that the tenant is one that the bearer can see, to `domain/principal.ts` the rules.
 */
import { after, HOUR } from '../domain/durations.ts';
import { MintmarkError } from '../domain/errors.ts';
import { REPEAT_HOURS } from '../domain/operation.ts';
import { type Action, assertAllowedOver, type ClientSecret, type Grant, isAllowed, type Principal, type RoleAssignment, SERVER_SCOPE, tenantScope, withoutSecret, withSecret } from '../domain/principal.ts';
import { resourceKey } from '../domain/resource-id.ts';
import { readRoleScope } from '../domain/role-scope.ts';
import type { Bearer } from '../keys/access-token.ts';
import type { Listed, Page, Store, StoreReader, StoreWriter } from '../store/store.ts';
import type { Caller } from './caller.ts';
import { makeClientSecret } from './client-secrets.ts';

/** A principal with its roles. */
export interface Person {
  readonly principal: Principal;
  readonly roles: readonly RoleAssignment[];
}

export interface NewSecret {
  readonly principal: Principal;
  readonly secret: ClientSecret;
  /** Told this once. */
  readonly clientSecret: string;
}

/** Each throws MintmarkError `AuthorizationFailed`, and `ResourceNotFound` where the principal is not in the tenant. */
export interface People {
  /** Those of which the bearer may read a role; the last page alone has no `next`. */
  list(bearer: Bearer, tenantId: string, page: Page): Promise<Listed<Person>>;
  get(bearer: Bearer, tenantId: string, id: string): Promise<Person>;
  /** Creates it, without a secret, or gives it this name and these roles and no others. @throws MintmarkError `InvalidRequestContent`, `OperationNotAllowed`. */
  put(bearer: Bearer, tenantId: string, id: string, wanted: { readonly displayName: string; readonly roles: readonly Grant[] }): Promise<Person & { readonly created: boolean }>;
  /** @throws MintmarkError `OperationNotAllowed` for the last Owner of the server. */
  remove(bearer: Bearer, tenantId: string, id: string): Promise<void>;
  /** Makes a secret, in place of all others or beside one. A repeated request makes another, in place of its former one. @throws MintmarkError `OperationNotAllowed`. */
  resetSecret(caller: Caller, tenantId: string, id: string, append: boolean): Promise<NewSecret>;
  /** @throws MintmarkError `OperationNotAllowed` for the only one. */
  removeSecret(bearer: Bearer, tenantId: string, id: string, secretId: string): Promise<void>;
}

export function createPeople(store: Store): People {
  return {
    list: (bearer, tenantId, page) => store.read(async (tx) => {
      const [{ items, next }, mine] = [await tx.principals(tenantId, page), await tx.roleAssignments(bearer.principalId)];
      const people = await Promise.all(items.map(async (principal) => ({ principal, roles: await tx.roleAssignments(principal.id) })));
      return { items: people.filter(({ roles }) => mayRead(mine, roles, tenantId)), next };
    }),
    get: (bearer, tenantId, id) => store.read(async (tx) => {
      const [person, mine] = [await existing(tx, tenantId, id), await tx.roleAssignments(bearer.principalId)];
      if (!mayRead(mine, person.roles, tenantId)) assertAllowedOver(bearer.principalId, mine, 'principal/read', person.roles, tenantId);
      return person;
    }),
    put: (bearer, tenantId, id, wanted) => store.write((tx) => keepingAnOwner(tx, () => putPerson(tx, bearer, tenantId, id, wanted))),
    remove: (bearer, tenantId, id) => store.write((tx) => keepingAnOwner(tx, async () => {
      const { principal } = await managed(tx, bearer, 'principal/delete', tenantId, id);
      await tx.deleteRoleAssignments(principal.id);
      await tx.deletePrincipal(principal.id);
    })),
    async resetSecret(caller, tenantId, id, append) {
      await store.read((tx) => managed(tx, caller, 'principal/resetSecret', tenantId, id));
      const { clientSecret, stored } = await makeClientSecret();
      return store.write(async (tx) => {
        const { principal } = await managed(tx, caller, 'principal/resetSecret', tenantId, id);
        const secret = stored(tx.now);
        const replaced = { ...principal, secrets: withSecret(principal, secret, { append, replaces: await secretOfThisRequest(tx, caller, principal.id, secret.id) }) };
        await tx.putPrincipal(replaced);
        return { principal: replaced, secret, clientSecret };
      });
    },
    removeSecret: (bearer, tenantId, id, secretId) => store.write(async (tx) => {
      const { principal } = await managed(tx, bearer, 'principal/resetSecret', tenantId, id);
      await tx.putPrincipal({ ...principal, secrets: withoutSecret(principal, secretId) });
    }),
  };
}

/** Does something that may take an Owner away, and takes it back if that was the server's last one that can log in. */
export async function keepingAnOwner<T>(tx: StoreWriter, work: () => Promise<T>): Promise<T> {
  const before = await countOwners(tx);
  const result = await work();
  if (before > 0 && (await countOwners(tx)) === 0) throw new MintmarkError('OperationNotAllowed', `This would take away the last Owner of the server that can log in (role Owner at '${SERVER_SCOPE}'). Make another one first.`);
  return result;
}

async function countOwners(tx: StoreReader): Promise<number> {
  const owners = (await tx.roleAssignmentsAt(SERVER_SCOPE)).filter(({ role }) => role === 'Owner');
  const principals = await Promise.all(owners.map(({ principalId }) => tx.principal(principalId)));
  return principals.filter((principal) => principal !== null && principal.secrets.length > 0).length;
}

const mayRead = (mine: readonly RoleAssignment[], roles: readonly RoleAssignment[], tenantId: string): boolean =>
  [tenantScope(tenantId), ...roles.map(({ scope }) => scope)].some((scope) => isAllowed(mine, 'principal/read', scope, tenantId));

async function existing(tx: StoreReader, tenantId: string, id: string): Promise<Person> {
  const principal = await tx.principal(id);
  if (principal === null || principal.tenantId !== tenantId) throw new MintmarkError('ResourceNotFound', `The principal '${id.slice(0, 80)}' could not be found in this tenant.`);
  return { principal, roles: await tx.roleAssignments(principal.id) };
}

/** A principal that the bearer may do this to. */
async function managed(tx: StoreReader, { principalId }: Bearer, action: Action, tenantId: string, id: string): Promise<Person> {
  const person = await existing(tx, tenantId, id);
  assertAllowedOver(principalId, await tx.roleAssignments(principalId), action, person.roles, tenantId);
  return person;
}

async function putPerson(tx: StoreWriter, bearer: Bearer, tenantId: string, id: string, { displayName, roles }: { readonly displayName: string; readonly roles: readonly Grant[] }): Promise<Person & { readonly created: boolean }> {
  // A tenant can go between the guard and here.
  if ((await tx.tenant(tenantId)) === null) throw new MintmarkError('TenantNotFound', `The tenant '${tenantId}' could not be found.`);
  const granted = await Promise.all(roles.map(async ({ role, scope }): Promise<Grant> => ({ role, scope: await existingScope(tx, tenantId, scope) })));
  const mine = await tx.roleAssignments(bearer.principalId);
  assertAllowedOver(bearer.principalId, mine, 'principal/write', granted, tenantId);
  const stored = await tx.principal(id);
  if (stored !== null && stored.tenantId !== tenantId) throw new MintmarkError('OperationNotAllowed', `The client id '${id}' is taken. Choose another; a random UUID never collides.`);
  await assertNoIdentity(tx, id);
  const former = stored === null ? [] : (await managed(tx, bearer, 'principal/write', tenantId, id)).roles;
  const principal: Principal = { id, tenantId, secrets: [], createdAt: tx.now, ...stored, displayName };
  await tx.putPrincipal(principal);
  await tx.deleteRoleAssignments(principal.id);
  for (const grant of granted) await tx.putRoleAssignment(former.find((one) => isSameGrant(one, grant)) ?? { ...grant, principalId: principal.id });
  return { principal, roles: await tx.roleAssignments(principal.id), created: stored === null };
}

const isSameGrant = (one: Grant, other: Grant): boolean => one.role === other.role && resourceKey(one.scope) === resourceKey(other.scope);

/** A principal with an id of an identity would have that identity's roles, and a secret besides. */
async function assertNoIdentity(tx: StoreReader, id: string): Promise<void> {
  if ((await tx.identityByPrincipalId(id)) === null && (await tx.identityByClientId(id)) === null) return;
  throw new MintmarkError('OperationNotAllowed', `The client id '${id}' is taken by a managed identity. Choose another; a random UUID never collides.`);
}

/** A scope in its one spelling. The subscription that it names is one of the tenant. */
async function existingScope(tx: StoreReader, tenantId: string, text: string): Promise<string> {
  const { subscriptionId, spelt } = readRoleScope(text, tenantId);
  if (subscriptionId === null) return spelt('');
  const subscription = await tx.subscription(subscriptionId);
  if (subscription?.tenantId === tenantId) return spelt(subscription.id);
  throw new MintmarkError('InvalidRequestContent', `The subscription '${subscriptionId}' of the scope is not one of this tenant.`, { target: 'scope' });
}

/** What an earlier try of the same request made; from now on it is the secret `made`. Null for a request without an id. */
async function secretOfThisRequest(tx: StoreWriter, { principalId, clientRequestId }: Caller, id: string, made: string): Promise<string | null> {
  if (clientRequestId === null) return null;
  const key = ['resetSecret', principalId, id, clientRequestId].join('\n');
  const former = await tx.requestedOperation(key, after(tx.now, -REPEAT_HOURS * HOUR));
  await tx.rememberRequest(key, made);
  return former;
}
