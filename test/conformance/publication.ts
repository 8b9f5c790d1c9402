import assert from 'node:assert/strict';
import { it } from 'node:test';
import { changeGap, confirmPublication } from '../../src/domain/rotation.ts';
import type { Confirmation, Store } from '../../src/store/store.ts';
import { at, BY_HAND, START } from '../support/rings.ts';
import { bear, type OpenStore, rotated } from './fixtures.ts';

export function publicationTests(openStore: OpenStore): void {
  it('have one number in the whole store, growing with each commit; only the latest of an issuer is told', async (t) => {
    const store = await openStore(t, () => START);
    assert.deepEqual(await store.read(async (tx) => [await tx.lastChange(), await tx.changesSince(0, 10)]), [0, []]);
    const numbers = await store.write(async (tx) => {
      const given = [await bear(tx, 'a'), await bear(tx, 'b'), await bear(tx, 'c')];
      for (const id of ['a', 'b', 'a']) given.push((await tx.updateKeyRing(id, rotated(3 + given.length)))!.change);
      return given;
    });
    assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6]);
    const seen = await store.read(async (tx) => [await tx.changesSince(0, 10), await tx.changesSince(3, 1), await tx.changesSince(6, 10), await tx.lastChange(), await tx.changeOf('b')]);
    const [b, c, a] = [{ change: 5, issuerId: 'b' }, { change: 3, issuerId: 'c' }, { change: 6, issuerId: 'a' }];
    assert.deepEqual(seen, [[c, b, a], [b], [], 6, 5]);
  });

  it('are confirmed as far as the slowest publisher is, from when the last of them said so', async (t) => {
    let time = START;
    const store = await openStore(t, () => time);
    const confirmed: (Confirmation | null)[] = [];
    const steps: readonly (readonly [number, string, number])[] = [[1, 'east', 5], [2, 'west', 3], [3, 'west', 3], [4, 'west', 6], [5, 'east', 6]];
    confirmed.push(await confirmation(store));
    for (const [seconds, publisher, change] of steps) {
      time = at(seconds);
      await store.write((tx) => tx.confirmPublication(publisher, change));
      confirmed.push(await confirmation(store));
    }
    await store.write((tx) => tx.removePublisher('east'));
    confirmed.push(await confirmation(store));
    await store.write((tx) => tx.removePublisher('west'));
    confirmed.push(await confirmation(store));
    assert.deepEqual(confirmed, [
      null, { change: 5, at: at(1) }, { change: 3, at: at(2) }, { change: 3, at: at(2) }, { change: 5, at: at(4) }, { change: 6, at: at(5) }, { change: 6, at: at(4) }, null,
    ]);
  });

  it('tell which rings wait for a confirmation, up to a change', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      for (const id of ['born', 'rotated', 'later', 'lowered', 'settled']) await bear(tx, id);
      await tx.updateKeyRing('lowered', (ring, now) => ({ change: changeGap(ring, 3, now, BY_HAND)!, wakeAt: null }));
      for (const id of ['settled', 'rotated', 'later']) await tx.updateKeyRing(id, rotated(3));
    });
    const waiting = (change: number, limit = 10): Promise<readonly string[]> => store.read((tx) => tx.issuersAwaitingConfirmation(change, limit));
    assert.deepEqual([await waiting(9), await waiting(8), await waiting(8, 1), await waiting(5)], [['lowered', 'settled', 'rotated', 'later'], ['lowered', 'settled', 'rotated'], ['lowered'], []]);
    await store.write((tx) => tx.updateKeyRing('settled', (ring, now) => ({ change: confirmPublication(ring, ring.version, now, now, BY_HAND)!, wakeAt: null })));
    assert.deepEqual(await waiting(20), ['lowered', 'rotated', 'later']);
  });
}

const confirmation = (store: Store): Promise<Confirmation | null> => store.read((tx) => tx.confirmation());
