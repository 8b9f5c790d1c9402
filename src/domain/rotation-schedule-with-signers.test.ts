/** What is due, and for whom is waited, where signers are enrolled or keys verify only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ackedBy, at, BY_HAND, BY_ITSELF, enrolled, newKey, newRing, RING_SETTINGS, START, withSigners } from '../../test/support/rings.ts';
import { importVerifyOnly } from './imported-key.ts';
import type { KeyRing } from './key-ring.ts';
import { confirmPublication, prune, requestRotation, revokeAcknowledged, revokeKey, settleRetirements } from './rotation.ts';
import { activationWaitsFor, automaticRotationDue, nextActivation, nextStep, type Step, wakeAt } from './rotation-schedule.ts';
import type { EnrolledSigner } from './signer.ts';

const DAY = 86_400;
const SETTINGS = RING_SETTINGS;
const rotated = (ring: KeyRing, seconds: number, next: number): KeyRing => requestRotation(ring, { operationId: 'op', force: false }, newKey(next), at(seconds), BY_HAND).change!.ring;
const activation = (ring: KeyRing): Date | null => nextActivation(ring, SETTINGS, at(20))?.at ?? null;
const confirmed = (ring: KeyRing, seconds: number): KeyRing => confirmPublication(ring, ring.version, at(seconds), at(seconds), BY_ITSELF)!.ring;

/** `1R 2A 3P` with a signer that was enrolled before the rotation at second 10 (version 2, published in version 3). */
const under = (ring: KeyRing, ...signers: readonly EnrolledSigner[]): KeyRing => withSigners(ring, ...signers);
const retiredUnder = confirmed(rotated(under(newRing(600, 2 * DAY), enrolled('cp-1')), 10, 3), 10);
const waitingFor = requestRotation(retiredUnder, { operationId: 'op', force: false }, newKey(4), at(20), BY_HAND).change!.ring;
/** When the lease of a signer that was never heard of ends: 14 days and the margin. */
const LEASE = 14 * DAY + 300;
const SILENT = { do: 'wait', reason: 'a signer has not acknowledged', until: at(LEASE), signers: [{ name: 'cp-1', since: START, refusesSince: null }] } as const;

const WITH_SIGNERS: readonly (readonly [string, KeyRing, number, Step, number | null])[] = [
  ['a signer that is enrolled, and nothing to do: its lease is looked after', under(newRing(600, null), enrolled('cp-1')), 20, { do: 'wait', reason: 'rotation off', until: null }, LEASE],
  ['the same without a lease', under(newRing(600, null), enrolled('cp-1', { leaseSeconds: null })), 20, { do: 'wait', reason: 'rotation off', until: null }, null],
  ['a lease has ended', under(newRing(), enrolled('cp-1'), enrolled('cp-2', { lastContactAt: at(1) })), LEASE, { do: 'write off', reason: 'no contact for longer than the lease: cp-1', signers: [enrolled('cp-1')] }, LEASE],
  ['another machine has taken the name of a signer that is silent', under(newRing(600, null), enrolled('cp-1', { replacedAt: at(10) }), enrolled('cp-2')), 130, { do: 'write off', reason: 'replaced by another machine of its name, and not heard of since: cp-1', signers: [enrolled('cp-1', { replacedAt: at(10) })] }, 130],
  ['the same two minutes earlier', under(newRing(600, null), enrolled('cp-1', { replacedAt: at(10) })), 20, { do: 'wait', reason: 'rotation off', until: null }, 130],
  ['both reasons at once', under(newRing(), enrolled('cp-1'), enrolled('cp-2', { replacedAt: at(10), leaseSeconds: null })), LEASE, { do: 'write off', reason: 'no contact for longer than the lease: cp-1; replaced by another machine of its name, and not heard of since: cp-2', signers: [enrolled('cp-1'), enrolled('cp-2', { replacedAt: at(10), leaseSeconds: null })] }, LEASE],
  ['a lease has not ended', under(newRing(600, null), enrolled('cp-1')), LEASE - 1, { do: 'wait', reason: 'rotation off', until: null }, LEASE],
  ['everyone has parted from the retired key', under(retiredUnder, ackedBy('cp-1', 2, 30)), 30, { do: 'settle retirement', reason: 'every signer has stopped to sign with the key' }, 30],
  ['due, and a retired key has no end', retiredUnder, 3 * DAY, SILENT, LEASE],
  ['asked for, and a signer holds up the revocation', waitingFor, 30, SILENT, LEASE],
  ['asked for, and that signer has acknowledged', under(waitingFor, ackedBy('cp-1', 4, 30)), 30, { do: 'revoke', reason: 'asked for by principal:ada; every signer has stopped to sign with the key' }, 30],
  ['asked for, ready by time, and two signers are behind, one of which refuses its ring', under(waitingFor, enrolled('cp-1', { leaseSeconds: null }), ackedBy('cp-2', 1, 5, { lastContactAt: at(40), refusal: { since: at(50), lastAt: at(690) } })), 700, { do: 'wait', reason: 'a signer has not acknowledged', until: at(40 + LEASE), signers: [{ name: 'cp-1', since: START, refusesSince: null }, { name: 'cp-2', since: at(690), refusesSince: at(50) }] }, 40 + LEASE],
];

for (const [name, ring, seconds, step, wake] of WITH_SIGNERS) {
  test(`next step with signers: ${name}`, () => {
    assert.deepEqual(nextStep(ring, SETTINGS, at(seconds)), step);
    assert.deepEqual(wakeAt(ring, SETTINGS, at(seconds)), wake === null ? null : at(wake));
  });
}

test('after all is revoked, an activation that only a signer holds up names it', () => {
  const revoked = revokeAcknowledged(under(waitingFor, ackedBy('cp-1', 2, 30)), at(30), BY_HAND)!.ring;
  const replaced = confirmed(revokeKey(revoked, 'key3', false, newKey(4), at(40), BY_HAND)!.ring, 40);
  assert.deepEqual(nextStep(replaced, SETTINGS, at(639)), { do: 'wait', reason: 'caches may hold the old JWKS', until: at(640) });
  assert.deepEqual(nextStep(replaced, SETTINGS, at(640)), SILENT);
  assert.deepEqual(nextStep(under(replaced, ackedBy('cp-1', replaced.version, 50)), SETTINGS, at(640)), { do: 'activate', cause: 'manual', reason: 'asked for by principal:ada' });
});

test('a revocation that alone is left is waited for by name, and comes before an automatic rotation', () => {
  const left = prune(revokeKey(waitingFor, 'key2', true, newKey(4), at(30), BY_HAND)!.ring, at(3 * DAY), BY_ITSELF)!.ring;
  assert.deepEqual(nextStep(left, SETTINGS, at(3 * DAY)), SILENT);
  assert.equal(activation(left), null);
});

test('the calendar does not know when, while a signer holds up the activation or the end of a retired key', () => {
  assert.deepEqual([activation(retiredUnder), activation(waitingFor)], [null, null]);
  const settled = settleRetirements(under(retiredUnder, ackedBy('cp-1', 3, 30)), at(30), BY_HAND)!.ring;
  assert.deepEqual(activation(settled), automaticRotationDue(settled));
  const known = under(waitingFor, ackedBy('cp-1', 4, 30));
  assert.deepEqual(activation(known), at(610));
  const unpublished: KeyRing = { ...known, keys: known.keys.map((key) => ({ ...key, publishedAt: null })) };
  assert.deepEqual([retiredUnder, under(retiredUnder, ackedBy('cp-1', 3, 30)), waitingFor, settled, known, unpublished, under(newRing(600, null), enrolled('cp-1'))].map(activationWaitsFor), ['signers', 'signers', 'signers', null, null, 'publication', null]);
});

test('a key that verifies only is pruned with its end, and the rotator wakes for it', () => {
  const ring = importVerifyOnly(newRing(600, null), newKey('Sa'), at(100), false, at(5), BY_HAND).ring;
  assert.deepEqual([nextStep(ring, SETTINGS, at(99)).do, wakeAt(ring, SETTINGS, at(99)), nextStep(ring, SETTINGS, at(100)).do], ['wait', at(100), 'prune']);
});
