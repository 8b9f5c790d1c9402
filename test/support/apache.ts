/**
 * A real Apache with Debian's mod_auth_openidc, in front of an application that says what it was told: a server root of its
 * own, the example's configuration, a free port on loopback. Whoever starts it calls `stop`.
 */
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DevHome, eventually, freePort, ROOT, type Running } from './dev-server.ts';

// As Debian has them; other systems name the program, its modules and their folder otherwise.
const PROGRAM = '/usr/sbin/apache2';
const moduleFile = (name: string): string => `/usr/lib/apache2/modules/mod_${name}.so`;
const MODULES = ['mpm_event', 'authn_core', 'authz_core', 'headers', 'proxy', 'proxy_http', 'auth_openidc'];

/** Why Apache can not be run here; false where it can. */
export const APACHE_MISSING = [PROGRAM, ...MODULES.map(moduleFile)].every((file) => existsSync(file)) ? false : 'Apache with mod_auth_openidc is not installed: apt-get install -y apache2-bin libapache2-mod-auth-openidc';

export const EXAMPLE = join(ROOT, 'examples/workload-identity/apache.conf');

export interface Passed {
  readonly status: number;
  /** What it says in `WWW-Authenticate` of a refusal. */
  readonly error: string | undefined;
  /** What the application got; null when it was not asked. */
  readonly headers: IncomingHttpHeaders | null;
}

/** An application behind the server: answers with the headers that it got. */
async function startApplication(): Promise<Server> {
  const server = createServer(({ headers }, response) => response.writeHead(200, { 'x-application': 'yes' }).end(JSON.stringify(headers)));
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return server;
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

export class Apache {
  readonly #url: string;
  readonly #dir: string;
  readonly #running: Running;
  readonly #application: Server;

  private constructor(port: number, dir: string, running: Running, application: Server) {
    [this.#url, this.#dir, this.#running, this.#application] = [`http://127.0.0.1:${port}/`, dir, running, application];
  }

  /** `defines`: the values that the configuration leaves open; `configuration`: another file than the example's. */
  static async start(home: DevHome, defines: Readonly<Record<string, string>>, configuration = EXAMPLE): Promise<Apache> {
    const [dir, port, application] = [await mkdtemp(join(tmpdir(), 'mintmark-apache-')), await freePort(), await startApplication()];
    // Its workers are not root, and the home is for its owner only.
    await chmod(dir, 0o755);
    await copyFile((await home.profile()).caFile, join(dir, 'ca.pem'));
    const values = { APPLICATION: urlOf(application), CA_FILE: join(dir, 'ca.pem'), ...defines };
    await writeFile(join(dir, 'httpd.conf'), [
      `ServerRoot ${dir}`, 'ServerName localhost', `Listen 127.0.0.1:${port}`, 'PidFile httpd.pid', 'DefaultRuntimeDir .', 'Mutex file:. default', 'ErrorLog "||/bin/cat"',
      ...(process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []),
      ...MODULES.map((name) => `LoadModule ${name}_module ${moduleFile(name)}`),
      ...Object.entries(values).map(([name, value]) => `Define ${name} ${value}`),
      `Include ${configuration}`, '',
    ].join('\n'));
    const running = home.run(PROGRAM, ['-d', dir, '-f', 'httpd.conf', '-DFOREGROUND'], { detached: true });
    const apache = new Apache(port, dir, running, application);
    await serving(running).catch((error: unknown) => apache.stop().then(() => { throw error; }));
    return apache;
  }

  async stop(): Promise<void> {
    this.#application.close();
    this.#application.closeAllConnections();
    await this.#running.end('SIGTERM');
    await rm(this.#dir, { recursive: true, force: true });
  }

  async ask(token: string | null, { method = 'GET', headers = {} }: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {}): Promise<Passed> {
    const reply = await fetch(this.#url, { method, headers: { ...headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) } });
    const text = await reply.text();
    const error = /error="(\w+)"/.exec(reply.headers.get('www-authenticate') ?? '')?.[1];
    return { status: reply.status, error, headers: reply.headers.has('x-application') ? (JSON.parse(text) as IncomingHttpHeaders) : null };
  }
}

const serving = (running: Running): Promise<true> => eventually('Apache serves', () => {
  if (running.isOver) throw new Error(`it ended: ${running.stdout}${running.stderr}`);
  return running.stdout.includes('resuming normal operations') || undefined;
});
