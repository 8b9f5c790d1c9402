/** Lengths of time that the rules of key life are made of, and arithmetic on instants. All lengths are in seconds. */

export const MINUTE = 60;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** L: the longest that a service-account token may live. */
export const LONGEST_TOKEN_LIFE = 24 * HOUR;
/** The shortest life that can be asked for, as in the Kubernetes TokenRequest API. */
export const SHORTEST_TOKEN_LIFE = 10 * MINUTE;
/** What is added to L before a key leaves: twice the allowed clock error of a host (2 min) and a minute of leeway. */
export const MARGIN = 5 * MINUTE;

/** `at` plus so many seconds. */
export const after = (at: Date, seconds: number): Date => new Date(at.getTime() + seconds * 1000);

/** Whether the instant `at` has come by `now`. */
export const hasCome = (at: Date, now: Date): boolean => at.getTime() <= now.getTime();

/** The latest of some instants; nulls do not count. Null when there is none. */
export const latest = (...instants: readonly (Date | null)[]): Date | null => extreme(instants, 1);

/** The earliest of some instants; nulls do not count. Null when there is none. */
export const earliest = (...instants: readonly (Date | null)[]): Date | null => extreme(instants, -1);

function extreme(instants: readonly (Date | null)[], sign: 1 | -1): Date | null {
  return instants.reduce((best, at) => (at !== null && (best === null || sign * (at.getTime() - best.getTime()) > 0) ? at : best), null);
}
