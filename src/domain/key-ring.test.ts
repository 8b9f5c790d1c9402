import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_STATES, at, newRing } from '../../test/support/rings.ts';
import { isMintmarkError } from './errors.ts';
import { assertRing, awaitsConfirmation, keyByKid, type KeyRing, KEY_STATES, maxAge, publishedKeys, type SigningKey, theKey } from './key-ring.ts';

const ring = newRing();
const withKey = (kid: string, change: Partial<SigningKey>): KeyRing => ({ ...ring, keys: ring.keys.map((key) => (key.kid === kid ? { ...key, ...change } : key)) });

test('the state table: one signs, the private half lives in two, revoked is the only one out of the JWKS', () => {
  assert.deepEqual(ALL_STATES, ['prepared', 'active', 'retired', 'revoked']);
  assert.deepEqual(Object.entries(KEY_STATES).filter(([, may]) => may.signs).map(([state]) => state), ['active']);
  assert.deepEqual(Object.entries(KEY_STATES).filter(([, may]) => may.hasPrivateHalf).map(([state]) => state), ['prepared', 'active']);
  assert.deepEqual(Object.entries(KEY_STATES).filter(([, may]) => !may.inJwks).map(([state]) => state), ['revoked']);
});

const BROKEN: readonly (readonly [string, KeyRing, RegExp])[] = [
  ['two active keys', withKey('key2', { state: 'active', activatedAt: at(0) }), /exactly one active key/],
  ['no prepared key', { ...ring, keys: ring.keys.slice(0, 1) }, /exactly one prepared key/],
  ['an active key in a closed ring', { ...ring, open: false }, /exactly one active key/],
  ['one kid twice', withKey('key2', { kid: 'key1' }), /a kid stands for one key/],
  ['an active key with an end', withKey('key1', { expiresAt: at(5) }), /a key that may sign has no end/],
  ['an active key that was never activated', withKey('key1', { activatedAt: null }), /has been activated/],
  ['a prepared key that has signed', withKey('key2', { activatedAt: at(0) }), /has never signed/],
  ['a key from the future', withKey('key2', { publishedIn: 2 }), /no key is published in a later version/],
  ['no gap', { ...ring, gap: { ...ring.gap, seconds: 0 } }, /at least one second/],
];

for (const [name, broken, message] of BROKEN) {
  test(`a ring is not whole: ${name}`, () => {
    assert.throws(() => assertRing(broken), (error) => isMintmarkError(error, 'StoreCorrupt') && message.test(error.message));
  });
}

test('a whole ring passes', () => assert.equal(assertRing(ring), ring));

test('max-age is half of the gap, rounded down, and at least a second (rule 3)', () => {
  assert.deepEqual([600, 3, 2, 1, 7].map((gap) => maxAge(newRing(gap))), [300, 1, 1, 1, 3]);
});

test('unpublished keys are in no JWKS', () => {
  assert.deepEqual(publishedKeys(withKey('key2', { published: false }), at(1)).map(({ kid }) => kid), ['key1']);
});

test('a ring awaits confirmation while a published key was not confirmed', () => {
  assert.equal(awaitsConfirmation(ring), false);
  assert.equal(awaitsConfirmation(withKey('key2', { publishedAt: null })), true);
  assert.equal(awaitsConfirmation({ ...ring, gap: { ...ring.gap, lowered: { fromSeconds: 700, inVersion: 1 } } }), true);
});

test('looking up keys', () => {
  assert.equal(theKey(ring, 'active').kid, 'key1');
  assert.equal(keyByKid(ring, 'key2').state, 'prepared');
  assert.throws(() => keyByKid(ring, 'key7'), (error) => isMintmarkError(error, 'KeyNotFound') && error.message === "The key ring has no key 'key7'. It has: key1, key2.");
});
