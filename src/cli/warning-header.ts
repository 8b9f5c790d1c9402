/** Warnings of a server in its replies' header: `Warning: 299 mintmark "text"`, several with commas between (RFC 7234, section 5.5). */

const WARNING = /\d{3}\s+[^\s",]+\s+"((?:[^"\\]|\\.)*)"/g;

/** The texts, without the backslashes of a quoted string (RFC 9110, section 5.6.4). */
export function warningTexts(header: string | readonly string[] | undefined): readonly string[] {
  const joined = typeof header === 'string' ? header : (header ?? []).join(', ');
  return [...joined.matchAll(WARNING)].map(([, quoted]) => quoted!.replace(/\\(.)/g, '$1'));
}
