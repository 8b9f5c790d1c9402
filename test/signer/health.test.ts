/** The listener for probes and scrapers: a look that fails is an answer, and not the end of the signer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serveHealth } from '../../src/signer/health.ts';
import { createSignerMetrics } from '../../src/signer/metrics.ts';
import { freePort } from '../support/dev-server.ts';

test('how a signer is can not be found out: 500, and the next look is answered', async (t) => {
  const port = await freePort();
  const server = await serveHealth({ host: '127.0.0.1', port }, () => Promise.reject(new Error('EMFILE')), createSignerMetrics(() => 0));
  t.after(() => server.close());
  for (const path of ['/healthz', '/metrics']) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    assert.deepEqual([answer.status, await answer.text()], [500, 'How this signer is can not be found out.\n']);
  }
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
});
