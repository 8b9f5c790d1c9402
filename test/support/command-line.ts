/**
 * The command line against a server that only records: for tests of what the client sends and what it makes of replies.
 *
 * Real https on a free port with a certificate of its own; each test says what is answered.
 */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { run } from '../../src/cli/run.ts';
import type { ServerCommands } from '../../src/cli/session.ts';
import { createAuthority, createServerCertificate } from '../../src/keys/private-ca.ts';
import { lockFile } from '../../src/serve/server-process.ts';

export interface Recorded {
  readonly method: string;
  readonly url: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: unknown;
  /** Cut the connection instead of answering. */
  readonly cut?: true;
}

/** By `METHOD /path` without the query; a list is used up one by one, its last again and again. */
export type Answers = Readonly<Record<string, Answer | readonly Answer[]>>;

export interface FakeServer {
  readonly url: string;
  readonly home: string;
  /** All requests but logins. */
  readonly requests: readonly Recorded[];
  readonly logins: readonly Recorded[];
  /** The requests as `METHOD /path?query`. */
  lines(): readonly string[];
  close(): Promise<void>;
}

const authority = createAuthority('test', new Date());
const certificate = authority.then((made) => createServerCertificate(made, ['localhost', '127.0.0.1'], new Date()));

export const TENANT = 'tenant-1';
export const LOGIN = `POST /${TENANT}/oauth2/v2.0/token`;

/** A server and a home with a profile for it. */
export async function fakeServer(answers: Answers): Promise<FakeServer> {
  const [{ certificate: ca }, server] = await Promise.all([authority, certificate]);
  const all: Recorded[] = [];
  const counts = new Map<string, number>();
  const https = createServer({ cert: server.certificate, key: server.privateKey }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const key = `${request.method} ${request.url?.split('?')[0]}`;
      all.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() });
      const answer = pick(answers[key] ?? (key === LOGIN ? login(counts) : undefined), counts, key);
      if (answer.cut === true) return void request.socket.destroy();
      response.writeHead(answer.status, { 'content-type': 'application/json', ...(answer.headers as Record<string, string | string[]>) });
      response.end(answer.body === undefined ? undefined : typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => { https.listen(0, '127.0.0.1', resolve); });
  const url = `https://localhost:${(https.address() as AddressInfo).port}`;
  const home = mkdtempSync(join(tmpdir(), 'mintmark-cli-'));
  writeFileSync(join(home, 'ca.pem'), ca);
  writeFileSync(join(home, 'profile.json'), JSON.stringify({ endpoint: url, tenantId: TENANT, subscriptionId: 's', clientId: 'client-1', clientSecret: 'hidden-secret', caFile: 'ca.pem' }));
  const isLogin = ({ method, url: path }: Recorded): boolean => `${method} ${path}` === LOGIN;
  return {
    url, home,
    get requests() { return all.filter((one) => !isLogin(one)); },
    get logins() { return all.filter(isLogin); },
    lines: () => all.filter((one) => !isLogin(one)).map(({ method, url: path }) => `${method} ${path}`),
    close: () => closeAll(https, home),
  };
}

function login(counts: Map<string, number>): Answer {
  return { status: 200, body: { token_type: 'Bearer', expires_in: 3600, access_token: `token-${(counts.get(LOGIN) ?? 0) + 1}` } };
}

function pick(answer: Answer | readonly Answer[] | undefined, counts: Map<string, number>, key: string): Answer {
  const before = counts.get(key) ?? 0;
  counts.set(key, before + 1);
  if (answer === undefined) return { status: 404, body: { error: { code: 'ResourceNotFound', message: `Nothing at ${key}.` } } };
  return 'status' in answer ? answer : answer[Math.min(before, answer.length - 1)]!;
}

async function closeAll(https: Server, home: string): Promise<void> {
  https.closeAllConnections();
  await new Promise((resolve) => { https.close(resolve); });
  rmSync(home, { recursive: true });
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly home?: string;
  /** What the person types, or is piped in. */
  readonly input?: string;
  /** Whether stdin is a terminal. */
  readonly terminal?: boolean;
  /** What the commands that run a server do; nothing unless said. */
  readonly commands?: Partial<ServerCommands>;
  readonly env?: NodeJS.ProcessEnv;
}

const OWNER = { managementUrl: null, tenantId: 't', subscriptionId: 's', clientId: 'c', clientSecret: 'x' };
const IDLE: ServerCommands = { lockFile: async (file, message) => lockFile(file, message), bootstrap: async () => OWNER, resetOwner: async () => OWNER, dev: async () => 0, serve: async () => 0, signerRun: async () => 0, signerEnroll: async () => ({ name: 'n', signerId: 's', issuerUrl: 'u' }), examineConfig: async () => ({ settings: [], faults: [], fileFaults: [] }) };

/** Runs one line as a person would type it, words already split. */
export async function runLine(argv: readonly string[], { home = '/nowhere', input = '', terminal = false, commands = {}, env = {} }: RunOptions = {}): Promise<Ran> {
  const [stdout, stderr] = [collector(), collector()];
  const stdin = terminal ? Object.assign(new PassThrough(), { isTTY: true }) : Readable.from(input === '' ? [] : [Buffer.from(input)]);
  if (terminal) (stdin as PassThrough).end(input);
  const code = await run(argv, { stdin, stdout: stdout.stream, stderr: stderr.stream, env: { ...env, MINTMARK_HOME: home }, commands: { ...IDLE, ...commands } });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

function collector(): { readonly stream: Writable; readonly text: () => string } {
  const chunks: string[] = [];
  const stream = new Writable({ write: (chunk: Buffer, _encoding, done) => { chunks.push(chunk.toString()); done(); } });
  return { stream, text: () => chunks.join('') };
}
