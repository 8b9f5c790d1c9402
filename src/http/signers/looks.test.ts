/** Signers that look at what there is after a refusal, or are ahead of their server: no contact, and nothing for one that was written off (rule 12). */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { at } from '../../../test/support/rings.ts';
import { ADA, openSigners } from '../../../test/support/signers.ts';
import { pointText } from '../../domain/ring-for-signer.ts';
import { signerState, silentSince } from '../../domain/signer-state.ts';
import { lookAtRing, openRing } from '../../keys/ring-envelope.ts';
import type { RingReply } from './contract.ts';

async function oneWith(t: TestContext, name: string) {
  const one = await openSigners();
  t.after(() => one.close());
  const signer = await one.signer(name);
  return { one, signer, record: async () => (await one.store.read((tx) => tx.signer(signer.enrolled!.signerId)))! };
}

test('what says that it refused its ring is no contact: its lease goes on from before, and ends what waits for it', async (t) => {
  const { one, signer, record } = await oneWith(t, 'cp-refuses');
  await signer.ring();
  await signer.acknowledge();
  const { lastContactAt } = await record();
  await one.keyRings.rotate(ADA, one.cluster, { force: true, emergency: false });
  for (let hours = 0; hours < 14 * 24; hours += 12) {
    one.pass(12 * 3600);
    assert.equal((await signer.send('GET', `${signer.target()}&refused=1`)).status, 200);
  }
  const refusing = await record();
  assert.deepEqual([refusing.lastContactAt, refusing.refusal?.lastAt, refusing.writtenOffAt], [lastContactAt, one.clock.now(), null]);
  const ring = (await one.store.read((tx) => tx.keyRing(signer.enrolled!.issuerId)))!;
  assert.deepEqual(ring.signers.map(({ refusal }) => refusal), [refusing.refusal]);
  assert.deepEqual([refusing.refusal!.since, ring.keys.map(({ expiresAt }) => expiresAt)], [at(12 * 3600), [null, null, null]]);
  one.pass(300);
  await one.rotator.runDue();
  const settled = (await one.store.read((tx) => tx.keyRing(signer.enrolled!.issuerId)))!;
  assert.deepEqual([(await record()).writtenOffAt, settled.keys[0]!.expiresAt !== null], [one.clock.now(), true]);
  // Still asking, it is shown its ring and stays written off, until it asks for one that it would take.
  assert.equal((await signer.send('GET', `${signer.target()}&refused=1`)).status, 200);
  assert.deepEqual((await record()).writtenOffAt, one.clock.now());
  assert.ok((await signer.ring()) !== null);
  assert.deepEqual([(await record()).writtenOffAt, (await record()).refusal?.since], [null, refusing.refusal!.since]);
  assert.equal(await signer.ring(), null);
  assert.equal((await record()).refusal, null);
});

test('one that is ahead is given the earlier ring that there is, to refuse it: at once, and no lease begins anew', async (t) => {
  const { one, signer, record } = await oneWith(t, 'cp-ahead');
  await signer.ring();
  const [{ lastContactAt }, ring] = [await record(), (await one.store.read((tx) => tx.keyRing(signer.enrolled!.issuerId)))!];
  one.pass(10);
  signer.has = { epoch: ring.epoch, version: ring.version + 3 };
  for (const more of [{}, { refused: '1' }]) await assert.rejects(signer.ring(50, more), { code: 'RingRefused', message: `A ring was refused: it is version ${pointText(ring)}, and this signer has seen ${pointText(signer.has)} already.` });
  const after = await record();
  assert.deepEqual([after.lastContactAt, after.refusal, signerState(after, ring, silentSince(one.clock.now()))], [lastContactAt, { since: at(10), lastAt: at(10) }, 'refusing']);
});

test('a look brings no private half to one that was written off, however often; a normal request enrols it anew and brings it', async (t) => {
  const { one, signer, record } = await oneWith(t, 'cp-gone');
  const first = await signer.ring();
  await one.signers.writeOff(one.cluster, 'cp-gone');
  const { issuerId, issuerURL: issuer, signerId, ringSigningKey } = signer.enrolled!;
  const expected = { issuerId, issuer, signer: signerId, ringSigningKey, atLeast: signer.has };
  for (let times = 0; times < 2; times += 1) {
    await one.keyRings.rotate(ADA, one.cluster, { force: true, emergency: false });
    const { ring } = (await signer.send('GET', `${signer.target()}&refused=1`)).body as RingReply;
    await lookAtRing(ring, signer.keys, expected);
    await assert.rejects(openRing(ring, signer.keys, expected), { code: 'RingRefused', message: /active key is not the one/ });
    assert.deepEqual([(await record()).kids, (await record()).writtenOffAt], [[first!.signer!.kid], one.clock.now()]);
  }
  const back = await signer.ring();
  const stored = (await one.store.read((tx) => tx.keyRing(issuerId)))!;
  assert.deepEqual([back!.signer!.kid, (await record()).writtenOffAt, (await record()).enrolledIn], [stored.keys.find(({ state }) => state === 'active')!.kid, null, stored.version]);
});

test('a look changes neither mode nor lease, whatever it says', async (t) => {
  const { signer, record } = await oneWith(t, 'cp-looks');
  await signer.ring();
  const { mode, leaseSeconds, lastContactAt } = await record();
  for (const more of [{ mode: 'keyFiles' }, { mode: 'keyFiles', lease: 'off' }, { lease: '1' }]) await signer.send('GET', signer.target(0, { refused: '1', ...more }));
  const after = await record();
  assert.deepEqual([after.mode, after.leaseSeconds, after.lastContactAt], [mode, leaseSeconds, lastContactAt]);
});
