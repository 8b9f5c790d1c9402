/** What `mintmark dev` says when it is up: the issuer, a token that verifies, where things are, and what to try next. */
import { join } from 'node:path';
import { decodeProtectedHeader } from 'jose';
import type { App } from '../app.ts';
import type { Config } from '../config/config.ts';
import { isMintmarkError } from '../domain/errors.ts';
import { JWKS_SUFFIX } from '../domain/issuer.ts';
import { subjectOf } from '../domain/service-account-token.ts';
import type { FirstCluster } from './first-start.ts';
import type { Home } from './home.ts';
import type { IssuerSockets } from './issuer-sockets.ts';
import { verifyToken } from './verify-token.ts';

const SAMPLE = { namespace: 'default', name: 'default' } as const;

interface Scene {
  readonly app: App;
  readonly config: Config;
  readonly home: Home;
  /** Null when there is no first cluster with an issuer any more. */
  readonly first: FirstCluster | null;
  readonly sockets: Pick<IssuerSockets, 'serve' | 'pathOf'>;
  readonly ca: string;
  readonly now: () => Date;
}

/** The text for the terminal. */
export async function welcome(scene: Scene): Promise<string> {
  const { config, home, first } = scene;
  const issuer = first === null ? ['There is no cluster dev/dev with an issuer; create one with the commands below.'] : await issuerLines(scene, first);
  return `${[
    '',
    'Mintmark is up.',
    '',
    ...issuer,
    '',
    `Management API    ${config.managementUrl}`,
    `Home              ${home.dir}`,
    `Authority (CA)    ${home.caCertificate}`,
    '',
    'Try next, in another terminal:',
    '',
    `  export MINTMARK_HOME=${shellWord(home.dir)}`,
    `  alias az=${shellWord(join(import.meta.dirname, '../../bin/mintmark'))}`,
    ...(first === null ? [] : ['  az issuer show -g dev -n dev -o table', '  az aks oidc-issuer rotate-signing-keys -g dev -n dev', '  az token create -g dev -n dev --service-account default/default']),
    '  az group create --name myResourceGroup --location eastus',
    '  az aks create --resource-group myResourceGroup --name myAKSCluster --enable-oidc-issuer',
    '',
    'It stays up until Ctrl-C.',
  ].join('\n')}\n`;
}

async function issuerLines(scene: Scene, first: FirstCluster): Promise<readonly string[]> {
  return [`Issuer URL        ${first.issuer.url}`, 'Cluster           dev (resource group dev)', ...await tokenLines(scene, first).catch(trouble('Sample token')), ...await socketLines(scene, first).catch(trouble('Signer socket'))];
}

/** What a local API server is started with, so that this issuer's keys sign its tokens. */
async function socketLines({ sockets }: Scene, { issuer }: FirstCluster): Promise<readonly string[]> {
  await sockets.serve(issuer.id);
  const path = sockets.pathOf(issuer.id);
  if (path === null) return [];
  return [
    `Signer socket     ${path}`,
    `API server flags  --service-account-issuer=${issuer.url}`,
    `                  --service-account-signing-endpoint=${shellWord(path)}`,
    `                  --service-account-jwks-uri=${issuer.url}${JWKS_SUFFIX}`,
  ];
}

/** A damaged first cluster is no reason to take the others down. */
const trouble = (what: string) => (error: unknown): readonly string[] => [`${what.padEnd(18)}none: ${isMintmarkError(error) ? `(${error.code}) ` : ''}${(error as Error).message}`];

async function tokenLines({ app, ca, now }: Scene, { cluster, issuer }: FirstCluster): Promise<readonly string[]> {
  const { token, claims } = await app.services.tokens.issue(cluster, { serviceAccount: SAMPLE, audiences: [], expirationSeconds: null });
  const verified = await verifyToken(token, issuer.url, ca, now());
  return [
    `Sample token      ${subjectOf(SAMPLE)}, ends ${new Date(claims.exp * 1000).toISOString()}`,
    `                  ${token}`,
    `Verified          its signature by key ${decodeProtectedHeader(token).kid} of the published JWKS, its issuer ${verified.iss} by the discovery document`,
  ];
}

const shellWord = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
