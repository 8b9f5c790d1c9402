import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { aRing, anIssuer, FixtureClock, FixtureSource } from '../../../test/support/document-source.ts';
import { exchange, listenOnLoopback, request, statusesOf, statusOf, steady } from '../../../test/support/raw-http.ts';
import { BY_HAND, newKey, START } from '../../../test/support/rings.ts';
import { MintmarkError } from '../../domain/errors.ts';
import { activate } from '../../domain/rotation.ts';
import { type PublishedDocument, Publisher } from '../../service/publisher.ts';
import { newRequestCounts } from './request-counts.ts';
import { closeGracefully, createPublicServer } from './server.ts';

const log = pino({ level: 'silent' });
const limits = { headersTimeout: 200, requestTimeout: 200, idleTimeout: 10_000 };
const { path } = anIssuer();
const JWKS = `${path}openid/v1/jwks`;
const DISCOVERY = `${path}.well-known/openid-configuration`;
const CORRUPT = 1;
const NOT_LOADED = 2;

const source = new FixtureSource();
const clock = new FixtureClock();
const counts = newRequestCounts();
const publisher = new Publisher(source, clock, log, { name: 'here', maxIssuersInMemory: 100 });
const server = createPublicServer(publisher, { log, limits, counts });
let port = 0;

before(async () => {
  for (const number of [0, CORRUPT, NOT_LOADED]) source.commit(anIssuer(number), aRing(anIssuer(number)));
  source.corrupt.set(anIssuer(CORRUPT).id, new MintmarkError('StoreCorrupt', 'The ring is not whole.'));
  await publisher.catchUp();
  port = await listenOnLoopback(server);
});
after(() => closeGracefully(server, 0));

const documentAt = async (where: string): Promise<PublishedDocument> => (await publisher.lookup(where)) as PublishedDocument;
const head = (...lines: readonly string[]): string => [...lines, '', ''].join('\r\n');
const ALWAYS = ['Access-Control-Allow-Origin: *', 'X-Content-Type-Options: nosniff'];
const ENDED = ['Date: …', 'Connection: close'];

for (const [where, type] of [[JWKS, 'application/jwk-set+json'], [DISCOVERY, 'application/json']] as const) {
  test(`GET and HEAD of ${where.slice(path.length)}: the exact reply, and 304 to who has it`, async () => {
    const { body, etag } = await documentAt(where);
    const cache = ['Cache-Control: public, max-age=300', `ETag: ${etag}`, ...ALWAYS, ...ENDED];
    const full = head('HTTP/1.1 200 OK', `Content-Type: ${type}`, `Content-Length: ${body.length}`, ...cache);
    assert.equal(steady(await exchange(port, request(`GET ${where} HTTP/1.1`))), full + body.toString());
    assert.equal(steady(await exchange(port, request(`HEAD ${where} HTTP/1.1`))), full);
    const unchanged = head('HTTP/1.1 304 Not Modified', ...cache);
    for (const method of ['GET', 'HEAD']) assert.equal(steady(await exchange(port, request(`${method} ${where} HTTP/1.1`, `If-None-Match: ${etag}`))), unchanged);
    assert.equal(steady(await exchange(port, request(`GET ${where} HTTP/1.1`, 'If-None-Match: "x"', `If-None-Match: W/${etag}`))), unchanged);
    assert.equal(steady(await exchange(port, request(`GET ${where} HTTP/1.1`, 'If-None-Match: "x"'))), full + body.toString());
  });
}

test('what is no document has its exact reply, never to be cached', async () => {
  const message = (status: string, body: string, ...more: readonly string[]) =>
    head(`HTTP/1.1 ${status}`, 'Content-Type: application/json', `Content-Length: ${body.length}`, 'Cache-Control: no-store', ...ALWAYS, ...more, ...ENDED) + body;
  const ask = async (line: string) => steady(await exchange(port, request(line)));
  assert.equal(await ask('GET /nothing HTTP/1.1'), message('404 Not Found', '{"error":"not_found","error_description":"No issuer has a document at this path. Paths are compared byte for byte."}'));
  assert.equal(await ask(`POST ${JWKS} HTTP/1.1`), message('405 Method Not Allowed', '{"error":"method_not_allowed","error_description":"The documents of issuers are read with GET or HEAD."}', 'Allow: GET, HEAD'));
  assert.equal(await ask(`GET ${anIssuer(CORRUPT).path}openid/v1/jwks HTTP/1.1`), message('503 Service Unavailable', '{"error":"temporarily_unavailable","error_description":"It can not be told now whether an issuer has a document at this path. Try again in a second."}', 'Retry-After: 1'));
  assert.equal(await ask('GET /healthz HTTP/1.1'), message('200 OK', '{"status":"ok"}'));
  assert.equal(await ask('GET /readyz HTTP/1.1'), message('200 OK', '{"status":"ok"}'));
});

const id = anIssuer().id;
for (const [line, status] of [
  [`GET ${JWKS}?cache=buster HTTP/1.1`, 200],
  [`GET http://other.example.com${JWKS} HTTP/1.1`, 200],
  [`GET HTTPS://other.example.com:444${DISCOVERY}?x HTTP/1.1`, 200],
  [`GET ${JWKS} HTTP/1.0`, 200],
  [`GET ${path} HTTP/1.1`, 404],
  [`GET ${JWKS}/ HTTP/1.1`, 404],
  [`GET ${JWKS.toUpperCase()} HTTP/1.1`, 404],
  [`GET ${JWKS.replace('eastus', 'EastUS')} HTTP/1.1`, 404],
  [`GET ${JWKS.replace('eastus', 'westus')} HTTP/1.1`, 404],
  [`GET ${JWKS.replace('/1111', '/2222')} HTTP/1.1`, 404],
  [`GET ${JWKS.replace('/openid', '//openid')} HTTP/1.1`, 404],
  [`GET /${JWKS} HTTP/1.1`, 404],
  [`GET /.${JWKS} HTTP/1.1`, 404],
  [`GET /x/..${JWKS} HTTP/1.1`, 404],
  [`GET ${JWKS.replace('jwks', '%6awks')} HTTP/1.1`, 404],
  [`GET ${DISCOVERY.replace('.well', '%2ewell')} HTTP/1.1`, 404],
  [`GET ${DISCOVERY.replace('.well', '%2Ewell')} HTTP/1.1`, 404],
  [`GET ${JWKS.replace(id, crypto.randomUUID())} HTTP/1.1`, 404],
  [`GET http://other.example.com HTTP/1.1`, 404],
  ['GET /healthz?x HTTP/1.1', 200],
  ['GET /healthz/ HTTP/1.1', 404],
  ['GET /constructor HTTP/1.1', 404],
  ['GET / HTTP/1.1', 404],
  ['OPTIONS * HTTP/1.1', 405],
  [`OPTIONS ${JWKS} HTTP/1.1`, 405],
  [`DELETE ${JWKS} HTTP/1.1`, 405],
  [`TRACE ${JWKS} HTTP/1.1`, 405],
  [`get ${JWKS} HTTP/1.1`, 400],
  [`GET ${JWKS} x HTTP/1.1`, 400],
  [`NOTHING ${JWKS} HTTP/1.1`, 400],
  ['\0\x01\x02', 400],
] as const) {
  test(`${JSON.stringify(line)} gives ${status}`, async () => {
    assert.equal(statusOf(await exchange(port, request(line))), status);
  });
}

test('a request without Host is refused, as HTTP wants it; what a proxy says about the host counts for nothing', async () => {
  assert.equal(statusOf(await exchange(port, `GET ${JWKS} HTTP/1.1\r\n\r\n`)), 400);
  assert.equal(statusOf(await exchange(port, request(`GET ${JWKS} HTTP/1.1`, 'X-Forwarded-Host: evil.example.com'))), 200);
});

test('pipelined requests are answered in order, a load among them too', async () => {
  const first = `GET ${anIssuer(NOT_LOADED).path}openid/v1/jwks HTTP/1.1\r\nHost: a\r\n\r\n`;
  const reply = await exchange(port, `${first}GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n${request(`GET ${JWKS} HTTP/1.1`)}`);
  assert.deepEqual(statusesOf(reply), [200, 404, 200]);
});

test('a client that closes its side after the request gets the reply', async () => {
  assert.equal(statusOf(await exchange(port, `GET ${JWKS} HTTP/1.1\r\nHost: a\r\n\r\n`, { half: true })), 200);
});

for (const [what, headers, body] of [
  ['a body', ['Content-Length: 5'], 'hello'],
  ['a body that does not come', ['Content-Length: 1000000'], ''],
  ['chunks', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n'],
] as const) {
  test(`a GET with ${what} is answered, and nothing that follows on the connection is`, async () => {
    const reply = await exchange(port, `GET ${JWKS} HTTP/1.1\r\nHost: a\r\n${headers.join('\r\n')}\r\n\r\n${body}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(statusOf(reply), 200);
    assert.match(reply, /\r\nConnection: close\r\n/);
  });
}

test('an empty body keeps the connection', async () => {
  const reply = await exchange(port, `GET ${JWKS} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n${request('GET /nothing HTTP/1.1')}`);
  assert.deepEqual(statusesOf(reply), [200, 404]);
});

test('headers over 8 KiB are refused, and headers that do not end in time cut off', async () => {
  assert.equal(statusOf(await exchange(port, request(`GET ${JWKS} HTTP/1.1`, `X: ${'x'.repeat(8192)}`))), 431);
  assert.equal(statusOf(await exchange(port, request(`GET ${JWKS} HTTP/1.1`, `X: ${'x'.repeat(7000)}`))), 200);
  assert.equal(statusOf(await exchange(port, `GET ${JWKS} HTTP/1.1\r\nHost: a\r\nX: `)), 408);
});

test('a rotation is seen after catchUp, with another ETag; a store that is down changes nothing for it', async () => {
  const { etag } = await documentAt(JWKS);
  source.commit(anIssuer(), activate(aRing(anIssuer()), newKey(3), START, BY_HAND).ring);
  await publisher.catchUp();
  source.failure = new MintmarkError('StoreUnavailable', 'The store can not be read.');
  const reply = await exchange(port, request(`GET ${JWKS} HTTP/1.1`, `If-None-Match: ${etag}`));
  source.failure = null;
  assert.equal(statusOf(reply), 200);
  assert.match(reply, /"kid":"key3"/);
});

test('requests are counted by what they asked for and how they were answered', async () => {
  const earlier = structuredClone(counts);
  const { etag } = await documentAt(JWKS);
  for (const [line, ...headers] of [[`GET ${JWKS} HTTP/1.1`], [`HEAD ${JWKS} HTTP/1.1`, `If-None-Match: ${etag}`], [`GET ${DISCOVERY} HTTP/1.1`], ['GET /x HTTP/1.1'], ['PUT /x HTTP/1.1']] as const) {
    await exchange(port, request(line, ...headers));
  }
  const more = Object.fromEntries(Object.entries(counts).map(([kind, statuses]) => [kind, Object.entries(statuses).filter(([status, count]) => count !== earlier[kind as 'jwks'][Number(status)]).map(([status]) => status)]));
  assert.deepEqual(more, { discovery: ['200'], jwks: ['200', '304'], other: ['404', '405'] });
});

test('a publisher that fails in a way nobody foresaw is a 500, not the end of the process', async () => {
  const lines: string[] = [];
  const broken = { ready: true, lookup: (where: string) => (where === '/late' ? Promise.reject(new Error('late')) : assert.fail('at once')) };
  const failing = createPublicServer(broken, { log: pino({}, { write: (line) => lines.push(line) }) });
  const failingPort = await listenOnLoopback(failing);
  for (const where of ['/late', '/at-once']) assert.equal(statusOf(await exchange(failingPort, request(`GET ${where} HTTP/1.1`))), 500);
  assert.deepEqual(lines.map((line) => (JSON.parse(line) as { err: { message: string } }).err.message), ['late', 'at once']);
  await closeGracefully(failing, 0);
});

test('not ready: 503 for probes and for documents', async () => {
  const young = createPublicServer(new Publisher(source, clock, log, { name: 'young', maxIssuersInMemory: 1 }), { log });
  const youngPort = await listenOnLoopback(young);
  const statuses = await Promise.all(['/readyz', '/healthz', JWKS, '/x'].map(async (where) => statusOf(await exchange(youngPort, request(`GET ${where} HTTP/1.1`)))));
  assert.deepEqual(statuses, [503, 200, 503, 404]);
  await closeGracefully(young, 0);
});

test('the access log, where it is on, has a line for each request', async () => {
  const lines: string[] = [];
  const logging = createPublicServer(publisher, { log: pino({ base: null, timestamp: false }, { write: (line) => lines.push(line) }), accessLog: true });
  await exchange(await listenOnLoopback(logging), request('GET /x?y HTTP/1.1'));
  await closeGracefully(logging, 0);
  assert.deepEqual(lines.map((line) => JSON.parse(line) as unknown), [{ level: 30, method: 'GET', path: '/x?y', status: 404, complete: true, msg: 'public request' }]);
});

test('more connections than allowed are closed unanswered', async () => {
  const small = createPublicServer(publisher, { log, limits: { maxConnections: 1 } });
  const smallPort = await listenOnLoopback(small);
  const first = connect(smallPort, '127.0.0.1');
  await once(small, 'connection');
  assert.equal(await exchange(smallPort, request('GET /healthz HTTP/1.1')), '');
  first.destroy();
  await closeGracefully(small, 0);
});

test('a client that says nothing is cut off', async () => {
  const strict = createPublicServer(publisher, { log, limits: { idleTimeout: 50 } });
  assert.equal(await exchange(await listenOnLoopback(strict), ''), '');
  await closeGracefully(strict, 0);
});

/** A host whose look-ups wait: `asked` resolves when one has begun. */
function slowHost() {
  const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<'not found'>()];
  const host = createPublicServer({ ready: true, lookup: () => (asked.resolve(), answer.promise) }, { log, limits: { idleTimeout: 0 } });
  return { host, asked: asked.promise, answer: () => answer.resolve('not found') };
}

test('closing lets a reply in progress end, and does not wait for its connection to be used again', { timeout: 10_000 }, async () => {
  const { host, asked, answer } = slowHost();
  const reply = exchange(await listenOnLoopback(host), 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  await asked;
  const closed = closeGracefully(host, 60_000);
  answer();
  assert.equal(statusOf(await reply), 404);
  await closed;
});

test('closing cuts what takes too long', { timeout: 10_000 }, async () => {
  const { host, asked } = slowHost();
  const reply = exchange(await listenOnLoopback(host), 'GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n');
  await asked;
  await closeGracefully(host, 1);
  assert.equal(await reply, '');
});
