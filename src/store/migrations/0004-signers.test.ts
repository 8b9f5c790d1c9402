import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { signer } from '../../../test/conformance/fixtures.ts';
import { at, BY_HAND, newKey, picture } from '../../../test/support/rings.ts';
import { sqliteFile } from '../../../test/support/sqlite-file.ts';
import { behindRetirement } from '../../domain/acknowledgement.ts';
import { activate } from '../../domain/rotation.ts';

/** A dump of a real store, made by the version before. */
const FORMER = new URL('../../../test/vectors/store-0003.sql', import.meta.url);

test('the store of the version before opens, and each of its rings goes on by the rules of signers', async (t) => {
  const place = await sqliteFile(t);
  const former = place.other();
  former.exec(await readFile(FORMER, 'utf8'));
  former.close();
  const store = await place.store({ clock: () => at(610) });

  const rings = await store.read(async (tx) => Promise.all(['born', 'rotated', 'waiting', 'closed'].map((id) => tx.keyRing(id))));
  assert.deepEqual(rings.map((ring) => picture(ring!)), ['1A 2P', '1R 2A 3P', '1X 2A 3P', '1R 2R 3X']);
  assert.deepEqual(rings.map((ring) => ring!.keys.map(({ retiredIn }) => retiredIn)), [[null, null], [2, null, null], [4, null, null], [3, 3, null]]);
  assert.deepEqual(rings.map((ring) => [ring!.signers, ring!.verifyOnly]), Array.from(rings, () => [[], []]));
  assert.deepEqual(rings[2]!.pending, { operationId: 'operation', requestedAt: at(20), requestedBy: 'principal:ada', revokes: [], activates: true });

  await store.write((tx) => tx.putSigner(signer('a', { issuerId: 'waiting', enrolledIn: 4 })));
  const done = await store.write((tx) => tx.updateKeyRing('waiting', (ring, now) => ({ change: activate(ring, newKey(4), now, BY_HAND), wakeAt: null })));
  assert.deepEqual([picture(done!.ring), done!.ring.pending], ['1X 2R 3A 4P', null]);
  assert.deepEqual(done!.ring.keys.slice(0, 2).map((key) => [key.retiredIn, key.expiresAt !== null, behindRetirement(done!.ring, key).length]), [[4, true, 0], [5, false, 1]]);
});
