/** The real server: an identity that logs in with the token of an issuer that is not Mintmark, as far as the configuration lets it be asked. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { after, test } from 'node:test';
import { FOREIGN_CA, jws, startForeignIssuer } from '../support/foreign-issuer.ts';
import { authority, ServeFolder, serving } from '../support/serve-folder.ts';

const AUDIENCE = 'api://AzureADTokenExchange';
const folder = await ServeFolder.make({ settings: 'audit: { file: audit.log }\nfederation: { caFile: foreign-ca.pem }\n' });
after(() => folder.remove());
const URL_BASE = `https://localhost:${folder.management}`;
const put = (file: string, text: string): Promise<void> => writeFile(folder.path(file), text, { mode: 0o600 });
await put('ca.pem', authority.certificate);
await put('foreign-ca.pem', FOREIGN_CA);

/** No proxy of this machine is asked for what is on it. */
const ENVIRONMENT = { MINTMARK_HOME: folder.path('home'), HTTPS_PROXY: '', https_proxy: '' };

/** What a line that succeeds prints. */
async function done<T>(...line: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await folder.runIn(ENVIRONMENT, line).ended;
  assert.equal(code, 0, `${line.join(' ')}: ${stderr}`);
  return (stdout === '' ? null : JSON.parse(stdout)) as T;
}

const serve = (...settings: readonly string[]) => serving(folder.runIn(ENVIRONMENT, folder.line(...settings.flatMap((setting) => ['--set', setting]))));

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
  const owner = await done<{ tenantId: string; subscriptionId: string; clientId: string; clientSecret: string }>('admin', 'bootstrap', '--config', folder.path('mintmark.yaml'), '--output', 'json');
  await put('secret', owner.clientSecret);
  const open = await serve('federation.allowedAddresses=127.0.0.0/8,::1', 'federation.allowedPorts=1024-65535');
  await done('login', '--server', URL_BASE, '--tenant', owner.tenantId, '--client-id', owner.clientId, '--secret-file', folder.path('secret'), '--ca-file', folder.path('ca.pem'));
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

  const audit = await readFile(folder.path('audit.log'), 'utf8');
  assert.ok(audit.includes(identity.clientId) && audit.includes(identity.principalId), 'who logged in, and what it did, is written down');
  const logins = audit.trim().split('\n').map((line) => JSON.parse(line) as { readonly action: string; readonly actor: string; readonly result: string; readonly provenBy?: object }).filter(({ action, actor }) => action === 'login' && actor === `principal:${identity.clientId}`);
  assert.deepEqual(logins.map(({ result, provenBy }) => [result, provenBy]), [['done', { issuer: issuer.url, subject: 'repo:acme/app', audience: AUDIENCE }], ['refused', undefined]]);
  const told = [audit, ...folder.started.map(({ stdout, stderr }) => stdout + stderr)].join('\n');
  for (const secret of [...assertion.split('.'), json.access_token!]) assert.ok(!told.includes(secret));
});
