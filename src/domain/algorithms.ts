/**
 * The signature algorithms that an issuer may publish: one row each, and no switch elsewhere.
 *
 * New key rings are RS256, the one algorithm that every relying party accepts; the EC rows serve imported keys and
 * foreign tokens. Names: RFC 7518, section 3.1. EdDSA is left out: kube-apiserver stops publishing its JWKS over it.
 */
interface Algorithm {
  readonly keyType: 'RSA' | 'EC';
  /** Digest, as node:crypto names it. */
  readonly digest: 'sha256' | 'sha384' | 'sha512';
  /** `crv` of RFC 7518, section 6.2.1.1, for EC only. */
  readonly curve?: 'P-256' | 'P-384' | 'P-521';
  /** The public members of the JWK that are published, in the order of publication. */
  readonly publicMembers: readonly ('n' | 'e' | 'crv' | 'x' | 'y')[];
}

export const ALGORITHMS = {
  RS256: { keyType: 'RSA', digest: 'sha256', publicMembers: ['n', 'e'] },
  ES256: { keyType: 'EC', digest: 'sha256', curve: 'P-256', publicMembers: ['crv', 'x', 'y'] },
  ES384: { keyType: 'EC', digest: 'sha384', curve: 'P-384', publicMembers: ['crv', 'x', 'y'] },
  ES512: { keyType: 'EC', digest: 'sha512', curve: 'P-521', publicMembers: ['crv', 'x', 'y'] },
} as const satisfies Record<string, Algorithm>;

export type AlgorithmName = keyof typeof ALGORITHMS;

/** The public members of a key, RFC 7517 and RFC 7518, section 6; base64url values. */
export type PublicMembers = Readonly<Partial<Record<'n' | 'e' | 'crv' | 'x' | 'y', string>>>;

export const isAlgorithmName = (name: string): name is AlgorithmName => Object.hasOwn(ALGORITHMS, name);
