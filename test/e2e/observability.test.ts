/**
 * A whole round with the real program, watched: what it logs, answers, audits and measures tells what happened, and holds
 * no secret, token or key.
 */
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, stat } from 'node:fs/promises';
import { get } from 'node:http';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { before, test } from 'node:test';
import { createKeyEncryptionKey, readKeyEncryptionKey } from '../../src/keys/key-encryption/file.ts';
import { createSealer } from '../../src/keys/seal.ts';
import { ClusterApi, exchange, logIn } from '../support/dev-api.ts';
import { DevHome, eventually, freePort, isFree } from '../support/dev-server.ts';

const home = await DevHome.make();
const metricsPort = await freePort();

const WRONG_SECRET = 'a-wrong-secret-that-somebody-typed';
const UNTOLD = 'what-only-the-body-says';

interface Round {
  /** What came out, by where. */
  readonly told: Readonly<Record<string, string>>;
  readonly secrets: ReadonlyMap<string, string>;
  readonly audit: readonly Readonly<Record<string, unknown>>[];
  readonly metrics: string;
  readonly clientId: string;
  readonly issuerId: string;
}
let round: Round;

function metricsAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/metrics', agent: false }, (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).on('end', () => resolve(text));
    }).on('error', reject);
  });
}

/** The private halves that are in the store, as the parts of a JWK and of PEM. */
async function privateHalves(): Promise<readonly (readonly [string, string])[]> {
  const sealer = createSealer(await readKeyEncryptionKey(join(home.dir, 'key-encryption-key')));
  const { tenantId } = await home.profile();
  const database = new DatabaseSync(join(home.dir, 'mintmark.db'), { readOnly: true });
  const rows = database.prepare('select issuer_id, kid, sealed from sealed_keys').all() as unknown as readonly { issuer_id: string; kid: string; sealed: Uint8Array }[];
  const serverKeys = database.prepare('select kid, sealed from server_keys').all() as unknown as readonly { kid: string; sealed: Uint8Array }[];
  database.close();
  const opened: (readonly [string, string])[] = [...rows, ...serverKeys].map(({ kid, sealed }) => [`sealed key ${kid}`, Buffer.from(sealed).toString('base64').slice(40, 120)]);
  for (const { issuer_id: issuerId, kid, sealed } of rows) {
    const plain = Buffer.from(await sealer.open(sealed, { tenantId, issuerId, kid }));
    const { d = '', p = '', q = '' } = createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
    // The middle of the text, in each of the three ways in which bytes fall into base64.
    const shifted = [0, 1, 2].map((skip) => [`PKCS #8 of ${kid}`, plain.subarray(400 + skip, 460 + skip).toString('base64').slice(4, 60)] as const);
    opened.push([`d of ${kid}`, d.slice(0, 40)], [`p of ${kid}`, p.slice(0, 40)], [`q of ${kid}`, q.slice(0, 40)], [`hex of ${kid}`, plain.subarray(400, 430).toString('hex')], ...shifted);
  }
  return opened;
}

/** Secrets in files of the home: the lines of PEM, the key-encryption key in three spellings. */
async function secretsInFiles(): Promise<readonly (readonly [string, string])[]> {
  const text = (file: string): Promise<string> => readFile(join(home.dir, file), 'utf8');
  const key = Buffer.from((await text('key-encryption-key')).trim(), 'base64');
  const pem = await Promise.all(['ca-key.pem', 'server-key.pem'].map(async (file) => (await text(file)).split('\n').filter((line) => line.length > 20 && !line.startsWith('-----')).map((line) => [`${file}`, line] as const)));
  return [...(['base64', 'base64url', 'hex'] as const).map((spelling) => ['key-encryption key', key.toString(spelling).replace(/=+$/, '')] as const), ...pem.flat()];
}

before(async () => {
  const server = home.run('env', ['MINTMARK_LOG_LEVEL=debug', 'bin/mintmark', 'dev', ...home.flags('--metrics-port', String(metricsPort))]);
  await server.up();
  const { clientId, clientSecret, endpoint, tenantId } = await home.profile();
  const accessToken = await logIn(home);
  const secrets = new Map([['client secret', clientSecret], ['client secret, encoded', encodeURIComponent(clientSecret)], ['wrong secret', WRONG_SECRET], ['access token', accessToken], ['body', UNTOLD]]);
  const replies: string[] = [];
  const api = await ClusterApi.open(home, { name: 'round', accessToken });
  const stranger = await ClusterApi.open(home, { name: 'round', accessToken: `${accessToken.slice(0, -8)}tampered` });
  const keep = async (reply: ReturnType<typeof exchange>, isError = false): Promise<void> => { const { status, text } = await reply; if (isError !== status >= 400) throw new Error(`${status}: ${text}`); if (isError) replies.push(text); };

  await keep(api.send('PUT', api.cluster, { tags: { note: UNTOLD }, properties: { oidcIssuerProfile: { enabled: true } } }, { headers: { 'x-ms-client-request-id': 'my-create' } }));
  const { issuerURL } = await api.show();
  const tokens = [await api.issueToken()];
  await keep(api.rotate('my-rotation'));
  await eventually('the rotation is done', async () => (await api.show()).keys.some(({ state }) => state === 'retired') || undefined);
  await keep(api.rotate('my-second'));
  tokens.push(await api.issueToken());
  const prepared = (await api.show()).keys.find(({ state }) => state === 'prepared');
  await keep(api.send('POST', `${api.issuer}/revokeKey`, { kid: prepared!.kid }));
  const early = await privateHalves();
  await keep(api.send('POST', `${api.issuer}/rotate`, { force: true }));
  await keep(api.send('POST', `${api.issuer}/issueToken`, { metadata: { namespace: UNTOLD.toUpperCase(), name: 'x' } }), true);
  await keep(api.send('PUT', `${api.issuer}/rotationPolicy`, { rotateEvery: UNTOLD }), true);
  await keep(stranger.send('DELETE', stranger.cluster), true);
  await keep(api.send('POST', `/${tokens[0]!.split('.')[2]}/x?token=${tokens[0]}`), true);
  await keep(api.send('DELETE', `${api.cluster}${tokens[0]}?token=${tokens[0]}`), true);
  const login = (form: Readonly<Record<string, string>>) => exchange(home, 'POST', `${endpoint}/${tenantId}/oauth2/v2.0/token`, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ grant_type: 'client_credentials', ...form }).toString() });
  await keep(login({ client_id: clientId, client_secret: WRONG_SECRET }), true);
  await keep(login({ client_id: clientSecret, client_secret: WRONG_SECRET }), true);
  await exchange(home, 'GET', `${issuerURL}.well-known/openid-configuration`);
  await exchange(home, 'GET', `${issuerURL}openid/v1/jwks`);
  await keep(api.send('DELETE', `${api.cluster}?token=${tokens[1]}`));

  for (const [index, token] of [...tokens, accessToken].entries()) for (const [part, text] of token.split('.').entries()) if (part > 0) secrets.set(`token ${index}, part ${part}`, text);
  for (const [name, secret] of [...early, ...await privateHalves(), ...await secretsInFiles()]) secrets.set(`${name}: ${secret.slice(0, 4)}…`, secret);
  const metrics = await eventually('the metrics know of the closed issuer', async () => { const text = await metricsAt(metricsPort); return text.includes('mintmark_issuers{state="closed"} 1') ? text : undefined; });
  const { stdout, stderr } = await server.end('SIGTERM');
  const audit = await readFile(join(home.dir, 'audit.log'), 'utf8');
  const lines = audit.trimEnd().split('\n').map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  const issuerId = new URL(issuerURL).pathname.split('/').at(-2)!;
  round = { told: { stdout, log: stderr, audit, metrics, errors: replies.join('\n') }, secrets, audit: lines, metrics, clientId, issuerId };
});

test('nothing that is told holds a secret, a token or a part of a key', () => {
  assert.ok(round.secrets.size >= 50, `only ${round.secrets.size} secrets were looked for`);
  assert.deepEqual([...round.secrets].filter(([, secret]) => secret.length < 16).map(([name]) => name), [], 'too short to be found by accident');
  const found = Object.entries(round.told).flatMap(([where, text]) => [...round.secrets].filter(([, secret]) => text.includes(secret)).map(([name]) => `${name} in ${where}`));
  assert.deepEqual(found, []);
  // The welcome shows a token on purpose: one of the developer's own, an hour long.
  for (const [where, text] of Object.entries(round.told).filter(([place]) => place !== 'stdout')) assert.doesNotMatch(text, /PRIVATE KEY|eyJ[\w-]{10,}\.|[Bb]earer +[\w-]{20,}/, where);
});

test('the log has a line for each request, with its id, and none of a path', () => {
  const requests = round.told['log']!.trimEnd().split('\n').map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>).filter(({ msg }) => msg === 'request');
  const create = requests.find(({ clientRequestId }) => clientRequestId === 'my-create')!;
  assert.deepEqual([create['method'], create['status'], create['code'], create['principal'], create['address']], ['PUT', 201, null, round.clientId, '127.0.0.1']);
  assert.ok(requests.every(({ reqId, route }) => typeof reqId === 'string' && (route === null || String(route).startsWith('/'))));
  assert.ok(requests.some(({ code }) => code === 'InvalidClient') && requests.some(({ code }) => code === 'AuthenticationFailed'));
});

test('the audit log tells who did what to which issuer, why, and how it ended', async () => {
  const owner = `principal:${round.clientId}`;
  const ofRound = round.audit.filter(({ resource, issuer, action }) => String(resource).includes('/managedClusters/round') || issuer === round.issuerId || action === 'login');
  const calls = ofRound.filter(({ kind }) => kind === 'call').map(({ actor, action, method, issuer, why, result }) => [actor, action, method, issuer === round.issuerId ? 'the issuer' : issuer, why, result]);
  assert.deepEqual(calls, [
    [owner, 'login', 'POST', null, null, 'done'],
    [owner, 'resource/write', 'PUT', 'the issuer', null, 'done'],
    [owner, 'issuer/issueToken', 'POST', 'the issuer', null, 'done'],
    [owner, 'issuer/rotate', 'POST', 'the issuer', null, 'done'],
    [owner, 'issuer/rotate', 'POST', 'the issuer', null, 'done'],
    [owner, 'issuer/issueToken', 'POST', 'the issuer', null, 'done'],
    [owner, 'issuer/revokeKey', 'POST', 'the issuer', null, 'done'],
    [owner, 'issuer/rotate', 'POST', 'the issuer', null, 'done'],
    [owner, 'issuer/issueToken', 'POST', null, 'InvalidTokenRequest', 'refused'],
    [owner, 'issuer/setPolicy', 'PUT', null, 'InvalidRequestContent', 'refused'],
    ['anonymous', 'resource/delete', 'DELETE', null, 'AuthenticationFailed', 'refused'],
    [owner, 'login', 'POST', null, 'InvalidClient', 'refused'],
    ['anonymous', 'login', 'POST', null, 'InvalidClient', 'refused'],
    [owner, 'resource/delete', 'DELETE', 'the issuer', null, 'done'],
  ]);
  const born = ofRound.filter(({ clientRequestId }) => clientRequestId === 'my-create');
  assert.deepEqual(born.map(({ action, actor, requestId }) => [action, actor, requestId]), ['key/prepared', 'key/prepared', 'key/activated', 'resource/write'].map((action) => [action, owner, born[0]!['requestId']]));
  assert.equal((await stat(join(home.dir, 'audit.log'))).mode & 0o777, 0o600);
});

test('each change of the ring is in the audit log exactly once, as it is in the store', () => {
  const database = new DatabaseSync(join(home.dir, 'mintmark.db'), { readOnly: true });
  const events = database.prepare("select issuer_id || ' ' || ring_version || ' key/' || kind || ' ' || coalesce(kid, '') || ' ' || actor || ' ' || reason as line from key_events").all().map(({ line }) => String(line));
  database.close();
  const audited = round.audit.filter(({ kind }) => kind === 'key').map(({ issuer, ringVersion, action, kid, actor, why }) => [issuer, ringVersion, action, kid ?? '', actor, why].join(' '));
  assert.ok(events.length > 15 && events.some((line) => line.includes(' rotator ')), 'the rotator has done something too');
  assert.deepEqual(audited.toSorted(), events.toSorted());
});

test('the metrics have counted the round', () => {
  const values = new Map(round.metrics.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  const EXACT: Readonly<Record<string, number>> = {
    'mintmark_issuers{state="open"}': 1, 'mintmark_issuers{state="closed"}': 1, 'mintmark_keys{state="active",age="under 1d"}': 1, 'mintmark_keys{state="prepared",age="under 1d"}': 1,
    'mintmark_store_up': 1, 'mintmark_issued_tokens_total': 3, 'mintmark_audit_failures_total': 0, 'mintmark_rotations_overdue': 0, 'mintmark_rotations_total{cause="force",result="done"}': 1,
    'mintmark_refusals_total{code="InvalidClient"}': 2, 'mintmark_refusals_total{code="AuthenticationFailed"}': 1, 'mintmark_refusals_total{code="InvalidResourceName"}': 1, 'mintmark_refusals_total{code="InvalidPath"}': 1,
    'mintmark_public_requests_total{document="jwks",status="200"}': 2, 'mintmark_publisher_ready': 1, 'mintmark_public_host_up': 1,
    'mintmark_management_request_duration_seconds_count{method="POST",route="/:tenantId/oauth2/v2.0/token",status="4xx"}': 2,
  };
  assert.deepEqual(Object.fromEntries(Object.keys(EXACT).map((name) => [name, values.get(name)])), EXACT);
  for (const name of ['mintmark_next_rotation_seconds', 'mintmark_public_host_heap_used_bytes', 'nodejs_eventloop_lag_p99_seconds', 'mintmark_store_transaction_duration_seconds_count{kind="write",result="done"}', 'mintmark_store_transaction_duration_seconds_count{kind="read",result="done"}']) assert.ok((values.get(name) ?? 0) > 0, name);
});

test('no label names an issuer, a cluster or a person', () => {
  for (const name of [round.issuerId, round.clientId, 'managedClusters/round', '"round"', '127.0.0.1']) assert.ok(!round.metrics.includes(name), name);
  assert.match(round.metrics, /^mintmark_build_info\{version="\d+\.\d+\.\d+",node="\d+\.\d+\.\d+"\} 1$/m);
});

test('without --metrics-port nothing listens for metrics', async () => {
  const quiet = await DevHome.make();
  const server = await quiet.start();
  await assert.rejects(metricsAt(metricsPort), { code: 'ECONNREFUSED' });
  assert.ok((await readdir(quiet.dir)).includes('audit.log'));
  await server.end('SIGTERM');
});

const served = await DevHome.make();

test('serve appends audit lines to the file of its settings, begins another on SIGHUP, and tells metrics where it was told to', async () => {
  const path = (file: string): string => join(dirname(served.dir), file);
  const [audit, port] = [path('audit.log'), await freePort()];
  await createKeyEncryptionKey(path('key'));
  const settings = {
    'store.file': path('store.db'), 'keyEncryptionKey.file': path('key'), 'audit.file': audit, 'metrics.listen': `127.0.0.1:${port}`, 'issuer.urlTemplate': 'https://{region}.oic.example.com/{uuid}/',
    'management.url': 'https://mintmark.example.com', 'management.behindProxy': 'true', 'management.listen': `127.0.0.1:${served.managementPort}`, 'issuer.behindProxy': 'true', 'issuer.listen': `127.0.0.1:${served.issuerPort}`,
  };
  const server = served.run('bin/mintmark', ['serve', ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`])]);
  await eventually('it serves', () => server.stderr.includes('"msg":"serving"') || undefined);
  const refusedCall = async (requestId: string): Promise<unknown> => fetch(`http://127.0.0.1:${served.managementPort}/subscriptions/s/resourceGroups/g`, { method: 'PUT', body: '{}', headers: { 'x-forwarded-for': requestId } });
  const addresses = async (file: string): Promise<readonly unknown[]> => (await readFile(file, 'utf8')).trimEnd().split('\n').map((line) => (JSON.parse(line) as { address: unknown }).address);
  await refusedCall('192.0.2.1');
  await rename(audit, `${audit}.1`);
  await refusedCall('192.0.2.2');
  server.process.kill('SIGHUP');
  await eventually('there is a new file', () => existsSync(audit) || undefined);
  await refusedCall('192.0.2.3');
  assert.deepEqual([await addresses(`${audit}.1`), await addresses(audit)], [['192.0.2.1', '192.0.2.2'], ['192.0.2.3']]);
  assert.match(await metricsAt(port), /^mintmark_refusals_total\{code="AuthenticationFailed"\} 3$/m);
  assert.deepEqual([(await server.end('SIGTERM')).code, server.stdout, await isFree(port)], [0, '', true]);
});
