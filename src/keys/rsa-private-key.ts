/**
 * Whether the numbers of an RSA private key belong together (RFC 8017, section 3.2). node:crypto signs by some of them and
 * looks at none of the others; Go, in which API servers are written, refuses a key in which one is wrong.
 */
import type { KeyObject } from 'node:crypto';

type Numbers = Readonly<Record<'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi', bigint>>;

const bits = (number: bigint): number => number.toString(2).length;
const distance = (a: bigint, b: bigint): bigint => (a > b ? a - b : b - a);
/** How much closer than half of the modulus two primes may be, in bits: closer ones are found at once (Fermat). */
const CLOSER = 100;

/** Each with what is wrong where it does not hold; the first match counts. */
const RULES: readonly (readonly [fault: string, holds: (key: Numbers) => boolean])[] = [
  ['its modulus is not the product of its two primes', ({ n, p, q }) => p > 1n && q > 1n && p * q === n],
  ['its private exponent does not belong to its public one', ({ e, d, n, p, q }) => d > 0n && d < n && (e * d) % (p - 1n) === 1n && (e * d) % (q - 1n) === 1n],
  ['its exponents for the two primes are not its private exponent', ({ d, p, q, dp, dq }) => dp === d % (p - 1n) && dq === d % (q - 1n)],
  ['its coefficient is not that of its primes', ({ p, q, qi }) => qi < p && (qi * q) % p === 1n],
  ['its primes are so close to each other that anybody can find them', ({ n, p, q }) => bits(distance(p, q)) > Math.floor(bits(n) / 2) - CLOSER],
];

/** What is wrong with an RSA private key, to follow "This RSA private key is damaged: "; null for nothing. No part of it is told. */
export function rsaFault(privateKey: KeyObject): string | null {
  const jwk = privateKey.export({ format: 'jwk' });
  const number = (member: keyof Numbers): bigint => BigInt(`0x0${Buffer.from(String(jwk[member]), 'base64url').toString('hex')}`);
  const key: Numbers = { n: number('n'), e: number('e'), d: number('d'), p: number('p'), q: number('q'), dp: number('dp'), dq: number('dq'), qi: number('qi') };
  return RULES.find(([, holds]) => !holds(key))?.[0] ?? null;
}
