/** Roles as Azure CLI gives them: `role assignment create|list|delete`. */
import { randomUUID } from 'node:crypto';
import type { AssignmentBody } from '../../http/management/identity-contract.ts';
import { type Command, command, entry, type Group, type OptionSpec } from '../command.ts';
import { failure, usageError } from '../errors.ts';
import type { JsonObject } from '../output/json-value.ts';
import { flattened } from '../output/resources.ts';
import { paths } from '../paths.ts';
import { bodyOf } from '../reply-body.ts';
import type { Session } from '../session.ts';

type RoleName = 'Owner' | 'Contributor' | 'Reader';

/** Azure's ids of the roles. */
const DEFINITIONS = {
  Owner: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635', Contributor: 'b24988ac-6180-42a0-ab88-20f7382dd24c', Reader: 'acdd72a7-3385-48ef-bd42-f606fba81ae7',
} as const satisfies Record<RoleName, string>;

interface WhereFlags {
  readonly scope?: string;
  readonly resourceGroup?: string;
}

/** Azure CLI takes both; here there is no directory in which a name would be looked up. */
interface WhomFlags {
  readonly assigneeObjectId?: string;
  readonly assignee?: string;
}

const WHOM: readonly OptionSpec[] = [
  { flags: '--assignee-object-id <id>', summary: "Who: the principalId of a managed identity, or a principal's client id", sameAs: '--assignee' },
  { flags: '--assignee <id>', summary: 'The same as --assignee-object-id' },
];
const WHOM_REQUIRED = WHOM.map((option) => ({ ...option, required: option.sameAs !== undefined }));
const whomOf = ({ assigneeObjectId, assignee }: WhomFlags): string | undefined => assigneeObjectId ?? assignee;
const ROLE: OptionSpec = { flags: '--role <role>', summary: 'The role', choices: Object.keys(DEFINITIONS) };
const WHERE: readonly OptionSpec[] = [
  { flags: '--scope <scope>', summary: 'Where: the id of a subscription, resource group, cluster or managed identity; the subscription when left out' },
  { flags: '-g, --resource-group <name>', summary: 'Where: a resource group of the subscription' },
];

async function scopeOf(session: Session, { scope, resourceGroup }: WhereFlags): Promise<string> {
  if (scope !== undefined && resourceGroup !== undefined) throw usageError('--scope and --resource-group can not be given together: the scope says where.');
  if (scope !== undefined && !/^\/subscriptions\/[^/]/i.test(scope)) throw usageError(`argument --scope: '${scope}' is not in a subscription. Roles of a tenant and of the whole server are given with 'mintmark sp create'.`);
  const subscription = `/subscriptions/${await session.subscription()}`;
  return scope ?? (resourceGroup === undefined ? subscription : `${subscription}/resourceGroups/${resourceGroup}`);
}

const output = (assignment: AssignmentBody): JsonObject => {
  const { roleName, ...result } = flattened(assignment);
  return { ...result, roleDefinitionName: roleName ?? null };
};

const row = ({ properties: { principalId, roleName, scope } }: AssignmentBody): JsonObject => ({ principal: principalId, role: roleName, scope });

const created: Command = command<WhereFlags & WhomFlags & { readonly role: RoleName; readonly name?: string }>({
  examples: ['mintmark role assignment create --assignee-object-id 7c1f0b9a-2f1d-4f43-8d1b-5e0d6a9b3c22 --assignee-principal-type ServicePrincipal --role Contributor --resource-group myResourceGroup'],
  options: [
    ...WHOM_REQUIRED, { flags: '--assignee-principal-type <type>', summary: 'Kind of the principal: all here are ServicePrincipal', choices: ['ServicePrincipal'] },
    { ...ROLE, required: true }, ...WHERE, { flags: '-n, --name <uuid>', summary: 'Name of the assignment, a UUID; a random one when left out' },
  ],
  async run(session, { role, name = randomUUID(), ...flags }) {
    const scope = await scopeOf(session, flags);
    const properties = { roleDefinitionId: `${scope.split('/').slice(0, 3).join('/')}/providers/Microsoft.Authorization/roleDefinitions/${DEFINITIONS[role]}`, principalId: whomOf(flags), principalType: 'ServicePrincipal' };
    const given = bodyOf<AssignmentBody>(await (await session.api()).send('PUT', paths.roleAssignment(scope, name), { properties }));
    return { result: output(given), table: { rows: [row(given)] } };
  },
});

/** Those at exactly the scope, unless more is asked for. */
async function found(session: Session, scope: string, { role, ...flags }: WhomFlags & { readonly role?: RoleName }, more: { readonly above: boolean; readonly below: boolean }): Promise<readonly AssignmentBody[]> {
  const whom = whomOf(flags);
  const filter = [more.below ? [] : ['atScope()'], whom === undefined ? [] : [`principalId eq '${whom}'`]].flat().join(' and ');
  const all = await (await session.api()).list<AssignmentBody>(paths.roleAssignments(scope, filter));
  const [here, isBelow] = [scope.toLowerCase(), (at: string): boolean => at.startsWith(`${scope.toLowerCase()}/`)];
  return all.filter(({ properties }) => {
    const at = properties.scope.toLowerCase();
    return (role === undefined || properties.roleName === role) && (at === here || (more.below && isBelow(at)) || (more.above && !isBelow(at)));
  });
}

const listed = command<WhereFlags & WhomFlags & { readonly role?: RoleName; readonly all?: true; readonly includeInherited?: true }>({
  examples: ['mintmark role assignment list --all --output table', 'mintmark role assignment list --resource-group myResourceGroup --include-inherited'],
  options: [...WHOM, ROLE, ...WHERE, { flags: '--all', summary: 'Those below the scope too' }, { flags: '--include-inherited', summary: 'Those above the scope too, as far as you may read them' }],
  async run(session, { all, includeInherited, ...flags }) {
    const assignments = await found(session, await scopeOf(session, flags), flags, { above: includeInherited === true, below: all === true });
    return { result: assignments.map(output), table: { rows: assignments.map(row) } };
  },
});

const deleted = command<WhereFlags & WhomFlags & { readonly role?: RoleName }>({
  examples: ['mintmark role assignment delete --assignee-object-id 7c1f0b9a-2f1d-4f43-8d1b-5e0d6a9b3c22 --role Contributor --resource-group myResourceGroup'],
  options: [...WHOM_REQUIRED, ROLE, ...WHERE],
  async run(session, flags) {
    const scope = await scopeOf(session, flags);
    const assignments = await found(session, scope, flags, { above: false, below: false });
    if (assignments.length === 0) throw failure(`'${whomOf(flags)}' has no such role at ${scope}.`);
    for (const { name } of assignments) await (await session.api()).send('DELETE', paths.roleAssignment(scope, name));
    return {};
  },
});

const assignment: Group = {
  commands: [
    entry('create', 'Give a role', created),
    entry('list', 'List who has which role', listed),
    entry('delete', 'Take a role away', deleted),
  ],
};

export const role: Group = { commands: [entry('assignment', 'Manage who has which role', assignment)] };
