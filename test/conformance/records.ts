import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ServerKey } from '../../src/store/store.ts';
import { at, START } from '../support/rings.ts';
import { bear, operation, type OpenStore, rotated, token } from './fixtures.ts';

const HOUR = 3600;
const WEEK = 7 * 24 * HOUR;

export function recordTests(openStore: OpenStore): void {
  operationTests(openStore);
  tokenTests(openStore);
  sweepTests(openStore);
  serverTests(openStore);
}

function operationTests(openStore: OpenStore): void {
  it('keep operations whole', async (t) => {
    const store = await openStore(t, () => START);
    const begun = operation('a');
    const ended = operation('a', { status: 'Failed', endedAt: at(9), endsWithChange: 4, error: { code: 'StoreFull', message: 'no "space"', target: 'x' }, result: { revoked: ['key1', 'key2'] }, issuerId: null, kind: 'deleteCluster' });
    await store.write((tx) => tx.putOperation(begun));
    assert.deepEqual(await store.read((tx) => tx.operation('a')), begun);
    await store.write((tx) => tx.putOperation(ended));
    assert.deepEqual(await store.read(async (tx) => [await tx.operation('a'), await tx.operation('b')]), [ended, null]);
  });

  it('find the operations in progress that end with a change, the earliest first', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      for (const [id, endsWithChange] of [['z', 3], ['b', 5], ['a', 5], ['late', 6], ['waiting', null]] as const) await tx.putOperation(operation(id, { endsWithChange }));
      await tx.putOperation(operation('ended', { endsWithChange: 3, status: 'Succeeded', endedAt: START }));
    });
    const ending = (change: number, limit: number): Promise<readonly string[]> => store.read(async (tx) => (await tx.operationsEndingBy(change, limit)).map(({ id }) => id));
    assert.deepEqual([await ending(5, 10), await ending(5, 2), await ending(2, 10)], [['z', 'a', 'b'], ['z', 'a'], []]);
  });

  it('remember which operation a request began', async (t) => {
    const store = await openStore(t, () => START);
    await store.write((tx) => tx.rememberRequest('key', 'first'));
    const asked = (key: string, since: Date): Promise<string | null> => store.read((tx) => tx.requestedOperation(key, since));
    assert.deepEqual([await asked('key', at(-1)), await asked('key', START), await asked('KEY', at(-1))], ['first', null, null]);
    await store.write((tx) => tx.rememberRequest('key', 'second'));
    assert.equal(await asked('key', at(-1)), 'second');
  });
}

function tokenTests(openStore: OpenStore): void {
  it('record a token only under the ring version and key that signed it', async (t) => {
    const store = await openStore(t, () => START);
    await store.write((tx) => bear(tx));
    const record = (kid: string, version: number, jti = 'jti', issuerId = 'issuer'): Promise<boolean> => store.write((tx) => tx.recordToken(token(jti, { kid, issuerId }), version));
    assert.deepEqual([await record('key2', 1), await record('key1', 2), await record('key1', 0), await record('key1', 1, 'jti', 'nobody')], [false, false, false, false]);
    assert.deepEqual(await store.read((tx) => tx.liveTokens('issuer', START)), new Map());
    assert.equal(await record('key1', 1), true);
    await assert.rejects(record('key1', 1), { code: 'InternalError' });
    await store.write((tx) => tx.updateKeyRing('issuer', rotated(3)));
    assert.deepEqual([await record('key1', 1, 'b'), await record('key1', 2, 'b'), await record('key2', 2, 'b')], [false, false, true]);
    assert.deepEqual(await store.read((tx) => tx.liveTokens('issuer', START)), new Map([['key1', 1], ['key2', 1]]));
  });

  it('count the tokens of each key that have not ended', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      await bear(tx);
      await bear(tx, 'other');
      for (const [jti, seconds] of [['a', 10], ['b', 20], ['c', 20]] as const) await tx.recordToken(token(jti, { expiresAt: at(seconds) }), 1);
      await tx.recordToken(token('a', { issuerId: 'other' }), 1);
    });
    const live = (seconds: number): Promise<ReadonlyMap<string, number>> => store.read((tx) => tx.liveTokens('issuer', at(seconds)));
    assert.deepEqual([await live(9), await live(10), await live(20)], [new Map([['key1', 3]]), new Map([['key1', 2]]), new Map()]);
  });
}

function sweepTests(openStore: OpenStore): void {
  const left: readonly (readonly [string, number, { readonly tokens: number; readonly operation: boolean; readonly request: boolean }])[] = [
    ['nothing of what is not due', 24 * HOUR - 1, { tokens: 1, operation: true, request: true }],
    ['request keys after 24 hours', 24 * HOUR, { tokens: 1, operation: true, request: false }],
    ['no operation in the week after its end', WEEK + 9, { tokens: 1, operation: true, request: false }],
    ['operations a week after their end', WEEK + 10, { tokens: 1, operation: false, request: false }],
    ['no token in the week after its end', WEEK + HOUR - 1, { tokens: 1, operation: false, request: false }],
    ['tokens a week after their end', WEEK + HOUR, { tokens: 0, operation: false, request: false }],
  ];
  for (const [what, seconds, expected] of left) {
    it(`sweep ${what}`, async (t) => {
      let time = START;
      const store = await openStore(t, () => time);
      await store.write(async (tx) => {
        await bear(tx);
        await tx.recordToken(token('jti'), 1);
        await tx.putOperation(operation('ended', { status: 'Succeeded', endedAt: at(10) }));
        await tx.putOperation(operation('open'));
        await tx.rememberRequest('key', 'ended');
      });
      time = at(seconds);
      await store.write((tx) => tx.sweep());
      const found = await store.read(async (tx) => ({
        tokens: (await tx.liveTokens('issuer', START)).get('key1') ?? 0, operation: (await tx.operation('ended')) !== null, request: (await tx.requestedOperation('key', at(-1))) !== null,
      }));
      assert.deepEqual([found, (await store.read((tx) => tx.operation('open')))?.id], [expected, 'open']);
    });
  }
}

function serverTests(openStore: OpenStore): void {
  it("keep the server's own keys, newest first, and settings", async (t) => {
    const store = await openStore(t, () => START);
    const key = (kid: string, seconds: number, purpose = 'access-tokens'): ServerKey => ({ purpose, kid, publicJwk: { kty: 'RSA', n: 'a', e: 'AQAB' }, sealed: new Uint8Array([0, 255, 7]), createdAt: at(seconds) });
    await store.write(async (tx) => {
      for (const stored of [key('b', 1), key('c', 2), key('a', 1), key('x', 3, 'else')]) await tx.putServerKey(stored);
      await tx.putSetting('a', '1');
      await tx.putSetting('a', '2');
    });
    assert.deepEqual(await store.read((tx) => tx.serverKeys('access-tokens')), [key('c', 2), key('a', 1), key('b', 1)]);
    assert.deepEqual(await store.read(async (tx) => [await tx.setting('a'), await tx.setting('A')]), ['2', null]);
    await store.write((tx) => tx.deleteServerKey('access-tokens', 'a'));
    assert.deepEqual(await store.read((tx) => tx.serverKeys('access-tokens')), [key('c', 2), key('b', 1)]);
  });
}
