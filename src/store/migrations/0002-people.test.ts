import assert from 'node:assert/strict';
import { test } from 'node:test';
import { START } from '../../../test/support/rings.ts';
import { sqliteFile } from '../../../test/support/sqlite-file.ts';

test('secrets of before keep logging in: each gets an id and counts as used', async (t) => {
  const place = await sqliteFile(t);
  const first = await place.store();
  await first.write((tx) => tx.putPrincipal({ id: 'ada', tenantId: 't', displayName: 'Ada', secrets: [], createdAt: START }));
  await first.close();
  // As the first tables alone had it.
  place.other().exec(`drop index principals_of_tenant; drop index role_assignments_at_scope; delete from migrations where name = '0002-people'; update principals set secret_hashes = '["one","two"]'`);
  const store = await place.store();
  assert.deepEqual((await store.read((tx) => tx.principal('ada')))?.secrets, [
    { id: 'first-1', hash: 'one', createdAt: START, usedAt: START },
    { id: 'first-2', hash: 'two', createdAt: START, usedAt: START },
  ]);
});
