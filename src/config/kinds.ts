/**
 * What the value of a setting can be: how it is read, from YAML or from text, how it is shown, and how it is told to a
 * person who wrote something else. A value that `show` gives is read back as the same value.
 */
import { z } from 'zod';
import { freezeWindowOf, type FreezeWindow, freezeWindowText } from '../domain/freeze-windows.ts';
import { isLocationName, normalizeLocation } from '../domain/locations.ts';
import { isNetwork } from '../fetch/addresses.ts';
import type { PortRange } from '../fetch/guarded-fetch.ts';
import { secondsOf, shortLength } from '../domain/lengths-of-time.ts';

/** A value as it is written in YAML. */
export type Written = string | number | boolean | null | readonly string[];

export interface Kind<T> {
  /** Completes "must be …". */
  readonly is: string;
  readonly schema: z.ZodType<T>;
  readonly show: (value: T) => Written;
  /** Names a file: a relative one starts from the folder of who says it. */
  readonly isFile?: true;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** The flag that chooses the port, where it is one. */
  readonly flag?: string;
}

const numeral = z.union([z.int(), z.string().regex(/^\d{1,15}$/).transform(Number)]);
const text = z.string().trim().min(1);

export const path: Kind<string> = { is: 'the path of a file', schema: text, show: String, isFile: true };

export const yesNo: Kind<boolean> = {
  is: 'true or false',
  schema: z.union([z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')]),
  show: (value) => value,
};

export const template: Kind<string> = { is: 'a URL with {uuid} in it', schema: text, show: String };

/** Without a path: every path of the management API is fixed. Its spelling is the one that clients give it. */
export const origin: Kind<string> = {
  is: 'an https URL without path, query and user name, such as https://mintmark.example.com',
  schema: text.transform((url) => (URL.canParse(url) ? new URL(url) : null)).pipe(z.instanceof(URL).refine((url) => url.protocol === 'https:' && url.href === `${url.origin}/`).transform((url) => url.origin)),
  show: String,
};

/** `0.0.0.0:8443`, `[::]:8443`. */
export const listener: Kind<Listener> = {
  is: 'an address and a port from 1 to 65535, such as 0.0.0.0:8443 or [::]:8443',
  schema: text.transform(listenerOf).pipe(z.object({ host: z.string(), port: z.int().min(1).max(65_535) })),
  show: ({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`,
};

function listenerOf(written: string): Listener | null {
  const match = /^(?:\[([\da-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(written);
  return match === null ? null : { host: match[1] ?? match[2]!, port: Number(match[3]) };
}

export const locationName: Kind<string> = { is: 'the name of a location, such as eastus', schema: text.transform(normalizeLocation).refine(isLocationName), show: String };

/** In text, separated by commas. */
const list = z.union([z.array(z.string()), z.string().transform((items) => items.split(',').map((item) => item.trim()).filter((item) => item !== ''))]);

export const locationNames: Kind<readonly string[]> = {
  is: 'a list of names of lower-case letters, digits and hyphens',
  schema: list.pipe(z.array(z.string().refine(isLocationName))),
  show: (names) => names,
};

export const freezeWindows: Kind<readonly FreezeWindow[]> = {
  is: 'a list of windows such as Fri 18:00-Mon 06:00, or 2026-12-20T00:00Z/2027-01-05T00:00Z',
  schema: list.pipe(z.array(z.string().trim().transform(freezeWindowOf).pipe(z.custom<FreezeWindow>((window) => window !== null)))),
  show: (windows) => windows.map(freezeWindowText),
};

export const networks: Kind<readonly string[]> = {
  is: 'a list of addresses and networks such as 10.0.0.0/8, or fd00::/8',
  schema: list.pipe(z.array(z.string().refine(isNetwork))),
  show: (written) => written,
};

/** `443`, `8000-8999`. */
export const ports: Kind<readonly PortRange[]> = {
  is: 'a list of ports and ranges of them such as 443, or 8000-8999',
  schema: z.union([z.int().transform((port) => [String(port)]), list]).pipe(z.array(z.string().transform(portRangeOf).pipe(z.custom<PortRange>((range) => range !== null)))),
  show: (ranges) => ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)),
};

function portRangeOf(written: string): PortRange | null {
  const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(written) ?? [];
  const range = { from: Number(from), to: Number(to) };
  return range.from >= 1 && range.from <= range.to && range.to <= 65_535 ? range : null;
}

export const wholeNumber = (least: number, most: number): Kind<number> => ({ is: `a whole number from ${least} to ${most}`, schema: numeral.pipe(z.int().min(least).max(most)), show: (value) => value });

/** In seconds. */
export const lengthOfTime = (least: number, most: number): Kind<number> => ({
  is: `a length of time from ${shortLength(least)} to ${shortLength(most)}`,
  schema: z.union([z.int(), z.string().transform(secondsOf)]).pipe(z.int().min(least).max(most)),
  show: shortLength,
});

/** In seconds; null is off. */
export function periodOrOff(least: number, most: number): Kind<number | null> {
  const { is, schema, show } = lengthOfTime(least, most);
  return { is: `off, or ${is}`, schema: z.union([z.literal('off').transform(() => null), schema]), show: (value) => (value === null ? 'off' : show(value)) };
}

export const oneOf = <const T extends string>(words: readonly T[]): Kind<T> => ({ is: `one of ${words.join(', ')}`, schema: z.enum(words), show: String });

export const oneNumberOf = <const T extends number>(numbers: readonly T[]): Kind<T> => ({ is: `one of ${numbers.join(', ')}`, schema: numeral.pipe(z.literal(numbers)), show: (value) => value });

/** May be left out: null. */
export const optional = <T>(kind: Kind<T>): Kind<T | null> => ({ ...kind, schema: kind.schema.nullable(), show: (value) => (value === null ? null : kind.show(value)) });
