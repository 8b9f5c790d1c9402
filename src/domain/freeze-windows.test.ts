import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { freezeAt, type FreezeWindow, freezeWindowOf, freezeWindowText, frozenUntil, lastOpen, neverOpens } from './freeze-windows.ts';

const windows = (...texts: readonly string[]): readonly FreezeWindow[] => texts.map((text) => freezeWindowOf(text)!);
const time = (text: string): Date => new Date(text);

test('a window is read as it is shown', () => {
  for (const text of ['Fri 18:00-Mon 06:00', 'Mon 00:00-Tue 23:59', 'Sun 12:30-Sun 12:30', '2026-12-20T00:00Z/2027-01-05T00:00Z', '2026-12-20T00:00:01Z/2026-12-20T00:00:02Z']) {
    assert.equal(freezeWindowText(freezeWindowOf(text)!), text);
  }
});

const SPELLINGS = [
  ['fri 18:00 - MON 06:00', 'Fri 18:00-Mon 06:00'],
  ['2026-12-20T00:00:00Z / 2027-01-05T00:00Z', '2026-12-20T00:00Z/2027-01-05T00:00Z'],
] as const;

test('other spellings are shown in one', () => {
  for (const [text, shown] of SPELLINGS) assert.equal(freezeWindowText(freezeWindowOf(text)!), shown);
});

test('anything else is no window', () => {
  const texts = [
    '', 'weekends', 'Fri-Mon', 'Fri 18:00', 'Fri 24:00-Sat 00:00', 'Fri 18:60-Sat 00:00', 'Fri 8:00-Sat 00:00', 'Fry 18:00-Mon 06:00', 'Fri 18:00-Mon 06:00 CET', 'xFri 18:00-Mon 06:00',
    '2026-12-20T00:00Z', '2026-12-20/2027-01-05', '2026-12-20T00:00/2027-01-05T00:00', '2026-12-20T00:00+01:00/2027-01-05T00:00+01:00', '2027-01-05T00:00Z/2026-12-20T00:00Z',
    '2026-12-20T00:00Z/2026-12-20T00:00Z', '2026-02-30T00:00Z/2026-03-05T00:00Z', '2026-13-01T00:00Z/2027-01-05T00:00Z', '2026-12-20T24:00Z/2027-01-05T00:00Z',
  ];
  for (const text of texts) assert.equal(freezeWindowOf(text), null, text);
});

const WEEKEND = ['Fri 18:00-Mon 06:00'];
const HOLIDAYS = ['2026-12-20T00:00Z/2027-01-05T00:00Z'];

/** Windows, instant → the freeze that it is in. 2026-01-02 is a Friday, 2026-12-18 and 2027-01-01 are, too. */
const ROWS: readonly (readonly [name: string, windows: readonly string[], at: string, freeze: readonly [string, string] | null])[] = [
  ['no windows', [], '2026-01-03T12:00Z', null],
  ['before a weekend', WEEKEND, '2026-01-02T17:59:59.999Z', null],
  ['its first instant', WEEKEND, '2026-01-02T18:00Z', ['2026-01-02T18:00Z', '2026-01-05T06:00Z']],
  ['its last', WEEKEND, '2026-01-05T05:59:59.999Z', ['2026-01-02T18:00Z', '2026-01-05T06:00Z']],
  ['its end', WEEKEND, '2026-01-05T06:00Z', null],
  ['long before 1970', WEEKEND, '1950-01-08T00:00Z', ['1950-01-06T18:00Z', '1950-01-09T06:00Z']],
  ['within a day', ['Tue 08:00-Tue 09:00'], '2026-01-06T08:30Z', ['2026-01-06T08:00Z', '2026-01-06T09:00Z']],
  ['six days a week', ['Tue 09:00-Mon 08:00'], '2026-01-05T07:00Z', ['2025-12-30T09:00Z', '2026-01-05T08:00Z']],
  ['the hour that those leave', ['Tue 09:00-Tue 08:00'], '2026-01-06T08:30Z', null],
  ['once', HOLIDAYS, '2026-12-24T18:00Z', ['2026-12-20T00:00Z', '2027-01-05T00:00Z']],
  ['only once', HOLIDAYS, '2027-12-24T18:00Z', null],
  ['adjoining', ['Sat 00:00-Sun 00:00', 'Sun 00:00-Mon 00:00'], '2026-01-03T12:00Z', ['2026-01-03T00:00Z', '2026-01-05T00:00Z']],
  ['overlapping', ['Fri 18:00-Sun 00:00', 'Sat 12:00-Mon 06:00'], '2026-01-04T00:00Z', ['2026-01-02T18:00Z', '2026-01-05T06:00Z']],
  ['one within another', ['Fri 18:00-Mon 06:00', 'Sat 12:00-Sat 13:00'], '2026-01-03T12:30Z', ['2026-01-02T18:00Z', '2026-01-05T06:00Z']],
  ['holidays between weekends that reach into them', [...WEEKEND, ...HOLIDAYS], '2026-12-24T18:00Z', ['2026-12-18T18:00Z', '2027-01-05T00:00Z']],
  ['holidays that end within a weekend', [...WEEKEND, '2026-12-20T00:00Z/2027-01-02T00:00Z'], '2026-12-18T20:00Z', ['2026-12-18T18:00Z', '2027-01-04T06:00Z']],
];

for (const [name, texts, at, freeze] of ROWS) {
  test(`freeze: ${name}`, () => {
    const expected = freeze === null ? null : { from: time(freeze[0]), until: time(freeze[1]) };
    assert.deepEqual(freezeAt(windows(...texts), time(at)), expected);
    assert.deepEqual(frozenUntil(windows(...texts), time(at)), expected?.until ?? null);
    assert.deepEqual(lastOpen(windows(...texts), time(at)), expected === null ? time(at) : new Date(expected.from.getTime() - 1));
  });
}

const NEVER: readonly (readonly [boolean, ...string[]])[] = [
  [false], [false, ...WEEKEND], [false, ...HOLIDAYS], [false, 'Mon 00:00-Sun 23:59'], [false, 'Mon 00:00-Thu 00:00', 'Thu 00:01-Mon 00:00'],
  [true, 'Mon 00:00-Mon 00:00'], [true, 'Wed 10:30-Wed 10:30', ...HOLIDAYS], [true, 'Mon 00:00-Thu 00:00', 'Thu 00:00-Mon 00:00'], [true, 'Mon 00:00-Thu 12:00', 'Wed 00:00-Sat 06:00', 'Fri 00:00-Tue 00:00'],
];

test('windows that leave no time in a week', () => {
  for (const [never, ...texts] of NEVER) assert.equal(neverOpens(windows(...texts)), never, texts.join(', '));
});

const WEEK = 7 * 24 * 60;
const START = Date.UTC(2026, 0, 1);
const minute = (count: number): Date => new Date(START + count * 60_000);
const moment = (count: number): string => freezeWindowText({ from: minute(count), until: minute(count), weekly: true }).slice(0, 9);
const weekly = fc.tuple(fc.nat(WEEK), fc.nat(WEEK)).map(([from, to]) => freezeWindowOf(`${moment(from)}-${moment(to)}`)!);
const once = fc.tuple(fc.nat(4 * WEEK), fc.integer({ min: 1, max: 3 * WEEK })).map(([from, length]) => freezeWindowOf(freezeWindowText({ from: minute(from), until: minute(from + length), weekly: false }))!);
const someWindows = fc.array(fc.oneof(weekly, once), { maxLength: 6 }).filter((all) => !neverOpens(all));

test('a freeze is as long as it can be: each of its ends touches an open instant, and nothing in it is open', () => {
  fc.assert(fc.property(someWindows, fc.nat(8 * WEEK), fc.double({ min: 0, max: 1, noNaN: true }), (all, count, part) => {
    const freeze = freezeAt(all, minute(count));
    if (freeze === null) return;
    assert.ok(freeze.from <= minute(count) && minute(count) < freeze.until);
    assert.deepEqual([frozenUntil(all, freeze.until), frozenUntil(all, new Date(freeze.from.getTime() - 1))], [null, null]);
    const within = new Date(freeze.from.getTime() + Math.floor((freeze.until.getTime() - 1 - freeze.from.getTime()) * part));
    assert.deepEqual(freezeAt(all, within), freeze);
  }), { numRuns: 3000 });
});

test('windows open or they do not: by each minute of a week', () => {
  fc.assert(fc.property(fc.array(weekly, { minLength: 1, maxLength: 5 }), (all) => {
    const isOpen = Array.from({ length: WEEK }, (_, count) => all.every(({ from, until }) => {
      const into = (((minute(count).getTime() - from.getTime()) / 60_000) % WEEK + WEEK) % WEEK;
      return into >= (until.getTime() - from.getTime()) / 60_000;
    }));
    assert.equal(neverOpens(all), !isOpen.includes(true));
  }), { numRuns: 200 });
});
