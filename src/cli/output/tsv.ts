/**
 * Tab-separated values exactly as Azure CLI prints them: a row for each item, no header, names' order unless a query
 * gave one. Inside a row a list is its length, an object nothing, true is `True` and null is `None`; a value alone is
 * itself, and null alone an empty line. Values are written as they are, for the programs that read them, but not to a
 * terminal.
 */
import { isObject, type JsonValue } from './json-value.ts';
import { printable } from './printable.ts';

export function tsv(value: JsonValue, queried: boolean, terminal: boolean): string {
  if (value === null) return '\n';
  const items = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  const written = (values: readonly string[]): string => `${(terminal ? values.map(printable) : values).join('\t')}\n`;
  return items.map((item) => written(row(item, queried))).join('');
}

function row(item: JsonValue, queried: boolean): readonly string[] {
  if (typeof item === 'boolean') return [String(item)];
  if (Array.isArray(item)) return item.map(cell);
  if (!isObject(item)) return [cell(item)];
  const names = queried ? Object.keys(item) : Object.keys(item).toSorted();
  return names.map((name) => cell(item[name]!));
}

function cell(value: JsonValue): string {
  if (Array.isArray(value)) return String(value.length);
  if (isObject(value)) return '';
  return scalarText(value as null | boolean | number | string);
}

/** A scalar as Python writes it, which is what scripts written for Azure CLI expect. */
export function scalarText(value: null | boolean | number | string): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}
