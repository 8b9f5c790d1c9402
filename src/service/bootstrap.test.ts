import assert from 'node:assert/strict';
import { test } from 'node:test';
import { START } from '../../test/support/rings.ts';
import { verifySecret } from '../keys/secrets.ts';
import { openMemoryStore } from '../store/memory.ts';
import { bootstrap, resetOwner } from './bootstrap.ts';

const NAMES = { tenant: 'Acme', subscription: 'Production' };

test('the first tenant, subscription and Owner of the whole server, once', async () => {
  const store = openMemoryStore({ clock: () => START });
  const made = await bootstrap(store, NAMES);
  await store.read(async (tx) => {
    assert.deepEqual(await tx.tenants(), [{ id: made.tenantId, displayName: 'Acme', createdAt: START }]);
    assert.deepEqual(await tx.subscriptions(made.tenantId), [{ id: made.subscriptionId, tenantId: made.tenantId, displayName: 'Production', createdAt: START }]);
    assert.deepEqual(await tx.roleAssignments(made.clientId), [{ principalId: made.clientId, role: 'Owner', scope: '/' }]);
    const { secrets } = (await tx.principal(made.clientId))!;
    assert.deepEqual([secrets.length, secrets[0]!.usedAt, await verifySecret(made.clientSecret, secrets[0]!.hash)], [1, null, true]);
  });
  await assert.rejects(bootstrap(store, NAMES), { code: 'OperationNotAllowed' });
  assert.equal((await store.read((tx) => tx.tenants())).length, 1);
});

test('two that bootstrap at once: one of them is refused', async () => {
  const store = openMemoryStore({ clock: () => START });
  const outcomes = await Promise.allSettled([bootstrap(store, NAMES), bootstrap(store, NAMES)]);
  assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
});

test('an Owner of the whole server gets a new secret in place of all others; nobody else does', async () => {
  const store = openMemoryStore({ clock: () => START });
  await assert.rejects(resetOwner(store, null), { code: 'ResourceNotFound' });
  const { clientId, tenantId, clientSecret } = await bootstrap(store, NAMES);
  await store.write(async (tx) => {
    for (const [id, role, scope] of [['later', 'Owner', '/'], ['reader', 'Reader', '/'], ['below', 'Owner', '/subscriptions/s']] as const) {
      await tx.putPrincipal({ id, tenantId, displayName: id, secrets: [], createdAt: new Date(START.getTime() + 1) });
      await tx.putRoleAssignment({ principalId: id, role, scope });
    }
  });
  const reset = await resetOwner(store, null);
  const [secret, ...more] = (await store.read((tx) => tx.principal(clientId)))!.secrets;
  assert.deepEqual([reset.clientId, reset.tenantId, more.length, await verifySecret(reset.clientSecret, secret!.hash), await verifySecret(clientSecret, secret!.hash)], [clientId, tenantId, 0, true, false]);
  assert.equal((await resetOwner(store, 'LATER')).clientId, 'later');
  for (const id of ['reader', 'below', 'ghost']) await assert.rejects(resetOwner(store, id), { code: 'ResourceNotFound' });
});
