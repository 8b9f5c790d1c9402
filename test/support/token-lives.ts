/**
 * How long an API server lets a token live beside a signer whose longest life is a day, by
 * `--service-account-max-token-expiration`, and which values of that flag it does not start with. Held against the API
 * server of the tests and, where it is at hand, against a real one.
 */
import { ISSUER } from './signer-rings.ts';

/** The flag in seconds, and what a start says before it exits. */
export const REFUSED_FLAGS: readonly (readonly [seconds: number, refusal: RegExp])[] = [
  [3599, /must be between 1 hour and 2\^32 seconds/],
  [2 ** 32 + 1, /must be between 1 hour and 2\^32 seconds/],
  [86_401, /cannot be set longer than the token expiration supported by service-account-signing-endpoint/],
];

export interface LifeAsked {
  readonly expirationSeconds: number;
  readonly pod?: string;
  readonly audiences?: readonly string[];
}

/** In seconds. `warnAfter`: of a token that lives longer than was asked, when its use is warned of. */
interface Life {
  readonly life: number;
  readonly warnAfter?: number;
}

const POD = { pod: 'web-0', expirationSeconds: 3607 } as const;

/** For each value of the flag; null: not set. What is shortened by it is not extended, and what is for others than the API server neither. */
export const LIVES: readonly (readonly [flag: number | null, rows: readonly (readonly [asked: LifeAsked, got: Life])[]])[] = [
  [null, [[{ expirationSeconds: 2 * 86_400 }, { life: 86_400 }]]],
  [3600, [[{ expirationSeconds: 3601 }, { life: 3600 }], [POD, { life: 3600 }]]],
  [7200, [
    [{ expirationSeconds: 86_400 }, { life: 7200 }],
    [{ expirationSeconds: 3607 }, { life: 3607 }],
    [{ ...POD, expirationSeconds: 3606 }, { life: 3606 }],
    [POD, { life: 86_400, warnAfter: 3607 }],
    [{ ...POD, audiences: [ISSUER] }, { life: 86_400, warnAfter: 3607 }],
    [{ ...POD, audiences: [ISSUER, 'https://others.example.com'] }, { life: 3607 }],
  ]],
  [86_400, [[{ expirationSeconds: 86_401 }, { life: 86_400 }]]],
];

/** What a token says of its own life. */
export function lifeOf(token: string): Life {
  const { exp, iat, 'kubernetes.io': { warnafter } } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString('utf8')) as { readonly exp: number; readonly iat: number; readonly 'kubernetes.io': { readonly warnafter?: number } };
  return { life: exp - iat, ...(warnafter === undefined ? {} : { warnAfter: warnafter - iat }) };
}
