/** Service-account tokens: `token create` and `token verify`. A token is printed only where it is the result. */
import { command, entry, type Group, type OptionSpec, type Outcome } from '../command.ts';
import { failure, usageError } from '../errors.ts';
import { parseLength } from '../lengths-of-time.ts';
import type { IssuerBody, TokenReply } from '../../http/management/contract.ts';
import { printable } from '../output/printable.ts';
import { bodyOf } from '../reply-body.ts';
import { paths } from '../paths.ts';
import type { Session } from '../session.ts';
import type { ReadDocument, Verdict } from '../token-verification.ts';
import { CLUSTER_FLAGS, type ClusterFlags } from './flags.ts';

interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

function serviceAccount(text: string): ServiceAccount {
  const match = /^([^/]+)\/([^/]+)$/.exec(text);
  if (match === null) throw usageError(`argument --service-account: '${text}' is not NAMESPACE/NAME, such as default/my-app.`);
  return { namespace: match[1]!, name: match[2]! };
}

const created = command<ClusterFlags & { readonly serviceAccount: ServiceAccount; readonly audience?: readonly string[]; readonly duration?: number }>({
  examples: ['mintmark token create -g myResourceGroup -n myAKSCluster --service-account default/my-app --audience api://AzureADTokenExchange'],
  options: [
    ...CLUSTER_FLAGS,
    { flags: '--service-account <namespace/name>', summary: 'Service account that the token is for', required: true, parse: serviceAccount },
    { flags: '--audience <audience>', summary: 'Who will accept the token; several times for several; the issuer when left out', repeats: true },
    { flags: '--duration <length>', summary: 'Life of the token from 10m to 24h, such as 1h, 90m or 3600s; 1h when left out', parse: parseLength },
  ],
  async run(session, { serviceAccount: metadata, audience, duration, ...flags }) {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata, spec: { audiences: audience, expirationSeconds: duration } };
    const { status } = bodyOf<TokenReply>(await (await session.api()).send('POST', paths.issuerPart(await session.cluster(flags), 'issueToken'), request));
    return { result: { token: status.token, expirationTimestamp: status.expirationTimestamp }, text: `${status.token}\n` };
  },
});

interface VerifyFlags extends Partial<ClusterFlags> {
  readonly issuer?: string;
  readonly audience?: string;
}

const optional = CLUSTER_FLAGS.map(({ flags, summary }): OptionSpec => ({ flags, summary }));

const verified = command<VerifyFlags>({
  examples: [
    'mintmark token create -g myResourceGroup -n myAKSCluster --service-account default/my-app | mintmark token verify -g myResourceGroup -n myAKSCluster',
    'mintmark token verify --issuer https://oidc.example.com/1234/ --audience api://AzureADTokenExchange < token',
  ],
  options: [
    ...optional,
    { flags: '--issuer <url>', summary: 'Issuer URL to trust, instead of that of a cluster' },
    { flags: '--audience <audience>', summary: 'Audience that the token must have' },
  ],
  async run(session, flags) {
    const source = issuerSource(flags);
    if (session.io.stdin.isTTY === true) throw usageError("The token is read from standard input: pipe it in, as 'mintmark token verify … < FILE'.");
    const token = await readToken(session);
    const { verifyToken } = await import('../token-verification.ts');
    return verdictOutcome(await verifyToken({ token, issuer: await source(session), audience: flags.audience ?? null, now: new Date() }, await documentReader(session)));
  },
});

function issuerSource({ issuer, resourceGroup, name }: VerifyFlags): (session: Session) => Promise<string> {
  if (issuer !== undefined) {
    if (!URL.canParse(issuer) || new URL(issuer).protocol !== 'https:') throw usageError(`argument --issuer: '${issuer}' is no https URL.`);
    return async () => issuer;
  }
  if (resourceGroup === undefined || name === undefined) throw usageError('Whose token? Give --resource-group/-g and --name/-n of a cluster, or --issuer.');
  return async (session) => (await (await session.api()).get<IssuerBody>(paths.issuer(await session.cluster({ resourceGroup, name })))).properties.issuerURL;
}

const LONGEST_TOKEN = 64 * 1024;

async function readToken(session: Session): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of session.io.stdin) {
    chunks.push(Buffer.from(chunk as Buffer));
    size += (chunk as Buffer).length;
    if (size > LONGEST_TOKEN) throw usageError(`The token on standard input is longer than ${LONGEST_TOKEN} bytes.`);
  }
  return Buffer.concat(chunks).toString('utf8').trim();
}

/** Reads public documents, trusting the system's authorities and that of the profile where there is one. */
async function documentReader(session: Session): Promise<ReadDocument> {
  const { getCACertificates } = await import('node:tls');
  const own = await session.profile().then(({ ca }) => ca, () => null);
  const https = await session.publicHttps(own === null ? null : [...getCACertificates('default'), own]);
  return async (url) => {
    const reply = await https.send({ method: 'GET', url, headers: { accept: 'application/json' } });
    if (reply.status !== 200) throw failure(`${printable(url)} answered ${reply.status} ${reply.reason}: there is no such issuer, or it is not published now.`);
    return bodyOf<Record<string, unknown>>(reply);
  };
}

function verdictOutcome(verdict: Verdict): Outcome {
  if (!verdict.verifies) return { result: { ...verdict }, text: `${printable(`does not verify: ${verdict.reason}`)}\n`, exitCode: 1 };
  const { subject, audiences, expiresAt, kid } = verdict;
  return { result: { ...verdict }, text: `${printable(`verifies: ${subject}, for ${audiences.join(', ')}, until ${expiresAt}, signed by key ${kid}`)}\n` };
}

export const token: Group = {
  commands: [
    entry('create', 'Create a token for a service account', created),
    entry('verify', 'Verify a token against the published documents', verified),
  ],
};
