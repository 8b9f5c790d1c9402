/** From an empty store to people with roles: the real server and the real command line, each person with a home of its own. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createAuthority, createServerCertificate } from '../../src/keys/private-ca.ts';
import { type Ended, eventually, freePort, ROOT, Running } from '../support/dev-server.ts';

const dir = await mkdtemp(join(tmpdir(), 'mintmark-people-'));
const at = (file: string): string => join(dir, file);
const [management, issuer] = [await freePort(), await freePort()];
const URL_BASE = `https://localhost:${management}`;
const started: Running[] = [];
const remove = (): void => {
  for (const running of started) if (!running.isOver) running.process.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
};
after(remove);
process.once('exit', remove);

const authority = await createAuthority('people test', new Date());
const { certificate, privateKey } = await createServerCertificate(authority, ['localhost'], new Date());
const secretFile = async (file: string, text: string): Promise<string> => {
  await writeFile(at(file), text, { mode: 0o600 });
  return at(file);
};
await writeFile(at('ca.pem'), authority.certificate);
await secretFile('server.pem', certificate);
await secretFile('server-key.pem', privateKey);
await secretFile('key-encryption-key', `${randomBytes(32).toString('base64')}\n`);
await secretFile('other-key', `${randomBytes(32).toString('base64')}\n`);
await writeFile(at('mintmark.yaml'), `
store: { file: mintmark.db }
keyEncryptionKey: { file: key-encryption-key }
management: { url: '${URL_BASE}', listen: '127.0.0.1:${management}', tls: { certificateFile: server.pem, keyFile: server-key.pem } }
issuer: { urlTemplate: 'https://localhost:${issuer}/{tenantId}/{uuid}/', listen: '127.0.0.1:${issuer}', tls: { certificateFile: server.pem, keyFile: server-key.pem } }
`);

function launch(person: string, line: readonly string[]): Running {
  const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, NO_COLOR: _colour, ...env } = process.env;
  const running = new Running(join(ROOT, 'bin/mintmark'), line, { env: { ...env, MINTMARK_HOME: at(`home-${person}`) } });
  started.push(running);
  return running;
}

/** A line of the command line, as a person types it. */
const as = (person: string, ...line: readonly string[]): Promise<Ended> => launch(person, line).ended;

/** What a line that succeeds prints. */
async function done<T = unknown>(person: string, ...line: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await as(person, ...line);
  assert.equal(code, 0, `${line.join(' ')}: ${stderr}`);
  return (stdout === '' ? null : JSON.parse(stdout)) as T;
}

/** A line that the server refuses with this code of the catalogue. */
async function refused(code: string, person: string, ...line: readonly string[]): Promise<void> {
  const ended = await as(person, ...line);
  assert.ok(ended.code !== 0 && ended.stderr.includes(`(${code})`), `${line.join(' ')}: ${ended.code} ${ended.stderr}`);
}

async function serve(...settings: readonly string[]): Promise<Running> {
  const server = launch('nobody', ['serve', '--config', at('mintmark.yaml'), ...settings.flatMap((setting) => ['--set', setting])]);
  await eventually('it serves', () => {
    if (server.isOver) throw new Error(`it ended: ${server.stderr}`);
    return server.stderr.includes('"msg":"serving"') || undefined;
  });
  return server;
}

interface Owner {
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

interface Made extends Owner {
  readonly secretId: string;
}

async function logIn(person: string, { tenantId, clientId, clientSecret }: Pick<Owner, 'tenantId' | 'clientId' | 'clientSecret'>): Promise<Ended> {
  return as(person, 'login', '--server', URL_BASE, '--tenant', tenantId, '--client-id', clientId, '--secret-file', await secretFile(`secret-${person}`, `${clientSecret}\n`), '--ca-file', at('ca.pem'));
}

const owner = await done<Owner>('root', 'admin', 'bootstrap', '--config', at('mintmark.yaml'), '--tenant-name', 'Acme', '--output', 'json');

test('bootstrap makes the first Owner once, with the right key only', async () => {
  assert.deepEqual(Object.keys(owner).toSorted(), ['clientId', 'clientSecret', 'subscriptionId', 'tenantId']);
  await refused('OperationNotAllowed', 'root', 'admin', 'bootstrap', '--config', at('mintmark.yaml'));
  await refused('OperationNotAllowed', 'root', 'admin', 'bootstrap', '--store', at('mintmark.db'), '--key-encryption-key', at('key-encryption-key'));
  await refused('WrongKeyEncryptionKey', 'root', 'admin', 'reset-owner', '--store', at('mintmark.db'), '--key-encryption-key', at('other-key'));
  await refused('InvalidConfiguration', 'root', 'admin', 'reset-owner', '--store', at('none.db'), '--key-encryption-key', at('key-encryption-key'));
  const { code, stderr } = await as('root', 'admin', 'bootstrap');
  assert.deepEqual([code, stderr.includes('Which store? Give --store and --key-encryption-key, or the --config of the server.')], [1, true]);
});

test('the Owner makes people with roles, who can do what their roles allow, and no more', async () => {
  const server = await serve();
  assert.equal((await logIn('root', owner)).code, 0);
  assert.deepEqual((await done<{ name: string }[]>('root', 'tenant', 'list')).map(({ name }) => name), ['Acme']);
  await done('root', 'group', 'create', '--name', 'g', '--location', 'eastus');

  const scope = `/subscriptions/${owner.subscriptionId}`;
  const reader = await done<Made>('root', 'sp', 'create', '--name', 'ada', '--role', 'Reader', '--scope', scope);
  assert.equal((await logIn('ada', reader)).code, 0);
  assert.equal((await done<unknown[]>('ada', 'group', 'list')).length, 1);
  await refused('AuthorizationFailed', 'ada', 'group', 'create', '--name', 'h', '--location', 'eastus');
  await refused('AuthorizationFailed', 'ada', 'sp', 'create', '--role', 'Reader', '--scope', scope);
  await refused('OperationNotAllowed', 'root', 'subscription', 'delete', '--id', owner.subscriptionId, '--yes');

  // A tenant of its own for another team, whose Owner sees nothing of this one.
  const team = await done<{ id: string; tenantId: string }>('root', 'tenant', 'create', '--name', 'Team');
  const lead = await done<Made>('root', 'sp', 'create', '--tenant', team.tenantId, '--role', 'Owner', '--scope', team.id);
  const login = await logIn('lead', lead);
  assert.match(login.stderr, /can not see a subscription yet/);
  const { subscriptionId } = await done<{ subscriptionId: string }>('lead', 'subscription', 'create', '--name', 'production');
  await done('lead', 'account', 'set', '--subscription', 'production');
  assert.equal((await done<{ id: string }>('lead', 'account', 'show')).id, subscriptionId);
  await refused('SubscriptionNotFound', 'lead', 'group', 'list', '--subscription', owner.subscriptionId);
  await refused('TenantNotFound', 'lead', 'sp', 'list', '--tenant', owner.tenantId);
  await refused('AuthorizationFailed', 'lead', 'sp', 'create', '--role', 'Owner', '--scope', '/');
  await refused('OperationNotAllowed', 'root', 'tenant', 'delete', '--id', team.tenantId, '--yes');
  await done('lead', 'subscription', 'delete', '--id', subscriptionId, '--yes');
  await done('root', 'tenant', 'delete', '--id', team.tenantId, '--yes');
  assert.equal((await logIn('lead', lead)).code, 1);
  await server.end('SIGTERM');
});

test('secrets are replaced without a gap, a lost one by the operator, and logins outlive a restart of the server', async () => {
  const server = await serve();
  const ada = (await done<{ clientId: string; name: string; secrets: { secretId: string }[] }[]>('root', 'sp', 'list')).find(({ name }) => name === 'ada')!;
  const next = await done<Made>('root', 'sp', 'reset-secret', '--id', ada.clientId, '--append');
  assert.equal((await done<unknown[]>('ada', 'group', 'list')).length, 1);
  assert.equal((await logIn('ada', next)).code, 0);
  await done('root', 'sp', 'delete-secret', '--id', ada.clientId, '--secret-id', ada.secrets[0]!.secretId);
  assert.equal((await logIn('ada', next)).code, 0);

  await refused('OperationNotAllowed', 'root', 'sp', 'delete', '--id', owner.clientId, '--yes');
  assert.ok((await as('root', 'admin', 'reset-owner', '--config', at('mintmark.yaml'))).stdout.includes(`mintmark login --server ${URL_BASE} --tenant ${owner.tenantId} --client-id ${owner.clientId} `));
  const reset = await done<Owner>('root', 'admin', 'reset-owner', '--config', at('mintmark.yaml'), '--output', 'json');
  assert.equal(reset.clientId, owner.clientId);
  assert.match((await logIn('root', owner)).stderr, /\(invalid_client\)/);
  assert.equal((await logIn('root', reset)).code, 0);
  await done('root', 'sp', 'delete', '--id', ada.clientId, '--yes');
  await refused('SubscriptionNotFound', 'ada', 'group', 'list');
  await done('root', 'logout');
  assert.match((await as('root', 'group', 'list')).stderr, /Not logged in/);

  const log = server.stderr + (await server.end('SIGTERM')).stdout;
  for (const secret of [owner, next, reset]) assert.ok(!log.includes(secret.clientSecret));
});

interface ShownIssuer {
  readonly freezeWindows: readonly string[];
  readonly calendar: Readonly<Record<'nextRotationAt' | 'nextRotationFrozenSince', string | null>>;
}

test('what a server is told about rotations reaches the one who asks for them, until it is started without', async () => {
  const [from, until] = [1, 400].map((days) => new Date(Date.now() + days * 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z')) as [string, string];
  const strict = await serve('issuers.secondRotation=confirm', `issuers.freezeWindows=Sat 00:00-Sun 00:00,${from}/${until}`);
  await logIn('root', await done<Owner>('root', 'admin', 'reset-owner', '--config', at('mintmark.yaml'), '--output', 'json'));
  const cluster = ['-g', 'g', '-n', 'c'];
  const rotate = ['aks', 'oidc-issuer', 'rotate-signing-keys', ...cluster, '--yes', '--no-wait'];
  const states = async (): Promise<string> => (await done<{ state: string }[]>('root', 'issuer', 'list-keys', ...cluster)).map(({ state }) => state).join(' ');
  const shown = (name: string): Promise<ShownIssuer> => done('root', 'issuer', 'show', '-g', 'g', '-n', name);
  for (const name of ['c', 'quiet']) await done('root', 'aks', 'create', '-g', 'g', '-n', name, '--enable-oidc-issuer');
  const { calendar, freezeWindows } = await shown('quiet');
  assert.equal(freezeWindows.length, 2);
  const [unfrozen, end, frozen] = [calendar.nextRotationFrozenSince, until, calendar.nextRotationAt].map((time) => Date.parse(time ?? ''));
  assert.ok(unfrozen! < end! && end! <= frozen!, JSON.stringify(calendar));

  await done('root', ...rotate);
  const again = await as('root', ...rotate);
  assert.deepEqual([again.code, again.stdout, await states()], [1, '', 'retired active prepared']);
  assert.match(again.stderr, /^ERROR: Rotating now would revoke the retired key .* add --revoke-previous\.$/m);
  await done('root', ...rotate, '--revoke-previous');
  assert.equal(await states(), 'revoked active prepared');
  await strict.end('SIGTERM');

  const server = await serve();
  const thawed = await shown('quiet');
  assert.deepEqual([thawed.freezeWindows, thawed.calendar.nextRotationAt, thawed.calendar.nextRotationFrozenSince], [[], calendar.nextRotationFrozenSince, null]);
  await server.end('SIGTERM');
});
