/** The request target (RFC 9112, section 3.2) as the path that documents are looked up by. */

/**
 * The path of a request target, byte for byte as it was sent: nothing is decoded, merged or changed in case, since an
 * issuer is compared as a string. A query is left out: it is no part of an issuer's path, and caches and probes add one
 * to get past other caches. The absolute form is accepted from everyone, as section 3.2.2 wants; its host counts no more than `Host`.
 */
export function pathOf(target: string): string {
  const fromPath = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?]*/i, '');
  const query = fromPath.indexOf('?');
  return query === -1 ? fromPath : fromPath.slice(0, query);
}
