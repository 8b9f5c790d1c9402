/**
 * Roles in the shape of Azure's `Microsoft.Authorization`: the definitions, and who has which, at a subscription or at
 * what is in it.
 */
import { z } from 'zod';
import { ROLE_DEFINITIONS, roleOfDefinition } from '../../../domain/built-in-roles.ts';
import { MintmarkError } from '../../../domain/errors.ts';
import { type Role, ROLES } from '../../../domain/principal.ts';
import { subscriptionScope } from '../../../domain/resource-id.ts';
import type { AssignmentFilter, NamedAssignment, RoleAssignments } from '../../../service/role-assignments.ts';
import { listOf } from '../contract.ts';
import { assignment, type AssignmentBody, assignmentRequest, roleDefinition } from '../identity-contract.ts';
import { listBody, pageOf, pageQuery } from '../paging.ts';
import { MANAGED_CLUSTER, MANAGED_IDENTITY, RESOURCE_GROUP, SUBSCRIPTION } from '../paths.ts';
import { type Route, route } from '../route.ts';
import { newId } from './tenants.ts';

const SCOPES = [[SUBSCRIPTION, 'subscription'], [RESOURCE_GROUP, 'resource group'], [MANAGED_CLUSTER, 'managed cluster'], [MANAGED_IDENTITY, 'managed identity']] as const;
const PROVIDER = 'providers/Microsoft.Authorization';
const filtered = pageQuery.extend({ $filter: z.string().max(2048).optional() });

type Place = (typeof SCOPES)[number][1];
/** What all of the paths have in common. */
type AssignmentUrl = `${typeof SUBSCRIPTION}/roleAssignments/:assignment`;
type DefinitionUrl = `${typeof SUBSCRIPTION}/roleDefinitions/:definition`;

export const roleAssignmentRoutes = (assignments: RoleAssignments, managementUrl: string): readonly Route[] => SCOPES.flatMap(([scope, on]) => [
  ...assignmentReadRoutes(assignments, managementUrl, scope, on),
  ...assignmentWriteRoutes(assignments, scope, on),
  ...definitionRoutes(scope, on),
]);

const assignmentUrl = (scope: string): AssignmentUrl => `${scope}/${PROVIDER}/roleAssignments/:assignment` as AssignmentUrl;

const assignmentReadRoutes = (assignments: RoleAssignments, managementUrl: string, scope: string, on: Place): readonly Route[] => [
  route({
    method: 'GET', url: `${scope}/${PROVIDER}/roleAssignments`, access: { action: 'roleAssignment/read', on }, summary: `Lists the roles that count at a ${on} and below it, as far as the caller may read them.`,
    query: filtered, replies: { 200: listOf(assignment) },
    handle: async (asked) => ({ status: 200, body: listBody(managementUrl, asked, await assignments.list(asked.caller, asked.scope, readFilter(asked.query.$filter), pageOf(asked.query)), assignmentBody) }),
  }),
  route({
    method: 'GET', url: assignmentUrl(scope), access: { action: 'roleAssignment/read', on }, summary: `Shows a role that is given at a ${on}.`, replies: { 200: assignment },
    handle: async (asked) => ({ status: 200, body: assignmentBody(await assignments.get(asked.scope, asked.params.assignment)) }),
  }),
];

const assignmentWriteRoutes = (assignments: RoleAssignments, scope: string, on: Place): readonly Route[] => [
  route({
    method: 'PUT', url: assignmentUrl(scope), access: { action: 'roleAssignment/write', on }, summary: `Gives a role at a ${on}, under a UUID of your choice.`, body: assignmentRequest, replies: { 200: assignment, 201: assignment },
    async handle({ caller, scope: place, params, body: { properties } }) {
      const role = roleOfDefinition(properties.roleDefinitionId);
      if (role === null) throw new MintmarkError('InvalidRequestContent', `There is no such role definition. There are ${ROLES.map((one) => `${one} (${ROLE_DEFINITIONS[one].id})`).join(', ')}.`, { target: 'properties.roleDefinitionId' });
      const { assignment: given, created, warnings } = await assignments.put(caller, place, newId(params.assignment), { principalId: properties.principalId, role });
      return { status: created ? 201 : 200, body: assignmentBody(given), warnings };
    },
  }),
  route({
    method: 'DELETE', url: assignmentUrl(scope), access: { action: 'roleAssignment/delete', on }, summary: `Takes a role away that is given at a ${on}; it ends at once.`, replies: { 200: assignment, 204: null },
    async handle({ caller, scope: place, params }) {
      const taken = await assignments.remove(caller, place, params.assignment);
      return taken === null ? { status: 204 } : { status: 200, body: assignmentBody(taken) };
    },
  }),
];

const definitionRoutes = (scope: string, on: Place): readonly Route[] => [
  route({
    method: 'GET', url: `${scope}/${PROVIDER}/roleDefinitions`, access: { action: 'roleAssignment/read', on }, summary: `Lists the roles that can be given at a ${on}.`, query: filtered, replies: { 200: listOf(roleDefinition) },
    handle: async ({ subscription, query }) => ({ status: 200, body: { value: rolesNamed(query.$filter).map((role) => definitionBody(subscription.id, role)) } }),
  }),
  route({
    method: 'GET', url: `${scope}/${PROVIDER}/roleDefinitions/:definition` as DefinitionUrl, access: { action: 'roleAssignment/read', on }, summary: `Shows a role that can be given at a ${on}.`, replies: { 200: roleDefinition },
    async handle({ subscription, params }) {
      const role = roleOfDefinition(params.definition);
      if (role === null) throw new MintmarkError('ResourceNotFound', `There is no role definition '${params.definition.slice(0, 80)}'.`);
      return { status: 200, body: definitionBody(subscription.id, role) };
    },
  }),
];

/** `atScope()`, `principalId eq '…'`, `assignedTo('…')`, or the first with one of the others. @throws MintmarkError `InvalidQueryParameter`. */
function readFilter(filter = ''): AssignmentFilter {
  const parts = filter.split(/\s+and\s+/i).map((part) => part.trim()).filter((part) => part !== '');
  const isAtScope = (part: string): boolean => /^atScope\(\)$/i.test(part);
  const [first, ...more] = parts.filter((part) => !isAtScope(part));
  const principalId = first === undefined ? null : /^(?:principalId\s+eq\s+'([^']{1,80})'|assignedTo\('([^']{1,80})'\))$/i.exec(first)?.slice(1).find((id) => id !== undefined);
  if (principalId !== undefined && more.length === 0) return { principalId, atScope: parts.some(isAtScope) };
  throw new MintmarkError('InvalidQueryParameter', "The filter is not understood. It is atScope(), principalId eq 'ID', assignedTo('ID'), or the first 'and' one of the others.", { target: '$filter' });
}

/** @throws MintmarkError `InvalidQueryParameter`. */
function rolesNamed(filter = ''): readonly Role[] {
  if (/^(atScopeAndBelow\(\))?$/.test(filter)) return ROLES;
  const name = /^roleName\s+eq\s+'([^']*)'$/i.exec(filter)?.[1];
  if (name === undefined) throw new MintmarkError('InvalidQueryParameter', "The filter is not understood. It is roleName eq 'NAME'.", { target: '$filter' });
  return ROLES.filter((role) => role.toLowerCase() === name.toLowerCase());
}

function assignmentBody({ name, principalId, role, scope }: NamedAssignment): AssignmentBody {
  const subscriptionId = /^\/subscriptions\/([^/]+)/.exec(scope)?.[1];
  return {
    id: `${scope === '/' ? '' : scope}/${PROVIDER}/roleAssignments/${name}`, name, type: 'Microsoft.Authorization/roleAssignments',
    properties: { roleDefinitionId: definitionId(subscriptionId, role), principalId, principalType: 'ServicePrincipal', scope, roleName: role },
  };
}

const definitionId = (subscriptionId: string | undefined, role: Role): string => `${subscriptionId === undefined ? '' : subscriptionScope(subscriptionId)}/${PROVIDER}/roleDefinitions/${ROLE_DEFINITIONS[role].id}`;

function definitionBody(subscriptionId: string, role: Role) {
  const { id, description, actions, notActions } = ROLE_DEFINITIONS[role];
  return {
    id: definitionId(subscriptionId, role), name: id, type: 'Microsoft.Authorization/roleDefinitions',
    properties: { roleName: role, type: 'BuiltInRole' as const, description, assignableScopes: ['/'], permissions: [{ actions: [...actions], notActions: [...notActions], dataActions: [], notDataActions: [] }] },
  };
}
