/** Lines of the README that people type, so that tests run those and no others. */
import { readFileSync } from 'node:fs';

const TEXT = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The line of a code block that begins so. @throws where there is not exactly one. */
export function readmeLine(start: string): string {
  const found = TEXT.split('\n').filter((line) => line.startsWith(start));
  if (found.length !== 1) throw new Error(`README.md has ${found.length} lines that begin with '${start}'.`);
  return found[0]!;
}
