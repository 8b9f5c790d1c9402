/**
 * The real program under storms of bad requests: it never ends, never fails, answers in the documented forms, answers good
 * requests right all the while, and keeps nothing of what was thrown at it. `npm run fuzz` goes on for longer.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { readReplies, replyFault } from './http-replies.ts';
import { assertNothingLeft } from './leaks.ts';
import { startTarget, type TargetKind } from './target.ts';

const SEED = Number(process.env['MINTMARK_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const LONGEST_MS = 10 * 60_000;

async function underFire(t: TestContext, kind: TargetKind, attacks: number): Promise<void> {
  t.diagnostic(`MINTMARK_FUZZ_SEED=${SEED}`);
  const target = await startTarget(kind, LONGEST_MS);
  t.after(() => target.stop());
  const reports = await assertNothingLeft(target, SEED, attacks, 'young');
  for (const status of [200, 400, 404]) assert.ok(reports.some(({ replies }) => (replies[status] ?? 0) > 0), `${status} was among the replies`);
}

test('serve, behind a proxy: bytes reach HTTP as they are', { timeout: LONGEST_MS }, (t) => underFire(t, 'plain', 150));
test('dev, over TLS', { timeout: LONGEST_MS }, (t) => underFire(t, 'tls', 60));

const GOOD = 'HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nx-ms-request-id: 1\r\nContent-Length: 42\r\n\r\n{"error":{"code":"InvalidPath","message":"x"}}';
const whole = GOOD.replace('42', String(GOOD.split('\r\n\r\n')[1]!.length));

/** What would be wrong with bytes, were they the reply. */
function faultIn(bytes: string): string | null {
  const { replies, fault } = readReplies(bytes, false);
  return fault ?? replies.map((reply) => replyFault('management', reply)).find((one) => one !== null) ?? null;
}

test('a reply that is wrong is seen', () => {
  assert.equal(faultIn(whole), null);
  assert.equal(faultIn(whole + whole), null);
  const ROWS: readonly (readonly [string, string, RegExp])[] = [
    ['a failure', whole.replace('404 Not Found', '500 Oh'), /failure of the server/], ['a header that was injected', whole.replace('Content-Type', 'X-Injected: yes\r\nContent-Type'), /never sent/],
    ['a line break in a value', whole.replace('id: 1', 'id: 1\nX-Injected: yes'), /malformed head/], ['a length told twice', whole.replace('x-ms', 'Content-Length: 1\r\nx-ms'), /told twice/], ['a length that is too short', whole.replace(/Length: \d+/, 'Length: 3'), /no reply/],
    ['a length that is too long', whole.replace(/Length: \d+/, 'Length: 300'), /not whole/], ['another form', whole.replace('"code"', '"kode"'), /another form/], ['a stack', whole.replace('"x"', '"/src/y.ts"').replace(/Length: \d+/, `Length: ${whole.split('\r\n\r\n')[1]!.length + 8}`), /inside/],
    ['no request id', whole.replace('x-ms-request-id: 1\r\n', ''), /no request id/], ['a redirect', whole.replace('404 Not Found', '302 Found'), /never given/], ['a cookie', whole.replace('x-ms', 'Set-Cookie: a=b\r\nx-ms'), /never sent/],
  ];
  for (const [what, bytes, message] of ROWS) assert.match(String(faultIn(bytes)), message, what);
});
