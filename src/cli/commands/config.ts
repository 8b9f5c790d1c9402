/** `config show` and `config check`: what `serve` would run by, and whether it could. */
import { command, entry, type Group } from '../command.ts';
import { CONFIG_FLAGS, configFlagsOf, type ConfigOptions } from './config-flags.ts';

const show = command<ConfigOptions>({
  examples: ['mintmark config show --config mintmark.yaml -o table', `mintmark config show --config mintmark.yaml --query "[?from!='default']" -o yaml`],
  options: CONFIG_FLAGS,
  async run({ io, report }, options) {
    const { settings, faults } = await io.commands.examineConfig(configFlagsOf(options));
    for (const { about, problem } of faults) report.error(`${about} ${problem}`);
    const rows = settings.map(({ setting, value, from }) => ({ Setting: setting, Value: Array.isArray(value) ? value.join(', ') : value, From: from }));
    return { result: settings.map((row) => ({ ...row })), table: { rows }, exitCode: faults.length === 0 ? 0 : 1 };
  },
});

const check = command<ConfigOptions>({
  examples: ['mintmark config check --config /etc/mintmark/mintmark.yaml', 'mintmark config check --config mintmark.yaml -o json'],
  options: CONFIG_FLAGS,
  async run({ io }, options) {
    const { faults, fileFaults } = await io.commands.examineConfig(configFlagsOf(options));
    const all = [...faults, ...fileFaults];
    const text = all.length === 0 ? 'Nothing is wrong with the configuration and its files.\n' : all.map(({ about, problem }) => `${about} ${problem}\n`).join('');
    return { result: all.map((fault) => ({ ...fault })), text, exitCode: all.length === 0 ? 0 : 1 };
  },
});

export const config: Group = {
  commands: [
    entry('show', 'Show every setting with its value and where that came from', show),
    entry('check', 'Check the settings and the files that they name', check),
  ],
};
