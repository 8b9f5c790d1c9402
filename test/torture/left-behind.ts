/**
 * What a killed server has left: its store, read with the project's own store code from a copy, and judged by itself.
 *
 * Every ring is whole; each key that may sign has its private half, which opens and belongs to its public half, and no
 * other has one; the events of a ring are numbered without a gap, account for each of its versions, and lead to the
 * states that its keys have. Whether it is what the requests asked for is judged in `model.ts`.
 */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { assertRing, KEY_STATES, type KeyRing } from '../../src/domain/key-ring.ts';
import { MANAGED_CLUSTER_TYPE, resourceKey, subscriptionScope } from '../../src/domain/resource-id.ts';
import type { Issuer } from '../../src/domain/issuer.ts';
import type { Resource } from '../../src/domain/resource.ts';
import { createTokenSigner } from '../../src/keys/sign.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store, NumberedEvent, StoreReader } from '../../src/store/store.ts';
import { copyOfStore, type Place } from '../support/place.ts';

export interface LeftIssuer {
  readonly issuer: Issuer;
  readonly ring: KeyRing;
  /** Oldest first. */
  readonly events: readonly NumberedEvent[];
}

export interface LeftBehind {
  /** By `resourceKey` of the cluster. */
  readonly clusters: ReadonlyMap<string, Resource>;
  /** By id. */
  readonly issuers: ReadonlyMap<string, LeftIssuer>;
}

/** @throws AssertionError when the store is not whole. */
export async function examineStore(place: Place, subscriptionId: string): Promise<LeftBehind> {
  const copy = await copyOfStore(place);
  try {
    assertFile(copy.file);
    const store = await openSqliteStore({ file: copy.file, clock: () => place.now() });
    try {
      const left = await store.read((tx) => readAll(tx, subscriptionId));
      for (const issuer of left.issuers.values()) await assertIssuer(issuer, store, place);
      assertPointers(left);
      return left;
    } finally {
      await store.close();
    }
  } finally {
    await copy.remove();
  }
}

/** SQLite's own judgement of the file. */
function assertFile(file: string): void {
  const database = new DatabaseSync(file);
  try {
    assert.deepEqual(database.prepare('pragma integrity_check').all().map((row) => ({ ...row })), [{ integrity_check: 'ok' }]);
    assert.deepEqual(database.prepare('pragma foreign_key_check').all(), []);
  } finally {
    database.close();
  }
}

async function readAll(tx: StoreReader, subscriptionId: string): Promise<LeftBehind> {
  const { items } = await tx.resources({ type: MANAGED_CLUSTER_TYPE, scope: subscriptionScope(subscriptionId) }, { limit: 1000 });
  const issuers = new Map<string, LeftIssuer>();
  const ids = new Set([...(await tx.issuerIds()), ...items.map(({ issuerId }) => issuerId).filter((id) => id !== null)]);
  for (const id of ids) {
    const [issuer, ring] = [await tx.issuer(id), await tx.keyRing(id)];
    assert.ok(issuer !== null && ring !== null, `the issuer ${id} is not whole: ${issuer === null ? 'it' : 'its ring'} is missing`);
    issuers.set(id, { issuer, ring, events: await allEvents(tx, id) });
  }
  return { clusters: new Map(items.map((cluster) => [resourceKey(cluster.id), cluster])), issuers };
}

async function allEvents(tx: StoreReader, id: string): Promise<readonly NumberedEvent[]> {
  const events: NumberedEvent[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await tx.events(id, { limit: 1000, cursor });
    events.push(...page.items);
    if (page.next === null) return events.toReversed();
    cursor = page.next;
  }
}

/** A cluster has its issuer and an issuer its cluster, or it is closed. */
function assertPointers({ clusters, issuers }: LeftBehind): void {
  for (const { id, issuerId } of clusters.values()) {
    const issuer = issuerId === null ? undefined : issuers.get(issuerId);
    assert.ok(issuer !== undefined && issuer.issuer.deletedAt === null && issuer.ring.open, `the cluster ${id} has no open issuer`);
  }
  for (const { issuer, ring } of issuers.values()) {
    assert.equal(ring.open, issuer.deletedAt === null, `the issuer ${issuer.id} and its ring do not agree on whether it is deleted`);
    assert.equal(clusters.get(issuer.clusterId)?.issuerId === issuer.id, ring.open, `the issuer ${issuer.id} is ${ring.open ? 'open without' : 'closed beside'} its cluster ${issuer.clusterId}`);
  }
}

async function assertIssuer({ issuer, ring, events }: LeftIssuer, store: Store, place: Place): Promise<void> {
  assertRing(ring);
  await assertPrivateHalves(issuer, ring, store, place);
  assert.deepEqual(events.map(({ number }) => number), events.map((_, index) => index + 1), `the events of ${ring.issuerId} have gaps`);
  assert.deepEqual([...new Set(events.map(({ ringVersion }) => ringVersion))], Array.from({ length: ring.version }, (_, index) => index + 1), `the events of ${ring.issuerId} do not account for each of its ${ring.version} versions`);
  assert.deepEqual(new Map(ring.keys.map(({ kid, state }) => [kid, state] as const).toSorted()), statesBy(events), `the events of ${ring.issuerId} do not lead to its keys`);
  for (const { kid } of events.filter(({ kind }) => kind === 'revoked')) assert.ok(await store.read((tx) => tx.isRevoked(ring.issuerId, kid ?? '')), `it is not remembered that ${kid} was revoked`);
}

/** The states of the keys after all events. */
function statesBy(events: readonly NumberedEvent[]): ReadonlyMap<string, string> {
  const states = new Map<string, string>();
  for (const { kid, from, to } of events) {
    if (kid === null) continue;
    assert.equal(states.get(kid) ?? null, from, `an event of ${kid} begins at another state than the one before it ended`);
    if (to === null) states.delete(kid);
    else states.set(kid, to);
  }
  return new Map([...states].toSorted());
}

/** Signing opens the sealed half, and fails unless the public half verifies what it signed. */
async function assertPrivateHalves({ tenantId, id: issuerId }: Issuer, ring: KeyRing, store: Store, place: Place): Promise<void> {
  const signer = createTokenSigner(await place.sealer(), 1);
  for (const key of ring.keys) {
    const sealed = await store.read((tx) => tx.sealedKey(issuerId, key.kid));
    assert.equal(sealed !== null, KEY_STATES[key.state].hasPrivateHalf, `the ${key.state} key ${key.kid} of ${issuerId} has ${sealed === null ? 'no' : 'a'} private half`);
    if (sealed !== null) await signer.sign({ ...key, tenantId, issuerId }, '{}', async () => sealed);
  }
}
