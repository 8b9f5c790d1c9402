import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, hasDigest, hashSecret, newSecret, NOBODYS_HASH, verifySecret } from './secrets.ts';

test('a secret is verified by its hash, and no other one is', async () => {
  const hashed = await hashSecret('correct horse');
  assert.match(hashed, /^scrypt\$32768\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
  assert.doesNotMatch(hashed, /horse/);
  assert.equal(await verifySecret('correct horse', hashed), true);
  for (const wrong of ['correct horse ', 'Correct horse', '', 'correct']) assert.equal(await verifySecret(wrong, hashed), false);
});

test('two hashes of one secret differ', async () => {
  assert.notEqual(await hashSecret('x'), await hashSecret('x'));
});

test('a hash of another cost, made by another implementation (hashlib.scrypt of Python)', async () => {
  const hashed = 'scrypt$1024$8$2$TmFDbE5hQ2xOYUNsTmFDbA$4bmMI57cQ1Q1qiYR0sOiKYjtYoL0yIe6kEcQC0jx9QQ';
  assert.equal(await verifySecret('password', hashed), true);
  assert.equal(await verifySecret('passwort', hashed), false);
});

test('the two spellings of an accented letter are one secret', async () => {
  assert.equal(await verifySecret('e\u0301', await hashSecret('\u00e9')), true);
});

test("nobody's hash costs what a new one costs and has no secret", async () => {
  assert.ok(NOBODYS_HASH.startsWith('scrypt$32768$8$1$'));
  assert.equal(await verifySecret('', NOBODYS_HASH), false);
});

const UNREADABLE = ['', 'plain', 'scrypt$32768$8$1$short$short', 'bcrypt$32768$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', `scrypt$3$8$1$${'A'.repeat(22)}$${'A'.repeat(43)}`, `scrypt$99999999$99$99$${'A'.repeat(22)}$${'A'.repeat(43)}`];

for (const hashed of UNREADABLE) {
  test(`'${hashed.slice(0, 30)}' is no hash`, () => assert.rejects(verifySecret('x', hashed), { code: 'StoreCorrupt' }));
}

test('a random secret is known by its digest, and no other one is', () => {
  const secret = newSecret();
  // printf abc | sha256sum
  assert.equal(digestOf('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.deepEqual([hasDigest(secret, digestOf(secret)), hasDigest(`${secret}x`, digestOf(secret)), hasDigest('', digestOf(secret)), hasDigest(secret, null)], [true, false, false, false]);
});

test('a new secret is 256 bits in base64url, and no command line takes it for an option', () => {
  const secrets = Array.from({ length: 2000 }, newSecret);
  for (const secret of secrets) assert.match(secret, /^\w[\w-]{42}$/);
  assert.equal(new Set(secrets).size, secrets.length);
});
