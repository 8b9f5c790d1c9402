/** The real server: an identity that logs in with the token of an issuer that is not Mintmark, as far as the configuration lets it be asked. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createAuthority, createServerCertificate } from '../../src/keys/private-ca.ts';
import { eventually, freePort, ROOT, Running } from '../support/dev-server.ts';
import { FOREIGN_CA, jws, startForeignIssuer } from '../support/foreign-issuer.ts';

const dir = await mkdtemp(join(tmpdir(), 'mintmark-federation-'));
const at = (file: string): string => join(dir, file);
const [management, issuerPort] = [await freePort(), await freePort()];
const URL_BASE = `https://localhost:${management}`;
const AUDIENCE = 'api://AzureADTokenExchange';
const started: Running[] = [];
const remove = (): void => {
  for (const running of started) if (!running.isOver) running.process.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
};
after(remove);
process.once('exit', remove);

const authority = await createAuthority('federation test', new Date());
const { certificate, privateKey } = await createServerCertificate(authority, ['localhost'], new Date());
const put = (file: string, text: string): Promise<void> => writeFile(at(file), text, { mode: 0o600 });
await put('ca.pem', authority.certificate);
await put('server.pem', certificate);
await put('server-key.pem', privateKey);
await put('foreign-ca.pem', FOREIGN_CA);
await put('key', `${randomBytes(32).toString('base64')}\n`);
await put('mintmark.yaml', `
store: { file: mintmark.db }
keyEncryptionKey: { file: key }
audit: { file: audit.log }
federation: { caFile: foreign-ca.pem }
management: { url: '${URL_BASE}', listen: '127.0.0.1:${management}', tls: { certificateFile: server.pem, keyFile: server-key.pem } }
issuer: { urlTemplate: 'https://localhost:${issuerPort}/{tenantId}/{uuid}/', listen: '127.0.0.1:${issuerPort}', tls: { certificateFile: server.pem, keyFile: server-key.pem } }
`);

function launch(line: readonly string[]): Running {
  const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, NO_COLOR: _colour, HTTPS_PROXY: _proxy, https_proxy: _lower, ...env } = process.env;
  const running = new Running(join(ROOT, 'bin/mintmark'), line, { env: { ...env, MINTMARK_HOME: at('home') } });
  started.push(running);
  return running;
}

/** What a line that succeeds prints. */
async function done<T>(...line: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await launch(line).ended;
  assert.equal(code, 0, `${line.join(' ')}: ${stderr}`);
  return (stdout === '' ? null : JSON.parse(stdout)) as T;
}

async function serve(...settings: readonly string[]): Promise<Running> {
  const server = launch(['serve', '--config', at('mintmark.yaml'), ...settings.flatMap((setting) => ['--set', setting])]);
  await eventually('it serves', () => {
    if (server.isOver) throw new Error(`it ended: ${server.stderr}`);
    return server.stderr.includes('"msg":"serving"') || undefined;
  });
  return server;
}

/** Status and JSON of one exchange with the management port. */
function exchange<T>(method: string, path: string, headers: Readonly<Record<string, string>>, body?: string): Promise<{ readonly status: number; readonly json: T }> {
  return new Promise((resolve, reject) => {
    request(`${URL_BASE}${path}`, { method, headers, ca: authority.certificate, agent: false }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('error', reject).on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve({ status: reply.statusCode ?? 0, json: JSON.parse(Buffer.concat(chunks).toString()) as T }));
    }).on('error', reject).end(body ?? '');
  });
}

test('a foreign token logs in as an identity, which may read its group and nothing else; unless its issuer may not be asked', async () => {
  const issuer = await startForeignIssuer();
  const owner = await done<{ tenantId: string; subscriptionId: string; clientId: string; clientSecret: string }>('admin', 'bootstrap', '--config', at('mintmark.yaml'), '--output', 'json');
  await put('secret', owner.clientSecret);
  const open = await serve('federation.allowedAddresses=127.0.0.0/8,::1', 'federation.allowedPorts=1024-65535');
  await done('login', '--server', URL_BASE, '--tenant', owner.tenantId, '--client-id', owner.clientId, '--secret-file', at('secret'), '--ca-file', at('ca.pem'));
  await done('group', 'create', '--name', 'apps', '--location', 'eastus');
  const identity = await done<{ clientId: string; principalId: string }>('identity', 'create', '-g', 'apps', '-n', 'my-app');
  await done('identity', 'federated-credential', 'create', '-g', 'apps', '--identity-name', 'my-app', '-n', 'elsewhere', '--issuer', issuer.url, '--subject', 'repo:acme/app');
  await done('role', 'assignment', 'create', '--assignee-object-id', identity.principalId, '--assignee-principal-type', 'ServicePrincipal', '--role', 'Reader', '-g', 'apps');

  const assertion = jws({ alg: 'ES256', kid: 'ec' }, { iss: issuer.url, sub: 'repo:acme/app', aud: AUDIENCE, exp: Math.floor(Date.now() / 1000) + 600 }, issuer.keys.ec);
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: identity.clientId, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: assertion }).toString();
  const logIn = () => exchange<{ access_token?: string; error_codes?: readonly number[]; error_description?: string }>('POST', `/${owner.tenantId}/oauth2/v2.0/token`, { 'content-type': 'application/x-www-form-urlencoded' }, form);
  const { status, json } = await logIn();
  assert.equal(status, 200, `refused: ${json.error_description}`);
  const bearer = { authorization: `Bearer ${json.access_token}` };
  const [groups, group] = [`/subscriptions/${owner.subscriptionId}/resourceGroups`, `/subscriptions/${owner.subscriptionId}/resourceGroups/apps`];
  assert.deepEqual([(await exchange('GET', group, bearer)).status, (await exchange('GET', groups, bearer)).status, (await exchange('PUT', group, { ...bearer, 'content-type': 'application/json' }, '{}')).status], [200, 403, 403]);
  assert.equal((await open.end('SIGTERM')).code, 0);

  const asked = issuer.asked.length;
  const closed = await serve();
  const refusal = await logIn();
  assert.deepEqual([refusal.status, refusal.json.error_codes, issuer.asked.length], [401, [90061], asked]);
  assert.match(refusal.json.error_description ?? '', /which this server does not ask \(setting federation\.allowedPorts\)/);
  assert.equal((await closed.end('SIGTERM')).code, 0);

  const audit = await readFile(at('audit.log'), 'utf8');
  assert.ok(audit.includes(identity.clientId) && audit.includes(identity.principalId), 'who logged in, and what it did, is written down');
  const told = [audit, ...started.map(({ stdout, stderr }) => stdout + stderr)].join('\n');
  for (const secret of [...assertion.split('.'), json.access_token!]) assert.ok(!told.includes(secret));
});
