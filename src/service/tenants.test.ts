/** What the guard has let through, and is gone by the time of the transaction. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openManagement, OTHER_TENANT, SUBSCRIPTION, TENANT } from '../../test/support/management.ts';

const ALWAYS = { ifMatch: null, ifNoneMatch: null } as const;
const GONE = 'ffffffff-ffff-4fff-8fff-ffffffffffff';
const ROOT = { principalId: 'root', tenantId: OTHER_TENANT, clientRequestId: null };

test('nothing is made in a tenant or subscription that is gone', async () => {
  const { deps: { tenants, people, resourceGroups } } = await openManagement();
  await assert.rejects(tenants.putSubscription(GONE, GONE, 'x'), { code: 'TenantNotFound' });
  await assert.rejects(tenants.remove(GONE), { code: 'TenantNotFound' });
  await assert.rejects(people.put(ROOT, GONE, GONE, { displayName: 'x', roles: [] }), { code: 'TenantNotFound' });
  await tenants.removeSubscription(TENANT, SUBSCRIPTION);
  await assert.rejects(resourceGroups.put({ tenantId: TENANT, subscriptionId: SUBSCRIPTION, name: 'g' }, { location: 'eastus' }, ALWAYS), { code: 'SubscriptionNotFound' });
});
