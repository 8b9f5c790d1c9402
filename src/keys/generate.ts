/**
 * Makes signing keys. The private half stays inside `UnsealedKey`, which gives it to nobody: it can only be sealed.
 */
import { createHash, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { ALGORITHMS, type AlgorithmName, type PublicMembers } from '../domain/algorithms.ts';
import type { NewKey } from '../domain/key-ring-change.ts';
import type { SealContext, Sealer } from './seal.ts';

/** Sizes of RSA keys that new rings may have, in bits. */
export type RsaBits = 2048 | 3072 | 4096;

const makePair = promisify(generateKeyPair);

/** A key that was made and belongs to no issuer yet. */
export class UnsealedKey {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
  readonly #privateKey: KeyObject;

  constructor(algorithm: AlgorithmName, publicKey: KeyObject, privateKey: KeyObject) {
    this.kid = keyId(publicKey);
    this.algorithm = algorithm;
    this.publicMembers = publicMembersOf(algorithm, publicKey);
    this.#privateKey = privateKey;
  }

  /** The key as an issuer's ring takes it, its private half sealed for that tenant, issuer and kid. */
  async sealFor(sealer: Sealer, owner: Omit<SealContext, 'kid'>): Promise<NewKey> {
    const plain = this.#privateKey.export({ type: 'pkcs8', format: 'der' });
    try {
      const sealed = await sealer.seal(plain, { ...owner, kid: this.kid });
      return { kid: this.kid, algorithm: this.algorithm, publicMembers: this.publicMembers, sealed };
    } finally {
      plain.fill(0);
    }
  }
}

/** A fresh RS256 key. Takes about 35 ms for 2048 bits, off the event loop. */
export async function generateKey(bits: RsaBits): Promise<UnsealedKey> {
  const { publicKey, privateKey } = await makePair('rsa', { modulusLength: bits });
  return new UnsealedKey('RS256', publicKey, privateKey);
}

/** base64url(SHA-256(DER SubjectPublicKeyInfo)), as kube-apiserver names its keys. */
export const keyId = (publicKey: KeyObject): string =>
  createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64url');

/** The key that stored public members stand for. */
export const publicKeyOf = (algorithm: AlgorithmName, members: PublicMembers): KeyObject =>
  createPublicKey({ format: 'jwk', key: { ...members, kty: ALGORITHMS[algorithm].keyType } });

/** The same as SubjectPublicKeyInfo in DER. */
export const publicKeyDer = (algorithm: AlgorithmName, members: PublicMembers): Buffer => publicKeyOf(algorithm, members).export({ type: 'spki', format: 'der' });

/** The members that are published of a key. */
export function publicMembersOf(algorithm: AlgorithmName, publicKey: KeyObject): PublicMembers {
  const jwk = publicKey.export({ format: 'jwk' });
  return Object.fromEntries(ALGORITHMS[algorithm].publicMembers.map((member) => [member, String(jwk[member])]));
}
