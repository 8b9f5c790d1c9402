/** Pages of lists: `$top`, `$skiptoken`, and the absolute `nextLink` that Azure's clients follow. */
import { z } from 'zod';
import type { Listed, Page } from '../../store/store.ts';
import type { Asked } from './route.ts';

const MOST = 100;
/** Resources that are read at a time to fill a page, and the length of their JSON from which on it is full. */
const STEP = 10;
const FULL = 512 * 1024;

export const pageQuery = z.object({
  $top: z.string().regex(/^([1-9]\d?|100)$/, `is a number from 1 to ${MOST}`).optional(),
  $skiptoken: z.string().max(2048).optional(),
});

/** The page that a query asks for. */
export const pageOf = ({ $top, $skiptoken }: z.output<typeof pageQuery>): Page => ({ limit: $top === undefined ? MOST : Number($top), cursor: $skiptoken });

/**
 * A page that ends early where its resources are large, so that many lists at once fit into memory: at most 512 KiB and
 * ten resources more.
 */
export async function fillPage<T>(find: (page: Page) => Promise<Listed<T>>, { limit, cursor }: Page): Promise<Listed<T>> {
  const items: T[] = [];
  let length = 0;
  for (let from = cursor; ;) {
    const found = await find({ limit: Math.min(STEP, limit - items.length), cursor: from });
    items.push(...found.items);
    length += JSON.stringify(found.items).length;
    if (found.next === null || items.length >= limit || length >= FULL) return { items, next: found.next };
    from = found.next;
  }
}

/** A list on the wire. */
export function listBody<T, Body>(managementUrl: string, asked: Pick<Asked, 'path' | 'search'>, { items, next }: Listed<T>, render: (item: T) => Body): { value: Body[]; nextLink?: string } {
  const value = items.map(render);
  if (next === null) return { value };
  const search = new URLSearchParams(asked.search);
  search.set('$skiptoken', next);
  return { value, nextLink: `${managementUrl}${asked.path}?${search.toString()}` };
}
