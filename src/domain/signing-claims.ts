/**
 * What an API server may have signed: claims of this issuer's service accounts, that live for a day at most, made now.
 *
 * Pure. Gets the payload as it came; gives what is wrong with it, in words for whoever asked for the token. The payload
 * is looked at and never changed (KEP-740: it is signed as it comes).
 */
import { LONGEST_TOKEN_LIFE, MINUTE } from './durations.ts';
import { memberNames } from './json-member-names.ts';
import { isServiceAccountSubject } from './service-account-token.ts';

/** How far `iat` may be from the signer's clock, in seconds (rule 6). */
const LARGEST_CLOCK_DIFFERENCE = MINUTE;

/** Payloads that are longer belong to no token that fits into a request header. */
const LONGEST_CLAIMS = 48 * 1024;

/** The claims that readers decide by, in any letters; `iu` compares as Go's JSON does, which takes ſ for s too. */
const DECISIVE_IN_ANY_LETTERS = /^(?:iss|sub|aud|iat|nbf|exp)$/iu;
const DECISIVE = /^(?:iss|sub|aud|iat|nbf|exp)$/;

type Claims = Readonly<Record<string, unknown>>;

interface Expected {
  /** The issuer's URL, byte for byte. */
  readonly issuerUrl: string;
  /** Whole seconds since 1970. */
  readonly now: number;
}

/** Each check, by what is said when it fails. The end needs none of its own: with these two it is within a day and a minute. */
const CHECKS: readonly ((claims: Claims, expected: Expected) => string | null)[] = [
  ({ iss }, { issuerUrl }) => (iss === issuerUrl ? null : `their issuer is ${shown(iss)}, and this signer signs for "${issuerUrl}" only: the API server's first --service-account-issuer has to be that URL, with its last slash`),
  ({ iat, exp }) => (Number.isSafeInteger(iat) && Number.isSafeInteger(exp) ? null : 'iat and exp are not both whole seconds'),
  ({ nbf }) => (nbf === undefined || Number.isSafeInteger(nbf) ? null : 'nbf is not a whole second'),
  ({ iat }, { now }) => (Math.abs(Number(iat) - now) <= LARGEST_CLOCK_DIFFERENCE ? null : `they were made ${difference(Number(iat) - now)} by the signer's clock, and the two may differ by ${LARGEST_CLOCK_DIFFERENCE} seconds: check the clocks of this host`),
  ({ nbf = 0 }, { now }) => (Number(nbf) - now <= LARGEST_CLOCK_DIFFERENCE ? null : `they hold from ${difference(Number(nbf) - now)} on by the signer's clock, and the two may differ by ${LARGEST_CLOCK_DIFFERENCE} seconds: check the clocks of this host`),
  ({ iat, exp }) => (Number(exp) > Number(iat) ? null : 'they end before they begin'),
  ({ iat, exp }) => (Number(exp) - Number(iat) <= LONGEST_TOKEN_LIFE ? null : `they live for ${Number(exp) - Number(iat)} seconds, and a token lives for ${LONGEST_TOKEN_LIFE} at most`),
  ({ sub }) => (typeof sub === 'string' && isServiceAccountSubject(sub) ? null : `their subject is ${shown(sub)} and no service account (system:serviceaccount:NAMESPACE:NAME)`),
];

/** What is wrong with a payload, to follow "The claims are not signed: "; null when it may be signed. */
export function claimsFault(payload: string, issuerUrl: string, now: Date): string | null {
  if (payload.length > LONGEST_CLAIMS) return `they are longer than ${LONGEST_CLAIMS} bytes`;
  const text = textOf(payload);
  const claims = text === null ? null : claimsOf(text);
  if (text === null || claims === null) return 'they are not a JSON object in base64url without padding';
  const ambiguity = ambiguityOf(memberNames(text));
  if (ambiguity !== null) return ambiguity;
  const expected: Expected = { issuerUrl, now: Math.floor(now.getTime() / 1000) };
  for (const check of CHECKS) {
    const fault = check(claims, expected);
    if (fault !== null) return fault;
  }
  return null;
}

/** Null for anything but UTF-8 in the one spelling that base64url without padding has for it. */
function textOf(payload: string): string | null {
  const bytes = Buffer.from(payload, 'base64url');
  if (bytes.toString('base64url') !== payload) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function claimsOf(text: string): Claims | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : null;
  } catch {
    return null;
  }
}

/** Whether another reader of the token could see other claims than were checked here. */
function ambiguityOf(names: readonly string[]): string | null {
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) return `the member ${shown(twice)} is there twice, and readers do not agree on which one holds`;
  const odd = names.find((name) => DECISIVE_IN_ANY_LETTERS.test(name) && !DECISIVE.test(name));
  return odd === undefined ? null : `the member ${shown(odd)} differs from a claim in its letters only, and some readers take it for that claim`;
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'missing';
  // The cut may go through a pair of surrogates, and half of one can not be sent to anybody.
  return text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text;
};

const difference = (seconds: number): string => (seconds > 0 ? `${seconds} seconds from now` : `${-seconds} seconds ago`);
