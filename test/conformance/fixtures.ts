/** What the store suite stores: small records of each kind, and rings that are born and rotated by the real domain. */
import type { TestContext } from 'node:test';
import type { Issuer } from '../../src/domain/issuer.ts';
import type { KeyRing } from '../../src/domain/key-ring.ts';
import type { Operation } from '../../src/domain/operation.ts';
import { managedClusterId, MANAGED_CLUSTER_TYPE, RESOURCE_GROUP_TYPE, resourceGroupId } from '../../src/domain/resource-id.ts';
import type { Resource } from '../../src/domain/resource.ts';
import { birth, requestRotation } from '../../src/domain/rotation.ts';
import { type EnrolmentCredential, enrolSigner, type SignerRecord } from '../../src/domain/signer.ts';
import type { IssuedToken } from '../../src/domain/service-account-token.ts';
import type { Listed, Page, RingUpdate, Store, StoreWriter } from '../../src/store/store.ts';
import { BY_HAND, newKey, START } from '../support/rings.ts';

/** Opens an empty store that is closed, and gone, when the test has ended. */
export type OpenStore = (t: TestContext, clock: () => Date) => Promise<Store>;

export const MARCH_1 = new Date('2026-03-01T12:34:56.789Z');

export const cluster = (group: string, name: string, change: Partial<Resource> = {}): Resource => ({
  id: managedClusterId('Sub', group, name), type: MANAGED_CLUSTER_TYPE, name, tenantId: 'Tenant', subscriptionId: 'Sub', location: 'eastus',
  tags: { Team: 'a"b\u0000ü' }, envelope: { sku: { name: 'Base' } }, properties: { kubernetesVersion: '1.36', nested: [{ deep: null, yes: true, number: 1.5 }] },
  issuerId: null, version: 1, createdAt: START, updatedAt: MARCH_1, ...change,
});

export const group = (name: string): Resource => ({ ...cluster('', name), id: resourceGroupId('Sub', name), type: RESOURCE_GROUP_TYPE });

export const issuer = (id: string, change: Partial<Issuer> = {}): Issuer => ({
  id, tenantId: 'Tenant', subscriptionId: 'Sub', clusterId: `/subscriptions/sub/${id}`, url: `https://eastus.oic.example.com/Tenant/${id}/`,
  path: `/Tenant/${id}/`, region: 'eastus', mode: 'managed', createdAt: START, deletedAt: null, ...change,
});

export const operation = (id: string, change: Partial<Operation> = {}): Operation => ({
  id, tenantId: 'Tenant', subscriptionId: 'Sub', resourceId: '/subscriptions/Sub/x', issuerId: 'issuer', kind: 'rotate', status: 'InProgress',
  startedAt: START, endedAt: null, error: null, endsWithChange: null, result: { revoked: [] }, ...change,
});

export const token = (jti: string, change: Partial<IssuedToken> = {}): IssuedToken => ({
  jti, issuerId: 'issuer', kid: 'key1', subject: 'system:serviceaccount:a:b', audiences: ['x', 'y'], issuedAt: START, expiresAt: new Date(START.getTime() + 3_600_000), ...change,
});

/** A signer of a newborn ring, enrolled at `START` under its id as its name. */
export const signer = (id: string, change: Partial<SignerRecord> = {}): SignerRecord => ({
  ...enrolSigner(newborn('issuer', START).change.ring, {
    id, name: id, mode: 'external', assertionJwk: { kty: 'EC', x: 'a"b' }, encryptionJwk: { kty: 'EC', y: 'ü' }, leaseSeconds: 1_209_600, createdBy: 'principal:ada',
  }, START),
  ...change,
});

export const credential = (id: string, change: Partial<EnrolmentCredential> = {}): EnrolmentCredential => ({
  id, issuerId: 'issuer', kind: 'once', secretHash: 'ab'.repeat(32), name: 'cp-1', createdAt: START, createdBy: 'principal:ada', expiresAt: MARCH_1,
  mostUses: 1, uses: 0, cidrs: [], revokedAt: null, usedBy: null, replacesByName: false, ...change,
});

/** A newborn ring with the keys `key<name>1` and `key<name>2`. */
export const newborn = (issuerId: string, now: Date, name = '', wakeAt: Date | null = null): RingUpdate => ({
  change: birth({ issuerId, epoch: 7, policy: { rotateEvery: 30 * 86_400 }, gapSeconds: 600 }, newKey(`${name}1`), newKey(`${name}2`), now, { ...BY_HAND, cause: 'birth' }),
  wakeAt,
});

/** An issuer with its ring `1A 2P`; gives the number of the change. */
export async function bear(tx: StoreWriter, issuerId = 'issuer', wakeAt: Date | null = null): Promise<number> {
  await tx.insertIssuer(issuer(issuerId));
  return tx.insertKeyRing(newborn(issuerId, tx.now, '', wakeAt));
}

/** The rotation of a ring, by force, that prepares `key<name>`. */
export const rotated = (name: number | string, wakeAt: Date | null = null) => (ring: KeyRing, now: Date): RingUpdate => {
  const { change } = requestRotation(ring, { operationId: 'operation', force: true }, newKey(name), now, BY_HAND);
  return { change: change!, wakeAt };
};

/** All items of a list, and how long each page was. */
export async function pages<T>(list: (page: Page) => Promise<Listed<T>>, limit: number): Promise<{ readonly items: readonly T[]; readonly lengths: readonly number[] }> {
  const items: T[] = [];
  const lengths: number[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page: Listed<T> = await list({ limit, cursor });
    items.push(...page.items);
    lengths.push(page.items.length);
    cursor = page.next;
  }
  return { items, lengths };
}
