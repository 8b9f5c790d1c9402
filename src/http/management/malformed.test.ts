import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type AddressInfo, connect } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { pino } from 'pino';
import { eventually } from '../../../test/support/dev-server.ts';
import { GROUP, type ManagementWorld, openManagement, TENANT } from '../../../test/support/management.ts';
import { exchange, statusesOf } from '../../../test/support/raw-http.ts';
import { clientAddress } from './client-address.ts';

const SECRET = 'eyJhbGciOi.secret.bearer';
const lines: string[] = [];
let world: ManagementWorld;
let port: number;

before(async () => {
  world = await openManagement({ logger: pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }) });
  await world.server.listen({ host: '127.0.0.1', port: 0 });
  port = (world.server.server.address() as AddressInfo).port;
});
after(() => world.server.close());

const ROWS: readonly (readonly [string, string, string, string])[] = [
  ['a header without a colon', `GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${SECRET}\r\nBad Header\r\n\r\n`, '400 Bad Request', 'InvalidRequest'],
  ['no HTTP at all', `${SECRET}\r\n\r\n`, '400 Bad Request', 'InvalidRequest'],
  ['an expectation that can not be met', `GET /healthz HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${SECRET}\r\nExpect: 200-ok\r\n\r\n`, '417 Expectation Failed', 'InvalidRequest'],
  ['no Host', `GET /healthz HTTP/1.1\r\nAuthorization: Bearer ${SECRET}\r\nConnection: close\r\n\r\n`, '400 Bad Request', 'InvalidRequest'],
  ['headers of 20 KB', `GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${SECRET}\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431 Request Header Fields Too Large', 'RequestTooLarge'],
];

for (const [name, bytes, status, code] of ROWS) {
  test(`refused before there is a request: ${name}`, async () => {
    const [head, body] = (await exchange(port, bytes)).split('\r\n\r\n') as [string, string];
    assert.ok(head.startsWith(`HTTP/1.1 ${status}\r\n`), head);
    assert.match(head, /^x-ms-request-id: [0-9a-f-]{36}$/mi);
    assert.deepEqual([(JSON.parse(body) as { error: { code: string } }).error.code, head.toLowerCase().includes(`content-length: ${body.length}`)], [code, true]);
    assert.equal(lines.join('').includes(SECRET), false, 'the bytes were logged');
    assert.equal(Buffer.from(lines.join('')).includes(Buffer.from([...Buffer.from(SECRET)].join(','))), false, 'the bytes were logged as numbers');
  });
}

test('HTTP/1.0 needs no Host', async () => {
  assert.deepEqual(statusesOf(await exchange(port, 'GET /healthz HTTP/1.0\r\n\r\n')), [200]);
});

test('what was asked before on the same connection is answered before the refusal', async () => {
  const good = 'GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n';
  assert.deepEqual(statusesOf(await exchange(port, `${good}${good}no HTTP\r\n\r\n`)), [200, 200, 400]);
});

test('a body whose chunks are malformed is refused at once', async () => {
  assert.deepEqual(statusesOf(await exchange(port, `POST /${TENANT}/oauth2/v2.0/token HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n`)), [400]);
});

test('a client that goes away in the middle of its body is no failure of the server', async () => {
  const token = await world.bearer('owner', TENANT);
  const socket = connect(port, '127.0.0.1');
  socket.write(`PUT ${GROUP} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\nx-ms-client-request-id: cut\r\nExpect: 100-continue\r\n\r\n`);
  // It has the request in hand when it asks for the body.
  socket.once('data', () => socket.destroy());
  const line = await eventually('the request is logged', () => lines.find((one) => one.includes('"clientRequestId":"cut"')));
  const { status, code } = JSON.parse(line) as { status: number; code: string };
  assert.deepEqual([status, code], [400, 'InvalidRequestContent']);
  assert.deepEqual(lines.filter((one) => (JSON.parse(one) as { level: number }).level >= 50), []);
});

test('a request whose connection has ended has an address all the same', () => {
  assert.deepEqual([clientAddress({ ip: undefined } as unknown as FastifyRequest), clientAddress({ ip: '::1' } as FastifyRequest)], ['gone', '::1']);
});
