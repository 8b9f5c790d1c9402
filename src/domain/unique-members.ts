/**
 * JSON in which no object has a member twice (RFC 8259, section 4: what such an object means is not known), for what is
 * signed: two readers of the same bytes must see the same claims.
 */

/** Strings, and what opens, closes and divides; the rest of a valid text says nothing of members. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/** The value; undefined for what is no JSON, or has a member twice at any depth. */
export function parseUnique(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return hasTwins(text) ? undefined : value;
  } catch {
    return undefined;
  }
}

/** `text` is valid JSON. Names are compared as they are meant: `"\u0061"` is `"a"`. */
function hasTwins(text: string): boolean {
  const open: (Set<string> | null)[] = [];
  let last = '';
  for (const [token] of text.matchAll(TOKENS)) {
    const members = open.at(-1);
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':' && members !== undefined && members !== null) {
      const name = JSON.parse(last) as string;
      if (members.has(name)) return true;
      members.add(name);
    }
    last = token;
  }
  return false;
}
