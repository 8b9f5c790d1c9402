/** The real server whose log, and whatever else it says, can not be written: it does all that it does otherwise. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { RotateReply } from '../../src/http/management/contract.ts';
import { ClusterApi, exchange, success } from '../support/dev-api.ts';
import { eventually, freePort } from '../support/dev-server.ts';
import { type Place, type PlaceKind, PLACES } from '../support/place.ts';
import { SmallDisk } from '../support/small-disk.ts';

/** A disk without a byte left, for whoever writes there. */
const FULL = '/dev/full';

async function place(t: TestContext, kind: PlaceKind, settings = ''): Promise<Place> {
  const made = await PLACES[kind]({ settings });
  t.after(() => made.remove());
  return made;
}

/** What it says that it is up by may be lost, so it is asked. */
async function ready(at: Place): Promise<void> {
  await eventually('it is ready', async () => {
    const reply = await at.profile().then(({ endpoint }) => exchange(at, 'GET', `${endpoint}/readyz`)).catch(() => at.newConnections());
    return reply?.status === 200 || undefined;
  });
}

async function oneCluster(at: Place): Promise<ClusterApi> {
  const api = await ClusterApi.open(at, { group: 'mine', name: 'first' });
  success(await api.send('PUT', api.cluster.split('/providers/')[0]!, { location: 'eastus' }));
  await api.create();
  return api;
}

const lostLines = async (port: number): Promise<number> => Number(/^mintmark_log_failures_total (\d+)$/m.exec(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())?.[1]);

for (const kind of ['dev', 'serve'] as const) {
  test(`mintmark ${kind} whose output is on a full disk starts, serves, rotates and stops as ever`, async (t) => {
    const at = await place(t, kind);
    const running = at.launch({ stdout: FULL, stderr: FULL });
    await ready(at);
    const api = await oneCluster(at);
    const { operationId } = success<RotateReply>(await api.rotate());
    assert.equal((await api.operation(operationId)).status, 'Succeeded');
    const unknown = await api.send('GET', '/nothing/here');
    assert.deepEqual([unknown.status, (JSON.parse(unknown.text) as { error: { code: string } }).error.code], [404, 'InvalidPath']);
    if (kind === 'serve') running.kill('SIGHUP');
    assert.equal((await api.jwks()).keys.length, 3);
    const { code, signal } = await running.end('SIGTERM');
    assert.deepEqual([code, signal], [0, null]);
  });
}

test('lines that are lost while the disk of the log is full are counted, and told once there is room', async (t) => {
  const small = await SmallDisk.make('memory', 1);
  if (typeof small === 'string') return t.skip(small);
  t.after(() => small.release());
  const [port, log] = [await freePort(), small.path('log')];
  const at = await place(t, 'serve', `metrics: { listen: 127.0.0.1:${port} }\n`);
  const running = at.launch({ stdout: FULL, stderr: log });
  await ready(at);
  const api = await oneCluster(at);
  assert.equal(await lostLines(port), 0);
  await small.fill();
  const lost = await eventually('lines are lost', async () => {
    await api.show();
    const count = await lostLines(port);
    return count > 2 ? count : undefined;
  });
  await small.free();
  await api.show();
  const { code } = await running.end('SIGTERM');
  assert.equal(code, 0);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const told = lines.flatMap((line) => /"lostBefore":(\d+)\}$/.exec(line)?.[1] ?? []);
  assert.deepEqual(told.map(Number), [lost]);
  // One may have been cut off where the disk was full; it counts as lost.
  assert.ok(lines.filter((line) => !line.endsWith('}')).length <= 1);
});
