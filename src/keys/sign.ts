/**
 * Signs JSON Web Tokens with sealed keys (RFC 7515): opens a key once, keeps the opened one for a while, and verifies
 * every signature with the public half before it leaves.
 */
import { createPrivateKey, type KeyObject, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';
import QuickLRU from 'quick-lru';
import { ALGORITHMS, type AlgorithmName, type PublicMembers } from '../domain/algorithms.ts';
import { MintmarkError } from '../domain/errors.ts';
import { publicKeyOf } from './generate.ts';
import type { SealContext, Sealer } from './seal.ts';

export interface SealedSigningKey extends SealContext {
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
}

export interface TokenSigner {
  /**
   * The compact serialization of a JWT over `payload` (a JSON text), header `{alg,kid,typ}`.
   * `sealed` gives the private half when it is not at hand.
   */
  sign(key: SealedSigningKey, payload: string, sealed: () => Promise<Uint8Array>): Promise<string>;
  /** Drops the opened key: its sealed half was destroyed. */
  forget(issuerId: string, kid: string): void;
}

interface OpenedKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const signAsync = promisify(sign);

/** A signer that keeps at most `mostOpened` opened keys in memory. */
export function createTokenSigner(sealer: Sealer, mostOpened: number): TokenSigner {
  const opened = new QuickLRU<string, Promise<OpenedKey>>({ maxSize: mostOpened });

  function openedKey(key: SealedSigningKey, sealed: () => Promise<Uint8Array>): Promise<OpenedKey> {
    const name = `${key.issuerId}/${key.kid}`;
    const known = opened.get(name);
    if (known !== undefined) return known;
    const opening = open(sealer, key, sealed);
    opened.set(name, opening);
    opening.catch(() => opened.delete(name));
    return opening;
  }

  return {
    async sign(key, payload, sealed) {
      const { privateKey, publicKey } = await openedKey(key, sealed);
      const input = `${encode(JSON.stringify({ alg: key.algorithm, kid: key.kid, typ: 'JWT' }))}.${encode(payload)}`;
      const signature = await signVerified(key.algorithm, privateKey, publicKey, Buffer.from(input));
      return `${input}.${signature.toString('base64url')}`;
    },
    forget: (issuerId, kid) => void opened.delete(`${issuerId}/${kid}`),
  };
}

/**
 * A signature as JWS has it (RFC 7518, section 3: of elliptic curves r and s), off the event loop.
 * @throws MintmarkError `SealBroken` when it does not verify with the public half: it is withheld.
 */
export async function signVerified(algorithm: AlgorithmName, privateKey: KeyObject, publicKey: KeyObject, input: Buffer): Promise<Buffer> {
  const { digest } = ALGORITHMS[algorithm];
  const signature = await signAsync(digest, input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  if (!verify(digest, input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)) throw new MintmarkError('SealBroken', 'A signature did not verify with the published key and was withheld: the private half is not that of the public half.');
  return signature;
}

async function open(sealer: Sealer, key: SealedSigningKey, sealed: () => Promise<Uint8Array>): Promise<OpenedKey> {
  const plain = Buffer.from(await sealer.open(await sealed(), { tenantId: key.tenantId, issuerId: key.issuerId, kid: key.kid }));
  try {
    return { privateKey: createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' }), publicKey: publicKeyOf(key.algorithm, key.publicMembers) };
  } finally {
    plain.fill(0);
  }
}

const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64url');
