/**
 * Replies of the public host, made once and sent many times: status, the headers as the flat list that node:http
 * writes without looking at it twice, and the body. node:http adds `Date` and what keeps the connection.
 */
import type { DocumentName, PublishedDocument } from '../../service/publisher.ts';

export interface Reply {
  readonly status: number;
  readonly headers: string[];
  /** Bytes as a latin1 string, which goes out in one write together with the headers. */
  readonly body: string;
}

/** Both replies that a document gives. */
export interface DocumentReplies {
  readonly full: Reply;
  readonly notModified: Reply;
}

const MEDIA_TYPES: Readonly<Record<DocumentName, string>> = { discovery: 'application/json', jwks: 'application/jwk-set+json' };
/** Scripts of any origin may read what is public; and nothing guesses a type. */
const ALWAYS = ['Access-Control-Allow-Origin', '*', 'X-Content-Type-Options', 'nosniff'] as const;

export function documentReplies(document: PublishedDocument): DocumentReplies {
  const cache = ['Cache-Control', `public, max-age=${document.maxAge}`, 'ETag', document.etag, ...ALWAYS];
  const entity = ['Content-Type', MEDIA_TYPES[document.name], 'Content-Length', String(document.body.length)];
  return {
    full: { status: 200, headers: [...entity, ...cache], body: document.body.toString('latin1') },
    notModified: { status: 304, headers: cache, body: '' },
  };
}

/** What is not a document is never to be cached: it may be one in the next second. */
const message = (status: number, content: object, ...headers: readonly string[]): Reply => {
  const body = JSON.stringify(content);
  return { status, body, headers: ['Content-Type', 'application/json', 'Content-Length', String(body.length), 'Cache-Control', 'no-store', ...ALWAYS, ...headers] };
};

export const NOT_FOUND = message(404, { error: 'not_found', error_description: 'No issuer has a document at this path. Paths are compared byte for byte.' });
export const UNAVAILABLE = message(503, { error: 'temporarily_unavailable', error_description: 'It can not be told now whether an issuer has a document at this path. Try again in a second.' }, 'Retry-After', '1');
export const METHOD_NOT_ALLOWED = message(405, { error: 'method_not_allowed', error_description: 'The documents of issuers are read with GET or HEAD.' }, 'Allow', 'GET, HEAD');
export const FAILED = message(500, { error: 'server_error', error_description: 'The document could not be sent. The log of the server says why.' });
export const HEALTHY = message(200, { status: 'ok' });
export const NOT_READY = message(503, { status: 'not ready' }, 'Retry-After', '1');
