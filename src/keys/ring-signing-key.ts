/** The server's key that signs rings for signers: made and sealed here, pinned by each signer from its enrolment on. */
import { createPrivateKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { CompactSign } from 'jose';
import { type EcPublicJwk, publicJwkOf, thumbprint } from './public-jwk.ts';
import type { Sealer } from './seal.ts';

export const RING_SIGNING_PURPOSE = 'ring-signing';
/** `typ` of a signed ring. */
export const SIGNED_RING_TYPE = 'mintmark-ring+jws';

const TENANT = 'server';
const makePair = promisify(generateKeyPair);

/** The key at rest. `kid` is its thumbprint. */
export interface SealedRingSigningKey {
  readonly kid: string;
  readonly publicJwk: EcPublicJwk;
  readonly sealed: Uint8Array;
}

/** The key opened. */
export interface RingSigningKey {
  readonly kid: string;
  readonly publicJwk: EcPublicJwk;
  /** The compact JWS over a payload. */
  sign(payload: Uint8Array): Promise<string>;
}

/** A fresh key, its private half sealed for this purpose. */
export async function makeRingSigningKey(sealer: Sealer): Promise<SealedRingSigningKey> {
  const { publicKey, privateKey } = await makePair('ec', { namedCurve: 'P-256' });
  const publicJwk = publicJwkOf(publicKey);
  const kid = thumbprint(publicJwk);
  const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
  try {
    return { kid, publicJwk, sealed: await sealer.seal(plain, { tenantId: TENANT, issuerId: RING_SIGNING_PURPOSE, kid }) };
  } finally {
    plain.fill(0);
  }
}

/** @throws MintmarkError `SealBroken`, `WrongKeyEncryptionKey`. */
export async function openRingSigningKey({ kid, publicJwk, sealed }: SealedRingSigningKey, sealer: Sealer): Promise<RingSigningKey> {
  const plain = Buffer.from(await sealer.open(sealed, { tenantId: TENANT, issuerId: RING_SIGNING_PURPOSE, kid }));
  try {
    const privateKey = createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' });
    return { kid, publicJwk, sign: (payload) => new CompactSign(payload).setProtectedHeader({ alg: 'ES256', typ: SIGNED_RING_TYPE, kid }).sign(privateKey) };
  } finally {
    plain.fill(0);
  }
}
