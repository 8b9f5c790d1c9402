/** Resource groups: `group create|show|list|update|delete|exists`, as Azure CLI has them. */
import type { ResourceGroupBody } from '../../http/management/contract.ts';
import { command, entry, type Group, type OptionSpec, type Outcome } from '../command.ts';
import { confirm } from '../confirmation.ts';
import { isNotFound } from '../errors.ts';
import { bodyOf } from '../reply-body.ts';
import { groupOutput, groupRow } from '../output/resources.ts';
import { paths } from '../paths.ts';
import type { Session } from '../session.ts';
import { NO_WAIT, type NoWaitFlag, TAGS, type TagsFlag, tagsOf, YES, type YesFlag } from './flags.ts';

/** Azure CLI takes both for the same. */
interface NameFlag {
  readonly name?: string;
  readonly resourceGroup?: string;
}

const NAME: readonly OptionSpec[] = [
  { flags: '-n, --name <name>', summary: 'Name of the resource group', required: true, sameAs: '--resource-group' },
  { flags: '-g, --resource-group <name>', summary: 'The same as --name' },
];

const nameOf = ({ name, resourceGroup }: NameFlag): string => (name ?? resourceGroup)!;

async function pathTo(session: Session, flags: NameFlag): Promise<string> {
  const name = nameOf(flags);
  return paths.group(await session.subscription(), name);
}

const created = command<NameFlag & TagsFlag & { readonly location: string }>({
  examples: ['mintmark group create --name myResourceGroup --location eastus'],
  options: [...NAME, { flags: '-l, --location <location>', summary: 'Location, such as eastus', required: true }, TAGS],
  async run(session, flags) {
    const path = await pathTo(session, flags);
    const reply = await (await session.api()).send('PUT', path, { location: flags.location, tags: tagsOf(flags) });
    return { result: groupOutput(bodyOf(reply)) };
  },
});

const shown = command<NameFlag>({
  examples: ['mintmark group show --name myResourceGroup'],
  options: NAME,
  async run(session, flags) {
    const path = await pathTo(session, flags);
    return { result: groupOutput(await (await session.api()).get<ResourceGroupBody>(path)) };
  },
});

const listed = command<unknown>({
  examples: ['mintmark group list --output table'],
  options: [],
  async run(session): Promise<Outcome> {
    const groups = await (await session.api()).list<ResourceGroupBody>(paths.groups(await session.subscription()));
    return { result: groups.map(groupOutput), table: { rows: groups.map(groupRow) } };
  },
});

const updated = command<NameFlag & TagsFlag>({
  examples: ['mintmark group update --name myResourceGroup --tags team=identity'],
  options: [...NAME, { ...TAGS, required: true }],
  async run(session, flags) {
    const [path, api] = [await pathTo(session, flags), await session.api()];
    const { location } = await api.get<ResourceGroupBody>(path);
    return { result: groupOutput(bodyOf(await api.send('PUT', path, { location, tags: tagsOf(flags) }))) };
  },
});

const deleted = command<NameFlag & YesFlag & NoWaitFlag>({
  examples: ['mintmark group delete --name myResourceGroup --yes'],
  options: [...NAME, YES, NO_WAIT],
  async run(session, flags) {
    await confirm(session, `The group '${nameOf(flags)}' will be deleted with every cluster in it. Their issuer URLs are never used again. Go on?`, flags.yes === true);
    const api = await session.api();
    const reply = await api.send('DELETE', await pathTo(session, flags));
    if (flags.wait) await api.follow(reply);
    return {};
  },
});

const exists = command<NameFlag>({
  examples: ['mintmark group exists --name myResourceGroup'],
  options: NAME,
  async run(session, flags) {
    const path = await pathTo(session, flags);
    const there = await (await session.api()).send('HEAD', path).then(() => true, (error: unknown) => {
      if (isNotFound(error)) return false;
      throw error;
    });
    return { result: there };
  },
});

export const group: Group = {
  commands: [
    entry('create', 'Create a resource group, or update the one that exists', created),
    entry('show', 'Show a resource group', shown),
    entry('list', 'List resource groups', listed),
    entry('update', 'Set the tags of a resource group', updated),
    entry('delete', 'Delete a resource group and all in it', deleted),
    entry('exists', 'Tell whether a resource group exists', exists),
  ],
};
