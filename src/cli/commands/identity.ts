/** Managed identities: `identity create|show|list|update|delete`, and their federated credentials, as Azure CLI has them. */
import type { IdentityBody } from '../../http/management/identity-contract.ts';
import { command, entry, type Group, type OptionSpec, type Outcome } from '../command.ts';
import type { JsonObject } from '../output/json-value.ts';
import { flattened } from '../output/resources.ts';
import { type IdentityName, paths } from '../paths.ts';
import { bodyOf } from '../reply-body.ts';
import type { Session } from '../session.ts';
import { federatedCredential } from './federated-credential.ts';
import { GROUP, type GroupFlag, TAGS, type TagsFlag, tagsOf } from './flags.ts';

interface IdentityFlags extends GroupFlag {
  readonly name: string;
}

const IDENTITY: readonly OptionSpec[] = [GROUP, { flags: '-n, --name <name>', summary: 'Name of the managed identity', required: true }];

const named = async (session: Session, { resourceGroup, name }: IdentityFlags): Promise<IdentityName> => ({ subscription: await session.subscription(), resourceGroup, identity: name });

const COLUMNS = ['name', 'resourceGroup', 'location', 'clientId', 'principalId'] as const;
const row = (identity: JsonObject): JsonObject => Object.fromEntries(COLUMNS.map((column) => [column, identity[column] ?? null]));

function outcome(identity: IdentityBody): Outcome {
  const result = flattened(identity);
  return { result, table: { rows: [row(result)] } };
}

async function put(session: Session, flags: IdentityFlags, change: object): Promise<Outcome> {
  return outcome(bodyOf<IdentityBody>(await (await session.api()).send('PUT', paths.identity(await named(session, flags)), change)));
}

const created = command<IdentityFlags & TagsFlag & { readonly location?: string }>({
  examples: ['mintmark identity create --resource-group myResourceGroup --name myIdentity'],
  options: [...IDENTITY, { flags: '-l, --location <location>', summary: "Location; the group's when left out" }, TAGS],
  run: async (session, { location, ...flags }) => put(session, flags, { location, tags: tagsOf(flags) }),
});

const updated = command<IdentityFlags & TagsFlag & { readonly accountEnabled?: 'true' | 'false' }>({
  examples: ['mintmark identity update --resource-group myResourceGroup --name myIdentity --account-enabled false'],
  options: [...IDENTITY, { flags: '--account-enabled <bool>', summary: 'false: nobody can log in as it, and its access tokens are refused', choices: ['true', 'false'] }, TAGS],
  run: async (session, { accountEnabled, ...flags }) => put(session, flags, { tags: tagsOf(flags), ...(accountEnabled === undefined ? {} : { properties: { accountEnabled: accountEnabled === 'true' } }) }),
});

const shown = command<IdentityFlags>({
  examples: ['mintmark identity show --resource-group myResourceGroup --name myIdentity --query clientId --output tsv'],
  options: IDENTITY,
  run: async (session, flags) => outcome(await (await session.api()).get<IdentityBody>(paths.identity(await named(session, flags)))),
});

const listed = command<Partial<GroupFlag>>({
  examples: ['mintmark identity list --output table'],
  options: [{ ...GROUP, required: false }],
  async run(session, { resourceGroup }) {
    const subscription = await session.subscription();
    const path = resourceGroup === undefined ? paths.identities(subscription) : paths.identitiesOf(subscription, resourceGroup);
    const all = (await (await session.api()).list<IdentityBody>(path)).map(flattened);
    return { result: all, table: { rows: all.map(row) } };
  },
});

/** Not asked about, there as here. */
const deleted = command<IdentityFlags>({
  examples: ['mintmark identity delete --resource-group myResourceGroup --name myIdentity'],
  options: IDENTITY,
  async run(session, flags) {
    await (await session.api()).send('DELETE', paths.identity(await named(session, flags)));
    return {};
  },
});

export const identity: Group = {
  commands: [
    entry('create', 'Create a managed identity', created),
    entry('show', 'Show a managed identity', shown),
    entry('list', 'List managed identities', listed),
    entry('update', 'Set the tags of a managed identity, disable or enable it', updated),
    entry('delete', 'Delete a managed identity with its credentials and roles', deleted),
    entry('federated-credential', 'Manage which tokens log in as a managed identity', federatedCredential),
  ],
};
