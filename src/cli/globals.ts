/** Flags that hold for every command and may stand anywhere on the line: taken out before the command is read. */
import type { OptionSpec } from './command.ts';
import { usageError } from './errors.ts';

const OUTPUT_FORMATS = ['json', 'jsonc', 'yaml', 'yamlc', 'table', 'tsv', 'none'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface Globals {
  /** Null when the person did not say: most commands then print JSON. */
  readonly output: OutputFormat | null;
  readonly query: string | null;
  readonly subscription: string | null;
  readonly onlyShowErrors: boolean;
  readonly verbose: boolean;
  readonly debug: boolean;
}

export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: '-o, --output <format>', summary: 'Output format; json unless the command says otherwise', choices: OUTPUT_FORMATS },
  { flags: '--query <jmespath>', summary: 'JMESPath query over the result' },
  { flags: '--subscription <id>', summary: 'Subscription instead of the one of the profile' },
  { flags: '--only-show-errors', summary: 'Show errors only, no warnings' },
  { flags: '--verbose', summary: 'Show each request with its status, time and request id' },
  { flags: '--debug', summary: 'Show headers too, credentials left out' },
];

type Take = (globals: Globals, value: string) => Globals;

const VALUES: ReadonlyMap<string, Take> = new Map<string, Take>([
  ['--output', (globals, value) => ({ ...globals, output: outputFormat(value) })],
  ['--query', (globals, query) => ({ ...globals, query })],
  ['--subscription', (globals, subscription) => ({ ...globals, subscription })],
]);

const SWITCHES: ReadonlyMap<string, Partial<Globals>> = new Map<string, Partial<Globals>>([
  ['--only-show-errors', { onlyShowErrors: true }],
  ['--verbose', { verbose: true }],
  ['--debug', { debug: true, verbose: true }],
]);

const NONE: Globals = { output: null, query: null, subscription: null, onlyShowErrors: false, verbose: false, debug: false };

/** Splits the line into global flags and the rest. @throws CommandError (2) for a missing or unknown value. */
export function takeGlobals(argv: readonly string[]): { readonly globals: Globals; readonly rest: readonly string[] } {
  const rest: string[] = [];
  let globals = NONE;
  for (let at = 0; at < argv.length; at += 1) {
    const { flag, value } = split(argv[at]!);
    const [take, on] = [VALUES.get(flag), SWITCHES.get(flag)];
    if (take !== undefined) {
      const given = value ?? argv[(at += 1)];
      if (given === undefined) throw usageError(`argument ${flag === '--output' ? '--output/-o' : flag}: expected one argument`);
      globals = take(globals, given);
    } else if (on !== undefined && value === undefined) globals = { ...globals, ...on };
    else rest.push(argv[at]!);
  }
  return { globals, rest };
}

/** `--output=tsv`, `-otsv` and `-o tsv` are the same. */
function split(argument: string): { flag: string; value: string | undefined } {
  const long = /^(--[^=]+)=(.*)$/s.exec(argument);
  if (long !== null) return { flag: long[1]!, value: long[2]! };
  if (!argument.startsWith('-o')) return { flag: argument, value: undefined };
  return { flag: '--output', value: argument.slice(2).replace(/^=/, '') || undefined };
}

function outputFormat(value: string): OutputFormat {
  const format = OUTPUT_FORMATS.find((candidate) => candidate === value.toLowerCase());
  if (format === undefined) throw usageError(`'${value}' is not a valid value for '--output'. Allowed values: ${OUTPUT_FORMATS.join(', ')}.`);
  return format;
}
