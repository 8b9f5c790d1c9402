/** Who is logged in where: `account show|list|set|list-locations`. */
import { command, entry, type Group } from '../command.ts';
import { failure, usageError } from '../errors.ts';
import type { JsonObject } from '../output/json-value.ts';
import { paths } from '../paths.ts';
import { setSubscription } from '../profile.ts';
import type { Session } from '../session.ts';

interface Subscription {
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly displayName: string;
  readonly state: string;
}

async function accounts(session: Session): Promise<readonly JsonObject[]> {
  const profile = await session.profile();
  const chosen = (session.globals.subscription ?? profile.subscriptionId).toLowerCase();
  const subscriptions = await (await session.api()).list<Subscription>(paths.subscriptions());
  return subscriptions.map(({ subscriptionId, tenantId, displayName, state }) => ({
    environmentName: 'Mintmark', homeTenantId: tenantId, id: subscriptionId, isDefault: subscriptionId.toLowerCase() === chosen, managedByTenants: [],
    name: displayName, state, tenantId, user: { name: profile.clientId, type: 'servicePrincipal' },
  }));
}

const row = ({ name, environmentName, id, tenantId, state, isDefault }: JsonObject): JsonObject =>
  ({ name: name!, cloudName: environmentName!, subscriptionId: id!, tenantId: tenantId!, state: state!, isDefault: isDefault! });

const shown = command<unknown>({
  examples: ['mintmark account show --query id --output tsv'],
  options: [],
  async run(session) {
    const account = (await accounts(session)).find(({ isDefault }) => isDefault);
    if (account === undefined) throw failure(`The principal can not see the subscription '${await session.subscription()}'. 'mintmark account list' shows those that it can.`);
    return { result: account };
  },
});

const listed = command<unknown>({
  examples: ['mintmark account list --output table'],
  options: [],
  async run(session) {
    const all = await accounts(session);
    return { result: all, table: { rows: all.map(row) } };
  },
});

const chosen = command<unknown>({
  examples: ['mintmark account set --subscription production'],
  options: [],
  async run(session) {
    const wanted = session.globals.subscription?.toLowerCase();
    if (wanted === undefined) throw usageError('the following arguments are required: --subscription');
    const all = await accounts(session);
    const found = all.find(({ id }) => String(id).toLowerCase() === wanted) ?? all.find(({ name }) => String(name).toLowerCase() === wanted);
    if (found === undefined) throw failure(`The principal can not see a subscription '${session.globals.subscription}'. 'mintmark account list' shows those that it can.`);
    await setSubscription((await session.profile()).home, String(found['id']));
    return {};
  },
});

const locations = command<unknown>({
  examples: ['mintmark account list-locations --query "[].name" --output tsv'],
  options: [],
  async run(session) {
    const all = await (await session.api()).list<JsonObject>(paths.locations(await session.subscription()));
    return { result: all, table: { rows: all.map(({ displayName, name }) => ({ displayName: displayName ?? null, name: name ?? null })) } };
  },
});

export const account: Group = {
  commands: [
    entry('show', 'Show the subscription that commands work on', shown),
    entry('list', 'List the subscriptions that the principal can see', listed),
    entry('set', 'Choose the subscription that commands work on, by id or name', chosen),
    entry('list-locations', 'List the locations that a cluster can have', locations),
  ],
};
