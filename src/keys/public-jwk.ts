/** Public keys of signers and of the server as JSON Web Keys: EC P-256 only, named by their thumbprint (RFC 7638). */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

/** The public half of an EC P-256 key (RFC 7518, section 6.2.1), nothing else. */
export interface EcPublicJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

/** @throws what node:crypto throws for another kind of key. */
export function publicJwkOf(key: KeyObject): EcPublicJwk {
  const { x, y, crv } = key.export({ format: 'jwk' });
  if (crv !== 'P-256' || x === undefined || y === undefined) throw new TypeError('The key is not one of EC P-256.');
  return { kty: 'EC', crv, x, y };
}

/** base64url(SHA-256(the members that RFC 7638, section 3.2 names, in its order)). */
export const thumbprint = ({ crv, kty, x, y }: EcPublicJwk): string => createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');

/** Null when the members are not a point of the curve, in the one spelling that exports give. */
export function publicKeyOfJwk(jwk: EcPublicJwk): KeyObject | null {
  try {
    const key = createPublicKey({ format: 'jwk', key: { ...jwk } });
    const { x, y } = publicJwkOf(key);
    return x === jwk.x && y === jwk.y ? key : null;
  } catch {
    return null;
  }
}
