import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { KeyRing } from '../../src/domain/key-ring.ts';
import { changeGap, close, prune, requestRotation, revokeKey, setPolicy } from '../../src/domain/rotation.ts';
import type { NumberedEvent, RingUpdate, Store } from '../../src/store/store.ts';
import { at, BY_HAND, newKey, picture, START } from '../support/rings.ts';
import { bear, newborn, type OpenStore, pages, rotated } from './fixtures.ts';

const DAY = 86_400;
const NAMES = ['key1', 'key2', 'key3', 'key4'];

/** Which of the keys 1 to 4 have a sealed half, as a text of their numbers. */
const sealedHalves = (store: Store): Promise<string> =>
  store.read(async (tx) => {
    const halves = await Promise.all(NAMES.map((kid) => tx.sealedKey('issuer', kid)));
    return halves.map((half, index) => (half === null ? '' : `${index + 1}`)).join('');
  });

const update = (store: Store, next: (ring: KeyRing, now: Date) => RingUpdate | null): ReturnType<Parameters<Parameters<Store['write']>[0]>[0]['updateKeyRing']> =>
  store.write((tx) => tx.updateKeyRing('issuer', next));

const ringOf = async (store: Store): Promise<KeyRing> => (await store.read((tx) => tx.keyRing('issuer')))!;

async function born(t: Parameters<OpenStore>[0], openStore: OpenStore, clock: () => Date = () => START): Promise<Store> {
  const store = await openStore(t, clock);
  await store.write((tx) => bear(tx));
  return store;
}

export function keyRingTests(openStore: OpenStore): void {
  commitTests(openStore);
  refusalTests(openStore);
  eventTests(openStore);
  calendarTests(openStore);
}

function commitTests(openStore: OpenStore): void {
  it('come back as they were stored, through every form that a ring can have', async (t) => {
    let time = START;
    const store = await born(t, openStore, () => time);
    const steps: readonly (readonly [number, string, (ring: KeyRing, now: Date) => RingUpdate])[] = [
      [1, '1R 2A 3P', rotated(3)],
      [2, '1R 2A 3P', (ring, now) => ({ change: changeGap(ring, 3, now, BY_HAND)!, wakeAt: null })],
      [3, '1X 2A 3P', (ring, now) => ({ change: requestRotation(ring, { operationId: 'waiting', force: false }, newKey(4), now, BY_HAND).change!, wakeAt: null })],
      [4, '1X 2A 3X 4P', (ring, now) => ({ change: revokeKey(ring, 'key3', false, newKey(4), now, BY_HAND)!, wakeAt: null })],
      [5, '1X 2R 3X 4X', (ring, now) => ({ change: close(ring, now, BY_HAND)!, wakeAt: null })],
      [100_000, '', (ring, now) => ({ change: prune(ring, now, BY_HAND)!, wakeAt: null })],
    ];
    for (const [seconds, expected, step] of steps) {
      time = at(seconds);
      let given: KeyRing | null = null;
      const result = await update(store, (ring, now) => {
        assert.deepEqual(now, time);
        const next = step(ring, now);
        given = next.change.ring;
        return next;
      });
      assert.deepEqual([await ringOf(store), result?.ring, picture(await ringOf(store))], [given, given, expected]);
    }
    assert.deepEqual((await ringOf(store)).gap, { seconds: 3, lowered: { fromSeconds: 600, inVersion: 3 }, floor: null });
  });

  it('keep the sealed half of the active and the prepared key, and of no other', async (t) => {
    const store = await born(t, openStore);
    assert.equal(await sealedHalves(store), '12');
    assert.deepEqual(await store.read((tx) => tx.sealedKey('issuer', 'key1')), newKey(1).sealed);
    await update(store, rotated(3));
    assert.equal(await sealedHalves(store), '23');
    await update(store, (ring, now) => ({ change: revokeKey(ring, 'key3', false, newKey(4), now, BY_HAND)!, wakeAt: null }));
    assert.equal(await sealedHalves(store), '24');
    await update(store, (ring, now) => ({ change: close(ring, now, BY_HAND)!, wakeAt: null }));
    assert.equal(await sealedHalves(store), '');
  });

  it('write nothing when there is nothing to change, and tell when there is no ring', async (t) => {
    const store = await born(t, openStore);
    const before = await ringOf(store);
    assert.deepEqual(await update(store, () => null), { ring: before, change: 1 });
    assert.equal(await store.write((tx) => tx.updateKeyRing('nobody', () => assert.fail('asked for a ring that is not there'))), null);
    assert.deepEqual(await store.read(async (tx) => [await tx.keyRing('nobody'), await tx.sealedKey('nobody', 'key1'), await tx.lastChange(), await tx.changeOf('nobody')]), [null, null, 1, null]);
    assert.deepEqual(await ringOf(store), before);
  });

  it('remember for good which kids were revoked, each issuer its own', async (t) => {
    let time = START;
    const store = await born(t, openStore, () => time);
    await store.write((tx) => bear(tx, 'other'));
    await update(store, (ring, now) => ({ change: revokeKey(ring, 'key2', false, newKey(3), now, BY_HAND)!, wakeAt: null }));
    time = at(100_000);
    await update(store, (ring, now) => ({ change: prune(ring, now, BY_HAND)!, wakeAt: null }));
    const revoked = await store.read(async (tx) => [await tx.isRevoked('issuer', 'key2'), await tx.isRevoked('issuer', 'key1'), await tx.isRevoked('other', 'key2')]);
    assert.deepEqual([revoked, picture(await ringOf(store))], [[true, false, false], '1A 3P']);
  });

  it('may hold the same kid in two issuers', async (t) => {
    const store = await born(t, openStore);
    await store.write((tx) => bear(tx, 'other'));
    await update(store, rotated(3));
    assert.deepEqual(await store.read(async (tx) => [await tx.sealedKey('issuer', 'key1'), await tx.sealedKey('other', 'key1')]), [null, newKey(1).sealed]);
  });
}

/** What is wrong with an update → its error. `edit` spoils a good rotation that prepares key3. */
const WRONG: readonly (readonly [string, string, RegExp, (good: RingUpdate['change'], before: KeyRing) => RingUpdate['change']])[] = [
  ['the same version', 'InternalError', /goes from version 1 to 1/, (good) => ({ ...good, ring: { ...good.ring, version: 1 } })],
  ['a version left out', 'InternalError', /goes from version 1 to 3/, (good) => ({ ...good, ring: { ...good.ring, version: 3 } })],
  ['another epoch', 'InternalError', /goes from epoch 7 to 8/, (good) => ({ ...good, ring: { ...good.ring, epoch: 8 } })],
  ["another issuer's ring", 'InternalError', /ring of issuer other/, (good) => ({ ...good, ring: { ...good.ring, issuerId: 'other' } })],
  ['a ring that is not whole', 'StoreCorrupt', /exactly one active key/, (good) => ({ ...good, ring: { ...good.ring, keys: good.ring.keys.filter(({ state }) => state !== 'active') } })],
  ['a key whose public half has an empty member', 'InternalError', /the key key3 in a form that could not be read again/, (good) => ({ ...good, ring: { ...good.ring, keys: good.ring.keys.map((key) => (key.kid === 'key3' ? { ...key, publicMembers: { ...key.publicMembers, e: '' } } : key)) } })],
  ['a key with a time that is none', 'InternalError', /the key key1 in a form that could not be read again/, (good) => ({ ...good, ring: { ...good.ring, keys: good.ring.keys.map((key) => (key.kid === 'key1' ? { ...key, activatedAt: new Date(NaN) } : key)) } })],
  ['a key that verifies only and lacks a member', 'InternalError', /the key old in a form that could not be read again/, (good) => ({ ...good, ring: { ...good.ring, verifyOnly: [{ kid: 'old', algorithm: 'ES256', publicMembers: { crv: 'P-256', x: 'x' }, importedAt: START, importedBy: 'ada', expiresAt: null }] } })],
  ['no sealed half for the prepared key', 'StoreCorrupt', /no sealed private half for its prepared key key3/, (good) => ({ ...good, sealed: [] })],
  ['a sealed half for a retired key', 'InternalError', /no place in it \(key1\)/, (good) => ({ ...good, sealed: [...good.sealed, newKey(1)] })],
  ['a sealed half for a key that it does not have', 'InternalError', /no place in it \(key9\)/, (good) => ({ ...good, sealed: [...good.sealed, newKey(9)] })],
  ['another sealed half for a key that has one', 'InternalError', /no place in it \(key2\)/, (good) => ({ ...good, sealed: [...good.sealed, newKey(2)] })],
  ['two sealed halves for one key', 'InternalError', /twice the same/, (good) => ({ ...good, sealed: [...good.sealed, ...good.sealed] })],
];

function refusalTests(openStore: OpenStore): void {
  for (const [what, code, message, edit] of WRONG) {
    it(`refuse an update with ${what}, and change nothing`, async (t) => {
      const store = await born(t, openStore);
      const before = await ringOf(store);
      await assert.rejects(update(store, (ring, now) => ({ change: edit(rotated(3)(ring, now).change, ring), wakeAt: at(5) })), { code, message });
      assert.deepEqual(await ringOf(store), before);
      assert.deepEqual([await sealedHalves(store), await store.read((tx) => tx.lastChange()), await store.read((tx) => tx.nextWake())], ['12', 1, null]);
      assert.equal((await store.read((tx) => tx.events('issuer', { limit: 1 }))).items[0]?.number, 3);
    });
  }

  it('refuse a birth without both sealed halves', async (t) => {
    const store = await openStore(t, () => START);
    const { change } = newborn('issuer', START);
    await assert.rejects(store.write((tx) => tx.insertKeyRing({ change: { ...change, sealed: change.sealed.slice(1) }, wakeAt: null })), { code: 'StoreCorrupt', message: /active key key1/ });
    assert.equal(await store.read((tx) => tx.keyRing('issuer')), null);
  });
}

function eventTests(openStore: OpenStore): void {
  it('number their events from 1 without a gap, each issuer its own', async (t) => {
    const store = await born(t, openStore);
    await store.write((tx) => bear(tx, 'other'));
    for (let name = 3; name < 8; name += 1) await update(store, rotated(name));
    await assert.rejects(store.write(async (tx) => {
      await tx.updateKeyRing('issuer', rotated(8));
      throw new Error('no');
    }));
    await update(store, rotated(8));
    const { items } = await store.read((tx) => tx.events('issuer', { limit: 1000 }));
    assert.deepEqual(items.map(({ number }) => number), Array.from(items, (_, index) => items.length - index));
    assert.deepEqual((await store.read((tx) => tx.events('other', { limit: 1000 }))).items.map(({ number }) => number), [3, 2, 1]);
  });

  it('keep their events whole, newest first', async (t) => {
    const store = await born(t, openStore);
    const expected: NumberedEvent[] = newborn('issuer', START).change.events.map((event, index) => ({ ...event, number: index + 1 }));
    await update(store, (ring, now) => {
      const next = rotated(3)(ring, now);
      expected.push(...next.change.events.map((event, index) => ({ ...event, number: 4 + index })));
      return next;
    });
    for (const [limit, lengths] of [[3, [3, 3, 1]], [7, [7]], [1000, [7]]] as const) {
      assert.deepEqual(await store.read((tx) => pages((page) => tx.events('issuer', page), limit)), { items: expected.toReversed(), lengths });
    }
    assert.deepEqual(await store.read((tx) => tx.events('nobody', { limit: 5 })), { items: [], next: null });
  });

  it('page through events while others come', async (t) => {
    const store = await born(t, openStore);
    const first = await store.read((tx) => tx.events('issuer', { limit: 2 }));
    await update(store, rotated(3));
    const second = await store.read((tx) => tx.events('issuer', { limit: 2, cursor: first.next! }));
    assert.deepEqual([first.items.map(({ number }) => number), second.items.map(({ number }) => number), second.next], [[3, 2], [1], null]);
  });
}

function calendarTests(openStore: OpenStore): void {
  it('tell who is due, the longest overdue first, and when the next is', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      for (const [id, wakeAt] of [['c', at(10)], ['a', at(20)], ['b', at(10)], ['later', at(30)], ['never', null]] as const) await bear(tx, id, wakeAt);
    });
    const due = (seconds: number, limit = 10): Promise<readonly string[]> => store.read((tx) => tx.dueIssuers(at(seconds), limit));
    assert.deepEqual([await due(9), await due(10), await due(20), await due(20, 2)], [[], ['b', 'c'], ['b', 'c', 'a'], ['b', 'c']]);
    assert.deepEqual(await store.read((tx) => tx.nextWake()), at(10));
  });

  it('move their wake-up with a commit, and without one', async (t) => {
    const store = await openStore(t, () => START);
    await store.write((tx) => bear(tx, 'issuer', at(5)));
    const wakes: (Date | null)[] = [];
    const note = async (): Promise<void> => void wakes.push(await store.read((tx) => tx.nextWake()));
    await update(store, rotated(3, at(7)));
    await note();
    await store.write((tx) => tx.setWakeAt('issuer', at(3)));
    await note();
    await store.write((tx) => tx.setWakeAt('nobody', at(1)));
    await store.write((tx) => tx.setWakeAt('issuer', null));
    await note();
    assert.deepEqual(wakes, [at(7), at(3), null]);
    assert.deepEqual(await store.read(async (tx) => [(await tx.keyRing('issuer'))?.version, await tx.lastChange()]), [2, 2]);
  });

  it('are woken when the gap is another one, unless they are closed or due before', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      for (const [id, wakeAt] of [['early', at(1)], ['late', at(9)], ['never', null], ['closed', null], ['same', null]] as const) await bear(tx, id, wakeAt);
      await tx.updateKeyRing('closed', (ring, now) => ({ change: close(ring, now, BY_HAND)!, wakeAt: null }));
      await tx.updateKeyRing('same', (ring, now) => ({ change: changeGap(ring, 3, now, BY_HAND)!, wakeAt: null }));
      await tx.wakeRingsWithOtherGap(3, at(5));
    });
    assert.deepEqual(await store.read((tx) => tx.dueIssuers(at(4), 10)), ['early']);
    assert.deepEqual(await store.read((tx) => tx.dueIssuers(at(5), 10)), ['early', 'late', 'never']);
  });

  it('are woken when they should have rotated, unless they are due before', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      for (const [id, wakeAt] of [['early', at(1)], ['late', at(40 * DAY)], ['never', null], ['closed', null], ['off', null]] as const) await bear(tx, id, wakeAt);
      await tx.updateKeyRing('closed', (ring, now) => ({ change: close(ring, now, BY_HAND)!, wakeAt: null }));
      await tx.updateKeyRing('off', (ring, now) => ({ change: setPolicy(ring, { rotateEvery: null }, now, BY_HAND)!, wakeAt: null }));
      await tx.wakeOverdueRings(at(29 * DAY));
    });
    const dueAt = (seconds: number): Promise<readonly string[]> => store.read((tx) => tx.dueIssuers(at(seconds), 10));
    assert.deepEqual(await dueAt(32 * DAY), ['early'], 'none should have rotated yet');
    await store.write((tx) => tx.wakeOverdueRings(at(32 * DAY)));
    assert.deepEqual([await dueAt(32 * DAY - 1), await dueAt(32 * DAY)], [['early'], ['early', 'late', 'never']]);
  });

  it('are listed while they may have documents', async (t) => {
    let time = START;
    const store = await openStore(t, () => time);
    await store.write(async (tx) => {
      for (const id of ['b', 'a', 'c']) await bear(tx, id);
      await tx.updateKeyRing('a', (ring, now) => ({ change: close(ring, now, BY_HAND)!, wakeAt: null }));
    });
    assert.deepEqual(await store.read((tx) => tx.issuerIds()), ['a', 'b', 'c']);
    time = at(100_000);
    await store.write((tx) => tx.updateKeyRing('a', (ring, now) => ({ change: prune(ring, now, BY_HAND)!, wakeAt: null })));
    assert.deepEqual(await store.read((tx) => tx.issuerIds()), ['b', 'c']);
  });
}
