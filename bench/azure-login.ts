/**
 * Lets the Azure CLI log in at a Mintmark server that has no login of the shape of Azure Stack, the only one that the CLI's older
 * versions use without the internet: its discovery document, and a token endpoint that passes the form on. It has no part in what
 * is measured: a command after the login asks the server itself.
 */
import { once } from 'node:events';
import { createServer, request } from 'node:https';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Place } from './server.ts';

export interface AzureLogin {
  /** What `az cloud register` is given as its Active Directory. */
  readonly url: string;
  close(): void;
}

export async function startAzureLogin({ folder, management, ca }: Place, tenantId: string): Promise<AzureLogin> {
  let base = '';
  const server = createServer({ cert: readFileSync(join(folder, 'server.pem')), key: readFileSync(join(folder, 'server-key.pem')) }, (asked, reply) => {
    const said = asked.method === 'POST' ? passOn(asked) : Promise.resolve(JSON.stringify({ issuer: base, authorization_endpoint: `${base}/authorize`, token_endpoint: `${base}/token` }));
    void said.then((body) => reply.setHeader('content-type', 'application/json').end(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `https://localhost:${(server.address() as AddressInfo).port}/adfs`;

  async function passOn(asked: IncomingMessage): Promise<string> {
    const form = new URLSearchParams(await text(asked));
    form.set('scope', `${management.url}/.default`);
    const further = request(`${management.url}/${tenantId}/oauth2/v2.0/token`, { method: 'POST', ca, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    further.end(form.toString());
    const [reply] = (await once(further, 'response')) as [IncomingMessage];
    return text(reply);
  }

  return { url: base, close: () => server.close().closeAllConnections() };
}
