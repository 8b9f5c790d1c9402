/**
 * The listener for probes and scrapers: `/healthz` (200 while tokens are signed, else 503; a JSON object either way) and
 * `/metrics`. Plain HTTP on the loopback interface, unless told otherwise; nothing that it gives is secret.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { MintmarkError } from '../domain/errors.ts';
import type { SignerMetrics } from './metrics.ts';
import { type SignerStatus, statusBody } from './status.ts';

export interface HealthAddress {
  readonly host: string;
  readonly port: number;
}

/** Milliseconds, bytes. */
const LIMITS = { headersTimeout: 5000, requestTimeout: 5000, keepAliveTimeout: 65_000, maxHeaderSize: 8192 } as const;
const MOST_CONNECTIONS = 64;

/** Listens. @throws MintmarkError `AddressInUse`, `InvalidConfiguration`. */
export async function serveHealth({ host, port }: HealthAddress, status: () => Promise<SignerStatus>, metrics: SignerMetrics): Promise<{ close(): void }> {
  const server = createServer(LIMITS, (request, response) => void answer(request, response, status, metrics).catch(() => reply(response, 500, 'text/plain', 'How this signer is can not be found out.\n')));
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'EADDRINUSE'
      ? new MintmarkError('AddressInUse', `Port ${port} on ${host} is taken by another process. Choose another with --health-listen.`, { cause: error })
      : new MintmarkError('InvalidConfiguration', `The signer can not listen on ${host}, port ${port} (${error.code}). Choose another address with --health-listen.`, { cause: error })));
    server.listen(port, host, resolve);
  });
  return { close: () => { server.close(); server.closeAllConnections(); } };
}

async function answer({ method, url }: IncomingMessage, response: ServerResponse, status: () => Promise<SignerStatus>, metrics: SignerMetrics): Promise<void> {
  const path = url?.split('?', 1)[0];
  if (method !== 'GET' && method !== 'HEAD') return reply(response, 405, 'text/plain', 'Only GET.\n');
  if (path === '/metrics') return reply(response, 200, metrics.contentType, await metrics.text(await status()));
  if (path !== '/healthz') return reply(response, 404, 'text/plain', 'There are /healthz and /metrics.\n');
  const now = await status();
  reply(response, now.bar === null ? 200 : 503, 'application/json', `${JSON.stringify(statusBody(now))}\n`);
}

function reply(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' });
  response.end(body);
}
