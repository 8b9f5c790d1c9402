/** Subscriptions of a tenant: `subscription create|list|delete`. */
import { randomUUID } from 'node:crypto';
import type { NamedBody } from '../../http/management/contract.ts';
import { command, entry, type Group } from '../command.ts';
import { confirm } from '../confirmation.ts';
import { paths } from '../paths.ts';
import { bodyOf } from '../reply-body.ts';
import { TENANT, type TenantFlag, tenantOf, YES, type YesFlag } from './flags.ts';
import { namedOutput, namedRow } from './named-output.ts';

const created = command<TenantFlag & { readonly name: string }>({
  examples: ['mintmark subscription create --name production'],
  options: [{ flags: '-n, --name <name>', summary: 'Name of the subscription for people', required: true }, TENANT],
  async run(session, { name, ...flags }) {
    const reply = await (await session.api()).send('PUT', paths.tenantSubscription(await tenantOf(session, flags), randomUUID()), { properties: { displayName: name } });
    return { result: namedOutput('subscriptionId', bodyOf<NamedBody>(reply)) };
  },
});

const listed = command<TenantFlag>({
  examples: ['mintmark subscription list --output table'],
  options: [TENANT],
  async run(session, flags) {
    const all = (await (await session.api()).list<NamedBody>(paths.tenantSubscriptions(await tenantOf(session, flags)))).map((one) => namedOutput('subscriptionId', one));
    return { result: all, table: { rows: all.map(namedRow('subscriptionId')) } };
  },
});

const deleted = command<TenantFlag & YesFlag & { readonly id: string }>({
  examples: ['mintmark subscription delete --id 0d9a4c1e-6a3b-4f0e-8a51-2f4b8c7d9e10 --yes'],
  options: [{ flags: '--id <id>', summary: 'Id of the subscription', required: true }, TENANT, YES],
  async run(session, { id, yes = false, ...flags }) {
    await confirm(session, `The subscription '${id}' will be deleted, and every role in it. Go on?`, yes);
    await (await session.api()).send('DELETE', paths.tenantSubscription(await tenantOf(session, flags), id));
    return {};
  },
});

export const subscription: Group = {
  commands: [
    entry('create', 'Create a subscription in a tenant', created),
    entry('list', 'List the subscriptions of a tenant that the principal can see', listed),
    entry('delete', 'Delete a subscription that has no resource group', deleted),
  ],
};
