/**
 * The real Azure CLI, as Debian packages it: its lines as a person types them, in a configuration and a home of its own.
 *
 * Prints every line with what azure-cli answered, so that a run of the tests shows it. Secrets come as variables of the
 * shell and are in no line. Whoever makes it calls `remove`.
 */
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, Running } from './dev-server.ts';

/** Why the real Azure CLI can not be run here; false where it can. */
export const AZURE_CLI_MISSING = spawnSync('az', ['--help'], { stdio: 'ignore' }).error === undefined ? false : 'azure-cli is not installed: apt-get install -y azure-cli';

export class AzureCli {
  readonly #dir = mkdtempSync(join(tmpdir(), 'mintmark-azure-cli-'));
  /** Variables that its lines may use. */
  readonly variables: Record<string, string>;

  constructor(variables: Readonly<Record<string, string>>, caFile: string) {
    this.variables = { ...variables, HOME: this.#dir, AZURE_CONFIG_DIR: join(this.#dir, '.azure'), REQUESTS_CA_BUNDLE: caFile, AZURE_CORE_COLLECT_TELEMETRY: '0', AZURE_CORE_NO_COLOR: '1' };
    // `aks create` reads it unless told not to.
    mkdirSync(join(this.#dir, '.ssh'));
    writeFileSync(join(this.#dir, '.ssh/id_rsa.pub'), `${sshPublicKey()} test\n`);
    process.once('exit', this.remove);
  }

  /** One line of the shell. No terminal, unless the line makes one. */
  async run(line: string): Promise<Ended> {
    const { PYTHONPATH: _path, NODE_TEST_CONTEXT: _context, HTTPS_PROXY: _proxy, https_proxy: _lower, ...env } = process.env;
    const ended = await new Running('/bin/sh', ['-c', line], { env: { ...env, ...this.variables } }).ended;
    process.stdout.write(`${[`$ ${line}`, ended.stdout.trimEnd(), ended.stderr.trimEnd(), `[exit ${ended.code}]`].filter((part) => part !== '').join('\n')}\n`);
    return ended;
  }

  remove = (): void => {
    rmSync(this.#dir, { recursive: true, force: true });
    process.off('exit', this.remove);
  };
}

/** RFC 4253, section 6.6: the name, the exponent and the modulus, each behind its length. */
function sshPublicKey(): string {
  const { e = '', n = '' } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  const parts = [Buffer.from('ssh-rsa'), Buffer.from(e, 'base64url'), Buffer.concat([Buffer.alloc(1), Buffer.from(n, 'base64url')])];
  return `ssh-rsa ${Buffer.concat(parts.flatMap((part) => [lengthOf(part), part])).toString('base64')}`;
}

function lengthOf(part: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(part.length);
  return length;
}
