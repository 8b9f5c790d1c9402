/** The servers that `jwks.ts` compares, each in a process of its own: started, found again by URL and pid, and ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { end, freePort, startNode, until } from './processes.ts';

export interface Contender {
  readonly name: string;
  readonly url: string;
  /** The process that serves. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** The public host as the product starts it. */
export const startMintmark = (): Promise<Contender> => startHost('Mintmark', 'public-host.ts', []);

/** The bare handler, with the reply that `original` gives: the same headers, letter for letter, and the same bytes. */
export async function startBare(original: Contender): Promise<Contender> {
  const [reply] = (await once(get(original.url), 'response')) as [IncomingMessage];
  const body = await text(reply.setEncoding('latin1'));
  const added = ['Date', 'Connection', 'Keep-Alive'];
  const headers = reply.rawHeaders.filter((_, index, all) => !added.includes(all[index - (index % 2)] ?? ''));
  return startHost('bare node:http', 'bare-host.ts', [JSON.stringify({ headers, body })]);
}

/** nginx with one worker, the bytes of `original` as a static file. */
export async function startNginx(original: Contender): Promise<Contender> {
  const home = mkdtempSync(join(tmpdir(), 'mintmark-bench-'));
  writeFileSync(join(home, 'jwks'), Buffer.from(await (await fetch(original.url)).arrayBuffer()));
  const port = await freePort();
  writeFileSync(join(home, 'nginx.conf'), nginxConfiguration(home, port));
  const master = spawn('nginx', ['-p', home, '-c', join(home, 'nginx.conf')], { stdio: 'inherit' });
  const url = `http://127.0.0.1:${port}/jwks`;
  await until(`nginx answers at ${url}`, () => fetch(url).then((reply) => reply.ok, () => false));
  const worker = Number(readFileSync(`/proc/${master.pid}/task/${master.pid}/children`, 'utf8').trim());
  return { name: 'nginx', url, pid: worker, stop: async () => (await end(master), rmSync(home, { recursive: true })) };
}

const nginxConfiguration = (home: string, port: number): string => `
daemon off; worker_processes 1; pid ${home}/pid; error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; default_type application/jwk-set+json;
  client_body_temp_path ${home}; proxy_temp_path ${home}; fastcgi_temp_path ${home}; uwsgi_temp_path ${home}; scgi_temp_path ${home};
  server {
    listen 127.0.0.1:${port}; root ${home};
    add_header Cache-Control "public, max-age=300"; add_header Access-Control-Allow-Origin "*"; add_header X-Content-Type-Options nosniff;
  }
}
`;

async function startHost(name: string, file: string, args: readonly string[]): Promise<Contender> {
  const { said: { port, path = '/' }, child } = await startNode<{ readonly port: number; readonly path?: string }>(file, args);
  return { name, url: `http://127.0.0.1:${port}${path}`, pid: child.pid!, stop: () => end(child) };
}
