/** Pages of lists: `$top`, `$skiptoken`, and the absolute `nextLink` that Azure's clients follow. */
import { z } from 'zod';
import type { Listed, Page } from '../../store/store.ts';
import type { Asked } from './route.ts';

const DEFAULT_TOP = 100;

export const pageQuery = z.object({
  $top: z.string().regex(/^([1-9]\d{0,2}|1000)$/, 'is a number from 1 to 1000').optional(),
  $skiptoken: z.string().max(2048).optional(),
});

/** The page that a query asks for. */
export const pageOf = ({ $top, $skiptoken }: z.output<typeof pageQuery>): Page => ({ limit: $top === undefined ? DEFAULT_TOP : Number($top), cursor: $skiptoken });

/** A list on the wire. */
export function listBody<T, Body>(managementUrl: string, asked: Pick<Asked, 'path' | 'search'>, { items, next }: Listed<T>, render: (item: T) => Body): { value: Body[]; nextLink?: string } {
  const value = items.map(render);
  if (next === null) return { value };
  const search = new URLSearchParams(asked.search);
  search.set('$skiptoken', next);
  return { value, nextLink: `${managementUrl}${asked.path}?${search.toString()}` };
}
