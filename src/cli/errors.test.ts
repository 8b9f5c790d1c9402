import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverError } from './errors.ts';

const detail = { code: 'D1', message: 'detail one' };

/** Status, body, exit code, text. */
const ROWS: readonly (readonly [number, string, number, string])[] = [
  [404, '{"error":{"code":"ResourceNotFound","message":"No such thing."}}', 3, '(ResourceNotFound) No such thing.\nCode: ResourceNotFound\nMessage: No such thing.'],
  [400, JSON.stringify({ error: { code: 'C', message: 'm', target: 't', details: [detail] } }), 1, '(C) m\nCode: C\nMessage: m\nTarget: t\nException Details:\t(D1) detail one\n\tCode: D1\n\tMessage: detail one'],
  [409, '{"code":"C","message":"m","target":"t","details":null}', 1, '(C) m\nCode: C\nMessage: m\nTarget: t'],
  [401, '{"error":"invalid_client","error_description":"Wrong."}', 1, '(invalid_client) Wrong.\nCode: invalid_client\nMessage: Wrong.'],
  [400, JSON.stringify({ error: { code: 'C', message: 'm', target: 7, details: [null, 'x', { code: 'D' }, detail] } }), 1, '(C) m\nCode: C\nMessage: m\nException Details:\t(D1) detail one\n\tCode: D1\n\tMessage: detail one'],
  [400, JSON.stringify({ error: { code: 'C', message: 'm', details: { a: 1 } } }), 1, '(C) m\nCode: C\nMessage: m'],
  [400, 'null', 1, "Operation returned an invalid status 'Bad Request'"],
  [400, '[]', 1, "Operation returned an invalid status 'Bad Request'"],
  [400, '{"error":null}', 1, "Operation returned an invalid status 'Bad Request'"],
  [400, '<html>', 1, "Operation returned an invalid status 'Bad Request'"],
  [400, '"text"', 1, "Operation returned an invalid status 'Bad Request'"],
  [404, '', 3, "Operation returned an invalid status 'Bad Request'"],
];

test('refusals of a server in the words of Azure CLI', () => {
  for (const [status, body, exitCode, text] of ROWS) {
    const error = serverError(status, 'Bad Request', body);
    assert.deepEqual([error.exitCode, error.message, error.status], [exitCode, text, status]);
  }
});

test('details inside details are printed to a depth that people read', () => {
  let error: unknown = { code: 'C', message: 'm' };
  for (let depth = 0; depth < 3000; depth += 1) error = { code: 'C', message: 'm', details: [error] };
  const { message } = serverError(400, 'Bad Request', JSON.stringify({ error }));
  assert.equal(message.split('Message: m').length - 1, 9);
  assert.match(message, /^\t{8}Message: m$/m);
});
