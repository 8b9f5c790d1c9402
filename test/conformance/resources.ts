import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MANAGED_CLUSTER_TYPE, MANAGED_IDENTITY_TYPE, RESOURCE_GROUP_TYPE } from '../../src/domain/resource-id.ts';
import type { Principal, RoleAssignment, Subscription, Tenant } from '../../src/domain/principal.ts';
import type { Resource } from '../../src/domain/resource.ts';
import { at, START } from '../support/rings.ts';
import { bear, cluster, group, issuer, MARCH_1, newborn, type OpenStore, pages } from './fixtures.ts';

const tenant: Tenant = { id: 'Tenant-A', displayName: 'Tenant "A"', createdAt: START };
const subscription: Subscription = { id: 'Sub-1', tenantId: 'Tenant-A', displayName: 'One', createdAt: MARCH_1 };
const principal: Principal = { id: 'Client-1', tenantId: 'Tenant-A', displayName: 'ada', secrets: [{ id: 's1', hash: 'hash1', createdAt: START, usedAt: MARCH_1 }, { id: 's2', hash: 'hash2', createdAt: MARCH_1, usedAt: null }], createdAt: START };

export function resourceTests(openStore: OpenStore): void {
  accountTests(openStore);
  accountListTests(openStore);
  accountDeletionTests(openStore);
  roleTests(openStore);
  identityTests(openStore);
  resourceCrudTests(openStore);
  listTests(openStore);
  issuerTests(openStore);
}

function accountTests(openStore: OpenStore): void {
  it('keep tenants, subscriptions and principals, found without regard to case', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      await tx.putTenant({ ...tenant, id: 'Tenant-B' });
      await tx.putTenant(tenant);
      await tx.putSubscription(subscription);
      await tx.putSubscription({ ...subscription, id: 'Sub-0' });
      await tx.putSubscription({ ...subscription, id: 'Sub-2', tenantId: 'Tenant-B' });
      await tx.putPrincipal(principal);
    });
    await store.read(async (tx) => {
      assert.deepEqual([await tx.tenant('tenant-a'), await tx.tenant('Tenant')], [tenant, null]);
      assert.deepEqual((await tx.tenants()).map(({ id }) => id), ['Tenant-A', 'Tenant-B']);
      assert.deepEqual([await tx.subscription('SUB-1'), await tx.subscription('Sub')], [subscription, null]);
      assert.deepEqual((await tx.subscriptions('TENANT-A')).map(({ id }) => id), ['Sub-0', 'Sub-1']);
      assert.deepEqual([await tx.principal('CLIENT-1'), await tx.principal('Client')], [principal, null]);
    });
  });

  it('replace what is put again', async (t) => {
    const store = await openStore(t, () => START);
    await store.write((tx) => tx.putPrincipal(principal));
    await store.write((tx) => tx.putPrincipal({ ...principal, secrets: [] }));
    await store.write((tx) => tx.putTenant(tenant));
    await store.write((tx) => tx.putTenant({ ...tenant, displayName: 'other' }));
    assert.deepEqual(await store.read(async (tx) => [(await tx.principal('Client-1'))?.secrets, (await tx.tenants()).map(({ displayName }) => displayName)]), [[], ['other']]);
  });

  it('give the roles of one principal, each once', async (t) => {
    const store = await openStore(t, () => START);
    const roles: readonly RoleAssignment[] = [
      { principalId: 'Client-1', role: 'Owner', scope: '/subscriptions/Sub-1' },
      { principalId: 'Client-1', role: 'Reader', scope: '/subscriptions/Sub-1' },
      { principalId: 'Client-1', role: 'Reader', scope: '/subscriptions/Sub-2' },
    ];
    await store.write(async (tx) => {
      for (const role of [...roles.toReversed(), roles[0]!, { ...roles[0]!, principalId: 'Client-2' }]) await tx.putRoleAssignment(role);
    });
    assert.deepEqual(await store.read((tx) => tx.roleAssignments('client-1')), roles);
    assert.deepEqual(await store.read((tx) => tx.roleAssignments('Client-3')), []);
  });
}

function accountListTests(openStore: OpenStore): void {
  it('list the principals of a tenant, page by page', async (t) => {
    const store = await openStore(t, () => START);
    const of = (id: string, tenantId = 'Tenant-A'): Principal => ({ ...principal, id, tenantId });
    await store.write(async (tx) => {
      for (const one of [of('c'), of('B'), of('x', 'Tenant-B'), of('a'), of('d')]) await tx.putPrincipal(one);
    });
    assert.deepEqual(await pages((page) => store.read((tx) => tx.principals('TENANT-a', page)), 2), { items: [of('a'), of('B'), of('c'), of('d')], lengths: [2, 2] });
    assert.deepEqual(await pages((page) => store.read((tx) => tx.principals('Tenant', page)), 2), { items: [], lengths: [0] });
  });

  it('give the roles at one scope, and not those below it', async (t) => {
    const store = await openStore(t, () => START);
    const held = (principalId: string, scope: string, role: RoleAssignment['role'] = 'Owner'): RoleAssignment => ({ principalId, role, scope });
    await store.write(async (tx) => {
      for (const role of [held('b', '/'), held('A', '/'), held('a', '/', 'Reader'), held('a', '/subscriptions/Sub')]) await tx.putRoleAssignment(role);
    });
    assert.deepEqual(await store.read((tx) => tx.roleAssignmentsAt('/')), [held('A', '/'), held('a', '/', 'Reader'), held('b', '/')]);
    assert.deepEqual(await store.read((tx) => tx.roleAssignmentsAt('/subscriptions/SUB')), [held('a', '/subscriptions/Sub')]);
  });
}

function accountDeletionTests(openStore: OpenStore): void {
  it('delete a tenant, a subscription, a principal, and nothing beside it', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      for (const id of ['Tenant-A', 'Tenant-B']) await tx.putTenant({ ...tenant, id });
      for (const id of ['Sub-1', 'Sub-2']) await tx.putSubscription({ ...subscription, id });
      for (const id of ['Client-1', 'Client-2']) await tx.putPrincipal({ ...principal, id });
      await tx.putRoleAssignment({ principalId: 'Client-1', role: 'Reader', scope: '/' });
    });
    await store.write(async (tx) => {
      await tx.deleteTenant('tenant-a');
      await tx.deleteSubscription('SUB-1');
      await tx.deletePrincipal('client-1');
      await tx.deletePrincipal('nobody');
    });
    await store.read(async (tx) => {
      assert.deepEqual((await tx.tenants()).map(({ id }) => id), ['Tenant-B']);
      assert.deepEqual((await tx.subscriptions('Tenant-A')).map(({ id }) => id), ['Sub-2']);
      assert.deepEqual([await tx.principal('Client-1'), (await tx.principal('Client-2'))?.id], [null, 'Client-2']);
      assert.equal((await tx.roleAssignments('Client-1')).length, 1);
    });
  });

  it('take roles away from one principal, or from all at and below a scope', async (t) => {
    const store = await openStore(t, () => START);
    const scopes = ['/', '/subscriptions/Sub', '/subscriptions/Sub/resourceGroups/g', '/subscriptions/Sub2', '/subscriptions/Sub-3'];
    await store.write(async (tx) => {
      for (const principalId of ['Ada', 'bob']) for (const scope of scopes) await tx.putRoleAssignment({ principalId, role: 'Reader', scope });
    });
    const left = (id: string): Promise<readonly string[]> => store.read(async (tx) => (await tx.roleAssignments(id)).map(({ scope }) => scope));
    await store.write((tx) => tx.deleteRoleAssignmentsWithin('/subscriptions/SUB'));
    assert.deepEqual([await left('ada'), await left('bob')], [['/', '/subscriptions/Sub-3', '/subscriptions/Sub2'], ['/', '/subscriptions/Sub-3', '/subscriptions/Sub2']]);
    await store.write((tx) => tx.deleteRoleAssignments('ADA'));
    assert.deepEqual([await left('ada'), (await left('bob')).length], [[], 3]);
  });
}

function roleTests(openStore: OpenStore): void {
  it('keep the name of a role, give it another, and take away that one role', async (t) => {
    const store = await openStore(t, () => START);
    const [reader, owner] = [{ principalId: 'Ada', role: 'Reader', scope: '/subscriptions/Sub', name: 'one' }, { principalId: 'Ada', role: 'Owner', scope: '/subscriptions/Sub' }] as const;
    await store.write(async (tx) => {
      for (const role of [reader, owner]) await tx.putRoleAssignment(role);
    });
    assert.deepEqual(await store.read((tx) => tx.roleAssignments('ada')), [owner, reader]);
    await store.write((tx) => tx.putRoleAssignment({ ...owner, name: 'two' }));
    assert.deepEqual(await store.read((tx) => tx.roleAssignmentsAt('/subscriptions/Sub')), [{ ...owner, name: 'two' }, reader]);
    await store.write((tx) => tx.deleteRoleAssignment({ principalId: 'ADA', role: 'Owner', scope: '/SUBSCRIPTIONS/sub' }));
    assert.deepEqual(await store.read((tx) => tx.roleAssignments('ada')), [reader]);
  });

  it('list the roles below a scope, page by page', async (t) => {
    const store = await openStore(t, () => START);
    const given: readonly RoleAssignment[] = ['/', '/subscriptions/Sub', '/subscriptions/Sub-2', '/subscriptions/Sub/resourceGroups/a', '/subscriptions/Sub/resourceGroups/B', '/subscriptions/Sub2/x']
      .flatMap((scope) => [{ principalId: 'Ada', role: 'Owner', scope }, { principalId: 'ada', role: 'Reader', scope }, { principalId: 'Bob', role: 'Owner', scope }] as const);
    await store.write(async (tx) => {
      for (const role of given.toReversed()) await tx.putRoleAssignment(role);
    });
    const below = (scope: string) => pages((page) => store.read((tx) => tx.roleAssignmentsBelow(scope, page)), 4);
    assert.deepEqual(await below('/SUBSCRIPTIONS/sub'), { items: given.slice(9, 15), lengths: [4, 2] });
    assert.deepEqual((await below('/')).items.length, 15);
    assert.deepEqual((await below('/subscriptions/Sub/resourceGroups/a')).items, []);
    await assert.rejects(store.read((tx) => tx.roleAssignmentsBelow('/', { limit: 1, cursor: Buffer.from('x').toString('base64url') })), { code: 'InvalidQueryParameter' });
  });
}

function identityTests(openStore: OpenStore): void {
  it('find a managed identity by each of its ids, and by none when it is deleted', async (t) => {
    const store = await openStore(t, () => START);
    const identity = (name: string): Resource => ({
      ...cluster('g', name), id: `/subscriptions/Sub/resourceGroups/g/providers/${MANAGED_IDENTITY_TYPE}/${name}`, type: MANAGED_IDENTITY_TYPE,
      properties: { principalId: `principal-${name}`, clientId: `client-${name}`, accountEnabled: true },
    });
    const found = (): Promise<readonly (string | undefined)[]> => store.read(async (tx) => [
      await tx.identityByClientId('CLIENT-a'), await tx.identityByPrincipalId('PRINCIPAL-b'), await tx.identityByClientId('principal-a'), await tx.identityByPrincipalId('client-b'), await tx.identityByClientId(''),
    ].map((one) => one?.name));
    await store.write(async (tx) => {
      for (const name of ['a', 'b']) await tx.putResource(identity(name));
      await tx.putResource({ ...identity('c'), type: MANAGED_CLUSTER_TYPE, properties: { clientId: 'principal-a', principalId: 'client-b' } });
    });
    assert.deepEqual(await found(), ['a', 'b', undefined, undefined, undefined]);
    await store.write((tx) => tx.deleteResource(identity('a').id));
    assert.deepEqual(await found(), [undefined, 'b', undefined, undefined, undefined]);
  });
}

function resourceCrudTests(openStore: OpenStore): void {
  it('keep a resource in its own spelling, found without regard to case', async (t) => {
    const store = await openStore(t, () => START);
    const stored = cluster('MyGroup', 'MyCluster', { issuerId: 'issuer' });
    await store.write((tx) => tx.putResource(stored));
    assert.deepEqual(await store.read((tx) => tx.resource(stored.id.toUpperCase())), stored);
    const next = { ...stored, tags: {}, version: 2 };
    await store.write((tx) => tx.putResource(next));
    assert.deepEqual(await store.read((tx) => tx.resource(stored.id)), next);
    assert.deepEqual([await store.write((tx) => tx.deleteResource(stored.id.toLowerCase())), await store.write((tx) => tx.deleteResource(stored.id))], [true, false]);
    assert.equal(await store.read((tx) => tx.resource(stored.id)), null);
  });
}

const CLUSTERS = [cluster('x', 'a'), cluster('x', 'B', { issuerId: 'issuer' }), cluster('X', 'c'), cluster('x', 'd', { issuerId: 'other' }), cluster('xy', 'e'), cluster('x-y', 'f'), cluster('x.y', 'g'), cluster('w', 'h')];

function listTests(openStore: OpenStore): void {
  const scopes: readonly (readonly [string, string, string, boolean])[] = [
    ['a subscription', '/subscriptions/Sub', 'Bacdefgh', false],
    ['a group, and none whose name begins alike', '/subscriptions/sub/resourceGROUPS/x', 'Bacd', false],
    ['a group with a slash at the end', '/subscriptions/sub/resourceGroups/x/', 'Bacd', false],
    ['one resource itself', cluster('x', 'c').id, 'c', false],
    ['those with an issuer', '/subscriptions/Sub/resourceGroups/x', 'Bd', true],
    ['the longer of two names that begin alike', '/subscriptions/Sub/resourceGroups/xy', 'e', false],
    ['everything', '/', 'Bacdefgh', false],
    ['a scope with nothing in it', '/subscriptions/Su', '', false],
  ];
  for (const [what, scope, names, withIssuer] of scopes) {
    it(`list ${what}`, async (t) => {
      const store = await openStore(t, () => START);
      await store.write(async (tx) => {
        for (const resource of [...CLUSTERS, group('x')]) await tx.putResource(resource);
      });
      const { items, next } = await store.read((tx) => tx.resources({ type: MANAGED_CLUSTER_TYPE, scope, withIssuer }, { limit: 1000 }));
      assert.deepEqual([items.map(({ name }) => name).toSorted().join(''), next], [names, null]);
    });
  }

  for (const [limit, lengths] of [[1, [1, 1, 1, 1]], [2, [2, 2]], [3, [3, 1]], [4, [4]], [5, [4]]] as const) {
    it(`page by ${limit}, in the order of ids, a scope before what is below it`, async (t) => {
      const store = await openStore(t, () => START);
      const scope = cluster('x', 'outer').id;
      const below = ['b', 'A', 'c'].map((name) => cluster('x', `outer/below/${name}`));
      await store.write(async (tx) => {
        for (const resource of [...below, ...CLUSTERS, cluster('x', 'outer'), cluster('x', 'outer-z')]) await tx.putResource(resource);
      });
      const found = await store.read((tx) => pages((page) => tx.resources({ type: MANAGED_CLUSTER_TYPE, scope }, page), limit));
      assert.deepEqual([found.items.map(({ name }) => name), found.lengths], [['outer', 'outer/below/A', 'outer/below/b', 'outer/below/c'], lengths]);
    });
  }

  it('go on after a page whose last item is gone, and give only resources of the type', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      for (const resource of [group('a'), group('b'), group('c'), cluster('b', 'b')]) await tx.putResource(resource);
    });
    const list = { type: RESOURCE_GROUP_TYPE, scope: '/subscriptions/sub' };
    const first = await store.read((tx) => tx.resources(list, { limit: 2 }));
    await store.write((tx) => tx.deleteResource(group('b').id));
    const second = await store.read((tx) => tx.resources(list, { limit: 2, cursor: first.next! }));
    assert.deepEqual([first.items, second.items, second.next].map((part) => (Array.isArray(part) ? part.map(({ name }) => name) : part)), [['a', 'b'], ['c'], null]);
  });

  for (const page of [{ limit: 0 }, { limit: 1001 }, { limit: 1.5 }, { limit: 5, cursor: '' }, { limit: 5, cursor: '!!' }]) {
    it(`refuse a page of ${JSON.stringify(page)}`, async (t) => {
      const store = await openStore(t, () => START);
      await assert.rejects(store.read((tx) => tx.resources({ type: MANAGED_CLUSTER_TYPE, scope: '/' }, page)), { code: 'InvalidQueryParameter' });
      await assert.rejects(store.read((tx) => tx.events('issuer', page)), { code: 'InvalidQueryParameter' });
    });
  }
}

function issuerTests(openStore: OpenStore): void {
  it('find an issuer by its id and by exactly its path', async (t) => {
    const store = await openStore(t, () => START);
    await store.write((tx) => bear(tx));
    const paths = ['/Tenant/issuer/', '/tenant/issuer/', '/Tenant/issuer', '/Tenant/issuer//', '/Tenant/%69ssuer/', ''];
    const found = await store.read(async (tx) => [await tx.issuer('issuer'), await tx.issuer('other'), ...await Promise.all(paths.map((path) => tx.issuerByPath(path)))]);
    assert.deepEqual(found, [issuer('issuer'), null, issuer('issuer'), null, null, null, null, null]);
  });

  for (const [what, second] of [['id', issuer('issuer', { path: '/other/' })], ['path', issuer('other', { path: issuer('issuer').path })]] as const) {
    it(`never take an issuer's ${what} twice, not even after it was deleted`, async (t) => {
      const store = await openStore(t, () => START);
      await store.write((tx) => tx.insertIssuer(issuer('issuer')));
      await assert.rejects(store.write((tx) => tx.insertIssuer(second)), { code: 'InternalError', message: /was used before/ });
      await store.write((tx) => tx.markIssuerDeleted('issuer', at(5)));
      await assert.rejects(store.write((tx) => tx.insertIssuer(second)), { code: 'InternalError' });
      assert.deepEqual(await store.read((tx) => tx.issuer('issuer')), issuer('issuer', { deletedAt: at(5) }));
    });
  }

  it('keep the time at which an issuer was deleted first', async (t) => {
    const store = await openStore(t, () => START);
    await store.write((tx) => tx.insertIssuer(issuer('issuer')));
    await store.write((tx) => tx.markIssuerDeleted('issuer', at(5)));
    await store.write((tx) => tx.markIssuerDeleted('issuer', at(6)));
    assert.deepEqual((await store.read((tx) => tx.issuer('issuer')))?.deletedAt, at(5));
  });

  it('refuse a second ring for an issuer, and a first one that is not newborn', async (t) => {
    const store = await openStore(t, () => START);
    await store.write((tx) => bear(tx));
    const again = newborn('issuer', START, 'other');
    await assert.rejects(store.write((tx) => tx.insertKeyRing(again)), { code: 'InternalError' });
    const late = newborn('late', START);
    await assert.rejects(store.write((tx) => tx.insertKeyRing({ ...late, change: { ...late.change, ring: { ...late.change.ring, version: 2 } } })), { code: 'InternalError' });
    assert.deepEqual(await store.read((tx) => tx.issuerIds()), ['issuer']);
  });
}
