/** Flags of the commands that read the server's configuration. */
import type { OptionSpec } from '../command.ts';
import type { ConfigFlags } from '../session.ts';

/** What `CONFIG_FLAGS` come to. */
export type ConfigOptions = Partial<ConfigFlags>;

export const CONFIG_FLAGS: readonly OptionSpec[] = [
  { flags: '--config <file>', summary: 'Configuration in YAML; MINTMARK_CONFIG when left out' },
  { flags: '--set <path=value>', summary: 'A setting, before the environment and the file; may be repeated', repeats: true },
];

export const configFlagsOf = ({ config, set = [] }: ConfigOptions): ConfigFlags => ({ config, set });
