import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ackedBy, at, BY_HAND, BY_ITSELF, enrolled, newKey, newRing, picture, withSigners } from '../../test/support/rings.ts';
import { isReady } from './acknowledgement.ts';
import { isMintmarkError } from './errors.ts';
import { importSigningKey, importVerifyOnly } from './imported-key.ts';
import { jwks } from './jwks.ts';
import { activatableAt, type KeyRing, verifyOnlyKeys } from './key-ring.ts';
import { activate, close, confirmPublication, emergency, prune, requestRotation, revokeKey } from './rotation.ts';

const refused = (code: string) => (error: unknown) => isMintmarkError(error) && error.code === code;
const WHY = { ...BY_HAND, cause: 'import' } as const;
const imported = (ring: KeyRing, name: string, end: number | null = null): KeyRing => importVerifyOnly(ring, newKey(name), end === null ? null : at(end), false, at(5), WHY).ring;
const toSign = (ring: KeyRing, name: string): KeyRing => importSigningKey(ring, newKey(name), false, at(5), WHY).ring;
const kids = (ring: KeyRing, seconds: number): readonly string[] => verifyOnlyKeys(ring, at(seconds)).map(({ kid }) => kid);

test('rule 15: a public half alone verifies until its end, is in none of the states and not in the JWKS', () => {
  const change = importVerifyOnly(newRing(), newKey('Sa'), at(100), false, at(5), WHY);
  const { kid, algorithm, publicMembers } = newKey('Sa');
  assert.deepEqual(change.ring.verifyOnly, [{ kid, algorithm, publicMembers, importedAt: at(5), importedBy: 'principal:ada', expiresAt: at(100) }]);
  assert.deepEqual([picture(change.ring), change.ring.version, change.sealed], ['1A 2P', 2, []]);
  assert.deepEqual(change.events.map((event) => [event.kind, event.kid, event.from, event.to, event.cause]), [['imported', 'keySa', null, null, 'import']]);
  assert.deepEqual(jwks(change.ring, at(5)).keys.map((key) => key.kid), ['key1', 'key2']);
  assert.deepEqual([kids(change.ring, 99), kids(change.ring, 100)], [['keySa'], []]);
  assert.deepEqual(kids(imported(newRing(), 'Sa'), 9e9), ['keySa']);
});

test('rule 15: what is not imported', () => {
  const full = Array.from({ length: 8 }, (_, index) => String(index + 10)).reduce((ring, name) => imported(ring, name), newRing());
  const closed = close(newRing(), at(3), WHY)!.ring;
  const rows: readonly (readonly [string, string, () => unknown])[] = [
    ['a kid that is active', 'KeyExists', () => imported(newRing(), '1')],
    ['a kid that verifies only already', 'KeyExists', () => imported(imported(newRing(), 'Sa'), 'Sa')],
    ['a kid that is active, to sign', 'KeyExists', () => toSign(newRing(), '1')],
    ['a revoked kid', 'KeyWasRevoked', () => importVerifyOnly(newRing(), newKey('Sa'), null, true, at(5), WHY)],
    ['a revoked kid, to sign', 'KeyWasRevoked', () => importSigningKey(newRing(), newKey('Sa'), true, at(5), WHY)],
    ['a ninth', 'TooManyVerifyOnlyKeys', () => imported(full, '99')],
    ['into a closed ring', 'KeyRingClosed', () => imported(closed, 'Sa')],
    ['into a closed ring, to sign', 'KeyRingClosed', () => toSign(closed, 'Sa')],
  ];
  for (const [what, code, verb] of rows) assert.throws(verb, refused(code), what);
  assert.equal(toSign(full, '99').verifyOnly.length, 8, 'one that signs does not count among the eight');
});

test('rule 15: with its private half a key takes the prepared place, and waits like any other', () => {
  const change = importSigningKey(imported(newRing(), 'Sa'), newKey('Sa'), false, at(5), WHY);
  const { ring } = change;
  assert.deepEqual([picture(ring), ring.keys.at(-1)!.origin, ring.verifyOnly, change.sealed.map(({ kid }) => kid)], ['1A 2X SaP', 'imported', [], ['keySa']]);
  assert.deepEqual(change.events.map(({ kind, kid }) => [kind, kid]), [['imported', 'keySa'], ['revoked', 'key2'], ['prepared', 'keySa']]);
  assert.equal(activatableAt(ring), null);
  const published = confirmPublication(ring, ring.version, at(10), at(10), BY_ITSELF)!.ring;
  assert.deepEqual(activatableAt(published), at(610));
  assert.deepEqual([withSigners(published, enrolled('a')), withSigners(published, ackedBy('a', ring.version, 20))].map((one) => isReady(one, at(610))), [false, true]);
});

test('rule 15: a rotation that waits goes on to wait for the imported key, which then counts as one that was made here', () => {
  const rotated = confirmPublication(requestRotation(newRing(), { operationId: 'a', force: false }, newKey(3), at(1), BY_HAND).change!.ring, 2, at(1), at(1), BY_ITSELF)!.ring;
  const waiting = requestRotation(rotated, { operationId: 'b', force: false }, newKey(4), at(2), BY_HAND).change!.ring;
  const taken = toSign(waiting, 'Sa');
  assert.deepEqual([picture(taken), taken.pending?.operationId, activatableAt(taken)], ['1X 2A 3X SaP', 'b', null]);
  const done = activate(confirmPublication(taken, taken.version, at(10), at(10), BY_ITSELF)!.ring, newKey(5), at(610), BY_ITSELF).ring;
  assert.deepEqual([picture(done), done.pending], ['1X 2R 3X SaA 5P', null]);
  assert.equal(picture(emergency(done, newKey(6), newKey(7), at(700), BY_HAND).ring), '1X 2X 3X SaX 5X 6A 7P');
});

test('rule 15: a key that verifies only goes by its end, by revocation or with its issuer, and by nothing else', () => {
  const ring = imported(imported(newRing(), 'A', 100), 'B');
  const left = (changed: KeyRing | undefined): readonly string[] | undefined => changed?.verifyOnly.map(({ kid }) => kid);
  const rotated = requestRotation(ring, { operationId: 'a', force: true }, newKey(3), at(6), BY_HAND).change!.ring;
  assert.deepEqual(left(rotated), ['keyA', 'keyB']);
  assert.deepEqual(left(emergency(rotated, newKey(8), newKey(9), at(7), BY_HAND).ring), ['keyA', 'keyB']);
  const revoked = revokeKey(ring, 'keyA', false, newKey(9), at(7), BY_HAND)!;
  assert.deepEqual([left(revoked.ring), revoked.events.map(({ kind, kid }) => [kind, kid])], [['keyB'], [['revoked', 'keyA']]]);
  assert.equal(prune(ring, at(99), BY_ITSELF), null);
  const pruned = prune(ring, at(500), BY_ITSELF)!;
  assert.deepEqual([left(pruned.ring), pruned.events.map(({ kind, kid, at: time }) => [kind, kid, time])], [['keyB'], [['pruned', 'keyA', at(100)]]]);
  assert.deepEqual(left(close(ring, at(8), BY_HAND)!.ring), []);
});
