/**
 * Roles as resources: given, shown and taken away at a subscription or below, under the name that the client chose.
 *
 * Nobody gives or takes a role at a scope that it does not own, which is looked at in the transaction that writes. Roles
 * of the whole server and of a tenant are given with their principal (`people.ts`); here they are only shown, to who may
 * read them there.
 */
import { MintmarkError } from '../domain/errors.ts';
import { identityIds } from '../domain/managed-identity.ts';
import { assertAllowed, isAllowed, type Role, type RoleAssignment, SERVER_SCOPE, tenantScope } from '../domain/principal.ts';
import { isWithin, resourceGroupId, resourceKey, subscriptionScope } from '../domain/resource-id.ts';
import type { Bearer } from '../keys/access-token.ts';
import type { Listed, Page, Store, StoreReader, StoreWriter } from '../store/store.ts';
import { derivedUuid } from './derived-uuid.ts';
import { credentialsOf } from './identities.ts';

export type NamedAssignment = RoleAssignment & { readonly name: string };

export interface AssignmentFilter {
  /** Null: whoever has the role. */
  readonly principalId: string | null;
  /** Leaves out what is below the scope. */
  readonly atScope: boolean;
}

export interface RoleAssignments {
  /** Roles that count at the scope, and those below it, as far as the bearer may read them. */
  list(bearer: Bearer, scope: string, filter: AssignmentFilter, page: Page): Promise<Listed<NamedAssignment>>;
  /** @throws MintmarkError `ResourceNotFound`. */
  get(scope: string, name: string): Promise<NamedAssignment>;
  /** @throws MintmarkError `AuthorizationFailed`, `PrincipalNotFound`, `RoleAssignmentExists`, `ResourceNotFound` for a scope that is not there, `OperationNotAllowed` for a name that is taken. */
  put(bearer: Bearer, scope: string, name: string, wanted: { readonly principalId: string; readonly role: Role }): Promise<{ readonly assignment: NamedAssignment; readonly created: boolean; readonly warnings: readonly string[] }>;
  /** What was taken away; null when there is none of that name. @throws MintmarkError `AuthorizationFailed`. */
  remove(bearer: Bearer, scope: string, name: string): Promise<NamedAssignment | null>;
}

/** Of each principal. */
const MOST_ROLES = 200;

export function createRoleAssignments(store: Store): RoleAssignments {
  return {
    list: (bearer, scope, filter, page) => store.read((tx) => (filter.principalId === null ? listAll(tx, bearer, scope, filter, page) : listOfPrincipal(tx, bearer, scope, filter.principalId, filter.atScope))),
    get: (scope, name) => store.read(async (tx) => {
      const found = await named(tx, scope, name);
      if (found === null) throw new MintmarkError('ResourceNotFound', `There is no role assignment '${name.slice(0, 80)}' at '${scope}'.`);
      return found;
    }),
    put: (bearer, scope, name, wanted) => store.write((tx) => putAssignment(tx, bearer, scope, name, wanted)),
    remove: (bearer, scope, name) => store.write(async (tx) => {
      assertAllowed(bearer.principalId, await tx.roleAssignments(bearer.principalId), 'roleAssignment/delete', scope, bearer.tenantId);
      const found = await named(tx, scope, name);
      if (found !== null) await tx.deleteRoleAssignment(found);
      return found;
    }),
  };
}

/** The name of a role that was given without one is derived, the same each time. */
const withName = (assignment: RoleAssignment): NamedAssignment =>
  ({ ...assignment, name: assignment.name ?? derivedUuid('roleAssignment', resourceKey(assignment.principalId), resourceKey(assignment.scope), assignment.role) });

async function named(tx: StoreReader, scope: string, name: string): Promise<NamedAssignment | null> {
  return (await tx.roleAssignmentsAt(scope)).map(withName).find((one) => one.name === name.toLowerCase()) ?? null;
}

async function listAll(tx: StoreReader, bearer: Bearer, scope: string, { atScope }: AssignmentFilter, page: Page): Promise<Listed<NamedAssignment>> {
  const counting = page.cursor === undefined ? (await Promise.all(placesOf(scope, bearer.tenantId).map((place) => tx.roleAssignmentsAt(place)))).flat() : [];
  const below = atScope ? { items: [], next: null } : await tx.roleAssignmentsBelow(scope, page);
  return { items: await readable(tx, bearer, [...counting, ...below.items]), next: below.next };
}

async function listOfPrincipal(tx: StoreReader, bearer: Bearer, scope: string, principalId: string, atScope: boolean): Promise<Listed<NamedAssignment>> {
  const places = placesOf(scope, bearer.tenantId).map(resourceKey);
  const related = (await tx.roleAssignments(principalId)).filter((one) => places.includes(resourceKey(one.scope)) || (!atScope && isWithin(one.scope, scope)));
  return { items: await readable(tx, bearer, related), next: null };
}

/** Where a role has to be given to count at a scope, from the scope upwards. */
function placesOf(scope: string, tenantId: string): readonly string[] {
  const [, , subscriptionId = '', , group] = scope.split('/');
  const below = group === undefined ? [] : [resourceGroupId(subscriptionId, group)];
  return [...new Set([scope, ...below, subscriptionScope(subscriptionId), tenantScope(tenantId), SERVER_SCOPE])];
}

async function readable(tx: StoreReader, { principalId, tenantId }: Bearer, assignments: readonly RoleAssignment[]): Promise<readonly NamedAssignment[]> {
  const mine = await tx.roleAssignments(principalId);
  return assignments.filter(({ scope }) => isAllowed(mine, 'roleAssignment/read', scope, tenantId)).map(withName);
}

async function putAssignment(tx: StoreWriter, bearer: Bearer, scope: string, name: string, { principalId, role }: { readonly principalId: string; readonly role: Role }) {
  assertAllowed(bearer.principalId, await tx.roleAssignments(bearer.principalId), 'roleAssignment/write', scope, bearer.tenantId);
  const place = await existingScope(tx, scope);
  const holder = await existingPrincipal(tx, principalId, bearer.tenantId);
  const former = await named(tx, place, name);
  if (former !== null && !isSame(former, holder.id, role)) throw new MintmarkError('OperationNotAllowed', `The role assignment '${name}' is another one: ${former.role} of '${former.principalId}'. A role assignment does not change; delete it, or choose another name (a random UUID).`);
  if (former !== null) return { assignment: former, created: false, warnings: [] };
  await assertRoom(tx, holder.id, place, role);
  const assignment = { principalId: holder.id, role, scope: place, name: name.toLowerCase() };
  await tx.putRoleAssignment(assignment);
  return { assignment, created: true, warnings: holder.warnings };
}

const isSame = (one: RoleAssignment, principalId: string, role: Role): boolean => resourceKey(one.principalId) === resourceKey(principalId) && one.role === role;

async function assertRoom(tx: StoreReader, principalId: string, scope: string, role: Role): Promise<void> {
  const roles = await tx.roleAssignments(principalId);
  const twin = roles.find((one) => one.role === role && resourceKey(one.scope) === resourceKey(scope));
  if (twin !== undefined) throw new MintmarkError('RoleAssignmentExists', `The role assignment already exists: '${principalId}' has the role ${role} at '${scope}', under the name '${withName(twin).name}'.`);
  if (roles.length >= MOST_ROLES) throw new MintmarkError('OperationNotAllowed', `The principal '${principalId}' has ${MOST_ROLES} roles already, which is the most. Give a role further up instead.`);
}

/** The scope in its stored spelling. @throws MintmarkError `ResourceNotFound`. */
async function existingScope(tx: StoreReader, scope: string): Promise<string> {
  if (scope.split('/').length === 3) return scope;
  const resource = await tx.resource(scope);
  if (resource === null) throw new MintmarkError('ResourceNotFound', `There is nothing at the scope '${scope}', so no role can be given there.`, { target: 'scope' });
  return resource.id;
}

/** Who is to get a role: a managed identity or a principal of the tenant. */
async function existingPrincipal(tx: StoreReader, id: string, tenantId: string): Promise<{ readonly id: string; readonly warnings: readonly string[] }> {
  const identity = await tx.identityByPrincipalId(id);
  if (identity?.tenantId === tenantId) {
    const count = (await credentialsOf(tx, identity)).length;
    const warning = `Whoever gets a token that a federated credential of the identity '${identity.name}' names acts with this role; it has ${count}. Look at them: az identity federated-credential list --identity-name ${identity.name} --resource-group ${identity.id.split('/')[4]}`;
    return { id: identityIds(identity).principalId, warnings: count === 0 ? [] : [warning] };
  }
  const principal = await tx.principal(id);
  if (principal?.tenantId === tenantId) return { id: principal.id, warnings: [] };
  throw new MintmarkError('PrincipalNotFound', `Principal '${id.slice(0, 80)}' does not exist in the tenant ${tenantId}. Of a managed identity give the principalId, not the clientId; of any other principal the client id.`, { target: 'properties.principalId' });
}
