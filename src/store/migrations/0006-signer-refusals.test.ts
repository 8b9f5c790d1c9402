import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bear, signer } from '../../../test/conformance/fixtures.ts';
import { at } from '../../../test/support/rings.ts';
import { sqliteFile } from '../../../test/support/sqlite-file.ts';

test('signers of before refuse nothing, and are as they were; from then on it is written down', async (t) => {
  const place = await sqliteFile(t);
  const stored = signer('a', { clockOffsetMs: -3, kids: ['key1'], acked: { epoch: 7, version: 1, at: at(5) } });
  await place.storeBefore('0006-signer-refusals', async (tx) => {
    await bear(tx);
    await tx.putSigner(stored);
  }, `drop index signers_refusing; alter table signers drop column refused_since; alter table signers drop column refused_at`);

  const store = await place.store();
  assert.deepEqual(await store.read((tx) => tx.signer('a')), stored);
  const refusing = { ...stored, refusal: { since: at(10), lastAt: at(20) } };
  await store.write((tx) => tx.putSigner(refusing));
  assert.deepEqual(await store.read(async (tx) => [await tx.signer('a'), (await tx.keyRing('issuer'))!.signers[0]!.refusal]), [refusing, refusing.refusal]);
});
