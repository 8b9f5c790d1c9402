import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSigners } from '../../../test/support/signers.ts';

const world = await openSigners();
after(() => world.close());

for (const path of ['/signer/v1/ackn%u0041owledge', '/signer/v1/%zz', '/elsewhere', '/signer/v1/enroll/more']) {
  test(`${path} is refused in the words of this server`, async () => {
    const reply = await fetch(`${world.base}${path}`, { method: 'POST' });
    const { error } = (await reply.json()) as { error: { code: string } };
    assert.deepEqual([reply.status, error.code], [404, 'InvalidPath']);
  });
}

test('a method that has to say what its body is, and does not', async () => {
  const reply = await fetch(`${world.base}/`, { method: 'QUERY', body: Buffer.from('{}') });
  const { error } = (await reply.json()) as { error: { code: string } };
  assert.deepEqual([reply.status, error.code], [415, 'UnsupportedMediaType']);
});
