/**
 * The member names of a JSON object as they stand in its text, in their order: a parser keeps one of two that are the same,
 * and which one differs from parser to parser.
 */

/** A string, or a mark that begins or ends something or stands behind a name. Nothing else in JSON holds any of these. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/g;
const DEPTH: Readonly<Record<string, number>> = { '{': 1, '[': 1, '}': -1, ']': -1 };

/** Of the object itself, not of what it holds; escapes resolved. `text` has to be an object in JSON that was parsed before. */
export function memberNames(text: string): readonly string[] {
  const names: string[] = [];
  let [depth, last] = [0, ''];
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === ':' && depth === 1) names.push(JSON.parse(last) as string);
    depth += DEPTH[token] ?? 0;
    last = token;
  }
  return names;
}
