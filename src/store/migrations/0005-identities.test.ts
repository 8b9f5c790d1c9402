import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cluster } from '../../../test/conformance/fixtures.ts';
import { START } from '../../../test/support/rings.ts';
import { sqliteFile } from '../../../test/support/sqlite-file.ts';

test('roles and resources of before are as they were, and identities are found from then on', async (t) => {
  const place = await sqliteFile(t);
  const role = { principalId: 'ada', role: 'Owner', scope: '/' } as const;
  const stored = cluster('g', 'c');
  await place.storeBefore('0005-identities', async (tx) => {
    await tx.putPrincipal({ id: 'ada', tenantId: 't', displayName: 'Ada', secrets: [], createdAt: START });
    await tx.putRoleAssignment(role);
    await tx.putResource(stored);
  }, `drop index resources_by_client; drop index resources_by_principal; alter table resources drop column client_key; alter table resources drop column principal_key;
    alter table role_assignments drop column name`);

  const store = await place.store();
  assert.deepEqual(await store.read(async (tx) => [await tx.roleAssignments('ada'), await tx.resource(stored.id)]), [[role], stored]);
  const identity = { ...cluster('g', 'app'), type: 'Microsoft.ManagedIdentity/userAssignedIdentities', properties: { principalId: 'p', clientId: 'c', accountEnabled: true } };
  await store.write((tx) => tx.putResource(identity));
  assert.deepEqual(await store.read(async (tx) => [await tx.identityByClientId('C'), await tx.identityByPrincipalId('P')]), [identity, identity]);
});
