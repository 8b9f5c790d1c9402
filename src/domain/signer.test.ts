import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signer } from '../../test/conformance/fixtures.ts';
import { at, BY_HAND, newKey, newRing, picture, START } from '../../test/support/rings.ts';
import { isMintmarkError } from './errors.ts';
import type { KeyRing } from './key-ring.ts';
import { close, requestRotation, revokeKey } from './rotation.ts';
import { acknowledge, concerns, contactSigner, debtOf, deleteSigner, enrolSigner, goneAt, isForgotten, leaseEnds, lastSeenAt, longerLease, refuseRing, replaceSigner, type SignerRecord, takesRings, writeOff, writeOffGone } from './signer.ts';

const DAY = 86_400;
const rotated = (ring = newRing()): KeyRing => requestRotation(ring, { operationId: 'op', force: false }, newKey(3), at(10), BY_HAND).change!.ring;
const closed = (): KeyRing => close(rotated(), at(20), BY_HAND)!.ring;
const said = (epoch: number, version: number) => ({ epoch, version, keyInUse: 'key2', mode: 'keyFiles' }) as const;
const BROUGHT = { id: 'id', name: 'cp-1', mode: 'external', assertionJwk: { x: '1' }, encryptionJwk: { x: '2' }, leaseSeconds: 60, createdBy: 'principal:ada' } as const;

test('rule 5: a signer is enrolled in the version that the ring has, with nothing given to it yet', () => {
  assert.deepEqual(enrolSigner(rotated(), BROUGHT, at(15)), {
    ...BROUGHT, issuerId: 'issuer', enrolledIn: 2, enrolledAt: at(15), acked: null, lastContactAt: at(15), refusal: null, replacedAt: null, writtenOffAt: null, clockOffsetMs: null, program: null, keyInUse: null, kids: [], deletedAt: null,
  });
  assert.throws(() => enrolSigner(closed(), BROUGHT, at(30)), (error) => isMintmarkError(error, 'KeyRingClosed'));
});

test('rules 5 and 12: who asks for its ring is given the active private half, and is enrolled anew when it was written off', () => {
  const rows: readonly (readonly [string, Partial<SignerRecord>, KeyRing, Partial<SignerRecord>])[] = [
    ['the first time', {}, newRing(), { kids: ['key1'] }],
    ['again', { kids: ['key1'] }, newRing(), { kids: ['key1'] }],
    ['after a rotation', { kids: ['key1'] }, rotated(), { kids: ['key1', 'key2'] }],
    ['what left the JWKS is forgotten', { kids: ['key0', 'key1'] }, rotated(), { kids: ['key1', 'key2'] }],
    ['written off', { enrolledIn: 1, writtenOffAt: at(12), kids: ['key1'] }, rotated(), { enrolledIn: 2, enrolledAt: at(15), writtenOffAt: null, kids: ['key1', 'key2'] }],
    ['a closed ring has nothing to give, and waits for nobody', { writtenOffAt: at(12), kids: ['key1'] }, closed(), { writtenOffAt: at(12), kids: ['key1'] }],
  ];
  for (const [what, before, ring, after] of rows) {
    const record = signer('a', before);
    assert.deepEqual(contactSigner(record, ring, -700, at(15)), { ...record, lastContactAt: at(15), clockOffsetMs: -700, ...after }, what);
  }
  const deleted = signer('a', { writtenOffAt: at(5), deletedAt: at(5) });
  assert.equal(contactSigner(deleted, newRing(), 0, at(15)), deleted);
});

test('rule 12: who refuses its ring is in no contact, is not enrolled anew, and was shown the active private half unless it was written off', () => {
  const gone = signer('a', { kids: ['key1'], writtenOffAt: at(12) });
  assert.deepEqual(refuseRing(gone, rotated(), 9, at(15)), { ...gone, refusal: { since: at(15), lastAt: at(15) }, clockOffsetMs: 9 });
  const record = signer('a', { kids: ['key1'] });
  const first = refuseRing(record, rotated(), 9, at(15));
  assert.deepEqual(first, { ...record, refusal: { since: at(15), lastAt: at(15) }, clockOffsetMs: 9, kids: ['key1', 'key2'] });
  assert.deepEqual(refuseRing(first, closed(), 9, at(20)), { ...first, refusal: { since: at(15), lastAt: at(20) } });
  assert.deepEqual([lastSeenAt(record), lastSeenAt(first), lastSeenAt({ ...first, lastContactAt: at(16) })], [START, at(15), at(16)]);
  assert.deepEqual([takesRings(first), takesRings(record) === record, contactSigner(first, rotated(), 9, at(16)).refusal], [{ ...first, refusal: null }, true, first.refusal]);
  const deleted = signer('a', { writtenOffAt: at(5), deletedAt: at(5) });
  assert.equal(refuseRing(deleted, newRing(), 0, at(15)), deleted);
});

test('an acknowledgement only rises, belongs to an epoch that was, and is no contact', () => {
  const first = { epoch: 1, version: 1, at: at(3) };
  const rows: readonly (readonly [string, SignerRecord['acked'], number, number, SignerRecord['acked']])[] = [
    ['the first', null, 1, 2, { epoch: 1, version: 2, at: at(15) }],
    ['a later version', first, 1, 2, { epoch: 1, version: 2, at: at(15) }],
    ['the same again', { epoch: 1, version: 2, at: at(3) }, 1, 2, { epoch: 1, version: 2, at: at(3) }],
    ['an older one', { epoch: 1, version: 2, at: at(3) }, 1, 1, { epoch: 1, version: 2, at: at(3) }],
    ['one of a former epoch', { epoch: 0, version: 9, at: at(3) }, 0, 10, { epoch: 0, version: 10, at: at(15) }],
    ['the first of a new epoch', { epoch: 0, version: 9, at: at(3) }, 1, 2, { epoch: 1, version: 2, at: at(15) }],
  ];
  for (const [what, before, epoch, version, after] of rows) {
    const record = signer('a', { acked: before });
    assert.deepEqual(acknowledge(record, rotated(), said(epoch, version), at(15)), { ...record, acked: after, keyInUse: 'key2', mode: 'keyFiles' }, what);
  }
  for (const [epoch, version] of [[1, 3], [2, 1]] as const) assert.throws(() => acknowledge(signer('a'), rotated(), said(epoch, version), at(15)), (error) => isMintmarkError(error, 'InvalidRequestContent'));
});

test('rule 12: a lease ends a margin after the signer has stopped, and a write-off counts once', () => {
  assert.deepEqual(leaseEnds(signer('a', { lastContactAt: at(100), leaseSeconds: 60 })), at(100 + 60 + 300));
  assert.equal(leaseEnds(signer('a', { leaseSeconds: null })), null);
  assert.equal(leaseEnds(signer('a', { writtenOffAt: at(1) })), null);
  assert.deepEqual([longerLease(5, 9), longerLease(9, null), longerLease(null, 5)], [9, null, null]);
  const gone = writeOff(signer('a'), at(5));
  assert.deepEqual([gone.writtenOffAt, writeOff(gone, at(9))], [at(5), gone]);
});

test('rule 12: a signer that was replaced is gone when it is silent for two minutes since, as of when that is seen; by its lease as of its end', () => {
  const replaced = replaceSigner(signer('a', { leaseSeconds: 1000 }), at(100));
  assert.deepEqual([replaced.replacedAt, replaceSigner(replaced, at(150)), goneAt(replaced)], [at(100), replaced, at(220)]);
  assert.deepEqual([goneAt(signer('a', { leaseSeconds: 1000 })), goneAt({ ...replaced, leaseSeconds: null }), goneAt(writeOff(replaced, at(150)))], [at(1300), at(220), null]);
  assert.deepEqual([219, 220, 1299].map((seconds) => writeOffGone(replaced, at(seconds)).writtenOffAt), [null, at(220), at(1299)]);
  assert.deepEqual(writeOffGone(replaced, at(5000)).writtenOffAt, at(1300));
  assert.deepEqual([contactSigner(replaced, newRing(), 0, at(110)).replacedAt, refuseRing(replaced, newRing(), 0, at(110)).replacedAt], [null, null]);
  const off = signer('a', { writtenOffAt: at(5) });
  assert.equal(replaceSigner(off, at(100)), off);
});

test('rule 12: a deleted signer owes each key that it had until that one is out of the JWKS', () => {
  const deleted = deleteSigner(signer('a', { kids: ['key0', 'key1', 'key2'] }), rotated(), at(15));
  assert.deepEqual([deleted.kids, deleted.writtenOffAt, deleted.deletedAt], [['key1', 'key2'], at(15), at(15)]);
  assert.equal(deleteSigner(deleted, newRing(), at(99)), deleted);
  assert.deepEqual(deleteSigner(signer('a', { writtenOffAt: at(3) }), rotated(), at(15)).writtenOffAt, at(3));

  const revoked = revokeKey(rotated(), 'key1', false, newKey(9), at(20), BY_HAND)!.ring;
  assert.deepEqual([debtOf(deleted, rotated(), at(20)), debtOf(deleted, revoked, at(20)), debtOf(deleted, rotated(), at(10 + DAY + 300)), debtOf(deleted, null, at(20))], [['key1', 'key2'], ['key2'], ['key2'], []]);
  assert.deepEqual(debtOf(signer('a', { kids: ['key1'] }), newRing(), at(20)), [], 'who is not deleted owes nothing');
});

test('the record of a signer that is gone is kept for 90 days, and for as long as a key that it had verifies', () => {
  const rows: readonly (readonly [Partial<SignerRecord>, number, boolean])[] = [
    [{ writtenOffAt: START, kids: ['key0'] }, 90 * DAY - 1, false],
    [{ writtenOffAt: START, kids: ['key0'] }, 90 * DAY, true],
    [{ writtenOffAt: START, deletedAt: START, kids: [] }, 90 * DAY, true],
    [{ writtenOffAt: START, kids: ['key1'] }, 900 * DAY, false],
    [{ kids: [] }, 900 * DAY, false],
  ];
  for (const [change, seconds, forgotten] of rows) assert.equal(isForgotten(signer('a', change), newRing(), at(seconds)), forgotten);
});

test('a ring has to know of who is enrolled, and of write-offs since the first retirement whose end is not set', () => {
  const settled = rotated().keys;
  const open = settled.map((key) => (key.state === 'retired' ? { ...key, expiresAt: null } : key));
  assert.equal(picture(rotated()), '1R 2A 3P');
  const rows = [[null, settled, true], [at(11), settled, false], [at(11), open, true], [at(10), open, true], [at(9), open, false]] as const;
  for (const [writtenOffAt, keys, expected] of rows) assert.equal(concerns(signer('a', { writtenOffAt }), keys), expected);
});
