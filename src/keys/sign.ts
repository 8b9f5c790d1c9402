/**
 * Signs JSON Web Tokens with sealed keys (RFC 7515): opens a key once, keeps the opened one for a while, and verifies
 * every signature with the published half before it leaves.
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
  readonly algorithm: AlgorithmName;
  readonly privateKey: KeyObject;
  /** As it is published. */
  readonly publicKey: KeyObject;
  /** The encoded header of its tokens. */
  readonly header: string;
}

const signAsync = promisify(sign);

/** A signer that keeps at most `mostOpened` opened keys in memory. */
export function createTokenSigner(sealer: Sealer, mostOpened: number): TokenSigner {
  const keys = new QuickLRU<string, Promise<OpenedKey>>({ maxSize: mostOpened });

  function openedKey(key: SealedSigningKey, sealed: () => Promise<Uint8Array>): Promise<OpenedKey> {
    const name = `${key.issuerId}/${key.kid}`;
    const known = keys.get(name);
    if (known !== undefined) return known;
    const opening = open(sealer, key, sealed);
    keys.set(name, opening);
    opening.catch(() => keys.delete(name));
    return opening;
  }

  return {
    async sign(key, payload, sealed) {
      const opened = await openedKey(key, sealed);
      const input = `${opened.header}.${encode(payload)}`;
      const signature = await signVerified(opened, Buffer.from(input));
      return `${input}.${signature.toString('base64url')}`;
    },
    forget: (issuerId, kid) => void keys.delete(`${issuerId}/${kid}`),
  };
}

type SigningPair = Pick<OpenedKey, 'algorithm' | 'privateKey' | 'publicKey'>;

/** How many signatures are being made; one that was made at once is among them until the event loop has come round. */
let underWay = 0;

/**
 * A signature as JWS has it (RFC 7518, section 3: of elliptic curves r and s).
 *
 * Made at once where it is the only one: to wake another thread and to be woken by it takes as long as a good part of the signature.
 * All others are made by node's thread pool, side by side and off the event loop.
 * @throws MintmarkError `SealBroken` when it does not verify with the public half: it is withheld.
 */
export async function signVerified(pair: SigningPair, input: Buffer): Promise<Buffer> {
  const isAlone = underWay === 0;
  underWay += 1;
  try {
    const signature = await signBytes(pair, input, isAlone ? sign : signAsync);
    assertVerifies(pair, input, signature);
    return signature;
  } finally {
    // What came with it, in the same turn of the event loop, is not alone.
    if (isAlone) setImmediate(() => { underWay -= 1; });
    else underWay -= 1;
  }
}

const signBytes = ({ algorithm, privateKey }: SigningPair, input: Buffer, by: typeof sign | typeof signAsync): Buffer | Promise<Buffer> =>
  by(ALGORITHMS[algorithm].digest, input, { key: privateKey, dsaEncoding: 'ieee-p1363' });

function assertVerifies({ algorithm, publicKey }: SigningPair, input: Buffer, signature: Buffer): void {
  if (verify(ALGORITHMS[algorithm].digest, input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)) return;
  throw new MintmarkError('SealBroken', 'A signature did not verify with the published key and was withheld: the private half is not that of the public half.');
}

async function open(sealer: Sealer, key: SealedSigningKey, sealed: () => Promise<Uint8Array>): Promise<OpenedKey> {
  const { algorithm, kid } = key;
  const privateKey = await openPrivateHalf(sealer, key, sealed);
  return { algorithm, privateKey, publicKey: publicKeyOf(algorithm, key.publicMembers), header: encode(JSON.stringify({ alg: algorithm, kid, typ: 'JWT' })) };
}

async function openPrivateHalf(sealer: Sealer, { tenantId, issuerId, kid }: SealedSigningKey, sealed: () => Promise<Uint8Array>): Promise<KeyObject> {
  const plain = Buffer.from(await sealer.open(await sealed(), { tenantId, issuerId, kid }));
  try {
    return createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' });
  } finally {
    plain.fill(0);
  }
}

const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64url');
