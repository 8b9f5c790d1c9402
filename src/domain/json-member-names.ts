/**
 * The member names of a JSON object as they stand in its text, in their order: a parser keeps one of two that are the same,
 * and which one differs from parser to parser.
 */

const [QUOTE, COLON, BACKSLASH] = [0x22, 0x3a, 0x5c];
const [OPENING_BRACKET, CLOSING_BRACKET, OPENING_BRACE, CLOSING_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Of the object itself, not of what it holds; escapes resolved. `text` has to be an object in JSON that was parsed before. */
export function memberNames(text: string): readonly string[] {
  const names: string[] = [];
  let depth = 0;
  // Of the last string: from its first quotation mark to behind its last.
  let [from, to] = [0, 0];
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        [from, to] = [at, endOfString(text, at)];
        at = to - 1;
        break;
      }
      case COLON: {
        if (depth === 1) names.push(JSON.parse(text.slice(from, to)) as string);
        break;
      }
      case OPENING_BRACE:
      case OPENING_BRACKET: {
        depth += 1;
        break;
      }
      case CLOSING_BRACE:
      case CLOSING_BRACKET: {
        depth -= 1;
        break;
      }
    }
  }
  return names;
}

/** Behind the quotation mark that ends the string which begins at `from`. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}
