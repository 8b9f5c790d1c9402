/**
 * The key files of a kube-apiserver: `sa.pub` and its like, PEM, several keys in one file, as its flags name them.
 *
 * Gives public halves only; of a private key file too, whose private half is forgotten at once.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { ALGORITHMS, type AlgorithmName, type PublicMembers } from '../domain/algorithms.ts';
import { MintmarkError } from '../domain/errors.ts';
import { keyId, publicKeyOf } from './generate.ts';

/** A key that verifies tokens of an API server. */
export interface KeyFileKey {
  readonly kid: string;
  /** SubjectPublicKeyInfo as PEM. */
  readonly pem: string;
}

const BLOCK = /-----BEGIN ((?:RSA |EC )?(?:PUBLIC|PRIVATE) KEY|CERTIFICATE)-----[^-]+-----END \1-----/g;
const SHORTEST_RSA = 2048;

/**
 * Every key of a file, in its order. `file` is for messages.
 * @throws MintmarkError `AttachmentRefused` when there is none, or one that no issuer may list.
 */
export function keysOfFile(text: string, file: string): readonly KeyFileKey[] {
  const keys = [...text.matchAll(BLOCK)].map(([pem]) => publicHalf(pem, file));
  if (keys.length === 0) throw refused(file, 'it has no key in PEM');
  return keys.map((key) => ({ kid: keyId(key), pem: pemOf(key) }));
}

/** The PEM of a key of a ring. */
export const publicPem = (algorithm: AlgorithmName, members: PublicMembers): string => pemOf(publicKeyOf(algorithm, members));

const pemOf = (key: KeyObject): string => String(key.export({ type: 'spki', format: 'pem' }));

function publicHalf(pem: string, file: string): KeyObject {
  const key = parsed(pem, file);
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const isKnown = key.asymmetricKeyType === 'rsa' ? modulusLength >= SHORTEST_RSA : key.asymmetricKeyType === 'ec' && CURVES.has(namedCurve);
  if (!isKnown) throw refused(file, `it has a key of type ${key.asymmetricKeyType ?? 'unknown'} (${namedCurve || `${modulusLength} bits`}); RSA of ${SHORTEST_RSA} bits or more, and EC on P-256, P-384 and P-521 are taken`);
  return key;
}

/** OpenSSL's names of the curves in the algorithm table. */
const OPENSSL_NAMES: Readonly<Record<string, string>> = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' };
const CURVES: ReadonlySet<string> = new Set(Object.values(ALGORITHMS).flatMap((row) => ('curve' in row ? [OPENSSL_NAMES[row.curve]!] : [])));

function parsed(pem: string, file: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch {
    // What node says could show a part of the file.
    throw refused(file, 'a key in it can not be read; it may be encrypted or damaged');
  }
}

const refused = (file: string, why: string): MintmarkError => new MintmarkError('AttachmentRefused', `The key file ${file} can not be used: ${why}. Nothing was changed.`);
