/** Whether `If-None-Match` says that the client has this very document (RFC 9110, section 13.1.2: weak comparison). */
export function ifNoneMatch(header: string, etag: string): boolean {
  if (header === etag || header.trim() === '*') return true;
  return header.match(/"[^"]*"/g)?.includes(etag) ?? false;
}
