import assert from 'node:assert/strict';
import { it } from 'node:test';
import { automaticRotationDue } from '../../src/domain/rotation-schedule.ts';
import { close, confirmPublication, prune } from '../../src/domain/rotation.ts';
import type { SignerRecord } from '../../src/domain/signer.ts';
import { at, BY_HAND, START } from '../support/rings.ts';
import { bear, type OpenStore, operation, rotated, signer } from './fixtures.ts';

const NOTHING = { issuers: { open: 0, closed: 0 }, keys: { prepared: [0], active: [0], retired: [0], revoked: [0] }, firstRotation: null, overdueRotations: 0, waitingOperations: { publication: 0, signers: 0, caches: 0 } };

export function statisticsTests(openStore: OpenStore): void {
  it('of an empty store are zeros', async (t) => {
    const store = await openStore(t, () => START);
    assert.deepEqual(await store.read((tx) => tx.statistics([], START)), NOTHING);
  });

  it('count issuers and keys by state and age', async (t) => {
    let time = START;
    const store = await openStore(t, () => time);
    await store.write(async (tx) => {
      for (const id of ['a', 'closed', 'gone']) await bear(tx, id);
    });
    time = at(100);
    await store.write(async (tx) => {
      await tx.updateKeyRing('a', rotated(3));
      for (const id of ['closed', 'gone']) await tx.updateKeyRing(id, (ring, now) => ({ change: close(ring, now, BY_HAND)!, wakeAt: null }));
    });
    time = at(1_000_000);
    await store.write((tx) => tx.updateKeyRing('gone', (ring, now) => ({ change: prune(ring, now, BY_HAND)!, wakeAt: null })));
    const { issuers, keys } = await store.read((tx) => tx.statistics([at(101), at(100), at(1)], time));
    assert.deepEqual(issuers, { open: 1, closed: 1 });
    assert.deepEqual(keys, { prepared: [0, 1, 0, 0], active: [0, 0, 0, 1], retired: [0, 0, 0, 2], revoked: [0, 0, 0, 1] });
    assert.deepEqual((await store.read((tx) => tx.statistics([START], time))).keys, { prepared: [1, 0], active: [1, 0], retired: [2, 0], revoked: [1, 0] });
  });

  it('tell the first rotation by period and how many are overdue, closed rings left out', async (t) => {
    let time = START;
    const store = await openStore(t, () => time);
    await store.write((tx) => bear(tx, 'early'));
    time = at(500);
    await store.write(async (tx) => {
      for (const id of ['late', 'closed']) await bear(tx, id);
      await tx.updateKeyRing('closed', (ring, now) => ({ change: close(ring, now, BY_HAND)!, wakeAt: null }));
    });
    const first = automaticRotationDue((await store.read((tx) => tx.keyRing('early')))!)!;
    const overdueAt = (ms: number): Promise<readonly unknown[]> => store.read(async (tx) => {
      const { firstRotation, overdueRotations } = await tx.statistics([], new Date(first.getTime() + ms));
      return [firstRotation, overdueRotations];
    });
    assert.deepEqual([await overdueAt(-1), await overdueAt(0), await overdueAt(500_000)], [[first, 0], [first, 1], [first, 2]]);
  });

  it('tell what operations in progress wait for', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      for (const id of ['unconfirmed', 'confirmed']) {
        await bear(tx, id);
        await tx.updateKeyRing(id, rotated(3));
      }
      await tx.updateKeyRing('confirmed', (ring, now) => ({ change: confirmPublication(ring, ring.version, now, now, BY_HAND)!, wakeAt: null }));
      await tx.putOperation(operation('1', { issuerId: 'unconfirmed' }));
      await tx.putOperation(operation('2', { issuerId: 'confirmed' }));
      await tx.putOperation(operation('3', { issuerId: 'confirmed', endsWithChange: 7 }));
      await tx.putOperation(operation('4', { issuerId: 'confirmed', status: 'Succeeded', endedAt: START }));
    });
    assert.deepEqual((await store.read((tx) => tx.statistics([], START))).waitingOperations, { publication: 2, signers: 0, caches: 1 });
  });

  it('tell when it is signers that an operation waits for, and for no signer that need not acknowledge', async (t) => {
    const store = await openStore(t, () => START);
    const isLate: Readonly<Record<string, (epoch: number, version: number) => Partial<SignerRecord>>> = {
      'has said nothing': () => ({}),
      'has said what is older': (epoch) => ({ acked: { epoch, version: 1, at: START } }),
      'has said it in another epoch': (epoch, version) => ({ acked: { epoch: epoch - 1, version, at: START } }),
      'has said it': (epoch, version) => ({ acked: { epoch, version, at: START } }),
      'came later': (_epoch, version) => ({ enrolledIn: version }),
      'is written off': () => ({ writtenOffAt: START }),
    };
    const waiting: Record<string, unknown> = {};
    for (const [what, change] of Object.entries(isLate)) {
      await store.write(async (tx) => {
        await bear(tx, what);
        await tx.updateKeyRing(what, rotated(3));
        await tx.updateKeyRing(what, (ring, now) => ({ change: confirmPublication(ring, ring.version, now, now, BY_HAND)!, wakeAt: null }));
        const { epoch, version } = (await tx.keyRing(what))!;
        await tx.putSigner(signer(what, { issuerId: what, ...change(epoch, version) }));
        await tx.putOperation(operation(what, { issuerId: what }));
      });
      waiting[what] = (await store.read((tx) => tx.statistics([], START))).waitingOperations;
      await store.write((tx) => tx.putOperation(operation(what, { issuerId: what, status: 'Succeeded', endedAt: START })));
    }
    const [signers, caches] = [{ publication: 0, signers: 1, caches: 0 }, { publication: 0, signers: 0, caches: 1 }];
    assert.deepEqual(waiting, { 'has said nothing': signers, 'has said what is older': signers, 'has said it in another epoch': signers, 'has said it': caches, 'came later': caches, 'is written off': caches });
  });

  it('count signers by how they are, what deleted ones owe, and leases that are half over', async (t) => {
    const now = at(10_000);
    const store = await openStore(t, () => START);
    assert.deepEqual(await store.read((tx) => tx.signerStatistics(START, now)), { states: { current: 0, behind: 0, refusing: 0, silent: 0, writtenOff: 0, deleted: 0 }, indebted: 0, leasesHalfOver: 0 });
    await store.write(async (tx) => {
      await bear(tx);
      await bear(tx, 'other');
      const here = { lastContactAt: at(9000) };
      const { epoch, version } = (await tx.keyRing('issuer'))!;
      for (const id of ['current 1', 'current 2']) await tx.putSigner(signer(id, { ...here, acked: { epoch, version, at: START } }));
      await tx.putSigner(signer('behind, of another epoch', { ...here, acked: { epoch: 0, version: 9, at: START } }));
      await tx.putSigner(signer('behind, elsewhere', { ...here, issuerId: 'other' }));
      await tx.putSigner(signer('silent just now', { lastContactAt: at(5000), leaseSeconds: 10_001 }));
      await tx.putSigner(signer('half over', { lastContactAt: at(5000), leaseSeconds: 10_000 }));
      await tx.putSigner(signer('for ever', { lastContactAt: at(5000), leaseSeconds: null }));
      await tx.putSigner(signer('refuses', { ...here, acked: { epoch, version, at: START }, refusal: { since: START, lastAt: at(9000) } }));
      await tx.putSigner(signer('refuses for long', { lastContactAt: at(5000), leaseSeconds: 10_000, refusal: { since: START, lastAt: at(5001) } }));
      await tx.putSigner(signer('refused and fell silent', { lastContactAt: at(4000), refusal: { since: START, lastAt: at(5000) } }));
      await tx.putSigner(signer('refused, and has taken one since', { ...here, acked: { epoch, version, at: START }, refusal: { since: START, lastAt: at(5000) } }));
      await tx.putSigner(signer('written off refusing', { ...here, writtenOffAt: START, refusal: { since: START, lastAt: at(9000) } }));
      await tx.putSigner(signer('written off', { writtenOffAt: START, kids: ['key1'] }));
      await tx.putSigner(signer('owes', { writtenOffAt: START, deletedAt: START, kids: ['key1'] }));
      await tx.putSigner(signer('owes nothing', { writtenOffAt: START, deletedAt: START, kids: ['key0'] }));
    });
    assert.deepEqual(await store.read((tx) => tx.signerStatistics(at(5000), now)), { states: { current: 3, behind: 2, refusing: 2, silent: 4, writtenOff: 2, deleted: 2 }, indebted: 1, leasesHalfOver: 2 });
  });
}
