/**
 * The listener of the metrics: `GET /metrics` in the text format of Prometheus, plain HTTP, nothing else.
 *
 * It has no login: it listens only where it is told to, which is for a scraper alone to reach. Nothing that it serves
 * names an issuer, a cluster or a person.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

/** Milliseconds, bytes, connections: a scraper needs few. */
const LIMITS = { headersTimeout: 5000, requestTimeout: 5000, keepAliveTimeout: 65_000, maxHeaderSize: 8192 } as const;
const MOST_CONNECTIONS = 64;

/** A server that does not listen yet. */
export function createMetricsServer(registry: Registry, log: Logger): Server {
  const server = createServer(LIMITS, (request, response) => void answer(registry, log, request, response));
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}

async function answer(registry: Registry, log: Logger, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return reply(response, 405, 'Metrics are read with GET.\n', { allow: 'GET, HEAD' });
  if (request.url?.split('?', 1)[0] !== '/metrics') return reply(response, 404, 'The metrics are at /metrics.\n');
  try {
    reply(response, 200, await registry.metrics(), { 'content-type': registry.contentType });
  } catch (err) {
    log.error({ err }, 'the metrics could not be collected');
    reply(response, 500, 'The metrics could not be collected. The log of the server says why.\n');
  }
}

function reply(response: ServerResponse, status: number, body: string, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store', ...headers });
  response.end(body);
}
