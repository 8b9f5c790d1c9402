/**
 * Text from elsewhere made fit for a terminal: what moves the cursor, ends a line or turns the direction of writing is
 * written as an escape instead. Names, tags and messages of a server may hold anything; a terminal obeys some of it.
 */

/** C0, DEL and C1 (ECMA-48), and the embeddings, overrides and isolates of bidirectional text (Unicode Annex 9). */
const UNPRINTABLE = /[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu;

const SHORT: ReadonlyMap<string, string> = new Map([['\n', '\\n'], ['\r', '\\r'], ['\t', '\\t']]);

const escaped = (character: string): string => SHORT.get(character) ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** For text that is to stay within its line or cell. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escaped);

/** For text whose line feeds and tabs a format wrote itself. In JSON, and in quoted strings of YAML, it means the same as before. */
export const printableLines = (text: string): string => text.replace(UNPRINTABLE, (character) => (character === '\n' || character === '\t' ? character : escaped(character)));
