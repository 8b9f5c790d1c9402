/** A folder with all that `mintmark serve` needs, and the processes on it. Whoever makes it calls `remove`. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CertificateWithKey, createAuthority, createServerCertificate } from '../../src/keys/private-ca.ts';
import { eventually, freePort, type OutputFiles, ROOT, Running } from './dev-server.ts';

const LAUNCHER = join(ROOT, 'bin/mintmark');

/** Of all folders of this process. */
export const authority = await createAuthority('serve test', new Date());
export const certificateFor = (...hosts: readonly string[]): Promise<CertificateWithKey> => createServerCertificate(authority, hosts, new Date());

export class ServeFolder {
  readonly dir: string;
  readonly management: number;
  readonly issuer: number;
  readonly started: Running[] = [];

  readonly #own: boolean;

  private constructor(dir: string, own: boolean, management: number, issuer: number) {
    [this.dir, this.#own, this.management, this.issuer] = [dir, own, management, issuer];
  }

  /** `settings`: more lines of the file. `dir`: an empty folder to use, which is left when this is removed. */
  static async make({ settings = '', dir }: { readonly settings?: string; readonly dir?: string } = {}): Promise<ServeFolder> {
    const folder = new ServeFolder(dir ?? (await mkdtemp(join(tmpdir(), 'mintmark-serve-'))), dir === undefined, await freePort(), await freePort());
    process.once('exit', folder.#abandon);
    await folder.put(await certificateFor('localhost'));
    await writeFile(folder.path('key-encryption-key'), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    await writeFile(folder.path('mintmark.yaml'), `
store: { file: mintmark.db }
keyEncryptionKey: { file: key-encryption-key }
management:
  url: https://localhost:${folder.management}
  listen: 127.0.0.1:${folder.management}
  tls: { certificateFile: server.pem, keyFile: server-key.pem }
issuer:
  urlTemplate: https://localhost:${folder.issuer}/{region}/{tenantId}/{uuid}/
  listen: 127.0.0.1:${folder.issuer}
  tls: { certificateFile: server.pem, keyFile: server-key.pem }
${settings}`);
    return folder;
  }

  path(file: string): string {
    return join(this.dir, file);
  }

  /** Replaces certificate and key as a program that renews them does. */
  async put({ certificate, privateKey }: CertificateWithKey): Promise<void> {
    for (const [file, pem] of [['server.pem', certificate], ['server-key.pem', privateKey]] as const) {
      await writeFile(`${this.path(file)}.new`, pem, { mode: 0o600 });
      await rename(`${this.path(file)}.new`, this.path(file));
    }
  }

  run(...line: readonly string[]): Running {
    return this.runIn({}, line);
  }

  /** With these variables and none of the machine's that are Mintmark's. */
  runIn(environment: NodeJS.ProcessEnv, line: readonly string[], options: { readonly detached?: boolean; readonly into?: OutputFiles } = {}): Running {
    const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, ...env } = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MINTMARK_') || name === 'MINTMARK_FROM_SOURCE'));
    const running = new Running(LAUNCHER, line, { env: { ...env, ...environment }, ...options });
    this.started.push(running);
    return running;
  }

  /** The line that serves from this folder. */
  line(...more: readonly string[]): readonly string[] {
    return ['serve', '--config', this.path('mintmark.yaml'), ...more];
  }

  serve(...more: readonly string[]): Promise<Running> {
    return serving(this.run(...this.line(...more)));
  }

  remove(): void {
    this.#abandon();
    process.off('exit', this.#abandon);
  }

  #abandon = (): void => {
    for (const running of this.started) if (!running.isOver) running.kill('SIGKILL');
    if (this.#own) rmSync(this.dir, { recursive: true, force: true });
  };
}

/** Resolves once it says that it serves; rejects with its output when it ends before. */
export async function serving(running: Running): Promise<Running> {
  await eventually('it serves', () => {
    if (running.isOver) throw new Error(`it ended: ${running.stderr}`);
    return running.stderr.includes('"msg":"serving"') || undefined;
  });
  return running;
}
