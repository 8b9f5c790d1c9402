/** A TLS server in front of another that passes everything on, and can swallow a reply: the request was done, and its client is told 500, or nothing. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface LosingProxy {
  readonly url: string;
  /** Methods, paths, the client's ids and the statuses that the server gave, of what matched. */
  readonly seen: readonly { readonly requestId: string; readonly status: number }[];
  close(): void;
}

interface Lossy {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  /** The server behind it, such as `https://localhost:8443`. */
  readonly target: string;
  /** Method and path, such as `PUT /groups/a?b`, of the requests of which the first reply is lost. */
  readonly lose: RegExp;
  /** What its client gets in place of it: a refusal, unless it is the end of the connection. */
  readonly cut?: boolean;
}

export async function losingProxy({ certificateFile, keyFile, caFile, target, lose, cut = false }: Lossy): Promise<LosingProxy> {
  const ca = readFileSync(caFile);
  const seen: { requestId: string; status: number }[] = [];
  function passOn(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = '', url = '', headers } = incoming;
    const onward = request(`${target}${url}`, { method, headers, ca, agent: false }, (reply) => {
      if (!lose.test(`${method} ${url}`)) return void reply.pipe(outgoing.writeHead(reply.statusCode ?? 0, reply.headers));
      seen.push({ requestId: String(headers['x-ms-client-request-id']), status: reply.statusCode ?? 0 });
      if (seen.length > 1) return void reply.pipe(outgoing.writeHead(reply.statusCode ?? 0, reply.headers));
      reply.resume().on('end', () => {
        if (cut) outgoing.destroy();
        else outgoing.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"code":"InternalServerError","message":"The reply was lost."}}');
      });
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  }
  const server = createServer({ cert: readFileSync(certificateFile), key: readFileSync(keyFile) }, passOn);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`, seen,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
