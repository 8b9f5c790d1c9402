/**
 * Freeze windows: stretches of time in which no key rotates by itself. All times are UTC.
 *
 * Owns: how a window is written, and which instants are in one. Leaves to `rotation-schedule.ts` what waits for its end.
 */
import { DAY, earliest, latest } from './durations.ts';

/** From `from` on, and before `until`; a weekly one is that stretch of every week before and after it, too. */
export interface FreezeWindow {
  readonly from: Date;
  readonly until: Date;
  readonly weekly: boolean;
}

/** Windows that overlap or adjoin are one freeze. */
export type Freeze = Omit<FreezeWindow, 'weekly'>;

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
const WEEK_MS = 7 * DAY * 1000;
/** A Monday, 00:00. */
const FIRST_WEEK = Date.UTC(1970, 0, 5);

const WEEKLY = /^([a-z]{3}) ([01]\d|2[0-3]):([0-5]\d) ?- ?([a-z]{3}) ([01]\d|2[0-3]):([0-5]\d)$/i;
const ONCE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?Z) ?\/ ?(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?Z)$/;

/** `Fri 18:00-Mon 06:00` or `2026-12-20T00:00Z/2027-01-05T00:00Z`; null for anything else. */
export const freezeWindowOf = (text: string): FreezeWindow | null => weeklyWindow(text) ?? windowOnce(text);

/** The form that `freezeWindowOf` reads. */
export function freezeWindowText({ from, until, weekly }: FreezeWindow): string {
  if (weekly) return `${momentOfWeek(from)}-${momentOfWeek(until)}`;
  return `${shortInstant(from)}/${shortInstant(until)}`;
}

/** Whether no instant is left in which a key could rotate by itself: an opening would begin where a weekly window ends. */
export function neverOpens(windows: readonly FreezeWindow[]): boolean {
  const weekly = windows.filter((window) => window.weekly);
  return weekly.length > 0 && weekly.every(({ until }) => weekly.some((window) => holds(window, until)));
}

/** The freeze that the instant is in; null when it is in none. The windows must open at some time (`neverOpens`). */
export function freezeAt(windows: readonly FreezeWindow[], at: Date): Freeze | null {
  if (!windows.some((window) => holds(window, at))) return null;
  return { from: beginning(windows, at), until: end(windows, at) };
}

/** When the freeze that the instant is in ends; null when it is in none. */
export const frozenUntil = (windows: readonly FreezeWindow[], at: Date): Date | null => freezeAt(windows, at)?.until ?? null;

/** The last instant by `at` that is in no freeze. */
export function lastOpen(windows: readonly FreezeWindow[], at: Date): Date {
  const freeze = freezeAt(windows, at);
  return freeze === null ? at : new Date(freeze.from.getTime() - 1);
}

function end(windows: readonly FreezeWindow[], at: Date): Date {
  const next = latest(...windows.filter((window) => holds(window, at)).map((window) => occurrence(window, at).until));
  return next === null ? at : end(windows, next);
}

function beginning(windows: readonly FreezeWindow[], at: Date): Date {
  const before = new Date(at.getTime() - 1);
  const first = earliest(...windows.filter((window) => holds(window, before)).map((window) => occurrence(window, before).from));
  return first === null ? at : beginning(windows, first);
}

function holds(window: FreezeWindow, at: Date): boolean {
  const { from, until } = occurrence(window, at);
  return from <= at && at < until;
}

/** A weekly window as it was when it last began by `at`. */
function occurrence(window: FreezeWindow, at: Date): Freeze {
  if (!window.weekly) return window;
  const later = Math.floor((at.getTime() - window.from.getTime()) / WEEK_MS) * WEEK_MS;
  return { from: new Date(window.from.getTime() + later), until: new Date(window.until.getTime() + later) };
}

function weeklyWindow(text: string): FreezeWindow | null {
  const [, fromDay, fromHour, fromMinute, toDay, toHour, toMinute] = WEEKLY.exec(text) ?? [];
  const [from, to] = [inFirstWeek(fromDay, fromHour, fromMinute), inFirstWeek(toDay, toHour, toMinute)];
  if (from === null || to === null) return null;
  // One that ends where it began is a whole week.
  return { from, until: to > from ? to : new Date(to.getTime() + WEEK_MS), weekly: true };
}

function inFirstWeek(day = '', hour = '', minute = ''): Date | null {
  const index = DAYS.findIndex((name) => name.toLowerCase() === day.toLowerCase());
  return index === -1 ? null : new Date(FIRST_WEEK + ((index * 24 + Number(hour)) * 60 + Number(minute)) * 60_000);
}

function windowOnce(text: string): FreezeWindow | null {
  const [, first = '', second = ''] = ONCE.exec(text) ?? [];
  const [from, until] = [instantOf(first), instantOf(second)];
  return from === null || until === null || until <= from ? null : { from, until, weekly: false };
}

/** Null for a day that its month does not have, which `Date` would take for one of the next. */
function instantOf(text: string): Date | null {
  const instant = new Date(text);
  return !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(text.slice(0, -1)) ? instant : null;
}

/** `Fri 18:00`. */
const momentOfWeek = (at: Date): string => `${DAYS[(at.getUTCDay() + 6) % 7]!} ${at.toISOString().slice(11, 16)}`;

/** Without seconds that are none. */
const shortInstant = (at: Date): string => at.toISOString().replace(/(:00)?\.000Z$/, 'Z');
