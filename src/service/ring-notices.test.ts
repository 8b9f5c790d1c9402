import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bear, rotated } from '../../test/conformance/fixtures.ts';
import { START } from '../../test/support/rings.ts';
import { SILENT } from '../../test/support/services.ts';
import { handClock } from '../../test/support/signers.ts';
import { sqliteFile } from '../../test/support/sqlite-file.ts';
import { openMemoryStore } from '../store/memory.ts';
import { systemClock } from './clock.ts';
import { createRingNotices, type Notice } from './ring-notices.ts';

const never = new AbortController().signal;
const told = ({ signal }: Notice): Promise<void> => new Promise((resolve) => {
  if (signal.aborted) resolve();
  signal.addEventListener('abort', () => resolve());
});

async function listening() {
  const { clock, pass } = handClock();
  const store = openMemoryStore({ clock: () => START });
  await store.write(async (tx) => { for (const id of ['a', 'b']) await bear(tx, id); });
  const notices = createRingNotices(store, clock, SILENT);
  notices.start();
  return { notices, store, pass };
}

test('a commit wakes who waits for that issuer, and nobody else, as soon as it is looked for', async () => {
  const { notices, store } = await listening();
  const [a, a2, b] = [notices.listen('a', never), notices.listen('a', never), notices.listen('b', never)];
  await store.write((tx) => tx.updateKeyRing('a', rotated(3)));
  notices.look();
  await Promise.all([told(a), told(a2)]);
  assert.equal(b.signal.aborted, false);
  assert.equal(notices.waiting(), 3);
  for (const notice of [a, a2, b, b]) notice.end();
  assert.equal(notices.waiting(), 0);
  await notices.stop();
});

test('what was committed before is no news', async () => {
  const { notices, store } = await listening();
  const early = notices.listen('b', never);
  await store.write((tx) => tx.updateKeyRing('a', rotated(3)));
  notices.look();
  const late = notices.listen('a', never);
  notices.tell('b');
  await told(early);
  assert.equal(late.signal.aborted, false);
  await notices.stop();
});

test('who gives up is woken, also when that was before', async () => {
  const { notices } = await listening();
  const gone = new AbortController();
  const before = notices.listen('a', gone.signal);
  gone.abort();
  assert.deepEqual([before.signal.aborted, notices.listen('a', gone.signal).signal.aborted], [true, true]);
  await notices.stop();
});

test('one that has ended is told nothing, and its place is used again', async () => {
  const { notices } = await listening();
  const first = notices.listen('a', never);
  first.end();
  const second = notices.listen('a', never);
  first.end();
  notices.tell('a');
  assert.deepEqual([first.signal.aborted, second.signal.aborted, notices.waiting()], [false, true, 1]);
  await notices.stop();
});

test('a commit of another process is seen without being told', async (t) => {
  const place = await sqliteFile(t);
  const [mine, other] = [await place.store({ busyTimeoutMs: 5000 }), await place.store({ busyTimeoutMs: 5000 })];
  await other.write((tx) => bear(tx, 'a'));
  const notices = createRingNotices(mine, systemClock, SILENT);
  notices.start();
  const notice = notices.listen('a', never);
  // The first round only finds out where the store is; a commit before it would be no news.
  for (let next = 3; !notice.signal.aborted; next += 1) {
    await other.write((tx) => tx.updateKeyRing('a', rotated(next)));
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  await notices.stop();
});
