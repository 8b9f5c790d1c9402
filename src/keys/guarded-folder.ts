/**
 * Whether a folder's name leads to the same folder for as long as its owner wants: who can write in any folder above it
 * can rename what is there and put another in its place, however private the folder itself is.
 */
import type { Stats } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';

/** What makes a folder unsafe. `fault` begins a sentence, `mend` is a command. */
export interface WeakPlace {
  readonly fault: string;
  readonly mend: string;
}

/**
 * The first place on the way to a folder that others can change; null where there is none. Each has to be of root, of this
 * process's user or of `owner`, and closed to others; above the folder a sticky one, such as `/tmp`, will do. The way ends
 * where there is no folder yet.
 */
export async function weakPlace(folder: string, owner?: number): Promise<WeakPlace | null> {
  const trusted = [0, process.getuid?.(), owner];
  const ahead = ['.', ...namesOf(resolve(folder))];
  let at = '/';
  while (ahead.length > 0) {
    const place = join(at, ahead.shift()!);
    const found = await lstat(place).catch(nothingThere);
    if (found === null || !(found.isDirectory() || found.isSymbolicLink())) return null;
    const weak = weakness(place, found, trusted, ahead.length > 0);
    if (weak !== null) return weak;
    if (!found.isSymbolicLink()) {
      at = place;
      continue;
    }
    const target = await readlink(place);
    if (isAbsolute(target)) at = '/';
    ahead.unshift(...namesOf(target));
  }
  return null;
}

const namesOf = (path: string): readonly string[] => path.split('/').filter((name) => name !== '');

function nothingThere(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}

/** The mode of a link says nothing: whether it can be replaced is up to the folder that it is in, and to its owner. */
function weakness(place: string, found: Stats, trusted: readonly (number | undefined)[], isAbove: boolean): WeakPlace | null {
  if (!trusted.includes(found.uid)) return { fault: `${place} belongs to another user (${found.uid})`, mend: `chown -h root ${place}` };
  if (found.isSymbolicLink() || (found.mode & 0o022) === 0 || (isAbove && (found.mode & 0o1000) !== 0)) return null;
  return { fault: `Others can write in ${place} (mode ${(found.mode & 0o7777).toString(8)})`, mend: `chmod go-w ${place}` };
}
