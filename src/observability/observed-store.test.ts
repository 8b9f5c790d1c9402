import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { bear, rotated, signer, token } from '../../test/conformance/fixtures.ts';
import { at, START } from '../../test/support/rings.ts';
import { sqliteFile } from '../../test/support/sqlite-file.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { observeStore } from './observed-store.ts';

/** A watched store, and what it told: transactions as `write done`, commits as `issuer: event …`. */
function watched(store: Store = openMemoryStore({ clock: () => START })) {
  const told: string[] = [];
  const observed = observeStore(store, {
    transaction: (kind, seconds, result) => void told.push(`${kind} ${result}${seconds >= 0 ? '' : ' in no time'}`),
    committed: ({ changes, tokens, signers }) => told.push(...changes.map(({ ring, events }) => `${ring.issuerId}: ${events.map(({ kind }) => kind).join(' ')}`), ...tokens.map(({ jti }) => `token ${jti}`), ...signers.map(({ what, signer: { id } }) => `${id} ${what}`)),
  });
  return { store: observed, told };
}

test('commits are told after the transaction, a birth and an update alike', async () => {
  const { store, told } = watched();
  await store.write(async (tx) => {
    await bear(tx);
    await tx.updateKeyRing('issuer', rotated(3));
    assert.deepEqual(told, [], 'nothing is told of what is not committed');
  });
  assert.deepEqual(told, ['write done', 'issuer: prepared prepared activated', 'issuer: rotationRequested retired activated prepared']);
});

test('a transaction that fails brought about nothing', async () => {
  const { store, told } = watched();
  await assert.rejects(store.write(async (tx) => {
    await bear(tx);
    throw new Error('no');
  }), { message: 'no' });
  assert.deepEqual(told, ['write failed']);
});

test('a transaction that is run again after a conflict is told once, and one that fails at its commit not at all', async () => {
  const plain = openMemoryStore({ clock: () => START });
  const undone: Store['write'] = (work) => plain.write(async (tx) => {
    await work(tx);
    throw new Error('conflict');
  });
  const again = watched({ ...plain, write: (work) => undone(work).catch(() => plain.write(work)) });
  await again.store.write((tx) => bear(tx));
  assert.deepEqual(again.told, ['write done', 'issuer: prepared prepared activated']);
  const never = watched({ ...plain, write: undone });
  await assert.rejects(never.store.write((tx) => tx.updateKeyRing('issuer', rotated(3))), { message: 'conflict' });
  assert.deepEqual(never.told, ['write failed']);
});

test('what decides to change nothing, and a token that is not recorded, are not told', async () => {
  const { store, told } = watched();
  await store.write((tx) => bear(tx));
  told.length = 0;
  await store.write((tx) => tx.updateKeyRing('issuer', () => null));
  await store.write((tx) => tx.recordToken(token('late'), 7));
  await store.write((tx) => tx.recordToken(token('jti'), 1));
  assert.deepEqual(told, ['write done', 'write done', 'write done', 'token jti']);
});

test('what is committed together with others is told where each was asked', async (t) => {
  const where = new AsyncLocalStorage<string>();
  const told: string[] = [];
  const store = observeStore(await (await sqliteFile(t)).store(), { transaction: () => undefined, committed: ({ tokens }) => told.push(...tokens.map(({ jti }) => `${jti} in ${where.getStore()}`)) });
  await store.write((tx) => bear(tx));
  await Promise.all(['a', 'b', 'c'].map((name) => where.run(name, () => store.write((tx) => tx.recordToken(token(name), 1)))));
  assert.deepEqual(told, ['a in a', 'b in b', 'c in c']);
});

test('reads are timed, the failed ones too, and everything else is the store itself', async () => {
  const { store, told } = watched();
  assert.equal(await store.read((tx) => tx.lastChange()), 0);
  await assert.rejects(store.read(() => Promise.reject(new Error('no'))), { message: 'no' });
  assert.deepEqual([told, store.now()], [['read done', 'read failed'], START]);
  await store.close();
  await assert.rejects(store.read((tx) => tx.lastChange()), { code: 'StoreUnavailable' });
});

test('a signer that comes, comes back, is written off or deleted is told; what it says and asks is not', async () => {
  let time = START;
  const { store, told } = watched(openMemoryStore({ clock: () => time }));
  await store.write((tx) => bear(tx));
  const steps: readonly (readonly [Parameters<typeof signer>[1], readonly string[]])[] = [
    [{}, ['s enrolled']], [{ acked: { epoch: 7, version: 1, at: START } }, []], [{ lastContactAt: at(3) }, []], [{ writtenOffAt: at(3) }, ['s writtenOff']], [{ writtenOffAt: at(3), keyInUse: 'k' }, []],
    [{ enrolledAt: at(6) }, ['s enrolledAnew']], [{ enrolledAt: at(6), writtenOffAt: at(7), deletedAt: at(7) }, ['s deleted']], [{ enrolledAt: at(6), writtenOffAt: at(7), deletedAt: at(7), kids: [] }, []],
  ];
  for (const [index, [change, expected]] of steps.entries()) {
    time = at(index + 1);
    told.length = 0;
    await store.write((tx) => tx.putSigner(signer('s', index === 0 ? { enrolledAt: time } : { enrolledAt: at(1), ...change, ...(change?.enrolledAt === undefined ? {} : { enrolledAt: change.enrolledAt }) })));
    assert.deepEqual(told, ['write done', ...expected], `step ${index}`);
  }
});
