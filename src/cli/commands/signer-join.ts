/** Credentials for fleets: `signer create-join-credential|list-join-credentials|revoke-join-credential`. */
import type { CreateJoinCredentialReply, JoinCredentialBody } from '../../http/management/signer-contract.ts';
import { command } from '../command.ts';
import { confirm } from '../confirmation.ts';
import { TEN_YEARS } from '../../domain/lengths-of-time.ts';
import { lengthWithin } from '../lengths-of-time.ts';
import type { JsonObject } from '../output/json-value.ts';
import { flattened, timeInWords } from '../output/resources.ts';
import { paths } from '../paths.ts';
import { bodyOf } from '../reply-body.ts';
import { CLUSTER_FLAGS, type ClusterFlags, wholeNumber, YES, type YesFlag } from './flags.ts';

/** Seconds: 90 days. Worth the key that signs, so it has no end only where a person says so; the API leaves it to its client. */
const EXPIRES = 90 * 86_400;

const limitsInWords = ({ properties: { expiresAt, maxUses, cidrs, replaceByName } }: JoinCredentialBody): string => [
  expiresAt === null ? 'has no end' : `ends ${timeInWords(expiresAt)}`,
  maxUses === null ? 'may be used without bound' : `may be used ${maxUses === 1 ? 'once' : `${maxUses} times`}`,
  cidrs.length === 0 ? 'from anywhere' : `from ${cidrs.join(', ')}`,
  ...(replaceByName ? ['takes names over'] : []),
].join(', ');

export const joinCredentialCreated = command<ClusterFlags & { readonly expires?: number | 'off'; readonly maxUses?: number; readonly cidr?: readonly string[]; readonly replaceByName?: boolean }>({
  examples: ['mintmark signer create-join-credential -g myResourceGroup -n myAKSCluster --expires 90d --max-uses 20 --cidr 10.0.0.0/8 --query token -o tsv'],
  options: [
    ...CLUSTER_FLAGS,
    { flags: '--expires <length>', summary: 'After how long it ends, such as 30d; off for no end (90d)', parse: (text) => (text.toLowerCase() === 'off' ? 'off' : lengthWithin('--expires', 60, TEN_YEARS)(text)) },
    { flags: '--max-uses <count>', summary: 'How many machines may enrol with it; without bound when left out', parse: wholeNumber('--max-uses', 1, 1_000_000) },
    { flags: '--cidr <range>', summary: 'From which addresses it may be used, such as 10.0.0.0/8; several times for several; from anywhere when left out', repeats: true },
    { flags: '--replace-by-name', summary: 'A machine takes the place of a signer of its name that is silent (as without this flag)' },
    { flags: '--no-replace-by-name', summary: 'A machine stays beside a signer of its name, until that one is written off by hand or by its lease' },
  ],
  async run(session, { expires = EXPIRES, maxUses, cidr: cidrs, replaceByName = true, ...flags }) {
    const asked = { expiresInSeconds: expires === 'off' ? null : expires, maxUses, cidrs, replaceByName };
    const { token, credential } = bodyOf<CreateJoinCredentialReply>(await (await session.api()).send('POST', paths.issuerPart(await session.cluster(flags), 'createJoinCredential'), asked));
    session.report.warn(`The credential is shown only now, and ${limitsInWords(credential)}. Whoever has it can enrol a machine, which is then given the key that signs: keep it like that key.`);
    if (credential.properties.replaceByName) session.report.warn('A machine that enrols with it takes the place of a signer of its name that does not ask any more within two minutes: nothing waits for that one any longer. If it lives and is only cut off, tokens that it signs from then on may end before their time. --no-replace-by-name makes a credential that ends nobody.');
    return { result: { token, ...flattened(credential) } };
  },
});

const row = (credential: JoinCredentialBody): JsonObject => {
  const { createdAt, uses, revokedAt } = credential.properties;
  return { name: credential.name, created: timeInWords(createdAt), uses, limits: limitsInWords(credential), state: revokedAt === null ? 'good' : `revoked since ${timeInWords(revokedAt)}` };
};

export const joinCredentialsListed = command<ClusterFlags>({
  examples: ['mintmark signer list-join-credentials -g myResourceGroup -n myAKSCluster --output table'],
  options: CLUSTER_FLAGS,
  async run(session, flags) {
    const credentials = await (await session.api()).list<JoinCredentialBody>(paths.issuerPart(await session.cluster(flags), 'joinCredentials'));
    return { result: credentials.map(flattened), table: { rows: credentials.map(row) } };
  },
});

export const joinCredentialRevoked = command<ClusterFlags & YesFlag & { readonly id: string }>({
  examples: ['mintmark signer revoke-join-credential -g myResourceGroup -n myAKSCluster --id 0d9a4c1e-6a3b-4f0e-8a51-2f4b8c7d9e10'],
  options: [...CLUSTER_FLAGS, { flags: '--id <id>', summary: "Id of the credential, from 'signer list-join-credentials'", required: true }, YES],
  async run(session, { id: asked, yes = false, ...flags }) {
    // Lists and replies have it as a resource too, whose id ends in it.
    const id = asked.split('/').at(-1) ?? asked;
    await confirm(session, `Nobody will enrol with the join credential ${id} any more; who has done so stays. Go on?`, yes);
    await (await session.api()).send('DELETE', paths.issuerItem(await session.cluster(flags), 'joinCredentials', id));
    return {};
  },
});
