/** A request that is repeated is one rotation: at once, side by side, over a restart, and after a power failure (rule 9). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type { RotateReply } from '../../src/http/management/contract.ts';
import { ClusterApi, type HttpReply, success } from '../support/dev-api.ts';
import { DevHome, eventually, type Running } from '../support/dev-server.ts';

const home = await DevHome.make({ clock: true });
let server: Running;
let number = 0;

/** A cluster of its own with a new ring, whose prepared key may sign at once. */
async function newCluster(): Promise<ClusterApi> {
  const api = await ClusterApi.open(home, { name: `c${(number += 1)}` });
  await api.create();
  return api;
}

const replyOf = (reply: HttpReply): RotateReply => success<RotateReply>(reply);
const activations = async (api: ClusterApi): Promise<number> => (await api.events()).filter(({ kind, cause }) => kind === 'activated' && cause === 'manual').length;

async function killAndStart(): Promise<void> {
  await server.end('SIGKILL');
  server = await home.start();
}

describe('the same x-ms-client-request-id', () => {
  before(async () => { server = await home.start(); });

  it('twice, one after the other: one rotation, one operation', async () => {
    const [api, id] = [await newCluster(), randomUUID()];
    const [first, second] = [replyOf(await api.rotate(id)), replyOf(await api.rotate(id))];
    assert.deepEqual([first.outcome, second.outcome, second.operationId, await activations(api)], ['rotated', 'joined', first.operationId, 1]);
    assert.equal((await api.operationEnded(first.operationId)).status, 'Succeeded');
  });

  it('five times side by side', async () => {
    const [api, id] = [await newCluster(), randomUUID()];
    const replies = (await Promise.all(Array.from({ length: 5 }, () => api.rotate(id)))).map(replyOf);
    assert.deepEqual(replies.map(({ outcome }) => outcome).toSorted(), ['joined', 'joined', 'joined', 'joined', 'rotated']);
    assert.deepEqual([new Set(replies.map(({ operationId }) => operationId)).size, await activations(api), (await api.jwks()).keys.length], [1, 1, 3]);
  });

  it('again after a restart, and after the wait for the next key is over: still one', async () => {
    const [api, id] = [await newCluster(), randomUUID()];
    const { operationId } = replyOf(await api.rotate(id));
    await server.end('SIGTERM');
    await home.setClock(600);
    server = await home.start();
    const repeated = replyOf(await api.rotate(id));
    assert.deepEqual([repeated.outcome, repeated.operationId, await activations(api)], ['joined', operationId, 1]);
  });

  it('another id, another cluster, or another principal would be another rotation', async () => {
    const [api, other, id] = [await newCluster(), await newCluster(), randomUUID()];
    const [one, elsewhere] = [replyOf(await api.rotate(id)), replyOf(await other.rotate(id))];
    assert.notEqual(one.operationId, elsewhere.operationId);
    const { outcome, operationId } = replyOf(await api.rotate(randomUUID()));
    assert.deepEqual([outcome === 'rotated' || outcome === 'waiting', operationId === one.operationId], [true, false]);
  });

  for (const [when, answered] of [['as soon as the request is sent', false], ['after the reply has come', true]] as const) {
    it(`killed ${when}, and repeated: at most one rotation, and it ends`, async () => {
      const [api, id] = [await newCluster(), randomUUID()];
      const sent = new Promise<void>((resolve) => void api.rotate(id, answered ? undefined : resolve).then(() => resolve(), () => resolve()));
      await sent;
      await killAndStart();
      assert.ok(await activations(api) <= 1, 'no more than what was asked for');
      const { operationId } = replyOf(await api.rotate(id));
      assert.equal((await api.operationEnded(operationId)).status, 'Succeeded');
      assert.deepEqual([await activations(api), (await api.jwks()).keys.length], [1, 3]);
    });
  }
});

describe('a rotation that waits', () => {
  it('survives a power failure, says what it waits for, and ends', async () => {
    const api = await newCluster();
    const [, key2] = (await api.jwks()).keys.map(({ kid }) => String(kid));
    // The store's time never goes back: with the clock set back it stands still, so the wait can not end by itself.
    await home.setClock(1200);
    await api.rotateToTheEnd();
    await home.setClock(0);
    const id = randomUUID();
    const { outcome, operationId, revoked } = replyOf(await api.rotate(id));
    assert.deepEqual([outcome, revoked.length], ['waiting', 1]);
    await killAndStart();
    const { status, properties } = await api.operation(operationId);
    assert.deepEqual([status, properties.waiting?.reason, (await api.show()).pendingRotation?.operationId], ['InProgress', 'caches may hold the old JWKS', operationId]);
    assert.deepEqual([replyOf(await api.rotate(id)).operationId, replyOf(await api.rotate(randomUUID())).operationId], [operationId, operationId]);
    assert.equal(await activations(api), 1);
    await home.setClock(1800);
    assert.equal((await api.operationEnded(operationId)).status, 'Succeeded');
    assert.deepEqual([await activations(api), (await api.show()).pendingRotation], [2, null]);
    const states = await eventually('the next key is published', async () => {
      const { keys } = await api.show();
      return keys.every(({ publishedAt }) => publishedAt !== null) ? keys : undefined;
    });
    assert.equal(states.find(({ kid }) => kid === key2)?.state, 'retired');
  });
});
