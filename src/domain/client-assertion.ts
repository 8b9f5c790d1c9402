/**
 * Client assertions: JSON Web Tokens of another issuer by which a client logs in (RFC 7521, RFC 7523, section 3).
 *
 * Owns: what such a token has to look like before anything is believed of it, and when it is good. Refuses what could be
 * read in two ways (members twice), whatever names its own key, and every algorithm but those of the table. Leaves to
 * others which issuer is trusted, and the signature.
 */
import { type AlgorithmName, isAlgorithmName } from './algorithms.ts';
import { MintmarkError } from './errors.ts';
import { parseUnique } from './unique-members.ts';

export interface ClientAssertion {
  readonly algorithm: AlgorithmName;
  readonly kid: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** Null: from ever. */
  readonly notBefore: number | null;
}

/** What is sent may be this long. */
export const LONGEST_ASSERTION = 16 * 1024;
/** Seconds by which the clock of an issuer may be off. */
export const LEEWAY = 60;

const LONGEST_KID = 1024;
const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;
/** Members of a header by which a token would choose its own key, or change how it is read (RFC 7515, sections 4.1.2 to 4.1.11; RFC 7797). */
const REFUSED_MEMBERS = ['jwk', 'jku', 'x5c', 'x5u', 'crit', 'b64', 'enc', 'zip'] as const;

/** A refusal with the number that Entra ID has for the case. */
export const refusedAssertion = (number: number, sentence: string): MintmarkError => new MintmarkError('InvalidClientAssertion', `AADSTS${number}: ${sentence}`);

const malformed = (why: string): MintmarkError => refusedAssertion(50027, `The client assertion is no JWT that this server takes: ${why}.`);

/** What a stranger has written, fit to be shown. */
export const shown = (text: string): string => `'${text.slice(0, 200).replaceAll(/[^\x20-\x7e]/g, '?')}'`;

/** Reads the compact form; nothing of it is proven. @throws MintmarkError `InvalidClientAssertion`. */
export function readAssertion(token: string): ClientAssertion {
  const [, head = '', body = ''] = (token.length <= LONGEST_ASSERTION ? COMPACT.exec(token) : null) ?? [];
  if (body === '') throw malformed('it is not three parts of base64url, divided by dots');
  const header = part(head, 'header');
  const payload = part(body, 'payload');
  return { ...readHeader(header), ...readClaims(payload) };
}

type Members = Readonly<Record<string, unknown>>;

function part(encoded: string, name: string): Members {
  const value = parseUnique(decoded(encoded) ?? '');
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  throw malformed(`its ${name} is no JSON object in UTF-8, or has a member twice`);
}

function decoded(encoded: string): string | null {
  try {
    const bytes = Uint8Array.from(atob(encoded.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function readHeader(header: Members): Pick<ClientAssertion, 'algorithm' | 'kid'> {
  const refused = REFUSED_MEMBERS.find((member) => Object.hasOwn(header, member));
  if (refused !== undefined) throw malformed(`its header has '${refused}'; keys are taken from the documents of the issuer alone, and nothing is extended`);
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string' || !isAlgorithmName(alg)) throw malformed(`its algorithm is ${typeof alg === 'string' ? shown(alg) : 'missing'}; RS256, ES256, ES384 and ES512 are taken`);
  if (typ !== undefined && (typeof typ !== 'string' || !/^(?:application\/)?(?:at\+)?jwt$/i.test(typ))) throw malformed("its 'typ' is that of another kind of token");
  if (typeof kid !== 'string' || kid === '' || kid.length > LONGEST_KID) throw malformed("its header lacks 'kid', by which the key is found");
  return { algorithm: alg, kid };
}

function readClaims({ iss, sub, aud, exp, nbf }: Members): Omit<ClientAssertion, 'algorithm' | 'kid'> {
  if (typeof iss !== 'string' || iss === '') throw malformed("it lacks 'iss'");
  if (typeof sub !== 'string' || sub === '') throw malformed("it lacks 'sub'");
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (audiences.length === 0 || !audiences.every((one) => typeof one === 'string')) throw malformed("it lacks 'aud', or has one that is no text");
  if (!isInstant(exp)) throw malformed("it lacks 'exp', or has one that is no time");
  if (nbf !== undefined && !isInstant(nbf)) throw malformed("its 'nbf' is no time");
  return { issuer: iss, subject: sub, audiences, expiresAt: exp, notBefore: nbf ?? null };
}

/** A NumericDate (RFC 7519, section 2) that a `Date` can be. */
const isInstant = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 8.64e12;

/** @throws MintmarkError `InvalidClientAssertion` before its time and after it. */
export function assertInTime({ expiresAt, notBefore }: ClientAssertion, now: Date): void {
  const seconds = now.getTime() / 1000;
  const text = (at: number): string => new Date(at * 1000).toISOString();
  if (seconds >= expiresAt + LEEWAY) throw refusedAssertion(700024, `The client assertion is not within its valid time range: it ended at ${text(expiresAt)}, and it is ${now.toISOString()}. Read the token again from its file; if it is fresh, compare the clocks.`);
  if (notBefore !== null && seconds < notBefore - LEEWAY) throw refusedAssertion(700024, `The client assertion is not within its valid time range: it begins at ${text(notBefore)}, and it is ${now.toISOString()}. Compare the clocks of its issuer and of this server.`);
}
