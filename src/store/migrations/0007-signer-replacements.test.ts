import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bear, credential, signer } from '../../../test/conformance/fixtures.ts';
import { at } from '../../../test/support/rings.ts';
import { sqliteFile } from '../../../test/support/sqlite-file.ts';

test('credentials of before take no name over, and no signer of before was replaced', async (t) => {
  const place = await sqliteFile(t);
  const [one, joining] = [signer('a'), credential('j', { kind: 'join', name: null })];
  await place.storeBefore('0007-signer-replacements', async (tx) => {
    await bear(tx);
    await tx.putSigner(one);
    await tx.putEnrolmentCredential(joining);
  }, `alter table signers drop column replaced_at; alter table enrolment_credentials drop column replaces_by_name`);

  const store = await place.store();
  assert.deepEqual(await store.read(async (tx) => [await tx.signer('a'), await tx.enrolmentCredential('j')]), [one, joining]);
  const [replaced, replacing] = [{ ...one, replacedAt: at(10) }, { ...joining, replacesByName: true }];
  await store.write(async (tx) => {
    await tx.putSigner(replaced);
    await tx.putEnrolmentCredential(replacing);
  });
  assert.deepEqual(await store.read(async (tx) => [await tx.signer('a'), await tx.enrolmentCredential('j'), (await tx.keyRing('issuer'))!.signers[0]!.replacedAt]), [replaced, replacing, at(10)]);
});
