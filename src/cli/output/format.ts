/**
 * The formats of `--output`, byte for byte as Azure CLI prints them.
 *
 * Gets a command's outcome and the global flags, gives the text for stdout. JSON and YAML have the members of objects
 * in alphabetical order; a null result prints nothing there, and an empty line in `tsv`. No format lets a value steer
 * a terminal: JSON and YAML write such characters as escapes, which mean the same, a table shows the escapes.
 */
import type { Outcome } from '../command.ts';
import type { Globals, OutputFormat } from '../globals.ts';
import { type JsonValue, sorted } from './json-value.ts';
import { printable, printableLines } from './printable.ts';
import type { Query } from './query.ts';

interface Shown {
  readonly value: JsonValue;
  readonly queried: boolean;
  /** What the command itself gives for a table; undefined after a query. */
  readonly table: Outcome['table'];
}

/** Where the text goes. */
interface Screen {
  /** A person's, not a file or another program. */
  readonly terminal: boolean;
  readonly colour: boolean;
}

type Format = (shown: Shown, screen: Screen) => string | Promise<string>;

const json = (value: JsonValue): string => (value === null ? '' : printableLines(`${JSON.stringify(sorted(value), null, 2)}\n`));

async function yaml(value: JsonValue): Promise<string> {
  if (value === null) return '';
  const { Document, Scalar, visit } = await import('yaml');
  const document = new Document(value, { sortMapEntries: true, version: '1.1' });
  // Only double quotes have escapes.
  visit(document, { Scalar: (_key, scalar) => { if (typeof scalar.value === 'string' && printableLines(scalar.value) !== scalar.value) scalar.type = Scalar.QUOTE_DOUBLE; } });
  return printableLines(document.toString({ indentSeq: false, singleQuote: true, lineWidth: 0 }));
}

async function tableText({ value, queried, table: own }: Shown): Promise<string> {
  if (own !== undefined && 'lines' in own) return own.lines.map((line) => `${printable(line)}\n`).join('');
  if (value === null) return '';
  const { table } = await import('./table.ts');
  return own === undefined ? table(value, queried) : table(own.rows, true);
}

const FORMATS = {
  json: ({ value }) => json(value),
  jsonc: async ({ value }, { colour }) => (colour ? (await import('./colour.ts')).colouredJson(json(value)) : json(value)),
  yaml: ({ value }) => yaml(value),
  yamlc: async ({ value }, { colour }) => (colour ? (await import('./colour.ts')).colouredYaml(await yaml(value)) : yaml(value)),
  table: tableText,
  tsv: async ({ value, queried }, { terminal }) => (await import('./tsv.ts')).tsv(value, queried, terminal),
  none: () => '',
} as const satisfies Record<OutputFormat, Format>;

/** The text for stdout. */
export async function formatted(outcome: Outcome, globals: Pick<Globals, 'output'>, query: Query | null, screen: Screen): Promise<string> {
  if (globals.output === null && query === null && outcome.text !== undefined) return screen.terminal ? printableLines(outcome.text) : outcome.text;
  if (outcome.result === undefined) return '';
  const shown: Shown = query === null ? { value: outcome.result, queried: false, table: outcome.table } : { value: query(outcome.result), queried: true, table: undefined };
  const format: Format = FORMATS[globals.output ?? 'json'];
  return format(shown, screen);
}
