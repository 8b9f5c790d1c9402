/**
 * Keys that were made elsewhere, read from PEM: the `sa.pub` of a cluster, to go on verifying with it, or its `sa.key`, to
 * go on signing (rule 15). RSA of 2048 to 8192 bits, or P-256, P-384, P-521.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { type AlgorithmName, ALGORITHMS, type PublicMembers } from '../domain/algorithms.ts';
import { MintmarkError } from '../domain/errors.ts';
import { keyId, publicMembersOf, UnsealedKey } from './generate.ts';
import { rsaFault } from './rsa-private-key.ts';

export interface ImportedPublicKey {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
}

const LEAST_RSA_BITS = 2048;
const MOST_RSA_BITS = 8192;
const LEAST_EXPONENT = 3n;
const MOST_EXPONENT = 2n ** 31n - 1n;
/** By which no modulus can be divided. It says nothing about larger primes: whoever brings a key answers for how it was made. */
const SMALL_PRIMES = primesBelow(2000);
/** As node:crypto names curves. */
const CURVES: Readonly<Record<string, AlgorithmName>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
/** The labels of PEM (RFC 7468; PKCS #1) that stand for keys. */
const PUBLIC_LABELS = ['PUBLIC KEY', 'RSA PUBLIC KEY'];
const PRIVATE_LABELS = ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'];

/** @throws MintmarkError `InvalidKey` for anything but one public key of a kind that API servers verify with. */
export function readPublicKey(pem: string): ImportedPublicKey {
  if (labelsIn(pem).some(({ label }) => label.endsWith('PRIVATE KEY'))) throw invalid('There is a private key here. To verify only, the public half is enough: send that alone, and keep the private half where it was.');
  const [label] = oneLabel(pem, 'public');
  if (!PUBLIC_LABELS.includes(label)) throw invalid(`This is PEM of '${label}'; a public key is '-----BEGIN PUBLIC KEY-----'.`);
  const key = canonical(parsed(() => createPublicKey(pem)));
  const algorithm = algorithmOf(key);
  return { kid: keyId(key), algorithm, publicMembers: publicMembersOf(algorithm, key) };
}

/** @throws MintmarkError `InvalidKey` for anything but one private key of such a kind, not encrypted. */
export function readPrivateKey(pem: string): UnsealedKey {
  const [label] = oneLabel(pem, 'private');
  if (label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(pem)) throw invalid('This private key is encrypted. Decrypt it first: openssl pkey -in FILE -out OTHER.');
  if (!PRIVATE_LABELS.includes(label)) throw invalid(`This is PEM of '${label}'; a private key is '-----BEGIN PRIVATE KEY-----', or that of RSA or EC.`);
  const privateKey = parsed(() => createPrivateKey(pem));
  const algorithm = algorithmOf(createPublicKey(privateKey));
  const ours = canonicalPair(privateKey);
  const fault = ours.asymmetricKeyType === 'rsa' ? rsaFault(ours) : null;
  if (fault !== null) throw invalid(`This RSA private key is damaged: ${fault}. API servers refuse it. Use a whole copy of it, or another key.`);
  return new UnsealedKey(algorithm, createPublicKey(ours), ours);
}

interface Label {
  readonly label: string;
  /** Whether it stands where readers of PEM look for it. */
  readonly beginsLine: boolean;
}

/** Of every block of PEM, also of one that is indented or quoted, and so read by nobody: a private key is one all the same. */
const labelsIn = (pem: string): readonly Label[] =>
  [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map(({ index, 1: label }) => ({ label: label!, beginsLine: index === 0 || pem[index - 1] === '\n' }));

/** The label of the only block of PEM; parameters of a curve, which openssl puts in front of a key, do not count. */
function oneLabel(pem: string, kind: 'public' | 'private'): readonly [label: string] {
  const labels = labelsIn(pem).filter(({ label }) => label !== 'EC PARAMETERS');
  const [first] = labels;
  if (first === undefined) throw invalid(`This is no ${kind} key in PEM.`);
  if (labels.length > 1) throw invalid(`There are ${labels.length} blocks of PEM here. Send each key by itself.`);
  if (!first.beginsLine) throw invalid(`'-----BEGIN ${first.label.slice(0, 40)}-----' does not stand at the beginning of its line, so nothing reads it as PEM. Take out what is in front of it and of the lines below.`);
  return [first.label];
}

/**
 * The key in the one encoding that API servers name it by, whatever the file has: they parse a key and hash what Go writes
 * anew, in which a point of a curve is never compressed and a curve goes by its name. So one key has one kid.
 * @throws MintmarkError `InvalidKey` as `algorithmOf` does.
 */
export function canonical(key: KeyObject): KeyObject {
  algorithmOf(key);
  return parsed(() => createPublicKey({ format: 'jwk', key: key.export({ format: 'jwk' }) }));
}

/** @throws MintmarkError `InvalidKey` for a kind of key, a size or an exponent that API servers do not take. */
function algorithmOf(key: KeyObject): AlgorithmName {
  const { asymmetricKeyType: type, asymmetricKeyDetails: { modulusLength = 0, publicExponent = 0n, namedCurve = '' } = {} } = key;
  const curve = CURVES[namedCurve];
  if (type === 'ec' && curve !== undefined) return curve;
  if (type === 'rsa' && modulusLength >= LEAST_RSA_BITS && modulusLength <= MOST_RSA_BITS) return soundRsa(key, publicExponent);
  const what = type === 'rsa' ? `RSA of ${modulusLength} bits` : `${type} ${namedCurve}`.trim();
  throw invalid(`This is a key of ${what}. API servers, and Mintmark, take RSA of ${LEAST_RSA_BITS} to ${MOST_RSA_BITS} bits, or one of the curves ${Object.values(ALGORITHMS).flatMap((row) => ('curve' in row ? [row.curve] : [])).join(', ')}.`);
}

/**
 * What node:crypto takes and Go does not: even numbers, and exponents of 1 or of more than 31 bits (crypto/rsa). And what
 * both take: a modulus that anybody can take apart, with whose private key anybody could sign.
 */
function soundRsa(key: KeyObject, exponent: bigint): AlgorithmName {
  if (exponent < LEAST_EXPONENT || exponent > MOST_EXPONENT || exponent % 2n === 0n) throw invalid(`The public exponent of this RSA key is ${exponent < 1n << 64n ? exponent : 'of more than 64 bits'}. API servers take odd ones from ${LEAST_EXPONENT} to ${MOST_EXPONENT}; 65537 is what everyone uses.`);
  const modulus = BigInt(`0x${Buffer.from(String(key.export({ format: 'jwk' }).n), 'base64url').toString('hex')}`);
  const divisor = SMALL_PRIMES.find((prime) => modulus % prime === 0n);
  if (divisor !== undefined) throw invalid(`The modulus of this RSA key can be divided by ${divisor}, so it is no product of two large primes: the key is damaged, or was made to look like one.`);
  return 'RS256';
}

function primesBelow(end: number): readonly bigint[] {
  const primes: number[] = [];
  for (let number = 2; number < end; number += 1) if (primes.every((prime) => number % prime !== 0)) primes.push(number);
  return primes.map(BigInt);
}

/** The private key with its public half, in the encoding that everyone reads, once the two have proved that they belong together. */
function canonicalPair(privateKey: KeyObject): KeyObject {
  const probe = Buffer.from('mintmark');
  try {
    const ours = createPrivateKey({ format: 'jwk', key: privateKey.export({ format: 'jwk' }) });
    if (verify('sha256', probe, createPublicKey(ours), sign('sha256', probe, ours))) return ours;
  } catch {
    // node:crypto says no for some pairs at once; what it says could show a part of the key.
  }
  throw invalid('The public half that this private key carries is not its own: nothing that it signs could be verified.');
}

/** The cause is left out: it may quote what it can not read. */
function parsed(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch {
    throw invalid('The key can not be read: it is damaged or cut short.');
  }
}

const invalid = (message: string): MintmarkError => new MintmarkError('InvalidKey', message);
