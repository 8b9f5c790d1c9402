/**
 * Answers one request of the public host: R4, R5 and probes, GET and HEAD, no redirect, no cookie. `Host` is ignored, as
 * CDNs rewrite it. What is in memory is sent at once, as prepared bytes.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Answer, PublishedDocument, Publisher } from '../../service/publisher.ts';
import { ifNoneMatch } from './if-none-match.ts';
import { documentReplies, type DocumentReplies, FAILED, HEALTHY, METHOD_NOT_ALLOWED, NOT_FOUND, NOT_READY, type Reply, UNAVAILABLE } from './replies.ts';
import type { RequestCounts, RequestKind } from './request-counts.ts';
import { pathOf } from './request-target.ts';

/** What the host needs of a publisher. */
export type DocumentService = Pick<Publisher, 'lookup' | 'ready'>;

const REPLY_TO = { 'not found': NOT_FOUND, unavailable: UNAVAILABLE } as const;

const PROBES: Readonly<Record<string, (documents: DocumentService) => Reply>> = {
  '/healthz': () => HEALTHY,
  '/readyz': (documents) => (documents.ready ? HEALTHY : NOT_READY),
};

export function publicHandler(documents: DocumentService, counts: RequestCounts, log: Logger): RequestListener {
  const prepared = new WeakMap<PublishedDocument, DocumentReplies>();

  function answer(request: IncomingMessage, response: ServerResponse, found: Answer): void {
    if (typeof found === 'string') return send(request, response, 'other', REPLY_TO[found]);
    let replies = prepared.get(found);
    if (replies === undefined) prepared.set(found, (replies = documentReplies(found)));
    const held = request.headers['if-none-match'];
    send(request, response, found.name, held !== undefined && ifNoneMatch(held, found.etag) ? replies.notModified : replies.full);
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(request, response, 'other', METHOD_NOT_ALLOWED);
    const path = pathOf(request.url ?? '');
    const found = documents.lookup(path);
    if (found instanceof Promise) found.then((late) => answer(request, response, late)).catch((error: unknown) => fail(request, response, error));
    else if (found === 'not found' && Object.hasOwn(PROBES, path)) send(request, response, 'other', PROBES[path]!(documents));
    else answer(request, response, found);
  }

  function fail(request: IncomingMessage, response: ServerResponse, err: unknown): void {
    log.error({ err, path: request.url }, 'a request for a public document failed');
    if (response.headersSent) response.destroy();
    else send(request, response, 'other', FAILED);
  }

  function send(request: IncomingMessage, response: ServerResponse, kind: RequestKind, { status, headers, body }: Reply): void {
    counts[kind][status] = (counts[kind][status] ?? 0) + 1;
    response.writeHead(status, hasBody(request) ? [...headers, 'Connection', 'close'] : headers);
    response.end(body, 'latin1');
  }

  return (request, response) => {
    try {
      handle(request, response);
    } catch (error) {
      fail(request, response, error);
    }
  };
}

/** Nothing here takes a body: after the reply to a request that has one, the connection ends instead of reading it. */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  (headers['content-length'] !== undefined && headers['content-length'] !== '0') || headers['transfer-encoding'] !== undefined;
