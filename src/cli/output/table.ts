/** Tables exactly as Azure CLI prints them: names, dashes, rows; only scalars; two spaces between columns. */
import { isObject, type JsonValue } from './json-value.ts';
import { printable } from './printable.ts';
import { scalarText } from './tsv.ts';

/** Members that a table made by itself leaves out. */
const LEFT_OUT: ReadonlySet<string> = new Set(['id', 'type', 'etag']);
const HEADER_PADDING = 2;

type Row = ReadonlyMap<string, string>;

/** `ordered`: columns stay in the order that a query or the command gave them; otherwise they are sorted. */
export function table(value: JsonValue, ordered: boolean): string {
  const items = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  return layOut(items.map((item) => rowOf(item, ordered)));
}

function rowOf(item: JsonValue, ordered: boolean): Row {
  if (Array.isArray(item)) return new Map(item.map((value: JsonValue, at) => [`Column${at + 1}`, text(value)]));
  if (!isObject(item)) return new Map([['Result', text(item)]]);
  const names = ordered ? Object.keys(item) : Object.keys(item).toSorted();
  const shown = names.filter((name) => !LEFT_OUT.has(name) && item[name] !== null && typeof item[name] !== 'object');
  return new Map(shown.map((name) => [printable(name.slice(0, 1).toUpperCase() + name.slice(1)), text(item[name]!)]));
}

/** One line, whatever is in it: a cell can not make a row. */
const text = (value: JsonValue): string => printable(typeof value === 'object' && value !== null ? JSON.stringify(value) : scalarText(value as null | boolean | number | string));

function layOut(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  if (names.length === 0) return '\n';
  const cells = rows.map((row) => names.map((name) => row.get(name) ?? ''));
  const widths = names.map((name, column) => Math.max(name.length + HEADER_PADDING, ...cells.map((row) => row[column]!.length)));
  const line = (parts: readonly string[]): string => `${parts.map((part, column) => part.padEnd(widths[column]!)).join('  ').trimEnd()}\n`;
  return [names, widths.map((width) => '-'.repeat(width)), ...cells].map(line).join('');
}
