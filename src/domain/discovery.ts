/**
 * The discovery document of an issuer (OpenID Connect Discovery 1.0, section 4.2; R4), and both documents as a
 * timetable: what is served from now on, and from each instant at which a key leaves by time alone.
 */
import { type AlgorithmName } from './algorithms.ts';
import { earliest } from './durations.ts';
import { type Issuer, JWKS_SUFFIX } from './issuer.ts';
import { type Jwks, jwks } from './jwks.ts';
import { type KeyRing, maxAge, publishedKeys } from './key-ring.ts';

export interface DiscoveryDocument {
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly response_types_supported: readonly ['id_token'];
  readonly subject_types_supported: readonly ['public'];
  readonly id_token_signing_alg_values_supported: readonly AlgorithmName[];
}

/** What the public host serves for one issuer until an instant. */
export interface Documents {
  readonly discovery: DiscoveryDocument;
  readonly jwks: Jwks;
  /** Seconds for which a copy may be kept (rule 3). */
  readonly maxAge: number;
  /** When a key leaves by time and the next documents take over; null when only a commit changes them. */
  readonly until: Date | null;
}

/** The document with the algorithms of the keys that are published now. */
export function discoveryDocument(issuer: Issuer, ring: KeyRing, now: Date): DiscoveryDocument {
  return {
    issuer: issuer.url,
    jwks_uri: `${issuer.url}${JWKS_SUFFIX}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(publishedKeys(ring, now).map((key) => key.algorithm))],
  };
}

/**
 * The documents from `now` on, one entry for each stretch of time in which they stay the same. After the last entry's
 * `until` there are none: the issuer is gone. Empty when it is gone already.
 */
export function documentTimetable(issuer: Issuer, ring: KeyRing, now: Date): readonly Documents[] {
  const keys = publishedKeys(ring, now);
  if (keys.length === 0) return [];
  const until = earliest(...keys.map((key) => key.expiresAt));
  const documents = { discovery: discoveryDocument(issuer, ring, now), jwks: jwks(ring, now), maxAge: maxAge(ring), until };
  return until === null ? [documents] : [documents, ...documentTimetable(issuer, ring, until)];
}
