/** Lengths of time, as people write them on the command line and as they are shown to people. All in whole seconds. */
import { secondsOf, shortLength } from '../domain/lengths-of-time.ts';
import { usageError } from './errors.ts';

const UNITS = { m: 60, h: 3600, d: 86_400 } as const satisfies Record<string, number>;

/** A length as `secondsOf` reads it. @throws CommandError (2) for anything else. */
export function parseLength(text: string): number {
  const seconds = secondsOf(text);
  if (seconds === null) throw usageError(`'${text}' is no length of time. Write it as 1h, 90m, 3600s, 30d or P30D.`);
  return seconds;
}

/** A length of so many seconds at least and at most. @throws CommandError (2) for anything else. */
export const lengthWithin = (flag: string, least: number, most: number) => (text: string): number => {
  const seconds = parseLength(text);
  if (seconds >= least && seconds <= most) return seconds;
  throw usageError(`argument ${flag}: '${text}' is not from ${shortLength(least)} to ${shortLength(most)}.`);
};

/** A period as `parseLength` reads it, or `off`. @throws CommandError (2). */
export const parsePeriod = (text: string): number | 'off' => (text.toLowerCase() === 'off' ? 'off' : parseLength(text));

/** The two largest units that say something: `6 min`, `23 h 10 min`, `30 d`. */
export function lengthInWords(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const parts = [
    [Math.floor(whole / UNITS.d), 'd'],
    [Math.floor((whole % UNITS.d) / UNITS.h), 'h'],
    [Math.floor((whole % UNITS.h) / UNITS.m), 'min'],
    [whole % UNITS.m, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(' ');
}
