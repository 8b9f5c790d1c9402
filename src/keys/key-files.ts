/**
 * The key files of a kube-apiserver: `sa.pub` and its like, PEM, several keys in one file, as its flags name them.
 *
 * Gives public halves only; of a private key file too, whose private half is forgotten at once.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { AlgorithmName, PublicMembers } from '../domain/algorithms.ts';
import { isMintmarkError, MintmarkError } from '../domain/errors.ts';
import { keyId, publicKeyOf } from './generate.ts';
import { canonical } from './imported-key.ts';

/** A key that verifies tokens of an API server. */
export interface KeyFileKey {
  readonly kid: string;
  /** SubjectPublicKeyInfo as PEM. */
  readonly pem: string;
}

const BLOCK = /-----BEGIN ((?:RSA |EC )?(?:PUBLIC|PRIVATE) KEY|CERTIFICATE)-----[^-]+-----END \1-----/g;

/**
 * Every key of a file, in its order. `file` is for messages.
 * @throws MintmarkError `AttachmentRefused` when there is none, or one that no issuer may list.
 */
export function keysOfFile(text: string, file: string): readonly KeyFileKey[] {
  const keys = [...text.matchAll(BLOCK)].map(([pem]) => publicHalf(pem, file));
  if (keys.length === 0) throw refused(file, 'It has no key in PEM.');
  return keys.map((key) => ({ kid: keyId(key), pem: pemOf(key) }));
}

/** The PEM of a key of a ring. */
export const publicPem = (algorithm: AlgorithmName, members: PublicMembers): string => pemOf(publicKeyOf(algorithm, members));

const pemOf = (key: KeyObject): string => String(key.export({ type: 'spki', format: 'pem' }));

function publicHalf(pem: string, file: string): KeyObject {
  const key = parsed(pem, file);
  try {
    return canonical(key);
  } catch (error) {
    throw isMintmarkError(error, 'InvalidKey') ? refused(file, error.message) : error;
  }
}

function parsed(pem: string, file: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch {
    // What node says could show a part of the file.
    throw refused(file, 'A key in it can not be read; it may be encrypted or damaged.');
  }
}

const refused = (file: string, why: string): MintmarkError => new MintmarkError('AttachmentRefused', `The key file ${file} can not be used. ${why} Nothing was changed.`);
