/** Key files of an API server: every PEM form that it reads, and what is refused without a word of what is in it. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { keyId } from './generate.ts';
import { keysOfFile, publicPem } from './key-files.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const spki = (key: typeof rsa.publicKey): string => String(key.export({ type: 'spki', format: 'pem' }));

test('public and private forms of the same key are the same key', () => {
  const forms = [spki(rsa.publicKey), String(rsa.publicKey.export({ type: 'pkcs1', format: 'pem' })), String(rsa.privateKey.export({ type: 'pkcs1', format: 'pem' })), String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }))];
  for (const form of forms) assert.deepEqual(keysOfFile(form, 'f'), [{ kid: keyId(rsa.publicKey), pem: spki(rsa.publicKey) }]);
  const sec1 = String(ec.privateKey.export({ type: 'sec1', format: 'pem' }));
  assert.deepEqual(keysOfFile(`-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n${sec1}`, 'f'), [{ kid: keyId(ec.publicKey), pem: spki(ec.publicKey) }]);
});

test('several keys in one file, with words between them, in their order', () => {
  assert.deepEqual(keysOfFile(`old:\n${spki(ec.publicKey)}new:\n${spki(rsa.publicKey)}`, 'f').map(({ kid }) => kid), [keyId(ec.publicKey), keyId(rsa.publicKey)]);
});

test('a key of a ring is written as the same PEM', () => {
  const { n, e } = rsa.publicKey.export({ format: 'jwk' }) as { n: string; e: string };
  assert.equal(publicPem('RS256', { n, e }), spki(rsa.publicKey));
});

const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
const edwards = generateKeyPairSync('ed25519');
const secret = String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }));
const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ['nothing', '', /has no key in PEM/],
  ['an RSA key of 1024 bits', spki(short.publicKey), /RSA of 1024 bits/],
  ['an Ed25519 key', spki(edwards.publicKey), /key of ed25519/],
  ['another curve', spki(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey), /key of ec secp256k1/],
  ['a damaged key', secret.replace(/[A-Za-z]{20}/, 'A'), /can not be read/],
];

for (const [what, text, why] of REFUSED) {
  test(`${what} is refused, by the name of the file`, () => assert.throws(() => keysOfFile(text, '/etc/x.pub'), (error: Error & { code: string }) => {
    assert.match(error.message, why);
    assert.ok(error.message.includes('/etc/x.pub') && !text.split('\n').some((line) => line.length > 30 && error.message.includes(line)));
    return error.code === 'AttachmentRefused';
  }));
}
