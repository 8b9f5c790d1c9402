/**
 * A real kube-apiserver on a real etcd, as envtest starts them: the binaries are in the folder that `KUBEBUILDER_ASSETS`
 * names. One etcd, and one API server after another on it, on ports of this machine.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import { eventually, freePort, Running } from './dev-server.ts';
import type { LifeAsked } from './token-lives.ts';

/** Where the binaries are; null where nobody said. */
export const KUBE_ASSETS = process.env['KUBEBUILDER_ASSETS'] ?? null;

/** What `skip` of a test takes: why a real one can not run here, or false. */
export const KUBE_MISSING = KUBE_ASSETS === null && 'KUBEBUILDER_ASSETS is not set: it names the folder with kube-apiserver and etcd (see CONTRIBUTING.md)';

const ADMIN = 'an-admin-of-this-test';
/** The token of the user who may only look at keys and ask for one token: examples/proof-access.yaml. */
const PROOF = 'a-proof-of-this-test';

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

export interface Review {
  readonly authenticated: boolean;
  readonly username: string | null;
}

export class KubeApiServer {
  readonly #dir: string;
  readonly #etcd: Running;
  readonly #etcdUrl: string;
  readonly #port: number;
  #running: Running | null = null;
  /** PEM: it signs its own certificate, unless its flags name another. */
  caFile: string;

  private constructor(dir: string, etcd: Running, etcdUrl: string, port: number) {
    [this.#dir, this.#etcd, this.#etcdUrl, this.#port] = [dir, etcd, etcdUrl, port];
    this.caFile = join(dir, 'certs', 'apiserver.crt');
  }

  /** Starts etcd; `start` starts the API server. */
  static async make(dir: string): Promise<KubeApiServer> {
    const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
    await mkdir(join(dir, 'certs'), { recursive: true, mode: 0o700 });
    await writeFile(join(dir, 'tokens.csv'), `${ADMIN},admin,admin,"system:masters"\n${PROOF},mintmark-proof,mintmark-proof\n`, { mode: 0o600 });
    const [url, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
    const etcd = new Running(join(KUBE_ASSETS!, 'etcd'), ['--data-dir', join(dir, 'etcd'), '--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `default=${peerUrl}`, '--unsafe-no-fsync'], {});
    return new KubeApiServer(dir, etcd, url, port);
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** What every one has, by the flags' names. */
  get flags(): Readonly<Record<string, string>> {
    return {
      'etcd-servers': this.#etcdUrl, 'cert-dir': join(this.#dir, 'certs'), 'bind-address': '127.0.0.1', 'secure-port': String(this.#port), 'service-cluster-ip-range': '10.0.0.0/24',
      'token-auth-file': join(this.#dir, 'tokens.csv'), 'authorization-mode': 'RBAC', 'disable-admission-plugins': 'ServiceAccount',
    };
  }

  /** A kubeconfig of the user `mintmark-proof`, with the certificate that the server has now. */
  async proofKubeconfig(): Promise<string> {
    const ca = await readFile(this.caFile);
    return JSON.stringify({
      apiVersion: 'v1', kind: 'Config', 'current-context': 'c', contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
      clusters: [{ name: 'k', cluster: { server: this.url, 'certificate-authority-data': ca.toString('base64') } }], users: [{ name: 'u', user: { token: PROOF } }],
    });
  }

  /** Starts it with these flags beside those of every one, without waiting for anything. */
  launch(...flags: readonly string[]): Running {
    return (this.#running = new Running(join(KUBE_ASSETS!, 'kube-apiserver'), [...Object.entries(this.flags).map(([name, value]) => `--${name}=${value}`), ...flags], {}));
  }

  /** Starts it, and waits until it is ready and the service account `default/app` is there. */
  async start(...flags: readonly string[]): Promise<void> {
    const running = this.launch(...flags);
    await this.ready(running);
  }

  /** `running`: the process whose end is a failure. */
  async ready(running: Running | null = this.#running): Promise<void> {
    await eventually('the API server is ready', async () => {
      if (running?.isOver === true) throw new Error(`the API server ended: ${running.stderr.slice(-3000)}`);
      return (await this.ask('GET', '/readyz').catch(() => null))?.status === 200 || undefined;
    });
    await eventually('the service account is there', async () => {
      const { status } = await this.ask('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'app' } });
      return status === 201 || status === 409 || undefined;
    });
  }

  async stop(): Promise<void> {
    await this.#running?.end('SIGTERM');
  }

  async end(): Promise<void> {
    await this.stop();
    await this.#etcd.end('SIGKILL');
  }

  /** A request of the administrator. */
  async ask(method: string, path: string, body?: object): Promise<Reply> {
    const ca = await readFile(this.caFile, 'utf8');
    const sent = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: this.#port, path, method, ca, agent: false, headers: { authorization: `Bearer ${ADMIN}`, ...(sent === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }) } }, (reply) => {
        text(reply).then((said) => resolve({ status: reply.statusCode ?? 0, body: said.startsWith('{') ? (JSON.parse(said) as unknown) : said }), reject);
      });
      asked.on('error', reject).end(sent);
    });
  }

  /** As `kubectl apply` for objects that are not there yet: each document of the file. Rejects with what the API server says. */
  async create(file: string): Promise<void> {
    for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
      const object = document.toJS() as { readonly apiVersion: string; readonly kind: string; readonly metadata: { readonly namespace?: string } };
      const { apiVersion, kind, metadata: { namespace } } = object;
      const path = `${apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${kind.toLowerCase()}s`;
      const { status, body } = await this.ask('POST', path, object);
      if (status !== 201) throw new Error(`${kind}: ${status} ${JSON.stringify(body)}`);
    }
  }

  /** A token of the service account, by TokenRequest. Rejects with what the API server says. */
  async requestToken({ expirationSeconds, audiences, pod }: LifeAsked = { expirationSeconds: 3600 }): Promise<string> {
    const boundObjectRef = pod === undefined ? undefined : { apiVersion: 'v1', kind: 'Pod', name: pod, uid: await this.#podUid(pod) };
    const { status, body } = await this.ask('POST', '/api/v1/namespaces/default/serviceaccounts/app/token', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds, audiences, boundObjectRef } });
    if (status !== 201) throw new Error(`TokenRequest: ${status} ${JSON.stringify(body)}`);
    return (body as { status: { token: string } }).status.token;
  }

  /** Of a pod of the service account, which is made where it is not there. */
  async #podUid(name: string): Promise<string> {
    await this.ask('POST', '/api/v1/namespaces/default/pods', { metadata: { name }, spec: { serviceAccountName: 'app', containers: [{ name: 'only', image: 'none' }] } });
    const { status, body } = await this.ask('GET', `/api/v1/namespaces/default/pods/${name}`);
    if (status !== 200) throw new Error(`Pod: ${status} ${JSON.stringify(body)}`);
    return (body as { metadata: { uid: string } }).metadata.uid;
  }

  async review(token: string): Promise<Review> {
    const { body } = await this.ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } });
    const { authenticated = false, user } = (body as { status: { authenticated?: boolean; user?: { username?: string } } }).status;
    return { authenticated, username: user?.username ?? null };
  }

  /** Each key of its own JWKS, `kid alg`; the status where it serves none. */
  async jwksInWords(): Promise<readonly string[] | number> {
    const { status, body } = await this.ask('GET', '/openid/v1/jwks');
    return status === 200 ? (body as { keys: readonly { kid: string; alg: string }[] }).keys.map(({ kid, alg }) => `${kid} ${alg}`) : status;
  }

  /** The kids of its own JWKS. */
  async jwks(): Promise<readonly string[]> {
    const { body } = await this.ask('GET', '/openid/v1/jwks');
    return (body as { keys: readonly { kid: string }[] }).keys.map(({ kid }) => kid);
  }
}
