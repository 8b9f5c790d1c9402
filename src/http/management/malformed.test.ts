import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { type ManagementWorld, openManagement } from '../../../test/support/management.ts';
import { exchange } from '../../../test/support/raw-http.ts';

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
  ['headers of 20 KB', `GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${SECRET}\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431 Request Header Fields Too Large', 'RequestTooLarge'],
];

for (const [name, bytes, status, code] of ROWS) {
  test(`refused before there is a request: ${name}`, async () => {
    const [head, body] = (await exchange(port, bytes)).split('\r\n\r\n') as [string, string];
    assert.ok(head.startsWith(`HTTP/1.1 ${status}\r\n`), head);
    assert.match(head, /^x-ms-request-id: [0-9a-f-]{36}$/m);
    assert.deepEqual([(JSON.parse(body) as { error: { code: string } }).error.code, head.includes(`Content-Length: ${body.length}`)], [code, true]);
    assert.equal(lines.join('').includes(SECRET), false, 'the bytes were logged');
    assert.equal(Buffer.from(lines.join('')).includes(Buffer.from([...Buffer.from(SECRET)].join(','))), false, 'the bytes were logged as numbers');
  });
}
