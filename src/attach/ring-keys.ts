/** The keys of an issuer as the management API shows them, for an API server that is to verify by them. */
import { isAlgorithmName } from '../domain/algorithms.ts';
import { publicPem } from '../keys/key-files.ts';

interface ShownKey {
  readonly kid: string;
  readonly state: string;
  readonly algorithm: string;
  readonly publicJwk: Readonly<Record<string, string>>;
}

/** PEM of all that the JWKS lists; a revoked key is listed by the API, and is not among them. */
export function ringKeysPem(keys: readonly ShownKey[]): string {
  return keys.filter(({ state }) => state !== 'revoked').flatMap(({ algorithm, publicJwk: { kty: _type, use: _use, alg: _algorithm, kid: _kid, ...members } }) => (isAlgorithmName(algorithm) ? [publicPem(algorithm, members)] : [])).join('');
}
