import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { Counter, Registry } from 'prom-client';
import { createMetricsServer } from './metrics-listener.ts';

async function listening(t: TestContext, registry: Registry, lines: string[] = []): Promise<(method: string, path: string) => Promise<Response>> {
  const server = createMetricsServer(registry, pino({}, { write: (line) => void lines.push(line) }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.close(); server.closeAllConnections(); });
  return (method, path) => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method });
}

test('GET and HEAD of /metrics, and nothing else', async (t) => {
  const registry = new Registry();
  new Counter({ name: 'a_total', help: 'A.', registers: [registry] }).inc();
  const ask = await listening(t, registry);
  const rows = [
    ['GET', '/metrics', 200, '# HELP a_total A.\n# TYPE a_total counter\na_total 1\n'],
    ['GET', '/metrics?x=y', 200, '# HELP a_total A.\n# TYPE a_total counter\na_total 1\n'],
    ['HEAD', '/metrics', 200, ''],
    ['GET', '/', 404, 'The metrics are at /metrics.\n'],
    ['POST', '/metrics', 405, 'Metrics are read with GET.\n'],
  ] as const;
  for (const [method, path, status, body] of rows) {
    const reply = await ask(method, path);
    assert.deepEqual([method, path, reply.status, await reply.text()], [method, path, status, body]);
    if (status === 200) assert.match(reply.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  }
});

test('metrics that can not be collected are a 500 without the reason, which is in the log', async (t) => {
  const registry = new Registry();
  registry.registerMetric(new Counter({ name: 'a_total', help: 'A.', registers: [], collect: () => { throw new Error('the reason'); } }));
  const lines: string[] = [];
  const reply = await (await listening(t, registry, lines))('GET', '/metrics');
  assert.deepEqual([reply.status, await reply.text()], [500, 'The metrics could not be collected. The log of the server says why.\n']);
  assert.match(lines.join(''), /the reason/);
});
