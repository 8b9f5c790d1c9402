import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DAY } from '../../src/domain/durations.ts';
import type { KeyRing } from '../../src/domain/key-ring.ts';
import { importVerifyOnly } from '../../src/domain/imported-key.ts';
import { prune, revokeKey, settleRetirements } from '../../src/domain/rotation.ts';
import { enrolledPart } from '../../src/domain/signer.ts';
import type { Store } from '../../src/store/store.ts';
import { at, BY_HAND, newKey, START } from '../support/rings.ts';
import { bear, cluster, credential, group, MARCH_1, type OpenStore, rotated, signer } from './fixtures.ts';

const ringOf = async (store: Store, issuerId = 'issuer'): Promise<KeyRing> => (await store.read((tx) => tx.keyRing(issuerId)))!;
const namesIn = async (store: Store): Promise<readonly string[]> => (await ringOf(store)).signers.map(({ name }) => name);

export function signerTests(openStore: OpenStore): void {
  signerRecordTests(openStore);
  ringTests(openStore);
  verifyOnlyTests(openStore);
  attachedTests(openStore);
  credentialTests(openStore);
  sweepTests(openStore);
}

function signerRecordTests(openStore: OpenStore): void {
  it('keep signers whole', async (t) => {
    const store = await openStore(t, () => START);
    const fresh = signer('a');
    const old = signer('b', {
      mode: 'keyFiles', enrolledIn: 9, acked: { epoch: 7, version: 12, at: at(5) }, lastContactAt: at(6), refusal: { since: at(6.5), lastAt: at(6.7) }, replacedAt: at(6.8), leaseSeconds: null, writtenOffAt: at(7), deletedAt: MARCH_1,
      clockOffsetMs: -1234, program: '0.1.0', keyInUse: 'key2', kids: ['key1', 'key2'],
    });
    await store.write(async (tx) => {
      await bear(tx);
      await tx.putSigner(old);
      await tx.putSigner(fresh);
    });
    assert.deepEqual(await store.read(async (tx) => [await tx.signer('a'), await tx.signer('b'), await tx.signer('c')]), [fresh, old, null]);
    await store.write((tx) => tx.putSigner({ ...fresh, clockOffsetMs: 0, name: 'z' }));
    assert.deepEqual(await store.read(async (tx) => [await tx.signersOf('issuer'), await tx.signersOf('nobody')]), [[old, { ...fresh, clockOffsetMs: 0, name: 'z' }], []]);
  });

  it('take signers that were replaced as replaced now, but for those that are written off', async (t) => {
    const store = await openStore(t, () => at(9));
    const [waited, over, other] = [signer('a', { replacedAt: at(5) }), signer('b', { replacedAt: at(5), writtenOffAt: at(7) }), signer('c')];
    await store.write(async (tx) => {
      await bear(tx);
      for (const one of [waited, over, other]) await tx.putSigner(one);
      await tx.restartReplacements();
    });
    assert.deepEqual(await store.read((tx) => tx.signersOf('issuer')), [{ ...waited, replacedAt: store.now() }, over, other]);
  });

  it('remember an assertion of a signer once, each signer its own', async (t) => {
    const store = await openStore(t, () => START);
    const remember = (id: string, jti: string): Promise<boolean> => store.write((tx) => tx.rememberAssertion(id, jti, at(60)));
    assert.deepEqual([await remember('a', 'x'), await remember('a', 'x'), await remember('b', 'x'), await remember('a', 'y')], [true, false, true, true]);
    await assert.rejects(store.write(async (tx) => {
      await tx.rememberAssertion('a', 'z', at(60));
      throw new Error('no');
    }));
    assert.equal(await remember('a', 'z'), true);
  });
}

function ringTests(openStore: OpenStore): void {
  it('give a ring with its signers, without a commit of the ring', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      await bear(tx);
      await bear(tx, 'other');
      await tx.putSigner(signer('b'));
      await tx.putSigner(signer('a', { kids: ['key1'] }));
      await tx.putSigner(signer('c', { issuerId: 'other' }));
    });
    const ring = await ringOf(store);
    assert.deepEqual([ring.version, ring.signers], [1, [enrolledPart(signer('a')), enrolledPart(signer('b'))]]);
    assert.deepEqual(await store.read(async (tx) => [await tx.lastChange(), await tx.changeOf('issuer')]), [2, 1]);
    await store.write((tx) => tx.updateKeyRing('issuer', (fresh, now) => {
      assert.deepEqual(fresh.signers, ring.signers);
      return rotated(3)(fresh, now);
    }));
    assert.deepEqual((await ringOf(store)).signers, ring.signers);
  });

  it('leave out a signer that was written off, unless a retired key has no end yet and the write-off came after', async (t) => {
    let time = START;
    const store = await openStore(t, () => time);
    await store.write(async (tx) => {
      await bear(tx);
      for (const id of ['early', 'kept', 'late']) await tx.putSigner(signer(id));
    });
    time = at(5);
    await store.write((tx) => tx.putSigner(signer('early', { writtenOffAt: at(5) })));
    assert.deepEqual(await namesIn(store), ['kept', 'late']);
    time = at(10);
    await store.write((tx) => tx.updateKeyRing('issuer', rotated(3)));
    await store.write((tx) => tx.putSigner(signer('kept', { writtenOffAt: at(20) })));
    assert.deepEqual(await namesIn(store), ['late', 'kept']);
    await store.write((tx) => tx.putSigner(signer('late', { writtenOffAt: at(20), deletedAt: at(20) })));
    assert.deepEqual(await namesIn(store), ['kept', 'late']);
    const settled = await store.write((tx) => tx.updateKeyRing('issuer', (ring, now) => ({ change: settleRetirements(ring, now, BY_HAND)!, wakeAt: null })));
    assert.deepEqual(settled?.ring.keys[0]?.expiresAt, at(20 + DAY + 300));
    assert.deepEqual(await namesIn(store), []);
  });
}

function verifyOnlyTests(openStore: OpenStore): void {
  it('keep keys that verify only in their order, and remember those that were revoked', async (t) => {
    let time = START;
    const store = await openStore(t, () => time);
    const change = (decide: (ring: KeyRing, now: Date) => ReturnType<typeof prune>): Promise<unknown> =>
      store.write((tx) => tx.updateKeyRing('issuer', (ring, now) => ({ change: decide(ring, now)!, wakeAt: null })));
    await store.write((tx) => bear(tx));
    await change((ring, now) => importVerifyOnly(ring, newKey('old2'), null, false, now, BY_HAND));
    await change((ring, now) => importVerifyOnly(ring, newKey('old1'), at(100), false, now, BY_HAND));
    await change((ring, now) => importVerifyOnly(ring, newKey('old3'), at(100), false, now, BY_HAND));
    const ring = await ringOf(store);
    const { kid, algorithm, publicMembers } = newKey('old1');
    assert.deepEqual(ring.verifyOnly[1], { kid, algorithm, publicMembers, importedAt: START, importedBy: 'principal:ada', expiresAt: at(100) });
    assert.deepEqual(ring.verifyOnly.map((key) => [key.kid, key.expiresAt]), [['keyold2', null], ['keyold1', at(100)], ['keyold3', at(100)]]);
    await change((fresh, now) => revokeKey(fresh, 'keyold1', false, newKey(9), now, BY_HAND));
    time = at(100);
    await change((fresh, now) => prune(fresh, now, BY_HAND));
    assert.deepEqual((await ringOf(store)).verifyOnly.map((key) => key.kid), ['keyold2']);
    assert.deepEqual(await store.read(async (tx) => [await tx.isRevoked('issuer', 'keyold1'), await tx.isRevoked('issuer', 'keyold3')]), [true, false]);
  });
}

function attachedTests(openStore: OpenStore): void {
  it('tell which signers are enrolled for clusters at or below a scope', async (t) => {
    const store = await openStore(t, () => START);
    await store.write(async (tx) => {
      for (const name of ['one', 'two', 'none']) await bear(tx, name);
      await tx.putResource(cluster('g', 'B', { issuerId: 'two' }));
      await tx.putResource(cluster('g', 'a', { issuerId: 'one' }));
      await tx.putResource(cluster('gg', 'c', { issuerId: 'none' }));
      await tx.putResource(cluster('g', 'bare'));
      for (const [id, issuerId, writtenOffAt] of [['z', 'one', null], ['y', 'one', null], ['gone', 'one', START], ['x', 'two', null], ['far', 'none', null]] as const) await tx.putSigner(signer(id, { issuerId, writtenOffAt }));
    });
    const within = async (scope: string, limit = 10): Promise<readonly unknown[]> => (await store.read((tx) => tx.enrolledSignersWithin(scope, limit))).map(({ clusterName, name }) => `${clusterName} ${name}`);
    assert.deepEqual(await within(group('G').id), ['a y', 'a z', 'B x']);
    assert.deepEqual(await within(group('g').id, 2), ['a y', 'a z']);
    assert.deepEqual(await within(cluster('g', 'b').id), ['B x']);
    assert.deepEqual(await within(cluster('g', 'bare').id), []);
    assert.deepEqual((await store.read((tx) => tx.enrolledSignersWithin(cluster('G', 'b').id, 1)))[0], { clusterId: cluster('g', 'B').id, clusterName: 'B', name: 'x' });
  });
}

function credentialTests(openStore: OpenStore): void {
  it('keep enrolment credentials whole, in the order in which they were made', async (t) => {
    const store = await openStore(t, () => START);
    const once = credential('b', { createdAt: at(1) });
    const join = credential('a', { kind: 'join', name: null, expiresAt: null, mostUses: null, uses: 3, cidrs: ['10.0.0.0/8', 'fd00::/8'], revokedAt: at(5), usedBy: 'x y', createdAt: at(2) });
    await store.write(async (tx) => {
      for (const made of [join, once, credential('c', { issuerId: 'other' })]) await tx.putEnrolmentCredential(made);
    });
    assert.deepEqual(await store.read(async (tx) => [await tx.enrolmentCredential('a'), await tx.enrolmentCredentialsOf('issuer'), await tx.enrolmentCredential('z')]), [join, [once, join], null]);
    await store.write((tx) => tx.putEnrolmentCredential({ ...once, uses: 1, usedBy: 'keys' }));
    assert.deepEqual(await store.read((tx) => tx.enrolmentCredential('b')), { ...once, uses: 1, usedBy: 'keys' });
    assert.deepEqual(await store.write(async (tx) => [await tx.deleteEnrolmentCredential('b'), await tx.deleteEnrolmentCredential('b'), await tx.enrolmentCredential('b')]), [true, false, null]);
  });
}

function sweepTests(openStore: OpenStore): void {
  it('forget assertions, credentials, and signers that are gone and of whose keys none verifies, each in its time', async (t) => {
    let time = START;
    const store = await openStore(t, () => time);
    await store.write(async (tx) => {
      await bear(tx);
      await tx.putSigner(signer('owes', { kids: ['key1'], deletedAt: START, writtenOffAt: START }));
      await tx.putSigner(signer('free', { kids: ['key0'], deletedAt: START, writtenOffAt: START }));
      await tx.putSigner(signer('enrolled'));
      await tx.putSigner(signer('written off', { kids: ['key1'], writtenOffAt: START }));
      await tx.putEnrolmentCredential(credential('ends', { expiresAt: START }));
      await tx.putEnrolmentCredential(credential('revoked', { expiresAt: null, revokedAt: START }));
      await tx.putEnrolmentCredential(credential('endless', { expiresAt: null }));
      await tx.rememberAssertion('a', 'x', at(60));
    });
    const left = async (days: number): Promise<readonly unknown[]> => {
      time = at(days * DAY);
      await store.write((tx) => tx.sweep());
      return store.read(async (tx) => [(await tx.signersOf('issuer')).map(({ id }) => id), (await tx.enrolmentCredentialsOf('issuer')).map(({ id }) => id)]);
    };
    const all = ['enrolled', 'free', 'owes', 'written off'];
    assert.deepEqual(await left(6.99), [all, ['endless', 'ends', 'revoked']]);
    assert.equal(await store.write((tx) => tx.rememberAssertion('a', 'x', at(60))), true);
    assert.deepEqual(await left(7), [all, ['endless']]);
    assert.deepEqual(await left(89.99), [all, ['endless']]);
    assert.deepEqual(await left(90), [['enrolled', 'owes', 'written off'], ['endless']]);
    await store.write((tx) => tx.updateKeyRing('issuer', (ring, now) => ({ change: revokeKey(ring, 'key1', true, newKey(3), now, BY_HAND)!, wakeAt: null })));
    assert.deepEqual(await left(90.1), [['enrolled'], ['endless']]);
  });
}
