import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, BY_HAND, BY_ITSELF, newKey, newRing } from '../../test/support/rings.ts';
import { activate, close, revokeKey } from './rotation.ts';
import { isLater, pointText, ringForDeletedSigner, ringForSigner } from './ring-for-signer.ts';

const TO = { issuer: 'https://i/', signer: 's', leaseSeconds: 3600 };
const ring = activate(newRing(), newKey(3), at(5), BY_ITSELF).ring;
const HEAD = { typ: 'mintmark-ring+1', issuer: 'https://i/', issuerId: 'issuer', signer: 's', epoch: 1 };
const half = (number: number, expiresAt: string | null, more: object = {}) => ({ kid: `key${number}`, algorithm: 'RS256', publicMembers: newKey(number).publicMembers, expiresAt, ...more });
const verifyOnly = (number: number, expiresAt: Date | null) => ({ ...newKey(number), importedAt: at(0), importedBy: 'principal:ada', expiresAt });
const END = at(5 + 86_400 + 300).toISOString();

test('what a signer gets, exactly', () => {
  assert.deepEqual(ringForSigner({ ...ring, verifyOnly: [verifyOnly(8, at(100)), verifyOnly(9, null)] }, TO, at(9)), {
    ...HEAD, version: 2, sentAt: at(9).toISOString(), open: true, gapSeconds: 600, leaseSeconds: 3600, updatedAt: at(5).toISOString(),
    keys: [half(1, END, { state: 'retired' }), half(2, null, { state: 'active' }), half(3, null, { state: 'prepared' })],
    verifyOnly: [half(8, at(100).toISOString()), half(9, null)],
    active: { kid: 'key2' },
  });
});

test('keys past their end and revoked ones are not in it', () => {
  const revoked = revokeKey(ring, 'key3', false, newKey(4), at(6), BY_HAND)!.ring;
  const late = ringForSigner({ ...revoked, verifyOnly: [verifyOnly(9, at(200_000))] }, TO, at(200_000));
  assert.deepEqual([late.keys.map(({ kid }) => kid), late.verifyOnly], [['key2', 'key4'], []]);
});

test('a closed ring lists what verifies and has no active key; a deleted signer gets neither', () => {
  const closed = close(ring, at(7), BY_HAND)!.ring;
  const { open, active, keys } = ringForSigner(closed, TO, at(8));
  assert.deepEqual([open, active, keys.map(({ kid, state }) => [kid, state])], [false, null, [['key1', 'retired'], ['key2', 'retired']]]);
  assert.deepEqual(ringForDeletedSigner(closed, { issuer: 'https://i/', signer: 's' }, at(8)), { ...HEAD, version: 3, sentAt: at(8).toISOString(), deleted: true });
});

test('the order of rings: epoch, then version', () => {
  const points = [[1, 1], [1, 2], [1, 10], [2, 0]] as const;
  for (const [i, a] of points.entries()) for (const [j, b] of points.entries()) assert.equal(isLater({ epoch: a[0], version: a[1] }, { epoch: b[0], version: b[1] }), i > j, `${a} ${b}`);
  assert.equal(pointText({ epoch: 1, version: 17 }), '1-17');
});
