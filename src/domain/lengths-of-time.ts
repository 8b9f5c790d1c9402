/** Lengths of time as people write them: on the command line, in the configuration. All in whole seconds. */

/** Seconds: the longest that a credential, or an imported key that verifies, lasts with an end. */
export const TEN_YEARS = 10 * 366 * 86_400;

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const satisfies Record<string, number>;
const ISO = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;

/** `1h`, `90m`, `3600s`, `3600`, `30d` or ISO 8601 (`PT1H`, `P30D`) in seconds; null for anything else. */
export function secondsOf(text: string): number | null {
  const seconds = plainLength(text) ?? isoLength(text);
  return seconds !== null && Number.isSafeInteger(seconds) ? seconds : null;
}

/** The shortest form that `secondsOf` reads: `30d`, `10m`, `90s`. */
export function shortLength(seconds: number): string {
  const [unit, size] = Object.entries(UNITS).findLast(([, length]) => seconds >= length && seconds % length === 0) ?? ['s', 1];
  return `${seconds / size}${unit}`;
}

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
