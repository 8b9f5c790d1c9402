import assert from 'node:assert/strict';
import { it } from 'node:test';
import { at, START } from '../support/rings.ts';
import { bear, cluster, type OpenStore, rotated, token } from './fixtures.ts';

export function transactionTests(openStore: OpenStore): void {
  it('keep nothing of a work that throws, and the error is the one thrown', async (t) => {
    const store = await openStore(t, () => START);
    await store.write((tx) => bear(tx));
    const failure = new Error('half-way');
    const work = store.write(async (tx) => {
      await tx.putResource(cluster('g', 'c'));
      await tx.putSetting('name', 'value');
      await tx.updateKeyRing('issuer', rotated(3));
      await bear(tx, 'other');
      await tx.recordToken(token('jti', { kid: 'key2' }), 2);
      throw failure;
    });
    await assert.rejects(work, failure);
    const left = await store.read(async (tx) => ({
      resource: await tx.resource(cluster('g', 'c').id), setting: await tx.setting('name'), version: (await tx.keyRing('issuer'))?.version, other: await tx.issuer('other'),
      sealed: [await tx.sealedKey('issuer', 'key1'), await tx.sealedKey('issuer', 'key3')].map((bytes) => bytes !== null), tokens: await tx.liveTokens('issuer', START),
      change: await tx.lastChange(), ids: await tx.issuerIds(), events: (await tx.events('issuer', { limit: 1 })).items[0]?.number,
    }));
    assert.deepEqual(left, { resource: null, setting: null, version: 1, other: null, sealed: [true, false], tokens: new Map(), change: 1, ids: ['issuer'], events: 3 });
  });

  it('see what they have written themselves', async (t) => {
    const store = await openStore(t, () => START);
    const seen = await store.write(async (tx) => {
      await bear(tx);
      await tx.putSetting('name', 'value');
      return [await tx.setting('name'), (await tx.keyRing('issuer'))?.version, await tx.lastChange()];
    });
    assert.deepEqual(seen, ['value', 1, 1]);
  });

  it('read one consistent view while others write', async (t) => {
    const store = await openStore(t, () => START);
    await store.write((tx) => bear(tx));
    const seen = await store.read(async (tx) => {
      const before = [(await tx.keyRing('issuer'))?.version, await tx.lastChange(), await tx.setting('name')];
      await store.write(async (other) => {
        await other.updateKeyRing('issuer', rotated(3));
        await other.putSetting('name', 'value');
      });
      return [before, [(await tx.keyRing('issuer'))?.version, await tx.lastChange(), await tx.setting('name')]];
    });
    assert.deepEqual(seen, [[1, 1, null], [1, 1, null]]);
    assert.equal(await store.read((tx) => tx.setting('name')), 'value');
  });

  it('are not seen by readers before they are committed', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      await tx.putSetting('name', 'value');
      assert.equal(await store.read((other) => other.setting('name')), null);
    });
    assert.equal(await store.read((tx) => tx.setting('name')), 'value');
  });

  it('are written one after another: no update of many at once is lost', async (t) => {
    const store = await openStore(t, () => START);
    await store.write((tx) => bear(tx));
    const writes = Array.from({ length: 40 }, (_, index) => store.write(async (tx) => {
      const count = Number(await tx.setting('count') ?? 0);
      await tx.updateKeyRing('issuer', rotated(3 + index));
      await tx.putSetting('count', String(count + 1));
    }));
    await Promise.all(writes);
    const [count, ring, change] = await store.read(async (tx) => [await tx.setting('count'), await tx.keyRing('issuer'), await tx.lastChange()] as const);
    assert.deepEqual([count, ring?.version, change], ['40', 41, 41]);
  });

  it('go on after one has failed', async (t) => {
    const store = await openStore(t, () => START);
    const works = [
      store.write((tx) => tx.putSetting('a', '1')),
      store.write(() => Promise.reject(new Error('no'))),
      store.write(() => { throw new Error('no, and at once'); }),
      store.read(() => Promise.reject(new Error('not read'))),
      store.write((tx) => tx.putSetting('b', '2')),
    ];
    assert.deepEqual((await Promise.allSettled(works)).map(({ status }) => status), ['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled']);
    assert.deepEqual(await store.read(async (tx) => [await tx.setting('a'), await tx.setting('b')]), ['1', '2']);
  });

  it('have a time that never goes back, even when the clock does', async (t) => {
    let time = START;
    const store = await openStore(t, () => time);
    const times: Date[] = [];
    for (time of [at(0), at(60), at(30), at(-3600), at(90)]) times.push(await store.write(async (tx) => tx.now), store.now());
    assert.deepEqual(times, [at(0), at(0), at(60), at(60), at(60), at(60), at(60), at(60), at(90), at(90)]);
  });

  it('are refused when the store is closed', async (t) => {
    const store = await openStore(t, () => START);
    await store.close();
    await assert.rejects(store.read((tx) => tx.lastChange()), { code: 'StoreUnavailable', message: 'The store is closed: the server is stopping.' });
    await assert.rejects(store.write((tx) => tx.putSetting('a', 'b')), { code: 'StoreUnavailable' });
    await store.close();
  });
}
