/**
 * The real program for end-to-end tests: `bin/mintmark dev` in a process of its own, on free ports, in a fresh home.
 *
 * Owns: the home's life (made here, removed after the last test of the file, whatever became of it), starting, waiting
 * until it is up, ending it by signals, and its output, which is shown when a test fails. Leaves to `dev-api.ts` talking
 * with it. Nothing here waits for a time to pass: conditions are polled until a deadline.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, afterEach } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

/** The repository. */
export const ROOT = resolve(import.meta.dirname, '../..');
const LAUNCHER = join(ROOT, 'bin/mintmark');

/** What the last line of the welcome says. */
const UP = 'It stays up until Ctrl-C.';
const DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 20;
/** No process that a test forgot lives longer. */
const LONGEST_LIFE_MS = 5 * 60_000;
/** Characters of a process's output that are shown when a test fails. */
const SHOWN = 2000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `profile.json` holds. */
export interface Profile {
  readonly endpoint: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly caFile: string;
}

/** Asks again until there is an answer other than undefined. Fails with `what`, and the last error, after a minute. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}

/** Files that a process's output is appended to; what has none is read here. */
export interface OutputFiles {
  readonly stdout?: string;
  readonly stderr?: string;
}

/** A process that was started, whatever program it is. */
export class Running {
  readonly process: ChildProcess;
  readonly #group: boolean;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(command: string, args: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; readonly timeout?: number; /** In a process group of its own. */ readonly detached?: boolean; readonly into?: OutputFiles } = {}) {
    const { into = {}, ...spawned } = options;
    this.#group = options.detached === true;
    const [stdout, stderr] = [into.stdout, into.stderr].map((file) => (file === undefined ? 'pipe' : openSync(file, 'a')));
    this.process = spawn(command, args, { cwd: ROOT, timeout: LONGEST_LIFE_MS, ...spawned, stdio: ['ignore', stdout, stderr], killSignal: 'SIGKILL' });
    for (const opened of [stdout, stderr]) if (typeof opened === 'number') closeSync(opened);
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => { this.stdout += text; });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => { this.stderr += text; });
    this.ended = once(this.process, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as NodeJS.Signals | null, stdout: this.stdout, stderr: this.stderr }));
  }

  /** Resolves once the welcome is printed whole. Rejects with the output when the process ends before. */
  async up(): Promise<this> {
    let over: Ended | undefined;
    void this.ended.then((ended) => { over = ended; });
    await eventually('the server is up', () => {
      if (over !== undefined) throw new Error(`it ended before it was up (${over.code ?? over.signal}):\n${over.stdout}${over.stderr}`);
      return this.stdout.includes(UP) || undefined;
    });
    return this;
  }

  /** Sends the signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.kill(signal);
    return this.ended;
  }

  /** Sends the signal: to its whole group where it has one of its own. */
  kill(signal: NodeJS.Signals): void {
    if (!this.#group) this.process.kill(signal);
    else if (!this.isOver && this.process.pid !== undefined) process.kill(-this.process.pid, signal);
  }

  get isOver(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }
}

/** A home, its three ports, and the processes that run on it. Removed after the last test of the file. */
export class DevHome {
  readonly dir: string;
  readonly managementPort: number;
  readonly issuerPort: number;
  readonly signersPort: number;
  /** The seconds by which the server's clock is ahead, where it can be moved; no file until it was. */
  readonly clockFile: string;
  readonly #clock: boolean;
  readonly #scratch: string;
  readonly #own: boolean;
  readonly #started: Running[] = [];

  private constructor(scratch: string, below: string, clock: boolean, own: boolean, [managementPort, issuerPort, signersPort]: readonly [number, number, number]) {
    [this.#scratch, this.#clock, this.#own] = [scratch, clock, own];
    this.dir = join(scratch, below, 'home');
    this.clockFile = join(scratch, 'seconds-ahead');
    [this.managementPort, this.issuerPort, this.signersPort] = [managementPort, issuerPort, signersPort];
  }

  /** To be called outside of tests, so that the removal is a matter of the whole file. `clock`: the server's can be moved; `below`: a folder that the home is in. */
  static async make(options: { readonly clock?: boolean; readonly below?: string } = {}): Promise<DevHome> {
    const home = await DevHome.unattended(options);
    afterEach((test) => {
      if ('passed' in test && !test.passed) for (const { stdout, stderr } of home.#started.slice(-2)) test.diagnostic(`${home.dir}: ${stdout.slice(-SHOWN)}${stderr.slice(-SHOWN)}`);
    });
    after(() => home.remove());
    return home;
  }

  /** For programs that are no tests, and for homes that do not last as long as their file: whoever makes it calls `remove`. */
  static async unattended({ clock = false, below = '', dir }: { readonly clock?: boolean; readonly below?: string; /** A folder to use, which is left when the home is removed. */ readonly dir?: string } = {}): Promise<DevHome> {
    const home = new DevHome(dir ?? (await mkdtemp(join(tmpdir(), 'mintmark-e2e-'))), below, clock, dir === undefined, [await freePort(), await freePort(), await freePort()]);
    // For what fails before anybody removes it.
    process.once('exit', home.#abandon);
    return home;
  }

  /** The arguments of `dev` for this home; `more` stands behind them. */
  flags(...more: readonly string[]): readonly string[] {
    return ['--home', this.dir, '--management-port', String(this.managementPort), '--issuer-port', String(this.issuerPort), '--signers-port', String(this.signersPort), ...(this.#clock ? ['--clock-file', this.clockFile] : []), ...more];
  }

  /** Runs `command` as one that is ended with the home. */
  run(command: string, args: readonly string[], options: { readonly detached?: boolean; readonly into?: OutputFiles; /** Instead of the one in which the command line finds this home. */ readonly env?: NodeJS.ProcessEnv } = {}): Running {
    const running = new Running(command, args, { env: this.env, ...options });
    this.#started.push(running);
    return running;
  }

  /** Starts `mintmark dev` without waiting for anything. */
  launch(...more: readonly string[]): Running {
    return this.run(LAUNCHER, ['dev', ...this.flags(...more)]);
  }

  /** Starts `mintmark dev` and waits until it is up. */
  start(...more: readonly string[]): Promise<Running> {
    return this.launch(...more).up();
  }

  /** The environment in which the command line finds this home. */
  get env(): NodeJS.ProcessEnv {
    const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, NO_COLOR: _colour, ...env } = process.env;
    return { ...env, MINTMARK_HOME: this.dir, npm_config_update_notifier: 'false' };
  }

  /** A line of the shell, in the repository's folder and with `az` for the program, as the README has it. No terminal. */
  shell(line: string): Promise<Ended> {
    return new Running('/bin/sh', ['-c', `az() { bin/mintmark "$@"; }\n${line}`], { env: this.env }).ended;
  }

  /** Puts the server's clock so many seconds ahead of the machine's; one that runs follows. */
  async setClock(secondsAhead: number): Promise<void> {
    await writeFile(`${this.clockFile}.part`, String(secondsAhead));
    await rename(`${this.clockFile}.part`, this.clockFile);
  }

  async profile(): Promise<Profile> {
    return JSON.parse(await readFile(join(this.dir, 'profile.json'), 'utf8')) as Profile;
  }

  /** Ends every process on it and deletes it. */
  async remove(): Promise<void> {
    await Promise.all(this.#started.filter((running) => !running.isOver).map((running) => running.end('SIGKILL')));
    this.#abandon();
    process.off('exit', this.#abandon);
  }

  #abandon = (): void => {
    for (const running of this.#started) if (!running.isOver) running.kill('SIGKILL');
    if (this.#own) rmSync(this.#scratch, { recursive: true, force: true });
  };
}

/**
 * A port that nothing listens on, from below those that the system gives to outgoing connections: so it is still free
 * when a server that was stopped wants it again.
 */
export async function freePort(): Promise<number> {
  return eventually('a port is free', async () => {
    const port = randomInt(10_000, 32_000);
    return (await isFree(port)) ? port : undefined;
  });
}

/** Whether a server could listen there now. */
export async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((done) => {
    probe.once('error', () => done(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
  });
}
