import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bear, rotated } from '../../../test/conformance/fixtures.ts';
import { at, BY_HAND, START } from '../../../test/support/rings.ts';
import { sqliteFile } from '../../../test/support/sqlite-file.ts';
import { close, setPolicy } from '../../domain/rotation.ts';

const MONTH = 30 * 86_400;

test('a store of before gets the latest time at which each ring can be due, and the true one with its next commit', async (t) => {
  const place = await sqliteFile(t);
  const before = await place.store();
  await before.write(async (tx) => {
    for (const id of ['open', 'off', 'closed']) await bear(tx, id);
    await tx.updateKeyRing('off', (ring, now) => ({ change: setPolicy(ring, { rotateEvery: null }, now, BY_HAND)!, wakeAt: null }));
    await tx.updateKeyRing('closed', (ring, now) => ({ change: close(ring, now, BY_HAND)!, wakeAt: null }));
  });
  await before.close();
  const old = place.other();
  old.exec("drop index key_rings_rotation_due; drop index signing_keys_state_created; alter table key_rings drop column rotation_due; delete from migrations where name = '0003-statistics'");
  old.close();

  const store = await place.store();
  const due = async (): Promise<readonly unknown[]> => store.read(async (tx) => {
    const { firstRotation, overdueRotations } = await tx.statistics([], at(2 * MONTH));
    return [firstRotation, overdueRotations];
  });
  assert.deepEqual(await due(), [new Date(START.getTime() + MONTH * 1050), 1]);
  await store.write((tx) => tx.updateKeyRing('open', rotated(3)));
  const [first, overdue] = await due();
  assert.ok((first as Date) >= at(MONTH) && (first as Date) < at(MONTH * 1.05), String(first));
  assert.equal(overdue, 1);
});
