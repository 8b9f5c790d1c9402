/** The verbs of `rotation.ts` where signers are enrolled: rules 8, 9, 11 and 14. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ackedBy, at, BY_HAND, BY_ITSELF, enrolled, newKey, newRing, picture, withSigners } from '../../test/support/rings.ts';
import { isMintmarkError } from './errors.ts';
import { type KeyRing, publishedKeys } from './key-ring.ts';
import { activate, close, confirmPublication, emergency, requestRotation, revokeAcknowledged, revokeKey, settleRetirements, switchesAtOnce } from './rotation.ts';
import type { EnrolledSigner } from './signer.ts';

const LAST_TOKEN = 86_700;
const ask = (ring: KeyRing, seconds: number, next: number, force = false) => requestRotation(ring, { operationId: `op at ${seconds}`, force }, newKey(next), at(seconds), BY_HAND);
const confirmed = (ring: KeyRing, seconds: number): KeyRing => confirmPublication(ring, ring.version, at(seconds), at(seconds), BY_ITSELF)?.ring ?? ring;

/** `1R 2A 3P`, rotated (version 2) and published (version 3) at second 10, with the signer behind. */
const rotatedOnce = (...signers: readonly EnrolledSigner[]): KeyRing => withSigners(confirmed(ask(withSigners(newRing(), enrolled('cp-1')), 10, 3).change!.ring, 10), ...signers);
const BEHIND = enrolled('cp-1');
const CURRENT = ackedBy('cp-1', 3, 15);
/** The rotation that is asked for at second 20 and has to wait for the signer, as of second 700. */
const waiting = (): KeyRing => ask(rotatedOnce(BEHIND), 20, 4).change!.ring;

test('rule 9: healthy signers change nothing of what one sees: key1 at once, key3 when it is ready', () => {
  const second = ask(rotatedOnce(CURRENT), 20, 4);
  assert.deepEqual([second.outcome, second.revoked, picture(second.change!.ring)], ['waiting', ['key1'], '1X 2A 3P']);
  assert.deepEqual(second.change!.ring.pending, { operationId: 'op at 20', requestedAt: at(20), requestedBy: 'principal:ada', revokes: [], activates: true });
  assert.equal(picture(activate(second.change!.ring, newKey(4), at(610), BY_ITSELF).ring), '1X 2R 3A 4P');
});

test('rule 9a: a key whose retirement a signer has not acknowledged is revoked as soon as it has, and is named from the start', () => {
  const ring = waiting();
  assert.deepEqual([picture(ring), ring.pending], ['1R 2A 3P', { operationId: 'op at 20', requestedAt: at(20), requestedBy: 'principal:ada', revokes: ['key1'], activates: true }]);
  assert.deepEqual(publishedKeys(ring, at(700)).map(({ kid }) => kid), ['key1', 'key2', 'key3']);
  assert.deepEqual([revokeAcknowledged(ring, at(700), BY_ITSELF), settleRetirements(ring, at(700), BY_ITSELF)], [null, null]);

  for (const signer of [ackedBy('cp-1', 2, 700), enrolled('cp-1', { writtenOffAt: at(700) })]) {
    const change = revokeAcknowledged(withSigners(ring, signer), at(700), BY_ITSELF)!;
    assert.deepEqual([picture(change.ring), change.ring.pending?.revokes, change.ring.pending?.activates], ['1X 2A 3P', [], true]);
    assert.deepEqual(change.events.map(({ kind, kid }) => [kind, kid]), [['revoked', 'key1']]);
    const done = activate(change.ring, newKey(4), at(700), BY_ITSELF).ring;
    assert.deepEqual([picture(done), done.pending], ['1X 2R 3A 4P', null]);
  }
});

test('rule 9: asked for again while it waits for a signer it joins, and with force it carries that one out and nothing more', () => {
  const joined = ask(waiting(), 700, 4);
  assert.deepEqual([joined.outcome, joined.operationId, joined.change], ['joined', 'op at 20', null]);
  const forced = ask(waiting(), 700, 4, true);
  assert.deepEqual([forced.outcome, forced.operationId, forced.revoked, picture(forced.change!.ring), forced.change!.ring.pending], ['rotated', 'op at 20', ['key1'], '1X 2R 3A 4P', null]);
});

test('rule 9: the activation done by another verb leaves the revocation, and force then does only that', () => {
  const left = revokeKey(waiting(), 'key2', true, newKey(4), at(30), BY_HAND)!.ring;
  assert.deepEqual([picture(left), left.pending?.revokes, left.pending?.activates], ['1R 2X 3A 4P', ['key1'], false]);
  assert.deepEqual([switchesAtOnce(left, false, at(9000)), switchesAtOnce(left, true, at(9000))], [false, false]);
  assert.equal(ask(left, 40, 5).outcome, 'joined');
  const forced = ask(left, 40, 5, true);
  assert.deepEqual([forced.outcome, forced.revoked, picture(forced.change!.ring), forced.change!.sealed, forced.change!.ring.pending], ['rotated', ['key1'], '1X 2X 3A 4P', [], null]);
  const acknowledged = revokeAcknowledged(withSigners(left, ackedBy('cp-1', 2, 50)), at(50), BY_ITSELF)!.ring;
  assert.deepEqual([picture(acknowledged), acknowledged.pending], ['1X 2X 3A 4P', null]);
});

test('rule 9: a key that is revoked by its kid meanwhile is waited for no longer', () => {
  const ring = revokeKey(waiting(), 'key1', false, newKey(4), at(30), BY_HAND)!.ring;
  assert.deepEqual([picture(ring), ring.pending?.revokes, ring.pending?.activates], ['1X 2A 3P', [], true]);
});

test('rule 11: force waits for no acknowledgement, and leaves the key that it retires without an end', () => {
  const { change, revoked } = ask(rotatedOnce(BEHIND), 20, 4, true);
  assert.deepEqual([picture(change!.ring), revoked], ['1X 2R 3A 4P', ['key1']]);
  assert.deepEqual(change!.ring.keys.map(({ expiresAt }) => expiresAt), [at(20 + LAST_TOKEN), null, null, null]);
});

test('rule 7: an activation is refused while a signer is behind', () => {
  assert.throws(() => activate(rotatedOnce(BEHIND), newKey(4), at(9000), BY_ITSELF), (error) => isMintmarkError(error, 'OperationNotAllowed'));
  assert.equal(picture(activate(rotatedOnce(CURRENT), newKey(4), at(9000), BY_ITSELF).ring), '1R 2R 3A 4P');
});

test('rule 11: an emergency ends what waits for signers', () => {
  const { ring } = emergency(waiting(), newKey(8), newKey(9), at(30), BY_HAND);
  assert.deepEqual([picture(ring), ring.pending], ['1X 2X 3X 8A 9P', null]);
});

test('rule 14: a ring is not closed while a signer is enrolled; the end of what was retired is set with it', () => {
  assert.throws(() => close(rotatedOnce(BEHIND, enrolled('cp-2')), at(20), BY_HAND), (error) => isMintmarkError(error, 'SignersAttached') && error.message.includes('cp-1, cp-2'));
  const change = close(ask(rotatedOnce(enrolled('cp-1', { writtenOffAt: at(50) })), 60, 4).change!.ring, at(70), BY_HAND)!;
  assert.deepEqual([picture(change.ring), change.ring.pending], ['1X 2R 3X', null]);
  const unsettled = close(rotatedOnce(enrolled('cp-1', { writtenOffAt: at(50) })), at(70), BY_HAND)!;
  assert.deepEqual([picture(unsettled.ring), unsettled.ring.keys.map(({ expiresAt }) => expiresAt)], ['1R 2R 3X', [at(50 + LAST_TOKEN), at(70 + LAST_TOKEN), at(70 + LAST_TOKEN)]]);
  assert.deepEqual(unsettled.events.map(({ kind, kid }) => [kind, kid]), [['revoked', 'key3'], ['retired', 'key2'], ['endSet', 'key1'], ['closed', null]]);
});
