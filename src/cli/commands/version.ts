/** `version` and `--version`. */
import { packageVersion } from '../../package-version.ts';
import { command } from '../command.ts';

export const versionText = (): string => `mintmark ${packageVersion()}\nnode     ${process.versions.node}\n`;

export const version = command<unknown>({
  examples: ['mintmark version --output json'],
  options: [],
  run: async () => ({ result: { mintmark: packageVersion(), node: process.versions.node } }),
});
