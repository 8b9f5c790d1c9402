/**
 * The listener of the public host, straight on node:http or node:https: what is served, with limits on what a client may
 * cost. Gets a publisher; leaves addresses, ports and when to listen to `app.ts`.
 */
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, type ServerOptions as TlsServerOptions, type Server as TlsServer } from 'node:https';
import type { Logger } from 'pino';
import { type DocumentService, publicHandler } from './handler.ts';
import { newRequestCounts, type RequestCounts } from './request-counts.ts';

/** All times in milliseconds, sizes in bytes. */
export interface PublicLimits {
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeout: number;
  /** From the first byte of a request to its end. */
  readonly requestTimeout: number;
  /**
   * For which nothing may happen on a connection, between requests or in one (a reply that is left unread). Longer than the
   * 60 s for which common load balancers keep an unused connection, so that it is they who close it.
   */
  readonly idleTimeout: number;
  readonly maxHeaderSize: number;
  readonly maxConnections: number;
}

export const PUBLIC_LIMITS: PublicLimits = {
  headersTimeout: 10_000, requestTimeout: 10_000, idleTimeout: 65_000, maxHeaderSize: 8192, maxConnections: 8192,
};

export interface PublicServerOptions {
  readonly log: Logger;
  /** Key and certificate; plain HTTP without. */
  readonly tls?: Pick<TlsServerOptions, 'key' | 'cert'>;
  readonly limits?: Partial<PublicLimits>;
  /** One log line for each request; off by default. */
  readonly accessLog?: boolean;
  /** Where requests are counted, for who wants to read them. */
  readonly counts?: RequestCounts;
}

/** A server that does not listen yet. */
export function createPublicServer(documents: DocumentService, { log, tls, limits, accessLog = false, counts = newRequestCounts() }: PublicServerOptions): Server | TlsServer {
  const { idleTimeout, maxConnections, ...times } = { ...PUBLIC_LIMITS, ...limits };
  const handler = publicHandler(documents, counts, log);
  const listener = accessLog ? logged(handler, log) : handler;
  const options: ServerOptions = {
    ...times,
    // The idle time-out does for both; this one would set two timers for each request.
    keepAliveTimeout: 0,
    // Time-outs are looked for in intervals; a tenth makes them come about when they should.
    connectionsCheckingInterval: Math.ceil(times.headersTimeout / 10),
    // A request without a body needs no stream for it; that is a tenth of the cost of a reply.
    optimizeEmptyRequests: true,
  };
  const server = tls === undefined ? createServer(options, listener) : createTlsServer({ ...options, ...tls, handshakeTimeout: times.headersTimeout }, listener);
  server.maxConnections = maxConnections;
  server.timeout = idleTimeout;
  return server;
}

/** How often connections that have become idle are looked for while closing. */
const SWEEP_MS = 25;

/** Stops listening, lets replies in progress end for so many milliseconds, then cuts what is left. */
export function closeGracefully(server: Server | TlsServer, ms: number, cutAll = () => server.closeAllConnections()): Promise<void> {
  return new Promise((resolve) => {
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    const cut = setTimeout(cutAll, ms);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(cut);
      resolve();
    });
  });
}

const logged = (handler: RequestListener, log: Logger): RequestListener => (request, response) => {
  response.once('close', () => log.info({ method: request.method, path: request.url, status: response.statusCode, complete: response.writableFinished }, 'public request'));
  handler(request, response);
};
