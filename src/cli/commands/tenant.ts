/** Tenants of the server: `tenant create|list|delete`. Not those of Entra ID. */
import { randomUUID } from 'node:crypto';
import type { NamedBody } from '../../http/management/contract.ts';
import { command, entry, type Group } from '../command.ts';
import { confirm } from '../confirmation.ts';
import { paths } from '../paths.ts';
import { bodyOf } from '../reply-body.ts';
import { YES, type YesFlag } from './flags.ts';
import { namedOutput, namedRow } from './named-output.ts';

const created = command<{ readonly name: string }>({
  examples: ['mintmark tenant create --name team-a'],
  options: [{ flags: '-n, --name <name>', summary: 'Name of the tenant for people', required: true }],
  async run(session, { name }) {
    const reply = await (await session.api()).send('PUT', paths.tenant(randomUUID()), { properties: { displayName: name } });
    return { result: namedOutput('tenantId', bodyOf<NamedBody>(reply)) };
  },
});

const listed = command<unknown>({
  examples: ['mintmark tenant list --output table'],
  options: [],
  async run(session) {
    const all = (await (await session.api()).list<NamedBody>(paths.tenants())).map((one) => namedOutput('tenantId', one));
    return { result: all, table: { rows: all.map(namedRow('tenantId')) } };
  },
});

const deleted = command<YesFlag & { readonly id: string }>({
  examples: ['mintmark tenant delete --id 3f0c2a51-5b1e-4f7e-9d53-1c7a5a0f4f11 --yes'],
  options: [{ flags: '--id <id>', summary: 'Id of the tenant', required: true }, YES],
  async run(session, { id, yes = false }) {
    await confirm(session, `The tenant '${id}' will be deleted with its principals, who can not log in any more. Go on?`, yes);
    await (await session.api()).send('DELETE', paths.tenant(id));
    return {};
  },
});

export const tenant: Group = {
  commands: [
    entry('create', 'Create a tenant of this server', created),
    entry('list', 'List the tenants that the principal can see', listed),
    entry('delete', 'Delete a tenant that has no subscription', deleted),
  ],
};
