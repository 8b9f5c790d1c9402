/** A server, the clusters that it has acknowledged, and what has to be true of them whatever becomes of its disk. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ErrorBody, ManagedClusterBody } from '../../src/http/management/contract.ts';
import { ClusterApi, exchange, type HttpReply, logIn, success } from './dev-api.ts';
import type { Ended, Running } from './dev-server.ts';
import { type Place, PLACES, type PlaceKind } from './place.ts';

export class OnDisk {
  readonly place: Place;
  /** Cluster → issuer URL. */
  readonly made = new Map<string, string>();
  #server: Running | null = null;
  #accessToken = '';

  private constructor(place: Place) {
    this.place = place;
  }

  /** Not started yet. */
  static async make(kind: PlaceKind, dir?: string): Promise<OnDisk> {
    return new OnDisk(await PLACES[kind](dir === undefined ? {} : { dir }));
  }

  /** Started, with one cluster. */
  static async begin(kind: PlaceKind, dir?: string): Promise<OnDisk> {
    const subject = await OnDisk.make(kind, dir);
    // What the test itself has written; the server sees to its own.
    if (dir !== undefined) await promisify(execFile)('sync', ['-f', dir]);
    await subject.start();
    assert.equal((await subject.create('first')).status, 201);
    return subject;
  }

  async start(): Promise<void> {
    this.place.newConnections();
    this.#server = this.place.launch();
    await this.place.up(this.#server);
    if (this.#accessToken !== '') return;
    await this.logIn();
    const any = await this.api('any');
    success(await any.send('PUT', any.cluster.split('/providers/')[0]!, { location: 'eastus' }));
  }

  /** An access token lives for an hour of the server's. */
  async logIn(): Promise<void> {
    this.#accessToken = await logIn(this.place);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    await this.#server?.end(signal);
  }

  /** A start that is refused with one error and the exit code 1; gives what it says. */
  async refusedStart(): Promise<string> {
    const ended: Ended = await this.place.launch().ended;
    assert.deepEqual([ended.code, ended.signal], [1, null], ended.stderr);
    assert.match(ended.stderr, /^ERROR: \(\w+\) [^\n]+\n(?:- [^\n]+\n)*$/, 'one error, and no stack');
    return ended.stderr;
  }

  api(name: string): Promise<ClusterApi> {
    return ClusterApi.open(this.place, { name, accessToken: this.#accessToken });
  }

  /** Remembered where it was acknowledged. */
  async create(name: string): Promise<HttpReply> {
    const api = await this.api(name);
    const reply = await api.send('PUT', api.cluster, { properties: { oidcIssuerProfile: { enabled: true } } });
    if (reply.status < 300) this.made.set(name, success<ManagedClusterBody>(reply).properties.oidcIssuerProfile.issuerURL ?? '');
    return reply;
  }

  /** All that was acknowledged is there: in the API, and as documents, also for who has them already. */
  async assertWhole(names: Iterable<string> = this.made.keys()): Promise<void> {
    for (const name of names) {
      const api = await this.api(name);
      assert.equal(success<ManagedClusterBody>(await api.send('GET', api.cluster)).properties.oidcIssuerProfile.issuerURL, this.made.get(name), `the cluster ${name}`);
      await this.assertDocuments(name);
    }
  }

  async assertDocuments(name: string): Promise<void> {
    for (const document of ['.well-known/openid-configuration', 'openid/v1/jwks']) {
      const { status, headers, text } = await this.document(name, document);
      assert.equal(status, 200, `${document} of ${name}: ${text}`);
      assert.equal((await this.document(name, document, headers.etag)).status, 304, `${document} of ${name} for who has it`);
    }
  }

  document(name: string, document: string, held?: string): Promise<HttpReply> {
    return exchange(this.place, 'GET', `${this.made.get(name)}${document}`, { headers: held === undefined ? {} : { 'if-none-match': held } });
  }
}

/** Status, code and message of a refusal. */
export function refusalOf({ status, text }: HttpReply): string {
  const { code, message } = (JSON.parse(text) as ErrorBody).error;
  return `${status} ${code} ${message}`;
}
