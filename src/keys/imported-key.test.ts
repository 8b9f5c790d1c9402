import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { keyId } from './generate.ts';
import { readPrivateKey, readPublicKey } from './imported-key.ts';

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const spki = (key: KeyObject): string => String(key.export({ type: 'spki', format: 'pem' }));
const pkcs8 = (key: KeyObject): string => String(key.export({ type: 'pkcs8', format: 'pem' }));
const big = rsa(2048);
const KINDS = [['RS256', big], ['ES256', ec('P-256')], ['ES384', ec('P-384')], ['ES512', ec('P-521')]] as const;

for (const [algorithm, { publicKey, privateKey }] of KINDS) {
  test(`${algorithm}: both halves, under the name that kube-apiserver gives`, () => {
    const half = readPublicKey(spki(publicKey));
    assert.deepEqual([half.kid, half.algorithm], [keyId(publicKey), algorithm]);
    const whole = readPrivateKey(pkcs8(privateKey));
    assert.deepEqual([whole.kid, whole.algorithm, whole.publicMembers], [half.kid, algorithm, half.publicMembers]);
  });
}

test('the forms in which clusters keep their keys', () => {
  const kid = keyId(big.publicKey);
  assert.equal(readPublicKey(`# sa.pub\n${String(big.publicKey.export({ type: 'pkcs1', format: 'pem' }))}\n`).kid, kid);
  assert.equal(readPrivateKey(String(big.privateKey.export({ type: 'pkcs1', format: 'pem' }))).kid, kid);
  const curve = ec('P-256');
  const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
  assert.equal(readPrivateKey(`${parameters}${String(curve.privateKey.export({ type: 'sec1', format: 'pem' }))}`).kid, keyId(curve.publicKey));
});

const damaged = pkcs8(big.privateKey).replace(/\n.{10}/, '\nAAAAAAAAAA');
const secretPart = pkcs8(big.privateKey).split('\n')[5]!;
const REFUSED: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['nothing', () => readPublicKey(''), /no public key in PEM/],
  ['a word', () => readPrivateKey('secret'), /no private key in PEM/],
  ['a private key as a public one', () => readPublicKey(pkcs8(big.privateKey)), /This is a private key/],
  ['a public key as a private one', () => readPrivateKey(spki(big.publicKey)), /PEM of 'PUBLIC KEY'/],
  ['a certificate', () => readPublicKey('-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----'), /PEM of 'CERTIFICATE'/],
  ['two keys', () => readPublicKey(spki(big.publicKey).repeat(2)), /2 blocks of PEM/],
  ['a public and a private key', () => readPrivateKey(`${pkcs8(big.privateKey)}${spki(big.publicKey)}`), /2 blocks of PEM/],
  ['an encrypted key', () => readPrivateKey(String(big.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }))), /is encrypted/],
  ['an encrypted key of the old form', () => readPrivateKey(String(big.privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }))), /is encrypted/],
  ['a damaged key', () => readPrivateKey(damaged), /damaged or cut short/],
  ['small RSA', () => readPublicKey(spki(rsa(1024).publicKey)), /a key of RSA of 1024 bits\. .* take RSA of 2048 to 8192 bits, or one of the curves P-256, P-384, P-521\./],
  ['another curve', () => readPublicKey(spki(ec('secp256k1').publicKey)), /a key of ec secp256k1/],
  ['Ed25519', () => readPublicKey(spki(generateKeyPairSync('ed25519').publicKey)), /a key of ed25519\./],
  ['RSA-PSS', () => readPublicKey(spki(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey)), /a key of rsa-pss\./],
];
for (const [what, read, why] of REFUSED) {
  test(`${what} is refused, and nothing of it is told`, () => {
    assert.throws(read, (error: Error & { code?: string }) => {
      assert.deepEqual([error.code, why.test(error.message)], ['InvalidKey', true], error.message);
      assert.doesNotMatch(`${error.message}${String(error.cause)}`, new RegExp(secretPart.replaceAll(/[+/]/g, '.')));
      return true;
    });
  });
}
