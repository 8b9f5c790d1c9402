/** Principals that log in with a secret: `sp create|list|reset-secret|delete-secret|delete`. A secret is printed once, where it is the result. */
import { randomUUID } from 'node:crypto';
import type { PrincipalBody, SecretReply } from '../../http/management/contract.ts';
import { command, entry, type Group, type OptionSpec } from '../command.ts';
import { confirm } from '../confirmation.ts';
import { timeInWords } from '../output/resources.ts';
import type { JsonObject } from '../output/json-value.ts';
import { paths, type PrincipalName } from '../paths.ts';
import { bodyOf } from '../reply-body.ts';
import type { Session } from '../session.ts';
import { TENANT, type TenantFlag, tenantOf, YES, type YesFlag } from './flags.ts';

interface IdFlag extends TenantFlag {
  readonly id: string;
}

const ID: OptionSpec = { flags: '--id <id>', summary: 'Client id of the principal', required: true };

const named = async (session: Session, { id, ...flags }: IdFlag): Promise<PrincipalName> => ({ tenant: await tenantOf(session, flags), id });

const secretOutput = ({ clientId, tenantId, secretId, clientSecret }: SecretReply): JsonObject => ({ clientId, tenantId, secretId, clientSecret });

const created = command<TenantFlag & { readonly role: string; readonly scope: string; readonly name?: string }>({
  examples: [
    'mintmark sp create --name pipeline --role Contributor --scope /subscriptions/0d9a4c1e-6a3b-4f0e-8a51-2f4b8c7d9e10',
    'mintmark sp create --name team-a-owner --role Owner --scope /providers/Mintmark.Admin/tenants/3f0c2a51-5b1e-4f7e-9d53-1c7a5a0f4f11 --tenant 3f0c2a51-5b1e-4f7e-9d53-1c7a5a0f4f11',
  ],
  options: [
    { flags: '--role <role>', summary: 'What it may do', required: true, choices: ['Owner', 'Contributor', 'Reader'] },
    { flags: '--scope <scope>', summary: 'Where: / for the whole server, or the id of a tenant, subscription, resource group or cluster', required: true },
    { flags: '-n, --name <name>', summary: 'Name for people' },
    TENANT,
  ],
  async run(session, { role, scope, name, ...flags }) {
    const api = await session.api();
    const principal = { tenant: await tenantOf(session, flags), id: randomUUID() };
    const displayName = name ?? `sp-${principal.id.slice(0, 8)}`;
    await api.send('PUT', paths.principal(principal), { properties: { displayName, roleAssignments: [{ role, scope }] } });
    const secret = bodyOf<SecretReply>(await api.send('POST', paths.resetSecret(principal), {}));
    session.report.warn('The secret is shown only now. Keep it where only its user can read it.');
    return { result: { ...secretOutput(secret), name: displayName, role, scope } };
  },
});

const output = ({ id, properties: { displayName, ...properties } }: PrincipalBody): JsonObject => ({ id, name: displayName, ...properties });

const row = ({ properties }: PrincipalBody): JsonObject => ({
  name: properties.displayName, clientId: properties.clientId,
  roles: properties.roleAssignments.map(({ role, scope }) => `${role} at ${scope}`).join(', '),
  secrets: properties.secrets.map(({ createdAt, firstUsedAt }) => `of ${timeInWords(createdAt)}${firstUsedAt === null ? ' (not used yet)' : ''}`).join(', '),
});

const listed = command<TenantFlag>({
  examples: ['mintmark sp list --output table'],
  options: [TENANT],
  async run(session, flags) {
    const all = await (await session.api()).list<PrincipalBody>(paths.principals(await tenantOf(session, flags)));
    return { result: all.map(output), table: { rows: all.map(row) } };
  },
});

const secretReset = command<IdFlag & { readonly append?: boolean }>({
  examples: ['mintmark sp reset-secret --id 7c1f0b9a-2f1d-4f43-8d1b-5e0d6a9b3c22 --append'],
  options: [ID, { flags: '--append', summary: 'Keep the present secret beside the new one, until it is deleted' }, TENANT],
  async run(session, { append = false, ...flags }) {
    const secret = bodyOf<SecretReply>(await (await session.api()).send('POST', paths.resetSecret(await named(session, flags)), { append }));
    session.report.warn(append ? "The former secret still logs in: delete it with 'mintmark sp delete-secret' when nobody uses it any more." : 'Every former secret has ended.');
    return { result: secretOutput(secret) };
  },
});

const secretDeleted = command<IdFlag & { readonly secretId: string }>({
  examples: ['mintmark sp delete-secret --id 7c1f0b9a-2f1d-4f43-8d1b-5e0d6a9b3c22 --secret-id a90b6f0e-8a43-4b2f-8f43-2b9e7a8d1c55'],
  options: [ID, { flags: '--secret-id <id>', summary: "Id of the secret, from 'sp list'", required: true }, TENANT],
  async run(session, { secretId, ...flags }) {
    await (await session.api()).send('DELETE', paths.secret(await named(session, flags), secretId));
    return {};
  },
});

const deleted = command<IdFlag & YesFlag>({
  examples: ['mintmark sp delete --id 7c1f0b9a-2f1d-4f43-8d1b-5e0d6a9b3c22 --yes'],
  options: [ID, TENANT, YES],
  async run(session, { yes = false, ...flags }) {
    await confirm(session, `The principal '${flags.id}' will be deleted: it loses its roles at once and can not log in any more. Go on?`, yes);
    await (await session.api()).send('DELETE', paths.principal(await named(session, flags)));
    return {};
  },
});

export const sp: Group = {
  commands: [
    entry('create', 'Create a principal with a role and a secret', created),
    entry('list', 'List the principals of a tenant', listed),
    entry('reset-secret', 'Make a new secret, in place of the others or beside one', secretReset),
    entry('delete-secret', 'Delete one of two secrets', secretDeleted),
    entry('delete', 'Delete a principal', deleted),
  ],
};
