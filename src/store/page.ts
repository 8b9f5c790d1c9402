/** Pages of lists: the bounds of a page and the opaque cursor, which is the last position of the page before. */
import { MintmarkError } from '../domain/errors.ts';
import type { RoleAssignment } from '../domain/principal.ts';
import { resourceKey } from '../domain/resource-id.ts';
import type { Listed, Page } from './store.ts';

const LARGEST_PAGE = 1000;

/**
 * The position after which a page begins; null at the start.
 * @throws MintmarkError `InvalidQueryParameter` for a cursor that no list gave, or a limit outside of 1 to 1000.
 */
export function pageStart({ limit, cursor }: Page): string | null {
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_PAGE) throw new MintmarkError('InvalidQueryParameter', `A page has 1 to ${LARGEST_PAGE} items, not ${limit}.`);
  if (cursor === undefined) return null;
  const position = Buffer.from(cursor, 'base64url').toString();
  if (position !== '' && cursorAt(position) === cursor) return position;
  throw new MintmarkError('InvalidQueryParameter', 'The place to go on from in the list is not one that this server gave. Begin the list again.');
}

/** As `pageStart`, for lists whose positions are numbers. */
export function numberedPageStart(page: Page): number | null {
  const position = pageStart(page);
  if (position === null || /^\d{1,15}$/.test(position)) return position === null ? null : Number(position);
  throw ofAnotherList();
}

/** Where a role stands in a list: scope, principal, role. */
export type RolePosition = readonly [string, string, string];

export const rolePosition = ({ scope, principalId, role }: RoleAssignment): RolePosition => [resourceKey(scope), resourceKey(principalId), role];

/** As `pageStart`, for lists of roles. */
export function rolePageStart(page: Page): RolePosition | null {
  const position = pageStart(page);
  if (position === null) return null;
  const parts = parsed(position);
  if (Array.isArray(parts) && parts.length === 3 && parts.every((part) => typeof part === 'string')) return parts as unknown as RolePosition;
  throw ofAnotherList();
}

function parsed(position: string): unknown {
  try {
    return JSON.parse(position);
  } catch {
    return null;
  }
}

const ofAnotherList = (): MintmarkError => new MintmarkError('InvalidQueryParameter', 'The place to go on from in the list is of another list. Begin the list again.');

/** Makes a page out of up to `limit` + 1 items that were found, the last of which only shows that there is a next page. */
export function listed<T>(found: readonly T[], limit: number, position: (item: T) => string): Listed<T> {
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? cursorAt(position(items.at(-1)!)) : null };
}

function cursorAt(position: string): string {
  return Buffer.from(position).toString('base64url');
}
