/**
 * A cluster with two API servers for chaos with real processes: what is away at the moment, the tokens that were given
 * out, and what is promised of them.
 *
 * Nothing is promised of a key that a rotation by hand or a revocation has named as one that it takes away. Force lets a
 * key sign that some host may not know: nothing is promised of that key at the hosts that were behind. Nor of tokens and
 * verdicts of a host that was written off, until it has the ring that it was given since. Names are taken from what was
 * asked, and from what the server said before that; never from what came of it.
 */
import assert from 'node:assert/strict';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import type { IssuerBody } from '../../src/http/management/contract.ts';
import type { SignerBody } from '../../src/http/management/signer-contract.ts';
import { ApiServer } from './api-server.ts';
import { ClusterApi, success } from './dev-api.ts';
import { eventually } from './dev-server.ts';
import type { SignerHost, SignerServer } from './signer-servers.ts';

const SUBJECT = 'system:serviceaccount:default:default';

export const kidOf = (token: string): string => decodeProtectedHeader(token).kid!;

/** The host of an API server. */
export class ChaosHost {
  readonly signer: SignerHost;
  readonly apiServer: ApiServer;
  runs = true;
  line: 'open' | 'held' | 'cut' = 'open';

  constructor(signer: SignerHost, apiServer: ApiServer) {
    [this.signer, this.apiServer] = [signer, apiServer];
  }

  get name(): string {
    return this.signer.name;
  }

  /** Whether it can not be in contact with its server, were that up. */
  get isAway(): boolean {
    return !this.runs || this.line !== 'open';
  }

  lay(line: ChaosHost['line']): void {
    this.line = line;
    if (line === 'open') this.signer.line.heal();
    else if (line === 'held') this.signer.line.hold();
    else this.signer.line.cut();
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.signer.end(signal);
    this.runs = false;
  }

  /** By its disk, where its server does not answer. */
  async start(): Promise<void> {
    await this.signer.start();
    this.runs = true;
  }
}

export class Chaos {
  readonly hosts: ChaosHost[] = [];
  readonly tokens: string[] = [];
  /** Kids of which nothing is promised. */
  readonly named = new Set<string>();
  /** `kid host`: of which nothing is promised there. */
  readonly unknown = new Set<string>();
  /** Written off, and not back. */
  readonly outcasts = new Set<ChaosHost>();
  /** What was done, for who reads a failure. */
  readonly history: string[] = [];
  serverRuns = true;
  /** How many verdicts on tokens were asked for. */
  verdicts = 0;
  readonly #server: SignerServer;
  readonly #api: ClusterApi;
  readonly #issuer: string;

  private constructor(server: SignerServer, api: ClusterApi, issuer: string) {
    [this.#server, this.#api, this.#issuer] = [server, api, issuer];
  }

  static async begin(server: SignerServer, names: readonly string[]): Promise<Chaos> {
    const api = await ClusterApi.open(server);
    const chaos = new Chaos(server, api, (await api.show()).issuerURL);
    for (const name of names) {
      const signer = await server.signer(name);
      await signer.start();
      chaos.hosts.push(new ChaosHost(signer, await ApiServer.start(signer.socket, chaos.#issuer)));
    }
    return chaos;
  }

  end(): void {
    for (const { apiServer } of this.hosts) apiServer.stop();
  }

  async killServer(): Promise<void> {
    await this.#server.end('SIGKILL');
    this.serverRuns = false;
  }

  async startServer(): Promise<void> {
    await this.#server.start();
    this.serverRuns = true;
  }

  async rotate({ force }: { readonly force: boolean }): Promise<void> {
    const said = await this.#settled();
    for (const { kid } of said.rotationWouldRevoke) this.named.add(kid);
    for (const kid of said.pendingRotation?.revokes ?? []) this.named.add(kid);
    if (force) for (const { name } of await this.#behind()) this.unknown.add(`${keyIn(said, 'prepared')} ${name}`);
    success(await this.#api.send('POST', `${this.#api.issuer}/rotate`, { force }));
  }

  /** The key that is retired; while none is, the one that is to sign next. */
  async revoke(): Promise<void> {
    const said = await this.#settled();
    const kid = keyIn(said, 'retired') ?? keyIn(said, 'prepared')!;
    this.named.add(kid);
    success(await this.#api.send('POST', `${this.#api.issuer}/revokeKey`, { kid }));
  }

  async writeOff(host: ChaosHost): Promise<void> {
    this.outcasts.add(host);
    success(await this.#api.send('POST', `${this.#api.issuer}/writeOffSigner`, { name: host.name }));
  }

  /** Each host that is bound to what it was given gives a token, whoever else is away. */
  async give(): Promise<void> {
    await this.#takeBack();
    for (const host of this.hosts.filter((each) => this.#isBound(each))) {
      const token = await eventually(`${host.name} gives a token (${this.told})`, () => host.apiServer.requestToken().catch(() => undefined));
      this.tokens.push(token);
      await this.assertVerified(token);
    }
  }

  /** By the public documents, and by each API server that is bound to what it was given and can ask its signer. */
  async assertVerified(token: string): Promise<void> {
    const kid = kidOf(token);
    if (this.named.has(kid)) return;
    const verdicts = await Promise.all([
      ...this.hosts.filter((host) => this.#isBound(host) && !this.unknown.has(`${kid} ${host.name}`)).map(({ name, apiServer }) => verdict(name, apiServer.sync().then(() => apiServer.review(token)))),
      ...(this.serverRuns ? [verdict('public', this.#reviewPublicly(token))] : []),
    ]);
    this.verdicts += verdicts.length;
    assert.deepEqual(verdicts.filter(([, said]) => said !== SUBJECT), [], `a token of ${kid} (${this.told})`);
  }

  /** Everything is back and up to date, and nothing is waited for. */
  async recover(): Promise<void> {
    if (!this.serverRuns) await this.startServer();
    for (const host of this.hosts) {
      host.lay('open');
      if (!host.runs) await host.start();
    }
    await eventually(`no rotation waits (${this.told})`, async () => ((await this.#api.show()).pendingRotation === null || undefined));
    await eventually(`every signer has the ring (${this.told})`, async () => ((await this.#behind()).length === 0 || undefined));
    await this.#takeBack();
  }

  get told(): string {
    return this.history.join(', ');
  }

  /** It has to do what its ring says, and its API server can ask it. */
  #isBound(host: ChaosHost): boolean {
    return host.runs && !this.outcasts.has(host);
  }

  /** The issuer at a moment from which on its keys stay as they are unless somebody asks: nothing is pending, or only what has to wait for someone who is away. */
  #settled(): Promise<IssuerBody['properties']> {
    return eventually(`the rotation that waits is over, or waits for who is away (${this.told})`, async () => {
      const said = await this.#api.show();
      const waitsForAway = said.waiting?.signers?.some(({ name }) => this.hosts.some((host) => host.name === name && host.isAway)) === true;
      return said.pendingRotation === null || waitsForAway ? said : undefined;
    });
  }

  /** The hosts of which the server does not say that they have its ring. */
  async #behind(): Promise<readonly ChaosHost[]> {
    const areCurrent = await Promise.all(this.hosts.map((host) => this.#isCurrent(host)));
    return this.hosts.filter((_, index) => !areCurrent[index]);
  }

  /** Whoever was written off and has what it was given since is bound to it again. */
  async #takeBack(): Promise<void> {
    if (!this.serverRuns) return;
    for (const host of this.outcasts) if (await this.#isCurrent(host)) this.outcasts.delete(host);
  }

  async #isCurrent({ name }: ChaosHost): Promise<boolean> {
    return success<SignerBody>(await this.#api.send('GET', `${this.#api.issuer}/signers/${name}`)).properties.state === 'current';
  }

  async #reviewPublicly(token: string): Promise<string | undefined> {
    return (await jwtVerify(token, createLocalJWKSet(await this.#api.jwks()), { issuer: this.#issuer })).payload.sub;
  }
}

const keyIn = ({ keys }: IssuerBody['properties'], state: 'prepared' | 'retired'): string | undefined => keys.find((key) => key.state === state)?.kid;

const verdict = async (by: string, said: Promise<string | undefined>): Promise<readonly [by: string, said: string | undefined]> => [by, await said.catch((error: Error) => error.message)];
