/** The keys of an issuer as the management API shows them, for an API server that is to verify by them. */
import { isAlgorithmName } from '../domain/algorithms.ts';
import { publicPem } from '../keys/key-files.ts';

interface ShownKey {
  readonly kid: string;
  readonly state: string;
  readonly algorithm: string;
  readonly publicJwk: Readonly<Record<string, string>>;
}

interface PemKey {
  readonly kid: string;
  readonly state: string;
  readonly algorithm: string;
  /** SubjectPublicKeyInfo. */
  readonly pem: string;
}

/** All that the JWKS lists, the prepared key among them; a revoked key is listed by the API, and is not among them. */
export const ringKeys = (keys: readonly ShownKey[]): readonly PemKey[] =>
  keys.filter(({ state }) => state !== 'revoked').flatMap(({ kid, state, algorithm, publicJwk: { kty: _type, use: _use, alg: _algorithm, kid: _kid, ...members } }) =>
    (isAlgorithmName(algorithm) ? [{ kid, state, algorithm, pem: publicPem(algorithm, members) }] : []));

/** A file for `--service-account-key-file`. */
export const ringKeysPem = (keys: readonly ShownKey[]): string => ringKeys(keys).map(({ pem }) => pem).join('');

/** The same for people, each key under a line that names it: what stands between blocks is passed over by Go's `pem.Decode`, as RFC 7468, section 2, has it. */
export const namedKeysPem = (keys: readonly ShownKey[]): string => ringKeys(keys).map(({ kid, state, pem }) => `# ${kid}, ${state}\n${pem}`).join('');
