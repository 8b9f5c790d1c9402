/** Lengths of time, as people write them on the command line and as they are shown to people. All in whole seconds. */
import { usageError } from './errors.ts';

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const satisfies Record<string, number>;
const ISO = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;

/** `1h`, `90m`, `3600s`, `3600`, `30d` or ISO 8601 (`PT1H`, `P30D`). @throws CommandError (2) for anything else. */
export function parseLength(text: string): number {
  const seconds = plainLength(text) ?? isoLength(text);
  if (seconds === null || !Number.isSafeInteger(seconds)) throw usageError(`'${text}' is no length of time. Write it as 1h, 90m, 3600s, 30d or P30D.`);
  return seconds;
}

/** A period as `parseLength` reads it, or `off`. @throws CommandError (2). */
export const parsePeriod = (text: string): number | 'off' => (text.toLowerCase() === 'off' ? 'off' : parseLength(text));

function plainLength(text: string): number | null {
  const match = /^(\d+)([smhd]?)$/i.exec(text);
  if (match === null) return null;
  return Number(match[1]) * UNITS[(match[2]!.toLowerCase() || 's') as keyof typeof UNITS];
}

function isoLength(text: string): number | null {
  const match = ISO.exec(text.toUpperCase());
  if (match === null || match.slice(1).every((part) => part === undefined)) return null;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return days! * UNITS.d + hours! * UNITS.h + minutes! * UNITS.m + seconds!;
}

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
