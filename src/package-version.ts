/** Which version of Mintmark this is. */
import { readFileSync } from 'node:fs';

/** The one in package.json, which is a folder up both from the sources and from what is built of them. */
export const packageVersion = (): string => (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
