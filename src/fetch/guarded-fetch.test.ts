/** The guarded fetch against real https servers on loopback. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { FOREIGN_CA, startForeignIssuer } from '../../test/support/foreign-issuer.ts';
import { createGuardedFetch, type FetchRules } from './guarded-fetch.ts';

const ANY_PORT = [{ from: 1, to: 65_535 }];
const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const make = (rules: Partial<FetchRules> = {}) => createGuardedFetch({ allowedAddresses: LOOPBACK, allowedPorts: ANY_PORT, ca: FOREIGN_CA, proxy: () => null, ...rules });
const failure = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'fetched', (error: Error) => `${error.name}: ${error.message}`);
const PRIVATE = 'FetchFailed: is at a private or special address, which this server does not ask (setting federation.allowedAddresses)';

test('a document and how long it may be kept', async () => {
  const issuer = await startForeignIssuer();
  const kept: readonly (readonly [headers: Readonly<Record<string, string>>, maxAge: number | null])[] = [
    [{}, null], [{ 'cache-control': 'public, max-age=300' }, 300], [{ 'cache-control': 'Max-Age="60"', age: '20' }, 40], [{ 'cache-control': 'max-age=5', age: '9' }, 0],
    [{ 'cache-control': 'no-store, max-age=9' }, 0], [{ 'cache-control': 'no-cache' }, 0], [{ 'cache-control': 's-maxage=9' }, null], [{ 'content-type': 'application/jwk-set+json; charset=utf-8' }, null],
  ];
  for (const [headers, maxAge] of kept) {
    issuer.headers = headers;
    assert.deepEqual(await make().json(`${issuer.url}x`), { body: issuer.discovery, maxAge });
  }
});

const bodies: readonly (readonly [what: string, head: readonly [number, Readonly<Record<string, string>>], body: string, says: string])[] = [
  ['a redirect', [302, { location: 'https://169.254.169.254/', 'content-type': 'application/json' }], '{}', 'was answered with a redirect (302), which is not followed'],
  ['a redirect to itself', [308, { location: '/', 'content-type': 'application/json' }], '{}', 'was answered with a redirect (308), which is not followed'],
  ['a 404', [404, { 'content-type': 'application/json' }], '{}', 'was answered with the status 404'],
  ['a 206', [206, { 'content-type': 'application/json' }], '{}', 'was answered with the status 206'],
  ['HTML', [200, { 'content-type': 'text/html' }], '{}', 'is not sent as JSON'],
  ['no type', [200, {}], '{}', 'is not sent as JSON'],
  ['a type that begins like JSON', [200, { 'content-type': 'application/jsonp' }], '{}', 'is not sent as JSON'],
  ['something compressed', [200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }], '{}', 'is sent compressed, unasked'],
  ['no JSON', [200, { 'content-type': 'application/json' }], '{', 'is no JSON in UTF-8'],
  ['nothing', [200, { 'content-type': 'application/json' }], '', 'is no JSON in UTF-8'],
  ['256 KiB and one byte', [200, { 'content-type': 'application/json' }], `"${'x'.repeat(256 * 1024 - 1)}"`, 'is larger than 256 KiB'],
];

for (const [what, [status, headers], body, says] of bodies) {
  test(`${what}: ${says}`, async () => {
    const issuer = await startForeignIssuer();
    issuer.instead = (_request, response) => void response.writeHead(status, headers).end(body);
    assert.equal(await failure(make().json(issuer.url)), `FetchFailed: ${says}`);
    assert.equal(issuer.asked.length, 1);
  });
}

test('256 KiB are read', async () => {
  const issuer = await startForeignIssuer();
  issuer.instead = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(`"${'x'.repeat(256 * 1024 - 2)}"`);
  assert.equal(String((await make().json(issuer.url)).body).length, 256 * 1024 - 2);
});

function* endless(): Generator<string> {
  for (;;) yield ' '.repeat(4096);
}

test('what does not end is cut off: silence, a head alone, one that never stops, a name that is never resolved', async () => {
  const issuer = await startForeignIssuer();
  const late = 'FetchFailed: did not arrive in time';
  issuer.instead = () => undefined;
  assert.equal(await failure(make({ within: 100 }).json(issuer.url)), late);
  issuer.instead = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{');
  assert.equal(await failure(make({ within: 100 }).json(issuer.url)), late);
  issuer.instead = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    Readable.from(endless()).on('error', () => undefined).pipe(response);
  };
  assert.equal(await failure(make({ within: 60_000 }).json(issuer.url)), 'FetchFailed: is larger than 256 KiB');
  assert.equal(await failure(make({ within: 100, resolve: () => new Promise(() => undefined) }).json('https://issuer.example/')), late);
  const shared = make({ within: 100 });
  const within = shared.deadline();
  issuer.instead = () => undefined;
  assert.deepEqual(await Promise.all([failure(shared.json(issuer.url, within)), failure(shared.json(issuer.url, within))]), [late, late]);
  assert.equal(await failure(shared.json(issuer.url, within)), late);
});

const URLS: readonly (readonly [url: string, says: string])[] = [
  ['http://localhost/', 'FetchFailed: is at no plain https URL'],
  ['https://u:p@localhost/', 'FetchFailed: is at no plain https URL'],
  ['file:///etc/passwd', 'FetchFailed: is at no plain https URL'],
  ['nothing', 'FetchFailed: is at no plain https URL'],
  ['https://issuer.example:8443/', 'FetchFailed: is at port 8443, which this server does not ask (setting federation.allowedPorts)'],
  ['https://issuer.example:22/', 'FetchFailed: is at port 22, which this server does not ask (setting federation.allowedPorts)'],
  ...['127.0.0.1', '127.1', '2130706433', '0x7f.1', '0177.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '10.0.0.1', '169.254.169.254', '[fe80::1]', '0', '[::]', 'localhost', 'LOCALHOST.', 'a.localhost', '１２７.0.0.1']
    .map((host) => [`https://${host}/`, PRIVATE] as const),
];

for (const [url, says] of URLS) {
  test(`not asked: ${url}`, async () => {
    const never = (): never => assert.fail('nobody may be asked');
    for (const proxy of [() => null, () => 'http://127.0.0.1:1']) assert.equal(await failure(createGuardedFetch({ allowedAddresses: [], allowedPorts: [{ from: 443, to: 443 }], ca: null, proxy, resolve: never }).json(url)), says);
  });
}

const RESOLVED: readonly (readonly [addresses: readonly string[], says: string])[] = [
  [['10.0.0.1'], PRIVATE], [['169.254.169.254'], PRIVATE], [['127.0.0.1', '10.0.0.1'], PRIVATE], [['::ffff:10.0.0.1'], PRIVATE], [['64:ff9b::a00:1'], PRIVATE], [['fe80::1'], PRIVATE], [['no address'], PRIVATE],
  [[], 'FetchFailed: is at a name that could not be resolved'],
];

for (const [addresses, says] of RESOLVED) {
  test(`not asked: a name that resolves into ${addresses.join(', ') || 'nothing'}`, async () => {
    assert.equal(await failure(make({ resolve: async () => addresses }).json('https://issuer.example/')), says);
  });
}

test('the connection goes to the address that was looked at, once; TLS and Host have the name', async () => {
  const issuer = await startForeignIssuer();
  const looks: string[] = [];
  const { port } = new URL(issuer.url);
  issuer.instead = ({ headers, socket }, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify([headers.host, socket instanceof TLSSocket && socket.servername]));
  const rebinding = make({ resolve: async (host) => { looks.push(host); return looks.length === 1 ? ['127.0.0.1'] : ['10.0.0.1']; } });
  assert.deepEqual((await rebinding.json(`https://issuer.example:${port}/`)).body, [`issuer.example:${port}`, 'issuer.example']);
  assert.deepEqual(looks, ['issuer.example']);
  assert.equal(await failure(rebinding.json(`https://issuer.example:${port}/`)), PRIVATE);
  assert.equal(issuer.asked.length, 1);
});

test('the certificate has to be of the name and of a known authority, whatever the environment says', async () => {
  const issuer = await startForeignIssuer();
  const { port } = new URL(issuer.url);
  const former = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  try {
    assert.equal(await failure(make({ resolve: async () => ['127.0.0.1'] }).json(`https://other.example:${port}/`)), 'FetchFailed: could not be read (ERR_TLS_CERT_ALTNAME_INVALID)');
    assert.match(await failure(make({ ca: null }).json(issuer.url)), /^FetchFailed: could not be read \(.*(SIGNATURE|ISSUER|SELF_SIGNED).*\)$/);
  } finally {
    if (former === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = former;
  }
  assert.deepEqual(issuer.asked, []);
});

test('nobody listens', async () => {
  const gone = createServer();
  await new Promise<void>((resolve) => { gone.listen(0, '127.0.0.1', resolve); });
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => { gone.close(resolve); });
  assert.equal(await failure(make().json(`https://127.0.0.1:${port}/`)), 'FetchFailed: could not be read (ECONNREFUSED)');
});

test('by a proxy the name goes to the proxy, TLS is end to end, and nothing is resolved here', async (t) => {
  const issuer = await startForeignIssuer();
  const { port } = new URL(issuer.url);
  const connects: string[] = [];
  const proxy = createServer().on('connect', (request, client) => {
    connects.push(request.url ?? '');
    const onward = connect(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    for (const socket of [onward, client]) socket.on('error', () => void [onward, client].map((one) => one.destroy()));
  });
  await new Promise<void>((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  t.after(() => proxy.close());
  const by = make({ allowedAddresses: [], proxy: () => `http://localhost:${(proxy.address() as AddressInfo).port}`, resolve: () => assert.fail('nothing is resolved') });
  assert.deepEqual((await by.json(`https://issuer.example:${port}/`)).body, issuer.discovery);
  assert.deepEqual(connects, [`issuer.example:${port}`]);
});

