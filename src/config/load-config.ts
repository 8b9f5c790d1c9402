/**
 * From what a person gave to a configuration that a server can start with, or to one list of all that is wrong.
 *
 * Reads the file that `--config` or MINTMARK_CONFIG names. Serves `mintmark serve`, `config show` and `config check`.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { MintmarkError } from '../domain/errors.ts';
import { proxyFault } from '../fetch/outbound-proxy.ts';
import { type ServeConfig, serveConfig } from './config.ts';
import { fileFaults } from './files.ts';
import { readSettings, type ShownSetting } from './read-settings.ts';
import type { Values } from './settings.ts';
import type { Fault } from './sources.ts';

/** What stands on the command line. */
export interface ConfigFlags {
  readonly config?: string | undefined;
  /** `PATH=VALUE`. */
  readonly set: readonly string[];
}

export interface Examined {
  readonly values: Partial<Values>;
  readonly settings: readonly ShownSetting[];
  /** What is wrong with the settings themselves, and with the proxy that the environment names. */
  readonly faults: readonly Fault[];
  /** What is wrong with the files that they name. */
  readonly fileFaults: readonly Fault[];
}

/** Looks at everything and refuses nothing. */
export async function examineConfig({ config, set }: ConfigFlags, environment: NodeJS.ProcessEnv, now: Date): Promise<Examined> {
  const name = config ?? (environment['MINTMARK_CONFIG'] || null);
  const text = name === null ? null : await readFile(name, 'utf8').catch((error: Error) => error);
  const unreadable = text instanceof Error ? [{ about: name!, problem: `can not be read: ${text.message}.` }] : [];
  const file = typeof text === 'string' ? { name: name!, folder: dirname(resolve(name!)), text } : null;
  const { values, shown, faults } = readSettings({ file, environment, flags: set, folder: process.cwd() });
  const proxy = proxyFault(environment);
  return { values, settings: shown, faults: [...unreadable, ...faults, ...(proxy === null ? [] : [proxy])], fileFaults: await fileFaults(values, now) };
}

/** @throws MintmarkError `InvalidConfiguration` with every fault in its message and details. */
export async function loadServeConfig(flags: ConfigFlags, environment: NodeJS.ProcessEnv, now: Date): Promise<ServeConfig> {
  const examined = await examineConfig(flags, environment, now);
  const faults = [...examined.faults, ...examined.fileFaults];
  // Nothing is missing where there is no fault.
  if (faults.length === 0) return serveConfig(examined.values as Values);
  const [sentences, are] = [faults.map(sentenceOf), faults.length === 1 ? 'One thing is' : `${faults.length} things are`];
  throw new MintmarkError('InvalidConfiguration', `${are} wrong with the configuration:\n${sentences.map((sentence) => `- ${sentence}`).join('\n')}`, {
    details: faults.map(({ about }, at) => ({ code: 'InvalidConfiguration', target: about, message: sentences[at]! })),
  });
}

const sentenceOf = ({ about, problem }: Fault): string => `${about} ${problem}`;
