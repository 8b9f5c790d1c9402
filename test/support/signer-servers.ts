/**
 * Real processes: `mintmark serve` with its listener for signers, and `mintmark signer run` beside it. Where a test wants
 * that, there is a line between each signer and the server that it can cut, and no other way. Everything is removed after
 * the last test of the file.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach } from 'node:test';
import { createAuthority, createServerCertificate } from '../../src/keys/private-ca.ts';
import { ConnectProxy } from './connect-proxy.ts';
import { CutLine } from './cut-line.ts';
import { ClusterApi, success } from './dev-api.ts';
import { type Ended, eventually, freePort, type Profile, ROOT, type OutputFiles, Running } from './dev-server.ts';

const LAUNCHER = join(ROOT, 'bin/mintmark');
const SHOWN = 3000;
/** A name that leads nowhere, so that a signer reaches its server by its proxy alone. */
const NOWHERE = 'signers.test';

/** Without what this machine has set for Mintmark, and for ways out of it. */
function environment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, ...env } = Object.fromEntries(Object.entries(process.env).filter(([name]) => name === 'MINTMARK_FROM_SOURCE' || !/^MINTMARK_|^(https?|no)_proxy$/i.test(name)));
  return { ...env, ...more };
}

interface ServerSettings {
  /** `signers.lease`. */
  readonly lease?: string;
  /** Each signer has a line of its own. */
  readonly cuttable?: boolean;
}

/** A server and its state. */
export class SignerServer {
  readonly dir: string;
  /** Behind the lines of its signers; null where they reach it directly. */
  readonly #proxy: ConnectProxy | null;
  readonly #lines: CutLine[] = [];
  readonly #started: Running[] = [];
  #profile: Profile | null = null;
  #running: Running | null = null;

  private constructor(dir: string, proxy: ConnectProxy | null) {
    [this.dir, this.#proxy] = [dir, proxy];
  }

  /** For tests, to be called outside of them: removed after the last of the file, its log shown when one fails. */
  static async make(settings: ServerSettings = {}): Promise<SignerServer> {
    const server = await SignerServer.open(settings);
    afterEach((test) => {
      if ('passed' in test && !test.passed) for (const { stderr } of server.#started.slice(-4)) test.diagnostic(stderr.slice(-SHOWN));
    });
    after(() => server.remove());
    return server;
  }

  /** Bootstrapped and running, with a cluster `dev` in the group `dev`, until `remove` or the end of this process. */
  static async open({ lease = '14d', cuttable = false }: ServerSettings = {}): Promise<SignerServer> {
    const [management, issuer, signers] = [await freePort(), await freePort(), await freePort()];
    const server = new SignerServer(await mkdtemp(join(tmpdir(), 'mm-serve-')), cuttable ? await ConnectProxy.open() : null);
    process.once('exit', () => server.remove());
    const authority = await createAuthority('signers', new Date());
    const { certificate, privateKey } = await createServerCertificate(authority, ['localhost', '127.0.0.1', NOWHERE], new Date());
    await writeFile(server.path('ca.pem'), authority.certificate);
    await writeFile(server.path('server.pem'), `${certificate.trimEnd()}\n${authority.certificate}`);
    await writeFile(server.path('server-key.pem'), privateKey, { mode: 0o600 });
    await writeFile(server.path('key-encryption-key'), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    const tls = 'tls: { certificateFile: server.pem, keyFile: server-key.pem }';
    await writeFile(server.path('mintmark.yaml'), `
store: { file: mintmark.db }
keyEncryptionKey: { file: key-encryption-key }
publicationGap: 2s
management: { url: "https://localhost:${management}", listen: "127.0.0.1:${management}", ${tls} }
issuer: { urlTemplate: "https://localhost:${issuer}/{region}/{tenantId}/{uuid}/", listen: "127.0.0.1:${issuer}", ${tls} }
signers: { url: "https://${cuttable ? NOWHERE : '127.0.0.1'}:${signers}", listen: "127.0.0.1:${signers}", lease: ${lease}, ${tls} }
`);
    const owner = JSON.parse((await server.command('admin', 'bootstrap', '--config', server.path('mintmark.yaml'), '--output', 'json')).stdout) as Omit<Profile, 'endpoint' | 'caFile'>;
    server.#profile = { ...owner, endpoint: `https://localhost:${management}`, caFile: server.path('ca.pem') };
    await server.start();
    const api = await ClusterApi.open(server);
    success(await api.send('PUT', api.cluster.split('/providers/')[0]!, { location: 'eastus' }));
    await api.create();
    return server;
  }

  path(file: string): string {
    return join(this.dir, file);
  }

  async profile(): Promise<Profile> {
    if (this.#profile === null) throw new Error('the server is not bootstrapped yet');
    return this.#profile;
  }

  /** Runs a command to its end, which has to be a good one. */
  command(...line: readonly string[]): Promise<Ended> {
    return good(this.run(...line), line);
  }

  /** Starts a command, which is ended with the file. */
  run(...line: readonly string[]): Running {
    return this.runInto({}, line);
  }

  /** With its output in these files, and this in its environment. */
  runInto(into: OutputFiles, line: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const running = new Running(LAUNCHER, line, { env: environment(env), into });
    this.#started.push(running);
    return running;
  }

  async start(): Promise<void> {
    const running = this.run('serve', '--config', this.path('mintmark.yaml'));
    this.#running = running;
    await says(running, '"msg":"serving"');
  }

  async end(signal: NodeJS.Signals): Promise<Ended | undefined> {
    return this.#running?.end(signal);
  }

  /** A machine that is enrolled under the name, with a line of its own where the server is `cuttable`. */
  async signer(name: string): Promise<SignerHost> {
    const api = await ClusterApi.open(this);
    const { token } = success<{ token: string }>(await api.send('POST', `${api.issuer}/createSigner`, { name }));
    const line = this.#proxy === null ? null : await CutLine.open(this.#proxy.port);
    if (line !== null) this.#lines.push(line);
    const host = new SignerHost(this, name, line);
    await mkdir(host.dir, { mode: 0o700 });
    await writeFile(join(host.dir, 'token'), token, { mode: 0o600 });
    const enrol = ['signer', 'enroll', '--token-file', join(host.dir, 'token'), '--state-dir', host.stateDir];
    await good(host.run(...enrol), enrol);
    return host;
  }

  remove(): void {
    for (const running of this.#started) if (!running.isOver) running.process.kill('SIGKILL');
    for (const line of this.#lines) line.close();
    this.#proxy?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The host of an API server: a state folder, a socket, and the signer that runs on them. */
export class SignerHost {
  readonly name: string;
  readonly dir: string;
  readonly stateDir: string;
  readonly socket: string;
  readonly #server: SignerServer;
  readonly #line: CutLine | null;
  #running: Running | null = null;

  constructor(server: SignerServer, name: string, line: CutLine | null) {
    [this.#server, this.name, this.dir, this.#line] = [server, name, server.path(name), line];
    [this.stateDir, this.socket] = [join(this.dir, 'state'), join(this.dir, 's.sock')];
  }

  /** Its only way to the server. */
  get line(): CutLine {
    if (this.#line === null) throw new Error('the server was not made cuttable');
    return this.#line;
  }

  /** Starts a command on it. */
  run(...line: readonly string[]): Running {
    return this.#server.runInto({}, line, this.#line === null ? {} : { HTTPS_PROXY: `http://127.0.0.1:${this.#line.port}` });
  }

  /** Starts `signer run` without waiting for anything. */
  launch(...more: readonly string[]): Running {
    return (this.#running = this.run('signer', 'run', '--state-dir', this.stateDir, '--socket', this.socket, ...more));
  }

  /** Starts it and waits until it signs. */
  async start(...more: readonly string[]): Promise<Running> {
    const running = this.launch(...more);
    await says(running, '"msg":"signing"');
    return running;
  }

  async end(signal: NodeJS.Signals): Promise<Ended | undefined> {
    return this.#running?.end(signal);
  }

  /** What it has said since it was started last. */
  get stderr(): string {
    return this.#running?.stderr ?? '';
  }
}

/** The end of a command, which has to be a good one. */
async function good(running: Running, line: readonly string[]): Promise<Ended> {
  const ended = await running.ended;
  if (ended.code !== 0) throw new Error(`mintmark ${line.join(' ')} ended with ${ended.code ?? ended.signal}: ${ended.stderr}`);
  return ended;
}

/** Resolves once a process has said it; rejects with its output when it ends before. */
async function says(running: Running, what: string): Promise<void> {
  await eventually(`it says ${what}`, () => {
    if (running.isOver) throw new Error(`it ended: ${running.stdout}${running.stderr}`);
    return running.stderr.includes(what) || undefined;
  });
}
