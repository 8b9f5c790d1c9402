import assert from 'node:assert/strict';
import { open, truncate, writeFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { bear, cluster, credential, operation, signer, token } from '../../test/conformance/fixtures.ts';
import { BY_HAND, newKey } from '../../test/support/rings.ts';
import { sqliteFile, type SqliteFile } from '../../test/support/sqlite-file.ts';
import { importVerifyOnly } from '../domain/imported-key.ts';
import type { Store, StoreReader } from './store.ts';

const PAGE = 4096;

const ring = (tx: StoreReader): Promise<unknown> => tx.keyRing('issuer');

/** What was done to a row → what the store says of it when it is read. */
const ROWS: readonly (readonly [string, string, RegExp, (tx: StoreReader) => Promise<unknown>])[] = [
  ['an unknown key state', "update signing_keys set state = 'sleeping' where kid = 'key2'", /the key key2 of issuer issuer .*'state' is none of prepared, active, retired, revoked/, ring],
  ['an unknown algorithm', "update signing_keys set algorithm = 'none' where kid = 'key2'", /the key key2 of issuer issuer .*'algorithm' is none of RS256/, ring],
  ['public members cut short', "update signing_keys set public_members = substr(public_members, 1, 9) where kid = 'key1'", /the key key1 of issuer issuer .*'public_members' is cut short or was changed/, ring],
  ['a public member more', `update signing_keys set public_members = '{"n":"a","e":"b","d":"c"}' where kid = 'key1'`, /'public_members' is cut short or was changed/, ring],
  ['public members of another algorithm', "update signing_keys set algorithm = 'ES256' where kid = 'key1'", /'public_members' is cut short or was changed/, ring],
  ['a date that is text', "update signing_keys set created_at = 'yesterday' where kid = 'key1'", /the key key1 of issuer issuer .*'created_at' is no whole number/, ring],
  ['a date beyond all dates', 'update signing_keys set activated_at = 8640000000000001 where kid = \'key1\'', /'activated_at' is no instant/, ring],
  ['a number beyond all numbers', 'update signing_keys set created_at = 9223372036854775807 where kid = \'key1\'', /larger than any that Mintmark writes/, ring],
  ['a negative time', 'update key_rings set updated_at = -5', /the key ring of issuer issuer .*'updated_at' is no whole number of 0 or more/, ring],
  ['a flag that is none', 'update signing_keys set published = 2', /'published' is neither 0 nor 1/, ring],
  ['two active keys', "update signing_keys set state = 'active', activated_at = 0", /The key ring of issuer issuer \(version 2\) is not whole: it is not true that an open ring has exactly one active key/, ring],
  ['a key that is gone', "delete from sealed_keys; delete from signing_keys where kid = 'key2'", /exactly one prepared key/, ring],
  ['a lowered gap of another form', "update key_rings set gap_lowered = '{\"fromSeconds\":\"600\"}'", /the key ring of issuer issuer .*'gap_lowered' is cut short/, ring],
  ['a pending rotation cut short', "update key_rings set pending = '{\"operationId\":'", /the key ring of issuer issuer .*'pending' is cut short/, ring],
  ['a pending rotation that does not say what it revokes', "update key_rings set pending = '{\"operationId\":\"o\",\"requestedAt\":1,\"requestedBy\":\"ada\",\"activates\":true}'", /the key ring of issuer issuer .*'pending' is cut short/, ring],
  ['an acknowledgement without its epoch', "update signers set acked_version = 1 where id = 'cp-1'", /the signer cp-1 of issuer issuer .*'acked_epoch' is no whole number/, ring],
  ['an unknown mode of a signer', "update signers set mode = 'odd'", /the signer cp-1 of issuer issuer .*'mode' is none of external, keyFiles/, (tx) => tx.signer('cp-1')],
  ['an offset that is text', "update signers set clock_offset_ms = 'late'", /the signer cp-1 .*'clock_offset_ms' is no whole number/, (tx) => tx.signersOf('issuer')],
  ['networks that are no list', "update enrolment_credentials set cidrs = '{}'", /the enrolment credential once of issuer issuer .*'cidrs' is cut short/, (tx) => tx.enrolmentCredential('once')],
  ['a key that verifies only by no algorithm', "update verify_only_keys set algorithm = 'none'", /the key keySa of issuer issuer, which verifies only, .*'algorithm' is none of RS256/, ring],
  ['a sealed half that is text', "update sealed_keys set sealed = 'text'", /the sealed key key1 of issuer issuer .*'sealed' is no bytes/, (tx) => tx.sealedKey('issuer', 'key1')],
  ['an unknown kind of event', "update key_events set kind = 'melted'", /event 4 of issuer issuer .*'kind' is none of/, (tx) => tx.events('issuer', { limit: 1 })],
  ['an unknown mode of issuer', "update issuers set mode = 'odd'", /the issuer issuer .*'mode' is none of managed/, (tx) => tx.issuer('issuer')],
  ['properties cut short', 'update resources set properties = substr(properties, 1, 20)', /the resource \/subscriptions\/Sub\/.*\/c .*'properties' is cut short/, (tx) => tx.resource(cluster('g', 'c').id)],
  ['tags that are a list', "update resources set tags = '[]'", /'tags' is cut short or was changed/, (tx) => tx.resource(cluster('g', 'c').id)],
  ['an unknown status of an operation', "update operations set status = 'Paused'", /the operation op .*'status' is none of/, (tx) => tx.operation('op')],
  ['an error of an operation with an unknown code', `update operations set error = '{"code":"Odd","message":"m"}'`, /the operation op .*'error' is cut short or was changed/, (tx) => tx.operation('op')],
  ['an unknown role', "update role_assignments set role = 'King'", /a role assignment of the principal ada .*'role' is none of Owner, Contributor, Reader/, (tx) => tx.roleAssignments('ada')],
  ['a secret without a time', "update principals set secret_hashes = '[{\"id\":\"a\",\"hash\":\"b\",\"createdAt\":9e15,\"usedAt\":null}]'", /the principal ada .*'secret_hashes' is cut short or was changed/, (tx) => tx.principal('ada')],
  ['secret hashes that are no list', "update principals set secret_hashes = '{}'", /the principal ada .*'secret_hashes' is cut short or was changed/, (tx) => tx.principal('ada')],
  ['a publisher at no change', "update publishers set change = 'x'", /the publisher east .*'change' is no whole number/, (tx) => tx.confirmation()],
];

async function filled(place: SqliteFile): Promise<Store> {
  const store = await place.store();
  await store.write(async (tx) => {
    await bear(tx);
    await tx.updateKeyRing('issuer', (born, now) => ({ change: importVerifyOnly(born, newKey('Sa'), null, false, now, BY_HAND), wakeAt: null }));
    await tx.putSigner(signer('cp-1'));
    await tx.putEnrolmentCredential(credential('once'));
    await tx.putResource(cluster('g', 'c'));
    await tx.putOperation(operation('op'));
    await tx.putPrincipal({ id: 'ada', tenantId: 'Tenant', displayName: 'Ada', secrets: [{ id: 's', hash: 'hash', createdAt: tx.now, usedAt: null }], createdAt: tx.now });
    await tx.putRoleAssignment({ principalId: 'ada', role: 'Owner', scope: '/' });
    await tx.recordToken(token('jti'), 2);
    await tx.confirmPublication('east', 1);
  });
  return store;
}

describe('a record that Mintmark did not write is StoreCorrupt, and named:', () => {
  for (const [what, change, message, read] of ROWS) {
    it(what, async (t) => {
      const place = await sqliteFile(t);
      const store = await filled(place);
      await store.read(read);
      const other = place.other();
      other.exec(change);
      await assert.rejects(store.read(read), { code: 'StoreCorrupt', message });
    });
  }

  it('the state of the store itself', async (t) => {
    const place = await sqliteFile(t);
    await (await filled(place)).close();
    const other = place.other();
    other.exec('delete from store_state');
    await assert.rejects(place.store(), { code: 'StoreCorrupt', message: /has lost its state/ });
  });

  it('one ring, while all others are read as ever', async (t) => {
    const place = await sqliteFile(t);
    const store = await filled(place);
    await store.write((tx) => bear(tx, 'other'));
    place.other().exec("update signing_keys set state = 'sleeping' where issuer_id = 'issuer'");
    assert.equal((await store.read((tx) => tx.keyRing('other')))?.version, 1);
  });
});

describe('a damaged file is StoreCorrupt, and named:', () => {
  const damaged = (place: SqliteFile): object => ({ code: 'StoreCorrupt', message: `The store ${place.file} can not be opened. The store's file is damaged or is no SQLite database. Stop Mintmark and restore the file from a backup.` });

  it('garbage in its header', async (t) => {
    const place = await sqliteFile(t);
    await (await filled(place)).close();
    await overwrite(place.file, 0, 100);
    await assert.rejects(place.store(), damaged(place));
  });

  it('another file', async (t) => {
    const place = await sqliteFile(t);
    await writeFile(place.file, '{"a":"file that is no database at all, but long enough to be one if it had the form"}'.repeat(100));
    await assert.rejects(place.store(), damaged(place));
  });

  it('all but its first pages cut off', async (t) => {
    const place = await sqliteFile(t);
    await (await filled(place)).close();
    await truncate(place.file, PAGE);
    await assert.rejects(place.store(), damaged(place));
  });

  it('garbage in the page of one table, when that is read', async (t) => {
    const place = await sqliteFile(t);
    await (await filled(place)).close();
    const other = place.other();
    const page = Number(other.prepare("select rootpage from sqlite_schema where name = 'signing_keys'").get()?.['rootpage']);
    other.close();
    await overwrite(place.file, (page - 1) * PAGE, PAGE);
    const store = await place.store();
    await assert.rejects(store.read(ring), { code: 'StoreCorrupt', message: "The store's file is damaged or is no SQLite database. Stop Mintmark and restore the file from a backup." });
    assert.equal((await store.read((tx) => tx.issuer('issuer')))?.id, 'issuer');
  });
});

async function overwrite(file: string, position: number, length: number): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(length, 0xa5), 0, length, position);
  await handle.close();
}
