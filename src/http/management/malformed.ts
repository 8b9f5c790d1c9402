/**
 * What is refused before there is a request: bytes that are no HTTP, and what node answers by itself in words that are
 * not ours. Nothing of it is logged: the raw bytes may hold a token.
 *
 * Replies keep the order of the requests (RFC 9112, section 9.3.2): what was asked before on the same connection, and is
 * whole, is answered before the refusal and the end of the connection.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ErrorCode } from '../../domain/errors.ts';
import type { ErrorBody } from './contract.ts';

type Refusal = readonly [status: string, code: ErrorCode, message: string];

const NO_REQUEST: Refusal = ['400 Bad Request', 'InvalidRequest', 'This is no HTTP request.'];
const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'RequestTooLarge', 'The headers are larger than this server accepts.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'InvalidRequest', 'The request did not arrive in time.'],
};

/** Replies that are not sent yet, by connection. */
const inProgress = new WeakMap<Socket, Set<ServerResponse>>();

/** Connections whose handshake is over: on any other of TLS nothing can be said. */
const secured = new WeakSet<Socket>();

/** Watches what is in progress on each connection, and refuses expectations that can not be met (RFC 9110, section 10.1.1). */
export function watchReplies(server: Server): void {
  server.prependListener('secureConnection', (socket: TLSSocket) => void secured.add(socket));
  server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => begin(response));
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    begin(response);
    const body = bodyOf('InvalidRequest', "The server can meet no other expectation than '100-continue'.");
    response.writeHead(417, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'x-ms-request-id': randomUUID(), 'connection': 'close' }).end(body);
  });
}

function begin(response: ServerResponse): void {
  const { socket } = response;
  if (socket === null) return;
  const replies = inProgress.get(socket) ?? new Set();
  inProgress.set(socket, replies.add(response));
  response.once('close', () => replies.delete(response));
}

/** Answers what node's parser refuses. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || (socket instanceof TLSSocket && !secured.has(socket))) return void socket.destroy();
  const replies = [...(inProgress.get(socket) ?? [])];
  // The bytes may be the body of a request whose reply has begun: nothing can be said any more.
  if (replies.some(({ req, headersSent }) => !req.complete && headersSent)) return void socket.destroy();
  void refuseAfter(replies.filter(({ req }) => req.complete), socket, REFUSALS[error.code ?? ''] ?? NO_REQUEST);
}

async function refuseAfter(replies: readonly ServerResponse[], socket: Socket, [status, code, message]: Refusal): Promise<void> {
  await Promise.all(replies.map((reply) => once(reply, 'close')));
  const body = bodyOf(code, message);
  if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nx-ms-request-id: ${randomUUID()}\r\nConnection: close\r\n\r\n${body}`);
  else socket.destroy();
}

const bodyOf = (code: ErrorCode, message: string): string => JSON.stringify({ error: { code, message } } satisfies ErrorBody);
