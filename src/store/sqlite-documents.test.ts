import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { bear, rotated, signer } from '../../test/conformance/fixtures.ts';
import { BY_HAND, newKey } from '../../test/support/rings.ts';
import { type SqliteFile, sqliteFile } from '../../test/support/sqlite-file.ts';
import { importVerifyOnly } from '../domain/imported-key.ts';
import { type DocumentStore, openDocumentsConnection, openSqliteDocuments } from './sqlite-documents.ts';
import type { DocumentReader } from './store.ts';

const all = async (tx: DocumentReader): Promise<unknown> => [await tx.issuer('issuer'), await tx.keyRing('issuer'), await tx.issuerIds(), await tx.changesSince(0, 9), await tx.lastChange()];

function documentsOf(t: TestContext, { file }: SqliteFile): DocumentStore {
  const documents = openSqliteDocuments(file);
  t.after(() => documents.close());
  return documents;
}

it('reads what the store reads, and each commit as soon as it is made', async (t) => {
  const place = await sqliteFile(t);
  const store = await place.store();
  const documents = documentsOf(t, place);
  await store.write((tx) => bear(tx));
  assert.deepEqual(await documents.read(all), await store.read(all));
  await store.write(async (tx) => {
    await tx.updateKeyRing('issuer', rotated(3));
    await tx.updateKeyRing('issuer', (ring, now) => ({ change: importVerifyOnly(ring, newKey('Sa'), null, false, now, BY_HAND), wakeAt: null }));
    await tx.putSigner(signer('cp-1'));
  });
  assert.deepEqual(await documents.read(all), await store.read(all));
  const ring = await documents.read((tx) => tx.keyRing('issuer'));
  assert.deepEqual([ring?.signers.length, ring?.verifyOnly.length], [1, 1], 'a ring with all that it can have');
});

it('reads while another connection is in the middle of a write', async (t) => {
  const place = await sqliteFile(t);
  await (await place.store()).write((tx) => bear(tx));
  const documents = documentsOf(t, place);
  const writer = place.other();
  writer.exec('begin exclusive; update store_state set change = 99');
  assert.equal(await documents.read((tx) => tx.lastChange()), 1);
  writer.exec('commit');
  assert.equal(await documents.read((tx) => tx.lastChange()), 99);
});

it('is refused everything else by SQLite itself: sealed private halves, secrets, whatever is not needed, and every write', async (t) => {
  const place = await sqliteFile(t);
  await (await place.store()).write((tx) => bear(tx));
  const connection = openDocumentsConnection(place.file);
  t.after(() => connection.close());
  const tables = place.other().prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'").all().map(({ name }) => String(name));
  const refused = (sql: string): boolean => {
    try {
      connection.prepare(sql).all();
      return false;
    } catch (error) {
      assert.match((error as Error).message, /^(access to .* is prohibited|not authorized)$/, sql);
      return true;
    }
  };
  assert.deepEqual(tables.filter((table) => !refused(`select * from ${table}`)).toSorted(), ['issuers', 'key_rings', 'signers', 'signing_keys', 'store_state', 'verify_only_keys']);
  for (const sql of ['update store_state set change = 1', 'delete from issuers', 'pragma journal_mode = delete', "attach 'other.db' as other", 'select * from sqlite_schema', 'select i.id from issuers i join sealed_keys s on s.issuer_id = i.id']) assert.ok(refused(sql), sql);
});

it('names the file that it can not open', async (t) => {
  const missing = join(dirname((await sqliteFile(t)).file), 'missing.db');
  assert.throws(() => openSqliteDocuments(missing), { code: 'StoreUnavailable', message: `The store ${missing} can not be opened. The store can not be read or written: its file can not be opened (SQLITE_CANTOPEN); look at its folder and permissions. Nothing was changed.` });
});
