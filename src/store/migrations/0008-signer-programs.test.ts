import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bear, signer } from '../../../test/conformance/fixtures.ts';
import { sqliteFile } from '../../../test/support/sqlite-file.ts';

test('signers of before have not said which version they run', async (t) => {
  const [place, one] = [await sqliteFile(t), signer('a')];
  await place.storeBefore('0008-signer-programs', async (tx) => {
    await bear(tx);
    await tx.putSigner(one);
  }, 'alter table signers drop column program');

  const store = await place.store();
  assert.deepEqual(await store.read((tx) => tx.signer('a')), one);
  await store.write((tx) => tx.putSigner({ ...one, program: '0.1.0' }));
  assert.deepEqual(await store.read((tx) => tx.signersOf('issuer')), [{ ...one, program: '0.1.0' }]);
});
