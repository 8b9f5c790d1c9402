/** The JSON Web Key Set of an issuer (RFC 7517, section 5; R5): the published keys, and of each the public members only. */
import { ALGORITHMS } from './algorithms.ts';
import { type KeyRing, publishedKeys, type SigningKey } from './key-ring.ts';

export interface PublishedJwk {
  readonly use: 'sig';
  readonly kty: 'RSA' | 'EC';
  readonly kid: string;
  readonly alg: string;
  readonly [member: string]: string;
}

export interface Jwks {
  readonly keys: readonly PublishedJwk[];
}

/** The set at `now`, in the order in which the keys were made. */
export const jwks = (ring: KeyRing, now: Date): Jwks => ({ keys: publishedKeys(ring, now).map(publishedJwk) });

/** One key as relying parties see it. */
export function publishedJwk(key: SigningKey): PublishedJwk {
  const { keyType, publicMembers } = ALGORITHMS[key.algorithm];
  const members = publicMembers.map((member) => [member, key.publicMembers[member] ?? ''] as const);
  return { use: 'sig', kty: keyType, kid: key.kid, alg: key.algorithm, ...Object.fromEntries(members) };
}
