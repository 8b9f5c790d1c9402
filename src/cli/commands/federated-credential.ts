/** Which tokens log in as an identity: `identity federated-credential create|update|show|list|delete`. */
import type { FederatedCredentialBody } from '../../http/management/identity-contract.ts';
import { command, entry, type Group, type OptionSpec } from '../command.ts';
import { confirm } from '../confirmation.ts';
import type { JsonObject } from '../output/json-value.ts';
import { flattened } from '../output/resources.ts';
import { type IdentityName, paths } from '../paths.ts';
import { bodyOf } from '../reply-body.ts';
import type { Session } from '../session.ts';
import { GROUP, type GroupFlag, YES, type YesFlag } from './flags.ts';

interface OfIdentity extends GroupFlag {
  readonly identityName: string;
}

interface CredentialFlags extends OfIdentity {
  readonly name: string;
}

interface TrustFlags {
  readonly issuer?: string;
  readonly subject?: string;
  readonly audiences?: readonly string[];
}

const OF_IDENTITY: readonly OptionSpec[] = [GROUP, { flags: '--identity-name <name>', summary: 'Name of the managed identity', required: true }];
const CREDENTIAL: readonly OptionSpec[] = [...OF_IDENTITY, { flags: '-n, --name <name>', summary: 'Name of the federated credential', required: true }];
const ISSUER: OptionSpec = { flags: '--issuer <url>', summary: "The 'iss' of the tokens, to the letter, a slash at its end included" };
const SUBJECT: OptionSpec = { flags: '--subject <subject>', summary: "The 'sub' of the tokens, to the letter: system:serviceaccount:NAMESPACE:NAME" };
const AUDIENCES: OptionSpec = { flags: '--audiences <audiences...>', summary: "The 'aud' of the tokens, one; api://AzureADTokenExchange when left out" };
const NAME = 'myCredential --identity-name myIdentity --resource-group myResourceGroup';

const named = async (session: Session, { resourceGroup, identityName }: OfIdentity): Promise<IdentityName> => ({ subscription: await session.subscription(), resourceGroup, identity: identityName });

const row = ({ name, properties: { issuer, subject, audiences } }: FederatedCredentialBody): JsonObject => ({ name, issuer, subject, audience: audiences.join(', ') });

const written = (required: boolean, examples: readonly string[]) => command<CredentialFlags & TrustFlags>({
  examples,
  options: [...CREDENTIAL, { ...ISSUER, required }, { ...SUBJECT, required }, AUDIENCES],
  async run(session, { issuer, subject, audiences, ...flags }) {
    const path = paths.federatedCredential(await named(session, flags), flags.name);
    const api = await session.api();
    // An update of what is not there is a mistake, not a creation.
    if (!required) await api.get(path);
    const credential = bodyOf<FederatedCredentialBody>(await api.send('PUT', path, { properties: { issuer, subject, audiences } }));
    return { result: flattened(credential), table: { rows: [row(credential)] } };
  },
});

const shown = command<CredentialFlags>({
  examples: [`mintmark identity federated-credential show --name ${NAME}`],
  options: CREDENTIAL,
  async run(session, flags) {
    const credential = await (await session.api()).get<FederatedCredentialBody>(paths.federatedCredential(await named(session, flags), flags.name));
    return { result: flattened(credential), table: { rows: [row(credential)] } };
  },
});

const listed = command<OfIdentity>({
  examples: ['mintmark identity federated-credential list --identity-name myIdentity --resource-group myResourceGroup --output table'],
  options: OF_IDENTITY,
  async run(session, flags) {
    const all = await (await session.api()).list<FederatedCredentialBody>(paths.federatedCredentials(await named(session, flags)));
    return { result: all.map(flattened), table: { rows: all.map(row) } };
  },
});

const deleted = command<CredentialFlags & YesFlag>({
  examples: [`mintmark identity federated-credential delete --name ${NAME} --yes`],
  options: [...CREDENTIAL, YES],
  async run(session, { yes = false, ...flags }) {
    await confirm(session, `The federated credential '${flags.name}' will be deleted: its tokens log in no more. Access tokens that they got live on for an hour at most. Go on?`, yes);
    await (await session.api()).send('DELETE', paths.federatedCredential(await named(session, flags), flags.name));
    return {};
  },
});

export const federatedCredential: Group = {
  commands: [
    entry('create', 'Let the tokens of an issuer, subject and audience log in', written(true, [`mintmark identity federated-credential create --name ${NAME} --issuer https://localhost:9443/eastus/3f0c2a51-5b1e-4f7e-9d53-1c7a5a0f4f11/0d9a4c1e-6a3b-4f0e-8a51-2f4b8c7d9e10/ --subject system:serviceaccount:default:my-app`])),
    entry('update', 'Change a federated credential', written(false, [`mintmark identity federated-credential update --name ${NAME} --subject system:serviceaccount:default:my-app`])),
    entry('show', 'Show a federated credential', shown),
    entry('list', 'List the federated credentials of an identity', listed),
    entry('delete', 'Delete a federated credential', deleted),
  ],
};
