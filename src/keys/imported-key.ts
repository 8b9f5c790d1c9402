/**
 * Keys that were made elsewhere, read from PEM: the `sa.pub` of a cluster, to go on verifying with it, or its `sa.key`, to
 * go on signing (rule 15). RSA of 2048 bits or more, or P-256, P-384, P-521.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type AlgorithmName, ALGORITHMS, type PublicMembers } from '../domain/algorithms.ts';
import { MintmarkError } from '../domain/errors.ts';
import { keyId, publicMembersOf, UnsealedKey } from './generate.ts';

export interface ImportedPublicKey {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
}

const LEAST_RSA_BITS = 2048;
const MOST_RSA_BITS = 8192;
/** As node:crypto names curves. */
const CURVES: Readonly<Record<string, AlgorithmName>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
/** The labels of PEM (RFC 7468; PKCS #1) that stand for keys. */
const PUBLIC_LABELS = ['PUBLIC KEY', 'RSA PUBLIC KEY'];
const PRIVATE_LABELS = ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'];

/** @throws MintmarkError `InvalidKey` for anything but one public key of a kind that API servers verify with. */
export function readPublicKey(pem: string): ImportedPublicKey {
  const [label] = oneLabel(pem, 'public');
  if (label.endsWith('PRIVATE KEY')) throw invalid('This is a private key. To verify only, the public half is enough: send that, and keep the private half where it was.');
  if (!PUBLIC_LABELS.includes(label)) throw invalid(`This is PEM of '${label}'; a public key is '-----BEGIN PUBLIC KEY-----'.`);
  const key = parsed(() => createPublicKey(pem));
  const algorithm = algorithmOf(key);
  return { kid: keyId(key), algorithm, publicMembers: publicMembersOf(algorithm, key) };
}

/** @throws MintmarkError `InvalidKey` for anything but one private key of such a kind, not encrypted. */
export function readPrivateKey(pem: string): UnsealedKey {
  const [label] = oneLabel(pem, 'private');
  if (label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(pem)) throw invalid('This private key is encrypted. Decrypt it first: openssl pkey -in FILE -out OTHER.');
  if (!PRIVATE_LABELS.includes(label)) throw invalid(`This is PEM of '${label}'; a private key is '-----BEGIN PRIVATE KEY-----', or that of RSA or EC.`);
  const privateKey = parsed(() => createPrivateKey(pem));
  const publicKey = createPublicKey(privateKey);
  return new UnsealedKey(algorithmOf(publicKey), publicKey, privateKey);
}

/** The label of the only block of PEM; parameters of a curve, which openssl puts in front of a key, do not count. */
function oneLabel(pem: string, kind: 'public' | 'private'): readonly [label: string] {
  const labels = [...pem.matchAll(/^-----BEGIN ([A-Z0-9 ]+)-----\s*$/gm)].map(([, label]) => label!).filter((label) => label !== 'EC PARAMETERS');
  const [label] = labels;
  if (label === undefined) throw invalid(`This is no ${kind} key in PEM.`);
  if (labels.length > 1) throw invalid(`There are ${labels.length} blocks of PEM here. Send each key by itself.`);
  return [label];
}

function algorithmOf(key: KeyObject): AlgorithmName {
  const { asymmetricKeyType: type, asymmetricKeyDetails: { modulusLength = 0, namedCurve = '' } = {} } = key;
  const curve = CURVES[namedCurve];
  if (type === 'ec' && curve !== undefined) return curve;
  if (type === 'rsa' && modulusLength >= LEAST_RSA_BITS && modulusLength <= MOST_RSA_BITS) return 'RS256';
  const what = type === 'rsa' ? `RSA of ${modulusLength} bits` : `${type} ${namedCurve}`.trim();
  throw invalid(`This is a key of ${what}. API servers, and Mintmark, take RSA of ${LEAST_RSA_BITS} to ${MOST_RSA_BITS} bits, or one of the curves ${Object.values(ALGORITHMS).flatMap((row) => ('curve' in row ? [row.curve] : [])).join(', ')}.`);
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
