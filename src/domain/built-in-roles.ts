/** The roles as Azure's role definitions: its ids, names and words, so that its clients find them. */
import { type Role, ROLES } from './principal.ts';

export interface RoleDefinition {
  /** A UUID, the same everywhere. */
  readonly id: string;
  readonly description: string;
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
}

export const ROLE_DEFINITIONS = {
  Owner: { id: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635', description: 'Grants full access, to give roles included.', actions: ['*'], notActions: [] },
  Contributor: {
    id: 'b24988ac-6180-42a0-ab88-20f7382dd24c', description: 'Grants access to manage all resources, but not to give roles.', actions: ['*'],
    notActions: ['Microsoft.Authorization/*/Write', 'Microsoft.Authorization/*/Delete'],
  },
  Reader: { id: 'acdd72a7-3385-48ef-bd42-f606fba81ae7', description: 'Grants access to view all resources, but not to change any.', actions: ['*/read'], notActions: [] },
} as const satisfies Record<Role, RoleDefinition>;

/** `/subscriptions/…/providers/Microsoft.Authorization/roleDefinitions/{id}` as clients send it, or the id alone → the role; null for any other. */
export function roleOfDefinition(definition: string): Role | null {
  const id = /^(?:.*\/providers\/Microsoft\.Authorization\/roleDefinitions\/)?([\da-f-]{36})$/i.exec(definition)?.[1]?.toLowerCase();
  return ROLES.find((role) => ROLE_DEFINITIONS[role].id === id) ?? null;
}
