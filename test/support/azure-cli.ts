/**
 * The real Azure CLI, as Debian packages it: its lines as a person types them, in a configuration and a home of its own,
 * without a key of SSH.
 *
 * Prints every line with what azure-cli answered, so that a run of the tests shows it. Secrets come as variables of the
 * shell and are in no line. Whoever makes it calls `remove`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
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
