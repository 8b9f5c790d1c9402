/**
 * How tests talk with a running `mintmark dev`: over https, with its own authority, as every client does.
 *
 * Owns: one exchange, logging in, the paths of a cluster. Judges nothing: replies of any status are given as they are.
 */
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { type Agent, request } from 'node:https';
import type { JSONWebKeySet } from 'jose';
import type { IssuerBody, KeyEventBody, OperationBody, RotateReply, TokenReply } from '../../src/http/management/contract.ts';
import { eventually, type Profile } from './dev-server.ts';

/** Whose server it is: what logs in there, and connections to be used again, if any. */
export interface ApiHome {
  profile(): Promise<Profile>;
  readonly agent?: Agent;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Called as soon as all bytes of the request are handed to the system. */
  readonly onSent?: () => void;
  /** Called with the first byte of the reply. */
  readonly onReply?: () => void;
}

/** One request, on a connection of its own unless the home has an agent. Rejects when no reply comes. */
export async function exchange(home: ApiHome, method: string, url: string, { headers = {}, body, onSent, onReply }: Sent = {}): Promise<HttpReply> {
  const ca = await readFile((await home.profile()).caFile, 'utf8');
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, ca, agent: home.agent ?? false, headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) } }, (reply) => {
      const chunks: Buffer[] = [];
      onReply?.();
      reply.on('error', reject).on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text: Buffer.concat(chunks).toString('utf8') }));
    });
    if (onSent !== undefined) sent.once('finish', onSent);
    sent.on('error', reject).end(body);
  });
}

/** JSON of a reply that has to be one of success. */
export function success<Body>({ status, text }: HttpReply): Body {
  if (status >= 300) throw new Error(`the server answered ${status}: ${text}`);
  return JSON.parse(text) as Body;
}

/** An access token for the management API, as the Owner of the home. */
export async function logIn(home: ApiHome): Promise<string> {
  const { endpoint, tenantId, clientId, clientSecret } = await home.profile();
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope: `${endpoint}/.default` });
  const reply = await exchange(home, 'POST', `${endpoint}/${tenantId}/oauth2/v2.0/token`, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() });
  return success<{ access_token: string }>(reply).access_token;
}

/** The management API for one who is logged in, and one cluster of it. */
export class ClusterApi {
  readonly home: ApiHome;
  /** Path of the cluster, and of its issuer. */
  readonly cluster: string;
  readonly issuer: string;
  readonly #accessToken: string;
  readonly #endpoint: string;

  private constructor(home: ApiHome, endpoint: string, cluster: string, accessToken: string) {
    [this.home, this.#endpoint, this.cluster, this.#accessToken] = [home, endpoint, cluster, accessToken];
    this.issuer = `${cluster}/providers/Mintmark.Oidc/issuers/default`;
  }

  /** Logs in. The cluster, `dev` of the group `dev` when not named, need not exist. */
  static async open(home: ApiHome, { group = 'dev', name = 'dev', accessToken }: { readonly group?: string; readonly name?: string; readonly accessToken?: string } = {}): Promise<ClusterApi> {
    const { endpoint, subscriptionId } = await home.profile();
    const path = `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.ContainerService/managedClusters/${name}`;
    return new ClusterApi(home, endpoint, path, accessToken ?? (await logIn(home)));
  }

  /** A path below the endpoint; the body is sent as JSON. Headers given stand over those made here. */
  send(method: string, path: string, body?: unknown, sent: Sent = {}): Promise<HttpReply> {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = { authorization: `Bearer ${this.#accessToken}`, ...(body === undefined && sent.body === undefined ? {} : { 'content-type': 'application/json' }), ...sent.headers };
    return exchange(this.home, method, this.#endpoint + path, { ...json, ...sent, headers });
  }

  /** Makes the cluster with its issuer in the group `dev`. */
  async create(): Promise<void> {
    success(await this.send('PUT', this.cluster, { properties: { oidcIssuerProfile: { enabled: true } } }));
  }

  async show(): Promise<IssuerBody['properties']> {
    return success<IssuerBody>(await this.send('GET', this.issuer)).properties;
  }

  /** What happened to the keys, oldest first. */
  async events(): Promise<readonly KeyEventBody[]> {
    return success<{ value: readonly KeyEventBody[] }>(await this.send('GET', `${this.issuer}/events`)).value.toReversed();
  }

  async issueToken(expirationSeconds?: number, name = 'app'): Promise<string> {
    const reply = await this.send('POST', `${this.issuer}/issueToken`, { metadata: { namespace: 'default', name }, spec: { expirationSeconds } });
    return success<TokenReply>(reply).status.token;
  }

  /** Asks for a rotation; `requestId` makes a repeat the same request. */
  rotate(requestId?: string, onSent?: () => void): Promise<HttpReply> {
    const headers: Record<string, string> = requestId === undefined ? {} : { 'x-ms-client-request-id': requestId };
    return this.send('POST', `${this.cluster}/rotateServiceAccountSigningKeys`, undefined, { headers, ...(onSent === undefined ? {} : { onSent }) });
  }

  /** Rotates, and waits for the end of it. */
  async rotateToTheEnd(): Promise<OperationBody> {
    return this.operationEnded(success<RotateReply>(await this.rotate()).operationId);
  }

  async operation(id: string): Promise<OperationBody> {
    return success<OperationBody>(await this.send('GET', `${this.cluster.split('/resourceGroups/')[0]}/providers/Microsoft.ContainerService/locations/eastus/operations/${id}`));
  }

  operationEnded(id: string): Promise<OperationBody> {
    return eventually(`the operation ${id} has ended`, async () => {
      const operation = await this.operation(id);
      return operation.status === 'InProgress' ? undefined : operation;
    });
  }

  /** The public JWKS, by way of the discovery document. */
  async jwks(): Promise<JSONWebKeySet> {
    const { issuerURL } = await this.show();
    const discovery = success<{ jwks_uri: string }>(await exchange(this.home, 'GET', `${issuerURL}.well-known/openid-configuration`));
    return success<JSONWebKeySet>(await exchange(this.home, 'GET', discovery.jwks_uri));
  }
}
