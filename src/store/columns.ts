/**
 * Reads the columns of one row and believes none of them: whatever is not of the form that Mintmark writes is
 * `StoreCorrupt`, and the message names the record and the column. Values are never repeated in messages.
 */
import { MintmarkError } from '../domain/errors.ts';

/** The furthest instant that a `Date` can be. */
const LATEST_MS = 8.64e15;

export class Columns<Row extends object> {
  readonly #row: Row;
  readonly #record: string;

  /** `record` names the row for people: "signing key K of issuer I". */
  constructor(row: Row, record: string) {
    this.#row = row;
    this.#record = record;
  }

  text(column: keyof Row): string {
    const value: unknown = this.#row[column];
    return typeof value === 'string' ? value : this.#corrupt(column, 'is no text');
  }

  integer(column: keyof Row): number {
    const value: unknown = this.#row[column];
    return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : this.#corrupt(column, 'is no whole number of 0 or more');
  }

  flag(column: keyof Row): boolean {
    const value = this.integer(column);
    return value <= 1 ? value === 1 : this.#corrupt(column, 'is neither 0 nor 1');
  }

  date(column: keyof Row): Date {
    const value = this.integer(column);
    return value <= LATEST_MS ? new Date(value) : this.#corrupt(column, 'is no instant');
  }

  bytes(column: keyof Row): Uint8Array {
    const value: unknown = this.#row[column];
    return value instanceof Uint8Array ? value : this.#corrupt(column, 'is no bytes');
  }

  /** One of the keys of a table, or of a list. */
  oneOf<T extends string>(column: keyof Row, known: readonly T[]): T {
    const value = this.text(column);
    return known.find((name) => name === value) ?? this.#corrupt(column, `is none of ${known.join(', ')}`);
  }

  /** What `shape` makes of the JSON value; undefined from `shape` is a value of another form. */
  json<T>(column: keyof Row, shape: (value: unknown) => T | undefined): T {
    return shape(parsed(this.text(column))) ?? this.#corrupt(column, 'is cut short or was changed');
  }

  /** A whole number, also one below 0. */
  signedOrNull(column: keyof Row): number | null {
    const value: unknown = this.#row[column];
    if (value === null) return null;
    return Number.isSafeInteger(value) ? Number(value) : this.#corrupt(column, 'is no whole number');
  }

  textOrNull(column: keyof Row): string | null {
    return this.isNull(column) ? null : this.text(column);
  }

  integerOrNull(column: keyof Row): number | null {
    return this.isNull(column) ? null : this.integer(column);
  }

  dateOrNull(column: keyof Row): Date | null {
    return this.isNull(column) ? null : this.date(column);
  }

  isNull(column: keyof Row): boolean {
    return this.#row[column] === null;
  }

  #corrupt(column: keyof Row, what: string): never {
    throw new MintmarkError('StoreCorrupt', `The record of ${this.#record} in the store is damaged: '${String(column)}' ${what}. Restore it from a backup.`);
  }
}

/** Undefined, which no JSON text is, for what can not be parsed. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Shapes of JSON values, for `Columns.json`. */
export const object = (value: unknown): Record<string, unknown> | undefined => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined);

export const texts = (value: unknown): readonly string[] | undefined => (Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined);

export const textRecord = (value: unknown): Readonly<Record<string, string>> | undefined =>
  object(value) !== undefined && texts(Object.values(value as object)) !== undefined ? (value as Record<string, string>) : undefined;

/** An instant as it is stored. */
export const ms = (at: Date): number => at.getTime();
export const msOrNull = (at: Date | null): number | null => at?.getTime() ?? null;
