/** `version` and `--version`. */
import { readFile } from 'node:fs/promises';
import { command } from '../command.ts';

/** The version in package.json, which is two folders up both from the sources and from what is built of them. */
async function packageVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}

export const versionText = async (): Promise<string> => `mintmark ${await packageVersion()}\nnode     ${process.versions.node}\n`;

export const version = command<unknown>({
  examples: ['mintmark version --output json'],
  options: [],
  run: async () => ({ result: { mintmark: await packageVersion(), node: process.versions.node } }),
});
