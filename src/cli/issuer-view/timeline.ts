/**
 * The life of each key as a line of characters, from the first key's birth to the last change that is known to come.
 *
 * Pure: keys, calendar, time and width in, lines out. All times are UTC. Now has a fixed column; the past before it and
 * the future after it each fill their part, so that what happened seconds ago is seen beside what comes in a month.
 */
import type { IssuerBody, KeyBody } from '../../http/management/contract.ts';
import { timeInWords } from '../output/resources.ts';

type Calendar = IssuerBody['properties']['calendar'];

/** What a key is during a stretch of time, and its character. */
const CHARACTERS = { prepared: '░', active: '█', retired: '▒' } as const;
const REVOKED = '×';
const NOW = '│';
const LABEL_LENGTH = 8;
const LEAST_WIDTH = 20;

interface Stretch {
  readonly as: keyof typeof CHARACTERS;
  /** Milliseconds since 1970; `to` is not part of it. */
  readonly from: number;
  readonly to: number;
}

interface Scale {
  readonly from: number;
  readonly now: number;
  readonly to: number;
  readonly columns: number;
}

/** The part of the width that the past takes. */
const PAST = 0.4;

/** A heading, a line for each key, the times below. Empty without keys. */
export function timeline(keys: readonly KeyBody[], calendar: Calendar, now: Date, width: number): readonly string[] {
  if (keys.length === 0) return [];
  const scale = scaleOf(keys, calendar, now, Math.max(LEAST_WIDTH, width - LABEL_LENGTH - 4));
  const nowAt = columnOf(scale, now.getTime());
  const drawn = keys.map((key) => `  ${key.kid.slice(0, LABEL_LENGTH).padEnd(LABEL_LENGTH)}  ${lifeLine(key, calendar, scale, nowAt)}`);
  return [...drawn, `  ${' '.repeat(LABEL_LENGTH)}  ${axis(scale, nowAt)}`, `  ${CHARACTERS.prepared} prepared  ${CHARACTERS.active} signs  ${CHARACTERS.retired} retired, still verifies  ${REVOKED} revoked`];
}

const milliseconds = (time: string | null): number | null => (time === null ? null : Date.parse(time));

function scaleOf(keys: readonly KeyBody[], calendar: Calendar, now: Date, columns: number): Scale {
  const known = [calendar.nextRotationAt, calendar.nextRemovalAt, calendar.preparedReadyAt, ...keys.map(({ expiresAt }) => expiresAt)].map(milliseconds);
  const from = Math.min(...keys.map(({ createdAt }) => Date.parse(createdAt)), now.getTime());
  const last = Math.max(now.getTime(), ...known.filter((time) => time !== null));
  return { from, now: now.getTime(), to: Math.max(now.getTime() + 1000, last + (last - now.getTime()) * 0.1), columns };
}

function columnOf({ from, now, to, columns }: Scale, time: number): number {
  const nowAt = Math.floor(columns * PAST);
  const column = time < now ? ((time - from) / (now - from)) * nowAt : nowAt + ((time - now) / (to - now)) * (columns - nowAt);
  return Math.min(columns - 1, Math.max(0, Math.floor(column)));
}

function lifeLine(key: KeyBody, calendar: Calendar, scale: Scale, nowAt: number): string {
  const cells = Array.from({ length: scale.columns }, () => ' ');
  for (const { as, from, to } of stretches(key, calendar, scale.to)) {
    const last = to >= scale.to ? scale.columns : Math.max(columnOf(scale, to), columnOf(scale, from) + 1);
    cells.fill(CHARACTERS[as], columnOf(scale, from), last);
  }
  cells[nowAt] = NOW;
  if (key.revokedAt !== null) cells[columnOf(scale, Date.parse(key.revokedAt))] = REVOKED;
  return cells.join('').trimEnd();
}

/** The stretches that were, and those that come if nothing else happens. */
function stretches(key: KeyBody, calendar: Calendar, end: number): readonly Stretch[] {
  const revoked = milliseconds(key.revokedAt) ?? end;
  const next = milliseconds(calendar.nextRotationAt) ?? end;
  const born = milliseconds(key.publishedAt) ?? Date.parse(key.createdAt);
  const activated = milliseconds(key.activatedAt) ?? (key.state === 'prepared' ? next : revoked);
  const retired = milliseconds(key.retiredAt) ?? (key.state === 'active' ? next : end);
  const gone = milliseconds(key.expiresAt) ?? end;
  const all: readonly Stretch[] = [
    { as: 'prepared', from: born, to: activated },
    { as: 'active', from: activated, to: retired },
    { as: 'retired', from: retired, to: gone },
  ];
  return all.map(({ as, from, to }) => ({ as, from, to: Math.min(to, revoked) })).filter(({ from, to }) => to > from);
}

/** The first time at the left, `now` below its marker, the last time at the right; without those that would overlap. */
function axis({ from, to, columns }: Scale, nowAt: number): string {
  const texts: readonly (readonly [number, string])[] = [
    [nowAt, 'now'],
    [0, short(from)],
    [columns - short(to).length, short(to)],
  ];
  const cells = Array.from({ length: columns + 3 }, () => ' ');
  for (const [at, text] of texts) {
    const room = cells.slice(Math.max(0, at - 1), at + text.length + 1);
    if (at >= 0 && room.every((cell) => cell === ' ')) cells.splice(at, text.length, ...text);
  }
  return cells.join('').trimEnd();
}

const short = (time: number): string => timeInWords(new Date(time).toISOString()).slice(0, 16);
