/**
 * The formats of `--output`, byte for byte as Azure CLI prints them.
 *
 * Gets a command's outcome and the global flags, gives the text for stdout. JSON and YAML have the members of objects
 * in alphabetical order; a null result prints nothing there, and an empty line in `tsv`.
 */
import type { Outcome } from '../command.ts';
import type { Globals, OutputFormat } from '../globals.ts';
import { type JsonValue, sorted } from './json-value.ts';
import type { Query } from './query.ts';

interface Shown {
  readonly value: JsonValue;
  readonly queried: boolean;
  /** What the command itself gives for a table; undefined after a query. */
  readonly table: Outcome['table'];
}

type Format = (shown: Shown, colour: boolean) => string | Promise<string>;

const json = (value: JsonValue): string => (value === null ? '' : `${JSON.stringify(sorted(value), null, 2)}\n`);

async function yaml(value: JsonValue): Promise<string> {
  if (value === null) return '';
  const { stringify } = await import('yaml');
  return stringify(value, { sortMapEntries: true, indentSeq: false, version: '1.1', singleQuote: true, lineWidth: 0 });
}

async function tableText({ value, queried, table: own }: Shown): Promise<string> {
  if (own !== undefined && 'lines' in own) return own.lines.map((line) => `${line}\n`).join('');
  if (value === null) return '';
  const { table } = await import('./table.ts');
  return own === undefined ? table(value, queried) : table(own.rows, true);
}

const FORMATS = {
  json: ({ value }) => json(value),
  jsonc: async ({ value }, colour) => (colour ? (await import('./colour.ts')).colouredJson(json(value)) : json(value)),
  yaml: ({ value }) => yaml(value),
  yamlc: async ({ value }, colour) => (colour ? (await import('./colour.ts')).colouredYaml(await yaml(value)) : yaml(value)),
  table: tableText,
  tsv: async ({ value, queried }) => (await import('./tsv.ts')).tsv(value, queried),
  none: () => '',
} as const satisfies Record<OutputFormat, Format>;

/** The text for stdout. */
export async function formatted(outcome: Outcome, globals: Pick<Globals, 'output'>, query: Query | null, colour: boolean): Promise<string> {
  if (globals.output === null && query === null && outcome.text !== undefined) return outcome.text;
  if (outcome.result === undefined) return '';
  const shown: Shown = query === null ? { value: outcome.result, queried: false, table: outcome.table } : { value: query(outcome.result), queried: true, table: undefined };
  const format: Format = FORMATS[globals.output ?? 'json'];
  return format(shown, colour);
}
