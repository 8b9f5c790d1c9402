import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { bear, operation, rotated, signer } from '../../test/conformance/fixtures.ts';
import { at, START } from '../../test/support/rings.ts';
import { type FreezeWindow, freezeWindowOf } from '../domain/freeze-windows.ts';
import { newRequestCounts } from '../http/public/request-counts.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { registerGauges } from './gauges.ts';

const DAY = 86_400;
const COUNTS = { loads: 1, failedLoads: 2, refusedLoads: 3, evictions: 4, failedRounds: 5, issuersInMemory: 6, issuersKnown: 7, confirmedChange: 8 };

function scraped(store: Store, freezeWindows: readonly FreezeWindow[] = []) {
  const registry = new Registry();
  const requests = newRequestCounts();
  const host = { answers: true };
  const counts = async () => (host.answers ? { publisher: COUNTS, requests, delay: { p50: 0.01, p99: 0.02, max: 0.03 }, heapUsed: 9 } : null);
  registerGauges(registry, { store, version: '1.2.3', publicHost: { ready: true, counts }, pool: { level: () => 8 }, freezeWindows, openPolls: () => 2, lostLogLines: () => 3 });
  /** The samples whose name begins so. */
  const scrape = async (...names: readonly string[]): Promise<readonly string[]> => (await registry.metrics()).split('\n').filter((line) => names.some((name) => line.startsWith(name)));
  return { requests, host, scrape };
}

const TOTALS = ['mintmark_store_up', 'mintmark_issuers', 'mintmark_keys', 'mintmark_next_rotation', 'mintmark_rotations_overdue', 'mintmark_waiting', 'mintmark_signer'];

test('the totals of the store', async () => {
  let time = START;
  const store = openMemoryStore({ clock: () => time });
  await store.write((tx) => bear(tx));
  time = at(8 * 86_400);
  await store.write(async (tx) => {
    await tx.updateKeyRing('issuer', rotated(3));
    await tx.putOperation(operation('o'));
    await tx.putSigner(signer('away'));
  });
  const lines = await scraped(store).scrape(...TOTALS);
  const ages = ['under 1d', 'under 7d', 'under 30d', 'under 90d', 'under 365d', '365d or more'];
  const keys = { prepared: [1, 0, 0, 0, 0, 0], active: [0, 0, 1, 0, 0, 0], retired: [0, 0, 1, 0, 0, 0], revoked: [0, 0, 0, 0, 0, 0] };
  const next = lines.find((line) => line.startsWith('mintmark_next_rotation'))!;
  assert.deepEqual(lines.filter((line) => line !== next), [
    'mintmark_signers_waiting 2', 'mintmark_store_up 1', 'mintmark_issuers{state="open"} 1', 'mintmark_issuers{state="closed"} 0',
    ...Object.entries(keys).flatMap(([state, counts]) => counts.map((count, age) => `mintmark_keys{state="${state}",age="${ages[age]}"} ${count}`)),
    'mintmark_rotations_overdue 0', 'mintmark_waiting_operations{cause="publication"} 1', 'mintmark_waiting_operations{cause="signers"} 0', 'mintmark_waiting_operations{cause="caches"} 0',
    ...['current', 'behind', 'refusing', 'silent', 'writtenOff', 'deleted'].map((state) => `mintmark_signers{state="${state}"} ${state === 'silent' ? 1 : 0}`),
    'mintmark_signer_debts 0', 'mintmark_signer_leases_half_over 1',
  ]);
  const seconds = Number(next.split(' ')[1]);
  assert.ok(seconds >= 30 * 86_400 && seconds < 31.5 * 86_400, next);
});

test('a freeze moves the next rotation to its end, and nothing is overdue for what came due in it', async () => {
  let time = START;
  const store = openMemoryStore({ clock: () => time });
  await store.write((tx) => bear(tx));
  // Due on 2026-01-31 or 2026-02-01.
  const rows = [
    ['2026-01-21T00:00Z/2026-02-10T00:00Z', '2026-01-20T00:00:00Z', [21 * DAY, 0, 0]],
    ['2026-01-21T00:00Z/2026-02-10T00:00Z', '2026-02-09T00:00:00Z', [DAY, 0, 1]],
    ['2026-02-08T00:00Z/2026-02-10T00:00Z', '2026-02-09T00:00:00Z', [DAY, 1, 1]],
    ['2026-01-21T00:00Z/2026-02-10T00:00Z', '2026-02-10T00:04:00Z', ['late', 0, 0]],
    ['2026-01-21T00:00Z/2026-02-10T00:00Z', '2026-02-10T00:06:00Z', ['late', 1, 0]],
  ] as const;
  for (const [window, now, expected] of rows) {
    time = new Date(now);
    const lines = await scraped(store, [freezeWindowOf(window)!]).scrape('mintmark_next_rotation', 'mintmark_rotations_overdue', 'mintmark_rotation_frozen');
    const valueOf = (name: string): number => Number(lines.find((line) => line.startsWith(name))?.split(' ')[1]);
    const next = valueOf('mintmark_next_rotation_seconds');
    assert.deepEqual([next < 0 ? 'late' : next, valueOf('mintmark_rotations_overdue'), valueOf('mintmark_rotation_frozen')], expected, `${window} at ${now}`);
  }
});

test('where nothing rotates there is no next rotation', async () => {
  assert.deepEqual(await scraped(openMemoryStore({ clock: () => START })).scrape('mintmark_store_up', 'mintmark_next_rotation'), ['mintmark_store_up 1']);
});

test('a store that can not be read is told, and takes nothing else with it', async () => {
  const store = openMemoryStore({ clock: () => START });
  await store.close();
  assert.deepEqual(await scraped({ ...store, now: () => START }).scrape(...TOTALS, 'mintmark_key_pool'), ['mintmark_key_pool_keys 8', 'mintmark_signers_waiting 2', 'mintmark_store_up 0']);
});

test('the publisher, the pool, the version', async () => {
  const { scrape } = scraped(openMemoryStore({ clock: () => START }));
  assert.deepEqual(await scrape('mintmark_publisher', 'mintmark_build', 'mintmark_key_pool', 'mintmark_log'), [
    `mintmark_build_info{version="1.2.3",node="${process.versions.node}"} 1`, 'mintmark_key_pool_keys 8', 'mintmark_publisher_ready 1', 'mintmark_log_failures_total 3',
    'mintmark_publisher_issuers_in_memory 6', 'mintmark_publisher_issuers_known 7', 'mintmark_publisher_confirmed_change 8',
    'mintmark_publisher_loads_total 1', 'mintmark_publisher_failed_loads_total 2', 'mintmark_publisher_refused_loads_total 3', 'mintmark_publisher_evictions_total 4', 'mintmark_publisher_failed_rounds_total 5',
  ]);
});

test('a public host that does not answer is told, and takes nothing else with it', async () => {
  const { host, scrape } = scraped(openMemoryStore({ clock: () => START }));
  const names = ['mintmark_public', 'mintmark_publisher', 'mintmark_key_pool'];
  const lines = await scrape('mintmark_public_host');
  assert.deepEqual(lines, ['mintmark_public_host_up 1', 'mintmark_public_host_eventloop_lag_p50_seconds 0.01', 'mintmark_public_host_eventloop_lag_p99_seconds 0.02', 'mintmark_public_host_eventloop_lag_max_seconds 0.03', 'mintmark_public_host_heap_used_bytes 9']);
  host.answers = false;
  assert.deepEqual(await scrape(...names), ['mintmark_key_pool_keys 8', 'mintmark_publisher_ready 1', 'mintmark_public_host_up 0']);
  host.answers = true;
  assert.deepEqual(await scrape('mintmark_public_host'), lines);
});

test('requests to the public host are counted on, scrape after scrape', async () => {
  const { requests, scrape } = scraped(openMemoryStore({ clock: () => START }));
  const nonZero = async (): Promise<readonly string[]> => (await scrape('mintmark_public_requests_total')).filter((line) => !line.endsWith(' 0'));
  requests.jwks[200] = 2;
  assert.deepEqual(await nonZero(), ['mintmark_public_requests_total{document="jwks",status="200"} 2']);
  requests.jwks[200] += 1;
  requests.other[404] = 1;
  assert.deepEqual(await nonZero(), ['mintmark_public_requests_total{document="jwks",status="200"} 3', 'mintmark_public_requests_total{document="other",status="404"} 1']);
});

test('the delay of the event loop and the memory of the process are told', async () => {
  const names = (await scraped(openMemoryStore({ clock: () => START })).scrape('nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes')).map((line) => line.split(' ')[0]);
  assert.deepEqual(names, ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds']);
});
