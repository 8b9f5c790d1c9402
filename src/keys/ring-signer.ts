/**
 * The private half of a ring's active key, as a signer has it: it can be used and not be read.
 *
 * A `RingSigner` exists only once its key has signed and verified a probe, and verifies every signature with the public
 * half before it gives it away: an API server does not check what its signer returns.
 */
import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import type { AlgorithmName, PublicMembers } from '../domain/algorithms.ts';
import { MintmarkError } from '../domain/errors.ts';
import type { SignerRing } from '../domain/ring-for-signer.ts';
import { publicKeyOf } from './generate.ts';
import type { Sealer } from './seal.ts';
import { type SealedSigningKey, signBytes } from './sign.ts';

export interface RingSigner {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  /**
   * The signature over `input` in the form of RFC 7518, section 3 (ECDSA: r‖s).
   * @throws MintmarkError `SealBroken` when it does not verify with the public half.
   */
  sign(input: Buffer): Promise<Buffer>;
}

/** A ring with what it takes to sign for it. */
export interface OpenedRing {
  readonly ring: SignerRing;
  /** Null for a closed ring. */
  readonly signer: RingSigner | null;
}

interface ActiveKey {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
}

/**
 * Opens a private half (PKCS#8, DER), which is overwritten, and proves it against the public half.
 * @throws MintmarkError `SealBroken` when it is not that of the public half, or no key.
 */
export async function openRingSigner({ kid, algorithm, publicMembers }: ActiveKey, pkcs8: Uint8Array): Promise<RingSigner> {
  const [privateKey, publicKey] = [privateKeyOf(kid, pkcs8), publicKeyOf(algorithm, publicMembers)];
  const signer: RingSigner = { kid, algorithm, sign: (input) => signBytes(algorithm, privateKey, publicKey, input) };
  try {
    await signer.sign(randomBytes(32));
  } catch {
    throw notItsOwn(kid);
  }
  return signer;
}

/** The same for a key that is sealed on this machine. */
export async function openSealedRingSigner(sealer: Sealer, key: SealedSigningKey, sealed: Uint8Array): Promise<RingSigner> {
  return openRingSigner(key, await sealer.open(sealed, { tenantId: key.tenantId, issuerId: key.issuerId, kid: key.kid }));
}

function privateKeyOf(kid: string, pkcs8: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.byteLength), format: 'der', type: 'pkcs8' });
  } catch {
    throw notItsOwn(kid);
  } finally {
    pkcs8.fill(0);
  }
}

const notItsOwn = (kid: string): MintmarkError =>
  new MintmarkError('SealBroken', `The private half that came with the key '${kid}' is not the one of its public half, so nothing is signed with it.`);
