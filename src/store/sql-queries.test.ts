/** With a hundred thousand issuers no query may read a whole table: each one's plan is looked at. */
import assert from 'node:assert/strict';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { it } from 'node:test';
import { bear, credential, issuer, rotated, signer, token } from '../../test/conformance/fixtures.ts';
import { START } from '../../test/support/rings.ts';
import { sqliteFile } from '../../test/support/sqlite-file.ts';
import { openSqlStore } from './sql.ts';
import { sqliteBackEnd } from './sqlite-back-end.ts';
import type { StoreReader, StoreWriter } from './store.ts';

/** What may be read whole: tables of few rows whatever the number of issuers, and indexes that hold only what is asked for. */
const READ_WHOLE = /^SCAN (store_state|publishers|tenants USING INDEX|key_rings USING COVERING INDEX key_rings_[356]|key_rings USING INDEX key_rings_6)\b/;
/** What may be sorted: what belongs to one issuer, tenant, purpose or, by a last term, cluster. */
const SORTED = /^USE TEMP B-TREE (.* from "(signing_keys|subscriptions|issued_tokens|server_keys|signers)"|FOR LAST TERM OF ORDER BY .* from "resources")/;

class Recording extends DatabaseSync {
  readonly texts = new Set<string>();

  override prepare(sql: string): StatementSync {
    this.texts.add(sql);
    return super.prepare(sql);
  }
}

const READS: { readonly [Name in keyof StoreReader]: (tx: StoreReader) => Promise<unknown> } = {
  tenant: (tx) => tx.tenant('t'),
  tenants: (tx) => tx.tenants(),
  subscription: (tx) => tx.subscription('s'),
  subscriptions: (tx) => tx.subscriptions('t'),
  principal: (tx) => tx.principal('p'),
  principals: async (tx) => [await tx.principals('t', { limit: 1 }), await tx.principals('t', { limit: 1, cursor: Buffer.from('p').toString('base64url') })],
  roleAssignments: (tx) => tx.roleAssignments('p'),
  roleAssignmentsAt: (tx) => tx.roleAssignmentsAt('/'),
  roleAssignmentsBelow: async (tx) => [await tx.roleAssignmentsBelow('/a', { limit: 1 }), await tx.roleAssignmentsBelow('/a', { limit: 1, cursor: Buffer.from('["/a/b","p","Owner"]').toString('base64url') })],
  resource: (tx) => tx.resource('/a'),
  resources: async (tx) => [await tx.resources({ type: 't', scope: '/a' }, { limit: 1 }), await tx.resources({ type: 't', scope: '/a', withIssuer: true }, { limit: 1, cursor: Buffer.from('/a/b').toString('base64url') })],
  identityByClientId: (tx) => tx.identityByClientId('c'),
  identityByPrincipalId: (tx) => tx.identityByPrincipalId('p'),
  issuer: (tx) => tx.issuer('i'),
  issuerByPath: (tx) => tx.issuerByPath('/i/'),
  issuerIds: (tx) => tx.issuerIds(),
  keyRing: (tx) => tx.keyRing('issuer'),
  sealedKey: (tx) => tx.sealedKey('issuer', 'key1'),
  isRevoked: (tx) => tx.isRevoked('issuer', 'key1'),
  events: async (tx) => tx.events('issuer', { limit: 1, cursor: (await tx.events('issuer', { limit: 1 })).next! }),
  dueIssuers: (tx) => tx.dueIssuers(START, 1),
  nextWake: (tx) => tx.nextWake(),
  changesSince: (tx) => tx.changesSince(0, 1),
  lastChange: (tx) => tx.lastChange(),
  changeOf: (tx) => tx.changeOf('issuer'),
  confirmation: (tx) => tx.confirmation(),
  issuersAwaitingConfirmation: (tx) => tx.issuersAwaitingConfirmation(1, 1),
  signer: (tx) => tx.signer('s'),
  signersOf: (tx) => tx.signersOf('issuer'),
  enrolledSignersWithin: (tx) => tx.enrolledSignersWithin('/a', 5),
  enrolmentCredential: (tx) => tx.enrolmentCredential('c'),
  enrolmentCredentialsOf: (tx) => tx.enrolmentCredentialsOf('issuer'),
  operation: (tx) => tx.operation('o'),
  operationsEndingBy: (tx) => tx.operationsEndingBy(1, 1),
  requestedOperation: (tx) => tx.requestedOperation('k', START),
  liveTokens: (tx) => tx.liveTokens('issuer', START),
  serverKeys: (tx) => tx.serverKeys('p'),
  setting: (tx) => tx.setting('s'),
  statistics: (tx) => tx.statistics([START], START),
  signerStatistics: (tx) => tx.signerStatistics(START, START),
};

async function writes(tx: StoreWriter): Promise<void> {
  await bear(tx);
  await tx.updateKeyRing('issuer', rotated(3));
  await tx.recordToken(token('jti', { kid: 'key2' }), 2);
  await tx.setWakeAt('issuer', START);
  await tx.wakeRingsWithOtherGap(3, START);
  await tx.wakeOverdueRings(START);
  await tx.markIssuerDeleted(issuer('issuer').id, START);
  await tx.deleteResource('/a');
  await tx.deleteTenant('t');
  await tx.deleteSubscription('s');
  await tx.deletePrincipal('p');
  await tx.deleteRoleAssignments('p');
  await tx.deleteRoleAssignment({ principalId: 'p', role: 'Owner', scope: '/a' });
  await tx.deleteRoleAssignmentsWithin('/subscriptions/s');
  await tx.deleteServerKey('access-token', 'kid');
  await tx.putSigner(signer('s', { writtenOffAt: START, deletedAt: new Date(0) }));
  await tx.putEnrolmentCredential(credential('c'));
  await tx.deleteEnrolmentCredential('c');
  await tx.rememberAssertion('s', 'jti', START);
  await tx.confirmPublication('east', 1);
  await tx.removePublisher('east');
  await tx.sweep();
}

it('goes straight to what it looks for, with every query', async (t) => {
  const place = await sqliteFile(t);
  await (await place.store()).close();
  const connection = new Recording(place.file);
  const store = await openSqlStore(sqliteBackEnd(connection, connection, 0), () => START);
  await store.write(writes);
  for (const read of Object.values(READS)) await store.write(read);
  const plans = [...connection.texts].filter((sql) => !/^(pragma|insert)/.test(sql)).flatMap((sql) => connection.prepare(`explain query plan ${sql}`).all().map((row) => `${row['detail']} ← ${sql}`));
  await store.close();
  assert.deepEqual(plans.filter((plan) => /^SCAN|TEMP B-TREE/.test(plan) && !READ_WHOLE.test(plan) && !SORTED.test(plan)), []);
  assert.ok(plans.length > 40, 'the plans were seen');
});
