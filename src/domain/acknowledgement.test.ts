import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ackedBy, at, BY_HAND, BY_ITSELF, enrolled, newKey, newRing, picture, withSigners } from '../../test/support/rings.ts';
import { behind, endOfRetired, isReady, settledKeys } from './acknowledgement.ts';
import { type KeyRing, publishedKeys } from './key-ring.ts';
import { confirmPublication, requestRotation, settleRetirements } from './rotation.ts';
import type { EnrolledSigner } from './signer.ts';

const LAST_TOKEN = 86_700;

/** `1R 2A 3P` in version 3: rotated at second 10 (version 2) while these were enrolled, published at second 10 (version 3). */
function rotatedWith(...signers: readonly EnrolledSigner[]): KeyRing {
  const { change } = requestRotation(withSigners(newRing(), ...signers.map(({ name }) => enrolled(name))), { operationId: 'op', force: false }, newKey(3), at(10), BY_HAND);
  const published = confirmPublication(change!.ring, 2, at(10), at(10), BY_ITSELF)!.ring;
  return withSigners(published, ...signers);
}

const names = (signers: readonly EnrolledSigner[]): string => signers.map(({ name }) => name).join(' ');

test('rule 5: behind a version is who was enrolled before it and has not acknowledged it, or a later one, in this epoch', () => {
  const rows: readonly (readonly [string, EnrolledSigner, readonly number[]])[] = [
    ['never said anything', enrolled('a'), [2, 3]],
    ['enrolled in version 2', enrolled('a', { enrolledIn: 2 }), [3]],
    ['enrolled in version 3', enrolled('a', { enrolledIn: 3 }), []],
    ['acknowledged 1', ackedBy('a', 1, 20), [2, 3]],
    ['acknowledged 2', ackedBy('a', 2, 20), [3]],
    ['acknowledged 3', ackedBy('a', 3, 20), []],
    ['acknowledged 3 of a former epoch', enrolled('a', { acked: { epoch: 0, version: 3, at: at(20) } }), [2, 3]],
    ['silent for long, which alone plays no part', enrolled('a', { lastContactAt: at(-9e6) }), [2, 3]],
    ['written off', enrolled('a', { writtenOffAt: at(20) }), []],
  ];
  for (const [what, signer, versions] of rows) {
    const ring = rotatedWith(signer);
    assert.deepEqual([1, 2, 3].filter((version) => behind(ring, version).length > 0), versions, what);
  }
  assert.equal(names(behind(rotatedWith(ackedBy('a', 1, 5), ackedBy('b', 2, 5), enrolled('c', { writtenOffAt: at(5) }), enrolled('d')), 2)), 'a d');
});

test('rule 7: ready needs the time and every acknowledgement of the version that published the prepared key', () => {
  const rows: readonly (readonly [string, readonly EnrolledSigner[], number, boolean])[] = [
    ['nobody is enrolled', [], 610, true],
    ['all have acknowledged, a moment too early', [ackedBy('a', 2, 20)], 609.999, false],
    ['all have acknowledged', [ackedBy('a', 2, 20), ackedBy('b', 3, 20)], 610, true],
    ['one is behind', [ackedBy('a', 2, 20), ackedBy('b', 1, 20)], 9e6, false],
    ['that one is written off', [ackedBy('a', 2, 20), ackedBy('b', 1, 20, { writtenOffAt: at(30) })], 610, true],
    ['one was enrolled with the key published', [enrolled('a', { enrolledIn: 2 })], 610, true],
  ];
  for (const [what, signers, seconds, ready] of rows) assert.equal(isReady(rotatedWith(...signers), at(seconds)), ready, what);
  assert.equal(isReady(withSigners(newRing(), enrolled('a')), at(0)), true, 'the key of the birth commit was in every ring that a signer ever got');
});

test('rule 8: a key has no end while it is retired under an enrolled signer, and is published so long', () => {
  const ring = rotatedWith(enrolled('a'));
  assert.deepEqual(ring.keys.map(({ expiresAt, retiredIn }) => [expiresAt, retiredIn]), [[null, 2], [null, null], [null, null]]);
  assert.deepEqual(publishedKeys(ring, at(9e6)).map(({ kid }) => kid), ['key1', 'key2', 'key3']);
  assert.deepEqual(rotatedWith().keys[0]!.expiresAt, at(10 + LAST_TOKEN));
});

test('rule 8: its end is set once, after the last acknowledgement or write-off of those that had to', () => {
  const rows: readonly (readonly [string, readonly EnrolledSigner[], number | null])[] = [
    ['one of two is behind', [ackedBy('a', 2, 20), enrolled('b')], null],
    ['both have acknowledged', [ackedBy('a', 2, 20), ackedBy('b', 3, 50)], 50],
    ['a write-off is the last', [ackedBy('a', 2, 20), ackedBy('b', 1, 5, { writtenOffAt: at(70) })], 70],
    ['a write-off is not the last', [ackedBy('a', 2, 90), enrolled('b', { writtenOffAt: at(70) })], 90],
    ['an older acknowledgement of one that is written off does not count', [ackedBy('a', 1, 9, { writtenOffAt: at(30) })], 30],
    ['one came back from a write-off, enrolled anew', [ackedBy('a', 2, 20), enrolled('b', { enrolledIn: 3, enrolledAt: at(80) })], 80],
    ['everyone is gone and none counts any more', [], 10],
  ];
  for (const [what, signers, last] of rows) {
    const ring = withSigners(rotatedWith(enrolled('a')), ...signers);
    const change = settleRetirements(ring, at(100), BY_ITSELF);
    assert.deepEqual(change?.ring.keys[0]!.expiresAt ?? null, last === null ? null : at(last + LAST_TOKEN), what);
    assert.deepEqual(change?.events.map(({ kind, kid, from, to }) => [kind, kid, from, to]) ?? null, last === null ? null : [['endSet', 'key1', 'retired', 'retired']], what);
    if (change !== null) assert.equal(settleRetirements(change.ring, at(200), BY_ITSELF), null, `${what}: once`);
  }
});

test('what a rotation by hand revokes gets no end first', () => {
  const behindOnes = rotatedWith(enrolled('a'));
  const waiting = requestRotation(behindOnes, { operationId: 'op2', force: false }, newKey(4), at(30), BY_HAND).change!.ring;
  const acknowledged = withSigners(waiting, ackedBy('a', 4, 40));
  assert.deepEqual([picture(acknowledged), acknowledged.pending?.revokes, settledKeys(acknowledged)], ['1R 2A 3P', ['key1'], []]);
  assert.deepEqual(endOfRetired(acknowledged, acknowledged.keys[0]!), at(40 + LAST_TOKEN));
});
