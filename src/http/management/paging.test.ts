import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from '../../store/store.ts';
import { fillPage } from './paging.ts';

/** A list of so many strings of one length, whose cursor is the number of the next. */
const listOf = (count: number, length: number) => async ({ limit, cursor = '0' }: Page) => {
  const [start, end] = [Number(cursor), Math.min(count, Number(cursor) + limit)];
  return { items: Array.from({ length: end - start }, (_, index) => String(start + index).padStart(length, ' ')), next: end < count ? String(end) : null };
};

/** resources, length of each, $top, cursor → first, how many, next. */
const PAGES: readonly (readonly [number, number, number, string | undefined, string | undefined, number, string | null])[] = [
  [0, 1, 100, undefined, undefined, 0, null],
  [7, 1, 100, undefined, '0', 7, null],
  [100, 1, 100, undefined, '0', 100, null],
  [101, 1, 100, undefined, '0', 100, '100'],
  [101, 1, 25, '50', '50', 25, '75'],
  [101, 1, 100, '95', '95', 6, null],
  [60, 65_536, 100, undefined, '0', 10, '10'],
  [60, 65_536, 100, '55', '55', 5, null],
  [60, 65_536, 3, undefined, '0', 3, '3'],
  [60, 30_000, 100, undefined, '0', 20, '20'],
];

for (const [count, length, limit, cursor, first, size, next] of PAGES) {
  test(`${count} of length ${length}: ${limit} from ${cursor ?? 'the start'} on`, async () => {
    const page = await fillPage(listOf(count, length), { limit, cursor });
    assert.deepEqual([page.items[0]?.trim(), page.items.length, page.next], [first, size, next]);
  });
}
