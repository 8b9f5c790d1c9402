/**
 * Assertions: by which a signer says with each request who it is (JWT, RFC 7519; ES256).
 *
 * One is good for one request only: it names the method, the target and the hash of the body, and bears an id that the
 * server remembers until the assertion has ended.
 */
import { createHash, randomUUID } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { after } from '../domain/durations.ts';
import { MintmarkError } from '../domain/errors.ts';
import { type EcPublicJwk, publicKeyOfJwk } from './public-jwk.ts';
import type { SignerKeys } from './signer-keys.ts';

/** The scheme of the `Authorization` header. */
export const ASSERTION_SCHEME = 'Mintmark-Assertion';
/** Seconds for which an assertion is good. */
export const ASSERTION_LIFE = 60;
/** Seconds by which the clocks of a signer and the server may differ. */
export const CLOCK_DIFFERENCE = 120;

const TYPE = 'mintmark-assertion+jwt';

/** The request that an assertion is for. */
export interface AssertedRequest {
  readonly method: string;
  /** Path and query, as they are sent. */
  readonly target: string;
  readonly body: Uint8Array;
}

/** `subject`: the signer's id; before it has one, the thumbprint of its assertion key. `audience`: the URL for signers. */
export interface AssertionParties {
  readonly subject: string;
  readonly audience: string;
}

/** What the server remembers of an assertion that it took. */
export interface TakenAssertion {
  readonly jti: string;
  /** From then on it is refused for its age. */
  readonly endsAt: Date;
}

/** The value of the `Authorization` header. */
export async function makeAssertion(keys: SignerKeys, { subject, audience }: AssertionParties, request: AssertedRequest, now: Date): Promise<string> {
  const iat = Math.floor(now.getTime() / 1000);
  const jwt = await keys.signAssertion({ iss: subject, sub: subject, aud: audience, iat, exp: iat + ASSERTION_LIFE, jti: randomUUID(), htm: request.method, htu: request.target, bdy: hashOf(request.body) }, TYPE);
  return `${ASSERTION_SCHEME} ${jwt}`;
}

/** The `sub` that an `Authorization` header claims, unverified: to find the key to verify it with. Null when there is none. */
export function claimedSubject(authorization: string | undefined): string | null {
  try {
    const { sub } = JSON.parse(Buffer.from(jwtIn(authorization)?.split('.')[1] ?? '', 'base64url').toString('utf8')) as { sub?: unknown };
    return typeof sub === 'string' && sub.length <= 100 ? sub : null;
  } catch {
    return null;
  }
}

/**
 * Verifies an `Authorization` header by the signer's public key. Whether it was used before is the caller's to find out.
 * @throws MintmarkError `AssertionRefused`, saying why and nothing of what is in it.
 */
export async function verifyAssertion(authorization: string | undefined, key: EcPublicJwk, { subject, audience }: AssertionParties, request: AssertedRequest, now: Date): Promise<TakenAssertion> {
  const [jwt, publicKey] = [jwtIn(authorization), publicKeyOfJwk(key)];
  if (jwt === null || publicKey === null) throw refusal('it is missing or malformed');
  const options = {
    algorithms: ['ES256'], typ: TYPE, issuer: subject, subject, audience, currentDate: now, clockTolerance: CLOCK_DIFFERENCE, maxTokenAge: ASSERTION_LIFE,
    requiredClaims: ['iat', 'exp', 'jti', 'htm', 'htu', 'bdy'],
  };
  const { payload } = await jwtVerify(jwt, publicKey, options).catch((error: unknown) => refuse(error, now));
  const { jti, iat, exp, htm, htu, bdy } = payload;
  if (typeof jti !== 'string' || jti.length < 1 || jti.length > 100) throw refusal('its id is malformed');
  if (exp! - iat! > ASSERTION_LIFE) throw refusal(`it is for longer than ${ASSERTION_LIFE} s`);
  if (htm !== request.method || htu !== request.target || bdy !== hashOf(request.body)) throw refusal('it is for another request');
  return { jti, endsAt: after(new Date(exp! * 1000), CLOCK_DIFFERENCE) };
}

const hashOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('base64url');

const jwtIn = (authorization: string | undefined): string | null => /^mintmark-assertion +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1] ?? null;

function refuse(error: unknown, now: Date): never {
  const isTime = error instanceof errors.JWTExpired || (error instanceof errors.JWTClaimValidationFailed && ['iat', 'exp', 'nbf'].includes(error.claim));
  if (isTime) throw refusal(`it is too old or from the future. The clock here says ${now.toISOString()}; that of a signer may differ by ${CLOCK_DIFFERENCE} s`);
  if (error instanceof errors.JOSEError) throw refusal('it is not by this signer for this server');
  throw error;
}

const refusal = (why: string): MintmarkError => new MintmarkError('AssertionRefused', `The assertion of the signer was refused: ${why}.`);
