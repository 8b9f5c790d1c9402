/** `serve`: declared here so that help shows it; started by what `main.ts` gives. */
import { command } from '../command.ts';
import { CONFIG_FLAGS, configFlagsOf, type ConfigOptions } from './config-flags.ts';

export const serve = command<ConfigOptions>({
  examples: ['mintmark serve --config /etc/mintmark/mintmark.yaml', 'mintmark serve --config mintmark.yaml --set logLevel=debug'],
  options: CONFIG_FLAGS,
  run: async ({ io }, options) => ({ exitCode: await io.commands.serve(configFlagsOf(options)) }),
});
