import assert from 'node:assert/strict';
import { checkPrimeSync, createPrivateKey, createPublicKey, ECDH, generateKeyPairSync, generatePrimeSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { MintmarkError } from '../domain/errors.ts';
import { keyId } from './generate.ts';
import { readPrivateKey, readPublicKey } from './imported-key.ts';
import { keysOfFile } from './key-files.ts';
import { createSealer } from './seal.ts';

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

test('line ends of another system, and words around a key', () => {
  const text = `kid of the cluster\r\n${spki(big.publicKey).replaceAll('\n', '\r\n')}- the end -\r\n`;
  assert.equal(readPublicKey(text).kid, keyId(big.publicKey));
});

test('the forms in which clusters keep their keys', () => {
  const kid = keyId(big.publicKey);
  assert.equal(readPublicKey(`# sa.pub\n${String(big.publicKey.export({ type: 'pkcs1', format: 'pem' }))}\n`).kid, kid);
  assert.equal(readPrivateKey(String(big.privateKey.export({ type: 'pkcs1', format: 'pem' }))).kid, kid);
  const curve = ec('P-256');
  const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
  assert.equal(readPrivateKey(`${parameters}${String(curve.privateKey.export({ type: 'sec1', format: 'pem' }))}`).kid, keyId(curve.publicKey));
});

/** One element of DER, up to 255 bytes long. */
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(content.length < 128 ? [tag, content.length] : [tag, 0x81, content.length]), content]);
};
const pem = (label: string, content: Buffer): string => `-----BEGIN ${label}-----\n${content.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;
const P256 = Buffer.from('06082a8648ce3d030107', 'hex');
const EC_KEY = Buffer.from('06072a8648ce3d0201', 'hex');
const curve = ec('P-256');
const point = curve.publicKey.export({ type: 'spki', format: 'der' }).subarray(26);
const scalar = Buffer.from(curve.privateKey.export({ format: 'jwk' }).d!, 'base64url');
const publicPemWith = (bytes: Buffer): string => pem('PUBLIC KEY', der(0x30, der(0x30, EC_KEY, P256), der(0x03, Buffer.from([0]), bytes)));
const privatePemWith = (bytes: Buffer): string => pem('EC PRIVATE KEY', der(0x30, Buffer.from([2, 1, 1]), der(0x04, scalar), der(0xa0, P256), der(0xa1, der(0x03, Buffer.from([0]), bytes))));

for (const form of ['uncompressed', 'compressed', 'hybrid'] as const) {
  test(`a point of a curve in its ${form} form has the one kid that API servers give it, and the halves written are in the usual form`, () => {
    const bytes = ECDH.convertKey(point, 'prime256v1', undefined, undefined, form) as Buffer;
    const kid = keyId(curve.publicKey);
    assert.equal(keyId(createPublicKey(publicPemWith(bytes))) === kid, form === 'uncompressed', 'what was read is in the form that is asked about');
    assert.deepEqual([readPublicKey(publicPemWith(bytes)).kid, readPrivateKey(privatePemWith(bytes)).kid], [kid, kid]);
    for (const file of [publicPemWith(bytes), privatePemWith(bytes)]) assert.deepEqual(keysOfFile(file, 'f'), [{ kid, pem: spki(curve.publicKey) }]);
  });
}

test('the private half is sealed in the form that everyone reads', async () => {
  const [place, asItIs] = [{ tenantId: 't', issuerId: 'i' }, async (bytes: Uint8Array) => Uint8Array.from(bytes)];
  const sealer = createSealer({ id: Buffer.alloc(16), wrap: asItIs, unwrap: asItIs });
  const bytes = ECDH.convertKey(point, 'prime256v1', undefined, undefined, 'compressed') as Buffer;
  const { kid, sealed } = await readPrivateKey(privatePemWith(bytes)).sealFor(sealer, place);
  assert.deepEqual(Buffer.from(await sealer.open(sealed, { ...place, kid })), curve.privateKey.export({ type: 'pkcs8', format: 'der' }));
});

const modulus = Buffer.from(big.publicKey.export({ format: 'jwk' }).n!, 'base64url');
const rsaWith = (exponent: string, n = modulus): string => spki(createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: n.toString('base64url'), e: Buffer.from(exponent, 'hex').toString('base64url') } }));
const rsaOf = (number: bigint): string => rsaWith('010001', Buffer.from(bytesOf(number), 'base64url'));
/** With no other small divisor. */
const multipleOf = (prime: bigint): bigint => prime * numberOf(modulus.toString('base64url'));
const EXPONENT = /public exponent of this RSA key is .*API servers take odd ones from 3 to 2147483647/;

test('the least and the greatest exponent', () => {
  for (const exponent of ['03', '010001', '7fffffff']) assert.equal(readPublicKey(rsaWith(exponent)).publicMembers.e, Buffer.from(exponent, 'hex').toString('base64url'));
});

/** A private RSA key with other numbers than it has; node:crypto takes it. */
const rsaWhose = (numbers: (jwk: Readonly<Record<string, string>>) => object): string => {
  const jwk = big.privateKey.export({ format: 'jwk' }) as Record<string, string>;
  return pkcs8(createPrivateKey({ format: 'jwk', key: { ...jwk, ...numbers(jwk) } }));
};
const bytesOf = (number: bigint): string => Buffer.from(number.toString(16).padStart(number.toString(16).length + (number.toString(16).length % 2), '0'), 'hex').toString('base64url');
const numberOf = (text: string): bigint => BigInt(`0x${Buffer.from(text, 'base64url').toString('hex')}`);

test('either private exponent of an RSA key is one: below the product of p - 1 and q - 1, or below their least common multiple', () => {
  for (const divisor of [1n, 2n]) {
    const whole = rsaWhose(({ d, p, q }) => ({ d: bytesOf(numberOf(d!) % (((numberOf(p!) - 1n) * (numberOf(q!) - 1n)) / divisor)) }));
    assert.equal(readPrivateKey(whole).kid, keyId(big.publicKey));
  }
});

/** Inverse by the extended algorithm of Euclid. */
function inverse(number: bigint, of: bigint): bigint {
  let [a, b, x, y] = [number % of, of, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % of) + of) % of;
}

/** The numbers of a key of which one prime is the next after the other. */
function neighbours(): object {
  const q = generatePrimeSync(1024, { bigint: true });
  let p = q + 2n;
  while (!checkPrimeSync(p)) p += 2n;
  const d = inverse(65_537n, (p - 1n) * (q - 1n));
  return Object.fromEntries(Object.entries({ n: p * q, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }).map(([member, value]) => [member, bytesOf(value)]));
}

const damaged = pkcs8(big.privateKey).replace(/\n.{10}/, '\nAAAAAAAAAA');
const secretPart = pkcs8(big.privateKey).split('\n')[5]!;
const REFUSED: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['nothing', () => readPublicKey(''), /no public key in PEM/],
  ['a word', () => readPrivateKey('secret'), /no private key in PEM/],
  ['a private key as a public one', () => readPublicKey(pkcs8(big.privateKey)), /There is a private key here\./],
  ['a public key as a private one', () => readPrivateKey(spki(big.publicKey)), /PEM of 'PUBLIC KEY'/],
  ['a private key behind a public one', () => readPublicKey(`${spki(big.publicKey)}${pkcs8(big.privateKey)}`), /There is a private key here\./],
  ...[['spaces', '  '], ['a tab', '\t'], ['marks of a mail', '> '], ['a name of YAML', 'key: ']].flatMap(([what, before]) => {
    const shifted = pkcs8(big.privateKey).replaceAll(/^/gm, before!);
    return [
      [`a private key before a public one, its lines behind ${what}`, () => readPublicKey(`${shifted}\n${spki(big.publicKey)}`), /There is a private key here\./],
      [`a private key after a public one, its lines behind ${what}`, () => readPublicKey(`${spki(big.publicKey)}${shifted}`), /There is a private key here\./],
      [`a second private key, its lines behind ${what}`, () => readPrivateKey(`${pkcs8(big.privateKey)}${shifted}`), /2 blocks of PEM/],
      [`a private key alone, its lines behind ${what}`, () => readPrivateKey(shifted), /'-----BEGIN PRIVATE KEY-----' does not stand at the beginning of its line/],
    ] as const;
  }),
  ['a private key whose first line goes on', () => readPublicKey(`${spki(big.publicKey)}${pkcs8(big.privateKey).replace('-----\n', '----- # old\n')}`), /There is a private key here\./],
  ['a certificate', () => readPublicKey('-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----'), /PEM of 'CERTIFICATE'/],
  ['two keys', () => readPublicKey(spki(big.publicKey).repeat(2)), /2 blocks of PEM/],
  ['a public and a private key', () => readPrivateKey(`${pkcs8(big.privateKey)}${spki(big.publicKey)}`), /2 blocks of PEM/],
  ['an encrypted key', () => readPrivateKey(String(big.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }))), /is encrypted/],
  ['an encrypted key of the old form', () => readPrivateKey(String(big.privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }))), /is encrypted/],
  ['a damaged key', () => readPrivateKey(damaged), /damaged or cut short/],
  ['small RSA', () => readPublicKey(spki(rsa(1024).publicKey)), /a key of RSA of 1024 bits\. .* take RSA of 2048 to 8192 bits, or one of the curves P-256, P-384, P-521\./],
  ...['00', '01', '02', '0100', '80000001', 'ffffffff', '8000000000000001', '020000000000000001'].map((exponent) => [`an exponent of 0x${exponent}`, () => readPublicKey(rsaWith(exponent)), EXPONENT] as const),
  ['an exponent of no byte', () => readPublicKey(rsaWith('')), EXPONENT],
  ...[2n, 3n, 17n, 1999n].map((prime) => [`a modulus that ${prime} divides`, () => readPublicKey(rsaOf(multipleOf(prime))), new RegExp(`modulus of this RSA key can be divided by ${prime}, so it is no product of two large primes`)] as const),
  ['a modulus that is a power of 3', () => readPublicKey(rsaOf(3n ** 1293n)), /modulus of this RSA key can be divided by 3,/],
  ['a key file with such a modulus', () => { try { keysOfFile(rsaOf(multipleOf(1009n)), 'f'); } catch (error) { throw new MintmarkError('InvalidKey', (error as Error).message); } }, /^The key file f can not be used\. The modulus of this RSA key can be divided by 1009,/],
  ['RSA of too many bits', () => readPublicKey(rsaWith('010001', Buffer.concat([Buffer.alloc(1024, 0xff), Buffer.from([0xff])]))), /a key of RSA of 8200 bits/],
  ['a private key with the public half of another', () => readPrivateKey(privatePemWith(ec('P-256').publicKey.export({ type: 'spki', format: 'der' }).subarray(26))), /its own/],
  ['an RSA private key that says another exponent', () => readPrivateKey(pkcs8(createPrivateKey({ format: 'jwk', key: { ...big.privateKey.export({ format: 'jwk' }), e: 'Aw' } }))), /its own/],
  ['an RSA private key with another private exponent', () => readPrivateKey(rsaWhose(({ dq }) => ({ d: dq }))), /RSA private key is damaged: its private exponent does not belong/],
  ['an RSA private key with the exponents of its primes swapped', () => readPrivateKey(rsaWhose(({ dp, dq }) => ({ dp: dq, dq: dp }))), /damaged: its exponents for the two primes are not/],
  ['an RSA private key with another coefficient', () => readPrivateKey(rsaWhose(({ dp }) => ({ qi: dp }))), /damaged: its coefficient is not/],
  ['an RSA private key with primes that are next to each other', () => readPrivateKey(rsaWhose(neighbours)), /damaged: its primes are so close/],
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
