/**
 * The server under fire: the real program with its four listeners, and a client of good will that must be answered right
 * all the while.
 *
 * `tls`: `mintmark dev`. `plain`: `mintmark serve` behind a proxy, so that the bytes reach HTTP as they are. Owns its
 * process and folder.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { IssuerBody, ManagedClusterBody } from '../../src/http/management/contract.ts';
import { eventually, freePort, ROOT, Running } from '../support/dev-server.ts';
import { assault, type Line } from './assault.ts';
import { type ListenerName, readReplies, type WireReply } from './http-replies.ts';
import { Inspected, openFiles, type OpenFiles, residentMemory } from './inspected.ts';

export type TargetKind = 'tls' | 'plain';
type Ports = Readonly<Record<ListenerName, number>>;
interface Account {
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

const LAUNCHER = join(ROOT, 'bin/mintmark');
const UP = { tls: 'It stays up until Ctrl-C.', plain: '"msg":"serving"' } as const;
const NO_LIMIT = 1_000_000;
/** On a machine with more to do than it can. */
const GOOD_WILL_PATIENCE_MS = 60_000;

/** `longestLifeMs`: no process that was forgotten lives longer. */
export async function startTarget(kind: TargetKind, longestLifeMs: number): Promise<Target> {
  const dir = await mkdtemp(join(tmpdir(), 'mintmark-fuzz-'));
  const ports = { management: await freePort(), issuer: await freePort(), metrics: await freePort(), signers: await freePort() };
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'NODE_TEST_CONTEXT' && (!name.startsWith('MINTMARK_') || name === 'MINTMARK_FROM_SOURCE')));
  const env = { ...inherited, NODE_OPTIONS: '--inspect=127.0.0.1:0', MINTMARK_HOME: join(dir, 'home'), MINTMARK_LOG_LEVEL: kind === 'tls' ? 'warn' : 'info' };
  const account = kind === 'plain' ? await bootstrapped(dir, ports, { ...env, NODE_OPTIONS: '' }) : null;
  const flags = kind === 'plain' ? ['serve', '--config', join(dir, 'mintmark.yaml')] : ['dev', '--home', join(dir, 'home'), ...Object.entries(ports).flatMap(([name, port]) => [`--${name}-port`, String(port)])];
  const running = new Running(LAUNCHER, flags, { env, timeout: longestLifeMs });
  process.once('exit', () => { running.process.kill('SIGKILL'); rmSync(dir, { recursive: true, force: true }); });
  await eventually('the target is up', () => {
    if (running.isOver) throw new Error(`it ended: ${running.stdout}${running.stderr}`);
    return (running.stdout + running.stderr).includes(UP[kind]) || undefined;
  });
  const known = account ?? (JSON.parse(await readFile(join(dir, 'home/profile.json'), 'utf8')) as Account);
  return Target.prepare(kind, dir, ports, running, known);
}

async function bootstrapped(dir: string, { management, issuer, metrics, signers }: Ports, env: NodeJS.ProcessEnv): Promise<Account> {
  await writeFile(join(dir, 'key-encryption-key'), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  await writeFile(join(dir, 'mintmark.yaml'), `
store: { file: mintmark.db }
keyEncryptionKey: { file: key-encryption-key }
management: { url: 'https://localhost:${management}', listen: '127.0.0.1:${management}', behindProxy: true }
issuer: { urlTemplate: 'https://localhost:${issuer}/{region}/{tenantId}/{uuid}/', listen: '127.0.0.1:${issuer}', behindProxy: true }
metrics: { listen: '127.0.0.1:${metrics}' }
signers: { url: 'https://localhost:${signers}', listen: '127.0.0.1:${signers}', behindProxy: true }
audit: { file: audit.log }
tokenIssue: true
throttle: { requestsPerPrincipal: ${NO_LIMIT}, requestsPerAddress: ${NO_LIMIT}, loginsPerAddress: ${NO_LIMIT}, failedLogins: ${NO_LIMIT} }
`);
  const ended = await new Running(LAUNCHER, ['admin', 'bootstrap', '--config', join(dir, 'mintmark.yaml'), '--output', 'json'], { env }).ended;
  assert.equal(ended.code, 0, ended.stderr);
  return JSON.parse(ended.stdout) as Account;
}

export class Target {
  readonly #kind: TargetKind;
  readonly #dir: string;
  readonly #ports: Ports;
  readonly #running: Running;
  readonly #account: Account;
  #inspected: Inspected | undefined;
  #token = '';
  #paths: Readonly<Record<string, string>> = {};
  #documents: readonly (readonly [path: string, body: string])[] = [];
  #tag = 0;
  #goodWill: Promise<void> = Promise.resolve();

  private constructor(kind: TargetKind, dir: string, ports: Ports, running: Running, account: Account) {
    [this.#kind, this.#dir, this.#ports, this.#running, this.#account] = [kind, dir, ports, running, account];
  }

  /** Logs in and makes the cluster of good will, and a group that the storm may do with as it likes. */
  static async prepare(...[kind, dir, ports, running, account]: [TargetKind, string, Ports, Running, Account]): Promise<Target> {
    const target = new Target(kind, dir, ports, running, account);
    target.#inspected = await Inspected.attach(running.stderr);
    await target.logIn();
    const subscription = `/subscriptions/${account.subscriptionId}`;
    const group = `${subscription}/resourceGroups/kept`;
    const cluster = `${group}/providers/Microsoft.ContainerService/managedClusters/kept`;
    const [fuzzed, fuzzedGroup] = [cluster.replaceAll('kept', 'fuzzed'), group.replaceAll('kept', 'fuzzed')];
    for (const path of [group, cluster, fuzzedGroup, fuzzed]) assert.equal((await target.ask('PUT', path, { properties: { oidcIssuerProfile: { enabled: true } } })).status, 201);
    const { properties } = JSON.parse((await target.ask('GET', `${cluster}/providers/Mintmark.Oidc/issuers/default`)).body) as IssuerBody;
    const documents = new URL(properties.issuerURL).pathname;
    target.#documents = await Promise.all(['.well-known/openid-configuration', 'openid/v1/jwks'].map(async (name) => [documents + name, (await target.exchange('issuer', 'GET', documents + name)).body] as const));
    target.#paths = { $SUBSCRIPTION: subscription, $GROUP: fuzzedGroup, $CLUSTER: fuzzed, $ISSUER: `${fuzzed}/providers/Mintmark.Oidc/issuers/default`, $TENANT: account.tenantId, $DOCUMENTS: documents, $KEPT: cluster };
    return target;
  }

  /** An attack's bytes with what is known of this server in place of its words. */
  fill(text: string): string {
    return text.replaceAll(/\$[A-Z]+/g, (word) => (word === '$TOKEN' ? this.#token : (this.#paths[word] ?? word)));
  }

  /** A connection that is ready for HTTP. */
  async line(listener: ListenerName): Promise<Line> {
    const raw = await this.bare(listener);
    if (this.#kind === 'plain' || listener === 'metrics') return { socket: raw, reset: () => raw.resetAndDestroy() };
    const socket = connectTls({ socket: raw, servername: 'localhost', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    return { socket, reset: () => { raw.resetAndDestroy(); socket.destroy(); } };
  }

  /** A connection on which nothing was said yet. */
  async bare(listener: ListenerName): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port: this.#ports[listener], allowHalfOpen: true });
    await once(socket, 'connect');
    return socket.on('error', () => undefined);
  }

  /** A request of good will, on a connection of its own. */
  async exchange(listener: ListenerName, method: string, path: string, headers: readonly string[] = [], body = ''): Promise<WireReply> {
    const request = [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]), '', body].join('\r\n');
    const { bytes } = await assault(await this.line(listener), { requests: [request], delivery: 'whole', end: 'wait', sent: 100 }, '', GOOD_WILL_PATIENCE_MS);
    const { replies: [reply], fault } = readReplies(bytes, method === 'HEAD');
    assert.ok(reply !== undefined && fault === null, `${method} ${path}: ${fault ?? 'no answer'}, ${this.#running.isOver ? 'the server has ended' : 'the server runs'}`);
    return reply;
  }

  ask(method: string, path: string, body?: unknown): Promise<WireReply> {
    return this.exchange('management', method, path, [`Authorization: Bearer ${this.#token}`, 'Content-Type: application/json'], body === undefined ? '' : JSON.stringify(body));
  }

  async logIn(): Promise<void> {
    const { tenantId, clientId, clientSecret } = this.#account;
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }).toString();
    const reply = await this.exchange('management', 'POST', `/${tenantId}/oauth2/v2.0/token`, ['Content-Type: application/x-www-form-urlencoded'], form);
    assert.equal(reply.status, 200, reply.body);
    this.#token = (JSON.parse(reply.body) as { access_token: string }).access_token;
  }

  /** What is right goes on being right: a write is read back, the documents are the same bytes, the metrics are there. One after the other. */
  assertGoodWill(): Promise<void> {
    return (this.#goodWill = this.#goodWill.then(() => this.#assertGoodWill()));
  }

  async #assertGoodWill(): Promise<void> {
    const cluster = this.#paths['$KEPT']!;
    this.#tag += 1;
    const tags = { tag: String(this.#tag) };
    assert.equal((await this.ask('PUT', cluster, { tags })).status, 200);
    assert.deepEqual((JSON.parse((await this.ask('GET', cluster)).body) as ManagedClusterBody).tags, tags);
    for (const [path, body] of this.#documents) assert.deepEqual({ status: 200, body }, pick(await this.exchange('issuer', 'GET', path)));
    assert.equal((await this.exchange('metrics', 'GET', '/metrics')).status, 200);
  }

  /** Fails with what the program said when it has ended. */
  assertAlive(): void {
    assert.ok(!this.#running.isOver, `the server ended (${this.#running.process.exitCode ?? this.#running.process.signalCode}): ${this.#running.stderr.slice(-3000)}`);
  }

  /** Log lines of failures so far. */
  get failures(): readonly string[] {
    return this.#running.stderr.split('\n').filter((line) => /"level":(50|60)/.test(line));
  }

  liveHeaps(): Promise<readonly number[]> {
    return this.#inspected!.liveHeaps();
  }

  liveSockets(): Promise<number> {
    return this.#inspected!.liveSockets();
  }

  residentMemory(): Promise<number> {
    return residentMemory(this.#running.process.pid!);
  }

  openFiles(): Promise<OpenFiles> {
    return openFiles(this.#running.process.pid!);
  }

  async stop(): Promise<void> {
    this.#inspected?.close();
    await this.#running.end('SIGKILL');
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

const pick = ({ status, body }: WireReply): Pick<WireReply, 'status' | 'body'> => ({ status, body });
