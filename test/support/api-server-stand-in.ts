/**
 * A stand-in for a kube-apiserver and the kubelet that runs it, over real https, for where no kube-apiserver can be had
 * (`test/e2e/kube-apiserver-attach.test.ts` takes a real one through the same). It does what the contract of KEP-740 and
 * the flag reference say of one, and nothing else: reads its flags and key files when it starts and never again, verifies
 * nothing that it was not given, and is restarted when its manifest changes.
 */
import { createPrivateKey, createPublicKey, createSign, type KeyObject, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { exportJWK, jwtVerify } from 'jose';
import { parse } from 'yaml';
import { type ApiServerPod, flagList, valuesOf } from '../../src/attach/patches.ts';
import { keyId } from '../../src/keys/generate.ts';
import { createAuthority, createServerCertificate } from '../../src/keys/private-ca.ts';

const authority = await createAuthority('stand-in', new Date());
const certificate = await createServerCertificate(authority, ['127.0.0.1', 'localhost'], new Date());
const TOKEN = 'admin-token';
/** How long it stays unready where nobody asks, in milliseconds. */
const UNSEEN_MS = 200;

interface Process {
  readonly issuers: readonly string[];
  readonly signing: { readonly key: KeyObject; readonly kid: string } | null;
  readonly keys: ReadonlyMap<string, KeyObject>;
  readonly maxSeconds: number;
}

const PEM = /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g;

/** What kube-apiserver makes of its flags; an error keeps it from starting. */
function started(pod: ApiServerPod): Process {
  const list = flagList(pod);
  const one = (name: string): string | undefined => valuesOf(list, name).at(-1);
  const files = valuesOf(list, 'service-account-key-file');
  const endpoint = one('service-account-signing-endpoint');
  if (endpoint !== undefined && (files.length > 0 || one('service-account-signing-key-file') !== undefined)) throw new Error('service-account-signing-endpoint and key files exclude each other');
  if (endpoint !== undefined && !existsSync(endpoint)) throw new Error('no signer at the endpoint');
  for (const folder of mountedFolders(pod)) if (!existsSync(folder)) throw new Error(`hostPath ${folder} is no directory`);
  const keys = new Map(files.flatMap((file) => (readFileSync(file, 'utf8').match(PEM) ?? []).map((pem) => createPublicKey(pem))).map((key) => [keyId(key), key]));
  const signing = endpoint === undefined ? createPrivateKey(readFileSync(one('service-account-signing-key-file')!, 'utf8')) : null;
  const max = /^(\d+)h/.exec(one('service-account-max-token-expiration') ?? '');
  return { issuers: valuesOf(list, 'service-account-issuer'), keys, signing: signing === null ? null : { key: signing, kid: keyId(createPublicKey(signing)) }, maxSeconds: max === null ? 3600 * 24 * 365 : Number(max[1]) * 3600 };
}

/** hostPath volumes of type Directory: the pod waits for them. */
const mountedFolders = (pod: ApiServerPod): readonly string[] =>
  ((pod.spec?.volumes ?? []) as readonly { hostPath?: { path: string; type?: string } }[]).filter(({ hostPath }) => hostPath?.type === 'Directory').map(({ hostPath }) => hostPath!.path);

const signed = ({ key, kid }: NonNullable<Process['signing']>, claims: object): string => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ alg: 'RS256', kid })}.${part(claims)}`;
  return `${input}.${createSign('sha256').update(input).sign(key).toString('base64url')}`;
};

const JWKS = '/openid/v1/jwks';

export class ApiServerStandIn {
  readonly manifest: string;
  #server: Server | null = null;
  #process: Process | null = null;
  #runs = '';
  #port = 0;
  #over = false;
  /** Set while it shuts down; called when its /readyz has said so. */
  #onUnready: (() => void) | null = null;
  #kubelet: Promise<void> = Promise.resolve();
  /** Why it did not start last time; null when it did. */
  fault: string | null = null;
  /** How often it was started. */
  starts = 0;
  /** Somebody looks at /readyz: a restart lasts until they have seen it. */
  watched = false;
  /** A kubelet that does not look any more, for tests of who waits for it. */
  asleep = false;

  private constructor(manifest: string) {
    this.manifest = manifest;
  }

  /** Runs what the manifest says and follows its changes, until `close`. */
  static async run(manifest: string): Promise<ApiServerStandIn> {
    const standIn = new ApiServerStandIn(manifest);
    await standIn.#restart(readFileSync(manifest, 'utf8'));
    standIn.#kubelet = standIn.#follow();
    return standIn;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** PEM of the authority of its certificate. */
  get ca(): string {
    return authority.certificate;
  }

  /** A kubeconfig of an administrator, as kubeadm's admin.conf is laid out. */
  kubeconfig(token = TOKEN, user: object = {}): string {
    return JSON.stringify({
      apiVersion: 'v1', kind: 'Config', 'current-context': 'c', contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
      clusters: [{ name: 'k', cluster: { server: this.url, 'certificate-authority-data': Buffer.from(this.ca).toString('base64') } }], users: [{ name: 'u', user: { token, ...user } }],
    });
  }

  /** Of the keys that it verifies by. */
  get kids(): readonly string[] {
    return [...this.#process!.keys.keys()];
  }

  /** The first signs, all are accepted. */
  get issuers(): readonly string[] {
    return this.#process!.issuers;
  }

  /** As TokenReview does it: by the keys and issuers of this moment. */
  async accepts(token: string): Promise<boolean> {
    const { keys, issuers } = this.#process!;
    return jwtVerify(token, ({ kid }) => keys.get(kid!) ?? Promise.reject(new Error('unknown kid')), { issuer: [...issuers] }).then(() => true, () => false);
  }

  /** A token as a pod gets it. */
  token(seconds = 3600): string {
    const { signing, issuers, maxSeconds } = this.#process!;
    const iat = Math.floor(Date.now() / 1000);
    return signed(signing!, { aud: [...issuers], exp: iat + Math.min(seconds, maxSeconds), iat, iss: issuers[0], jti: randomUUID(), nbf: iat, sub: 'system:serviceaccount:default:app' });
  }

  async close(): Promise<void> {
    this.#over = true;
    await this.#kubelet;
    await this.#stop();
  }

  async #follow(): Promise<void> {
    while (!this.#over) {
      const text = this.asleep ? this.#runs : this.#manifestNow();
      if (text !== this.#runs) await this.#restart(text);
      await pause(10);
    }
  }

  /** The kubelet runs every file of the folder whose name begins with no dot: two would be two pods. */
  #manifestNow(): string {
    const names = readdirSync(dirname(this.manifest)).filter((name) => !name.startsWith('.'));
    const others = names.filter((name) => (parse(readFileSync(join(dirname(this.manifest), name), 'utf8')) as { metadata?: { name?: string } }).metadata?.name === 'kube-apiserver');
    if (others.length !== 1) throw new Error(`the kubelet found ${others.length} pods: ${others.join(', ')}`);
    return readFileSync(this.manifest, 'utf8');
  }

  async #restart(text: string): Promise<void> {
    await this.#stop();
    this.#runs = text;
    try {
      this.#process = started(parse(text) as ApiServerPod);
      [this.fault, this.starts] = [null, this.starts + 1];
      await this.#listen();
    } catch (error) {
      this.fault = (error as Error).message;
    }
  }

  async #listen(): Promise<void> {
    const server = createServer({ cert: certificate.certificate, key: certificate.privateKey }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        // As a real one, which has no JSON of its keys but this.
        if (request.url === JWKS && !/\*\/\*|application\/jwk-set\+json/.test(request.headers.accept ?? '*/*')) return void response.writeHead(406).end();
        void this.#answer(request.method ?? '', request.url ?? '', request.headers.authorization, Buffer.concat(chunks).toString()).then(({ status, body }) => {
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        });
      });
    });
    await new Promise<void>((resolve) => { server.listen(this.#port, '127.0.0.1', resolve); });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    // As a kube-apiserver that is asked to end: not ready first, then gone. It stays so until someone has seen it.
    let isSeen = false;
    this.#onUnready = () => { isSeen = true; };
    const unseenUntil = performance.now() + UNSEEN_MS;
    while (!isSeen && !this.#over && (this.watched || performance.now() < unseenUntil)) await pause(5);
    this.#onUnready = null;
    server.closeAllConnections();
    await new Promise((resolve) => { server.close(resolve); });
  }

  async #answer(method: string, url: string, authorization: string | undefined, body: string): Promise<{ status: number; body: unknown }> {
    const { keys, signing, issuers, maxSeconds } = this.#process!;
    if (method === 'GET' && url === '/readyz') {
      const status = this.#onUnready === null ? 200 : 500;
      this.#onUnready?.();
      return { status, body: status === 200 ? 'ok' : '[-]shutdown failed' };
    }
    if (authorization !== `Bearer ${TOKEN}`) return { status: 401, body: { kind: 'Status', message: 'Unauthorized' } };
    if (method === 'GET' && url === JWKS) return { status: 200, body: { keys: await Promise.all([...keys].map(async ([kid, key]) => ({ ...(await exportJWK(key)), use: 'sig', alg: 'RS256', kid }))) } };
    const account = /^\/api\/v1\/namespaces\/([^/]+)\/serviceaccounts\/([^/]+)\/token$/.exec(url);
    if (method !== 'POST' || account === null) return { status: 404, body: { kind: 'Status', message: 'not found' } };
    const { spec } = JSON.parse(body) as { spec: { audiences: readonly string[]; expirationSeconds: number } };
    if (spec.expirationSeconds < 600) return { status: 422, body: { kind: 'Status', message: 'may not specify a duration less than 10 minutes' } };
    const iat = Math.floor(Date.now() / 1000);
    const claims = { aud: spec.audiences, exp: iat + Math.min(spec.expirationSeconds, maxSeconds), iat, iss: issuers[0], jti: randomUUID(), nbf: iat, sub: `system:serviceaccount:${account[1]}:${account[2]}` };
    return { status: 201, body: { kind: 'TokenRequest', status: { token: signed(signing!, claims), expirationTimestamp: new Date(claims.exp * 1000).toISOString() } } };
  }
}
