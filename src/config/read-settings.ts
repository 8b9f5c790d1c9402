/**
 * Puts settings together: flags before the environment before the file before the default, each value read by its kind.
 *
 * Gives the values with their origin and everything that is wrong, all at once. Leaves files that settings name to
 * `files.ts`.
 */
import { resolve } from 'node:path';
import type { Written } from './kinds.ts';
import { ruleFaults } from './rules.ts';
import { rowOf, type Setting, SETTING_PATHS, type SettingPath, type Values, variableOf } from './settings.ts';
import { entriesOfEnvironment, entriesOfFile, entriesOfFlags, type Entry, type Fault, type SettingsFile } from './sources.ts';

/** What a person gave. */
export interface Given {
  readonly file: SettingsFile | null;
  readonly environment: NodeJS.ProcessEnv;
  /** `PATH=VALUE`. */
  readonly flags: readonly string[];
  /** The folder that relative paths in the environment and in flags start from. */
  readonly folder: string;
}

export interface Reading {
  readonly values: Partial<Values>;
  /** One for each setting, in the order of the table. */
  readonly shown: readonly ShownSetting[];
  readonly faults: readonly Fault[];
}

/** A setting as `config show` prints it. */
export interface ShownSetting {
  readonly setting: SettingPath;
  /** Null: not set. */
  readonly value: Written;
  /** A file, a variable, `--set`, `default` or `missing`. */
  readonly from: string;
}

const MASK = '(hidden)';
const NO_VALUE = Symbol('no value');

/** Reads everything; throws for nothing that a person can write. */
export function readSettings({ file, environment, flags, folder }: Given): Reading {
  const sources = [file === null ? { entries: [], faults: [] } : entriesOfFile(file), entriesOfEnvironment(environment, folder), entriesOfFlags(flags, folder)];
  const entries = new Map(sources.flatMap((source) => source.entries).map((entry) => [entry.path, entry]));
  const read = SETTING_PATHS.map((path) => readOne(path, rowOf(path), entries.get(path)));
  const values = Object.fromEntries(read.flatMap(({ path, value }) => (value === NO_VALUE ? [] : [[path, value]]))) as Partial<Values>;
  return {
    values,
    shown: read.map(({ path, value, from }) => ({ setting: path, value: value === NO_VALUE ? null : shownValue(rowOf(path), value), from })),
    faults: [...sources.flatMap((source) => source.faults), ...read.flatMap(({ faults }) => faults), ...ruleFaults({ values, isGiven: (path) => entries.has(path) })],
  };
}

/** What is shown of a value: nothing of a secret. */
export const shownValue = ({ kind, secret }: Setting<unknown>, value: unknown): Written => (secret === true ? MASK : kind.show(value));

interface ReadOne {
  readonly path: SettingPath;
  readonly value: unknown;
  readonly from: string;
  readonly faults: readonly Fault[];
}

function readOne(path: SettingPath, row: Setting<unknown>, entry: Entry | undefined): ReadOne {
  const { from, value } = entry ?? { from: 'default', value: row.serve };
  if (value === undefined) return { path, value: NO_VALUE, from: 'missing', faults: [{ about: path, problem: `is missing: ${lowerFirst(row.text)} Set it in the file, as ${variableOf(path)}, or by --set ${path}=VALUE.` }] };
  const result = row.kind.schema.safeParse(value);
  if (!result.success) return { path, value: NO_VALUE, from, faults: [{ about: `${path} (${from})`, problem: `must be ${row.kind.is}${row.secret === true ? '' : `, not ${inShort(value)}`}.` }] };
  return { path, value: entry !== undefined && row.kind.isFile === true && typeof result.data === 'string' ? resolve(entry.base, result.data) : result.data, from, faults: [] };
}

const lowerFirst = (sentence: string): string => `${sentence[0]!.toLowerCase()}${sentence.slice(1)}`;

function inShort(value: unknown): string {
  const written = JSON.stringify(value) ?? String(value);
  return written.length <= 80 ? written : `${written.slice(0, 80)}…`;
}
