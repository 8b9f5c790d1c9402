import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bear, signer } from '../../../test/conformance/fixtures.ts';
import { sqliteFile } from '../../../test/support/sqlite-file.ts';

test('signers of before have not said which version they run', async (t) => {
  const [place, one] = [await sqliteFile(t), signer('a')];
  const before = await place.store();
  await before.write(async (tx) => {
    await bear(tx);
    await tx.putSigner(one);
  });
  await before.close();
  const old = place.other();
  old.exec("alter table signers drop column program; delete from migrations where name = '0008-signer-programs'");
  old.close();

  const store = await place.store();
  assert.deepEqual(await store.read((tx) => tx.signer('a')), one);
  await store.write((tx) => tx.putSigner({ ...one, program: '0.1.0' }));
  assert.deepEqual(await store.read((tx) => tx.signersOf('issuer')), [{ ...one, program: '0.1.0' }]);
});
