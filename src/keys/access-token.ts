/**
 * Access tokens of the management API: JSON Web Tokens (RFC 7519, ES256) that the server makes and is the only one to read.
 *
 * Their private key stays in here and comes and goes sealed; where it is kept is the caller's matter. Verification pins
 * the algorithm, the type, the audience, the issuer and the times. Roles are never in a token.
 */
import { createPrivateKey, generateKeyPair, hash } from 'node:crypto';
import { promisify } from 'node:util';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import QuickLRU from 'quick-lru';
import { MintmarkError } from '../domain/errors.ts';
import { UnsealedKey } from './generate.ts';
import type { Sealer } from './seal.ts';

export const ACCESS_TOKEN_PURPOSE = 'access-token';
/** Seconds for which a token is good. */
export const ACCESS_TOKEN_LIFE = 3600;

const ALGORITHM = 'ES256';
const TYPE = 'JWT';
const OWNER = { tenantId: 'server', issuerId: ACCESS_TOKEN_PURPOSE } as const;
const makePair = promisify(generateKeyPair);

/** A signing key at rest. */
export interface AccessTokenKey {
  readonly kid: string;
  readonly publicJwk: Readonly<Record<string, string>>;
  readonly sealed: Uint8Array;
}

/** Whom a token is for. */
export interface Bearer {
  /** The client id; of a managed identity the id that roles are given to. */
  readonly principalId: string;
  readonly tenantId: string;
  /** Set for a managed identity alone. */
  readonly managedIdentity?: { readonly clientId: string; readonly resourceId: string };
}

export interface AccessTokenSigner {
  sign(bearer: Bearer, token: { readonly issuer: string; readonly audience: string; readonly jti: string; readonly now: Date }): Promise<string>;
}

export interface AccessTokenVerifier {
  /** @throws MintmarkError `AuthenticationFailed`, saying what is wrong with the token but nothing of what is in it. */
  verify(token: string, expected: { readonly issuerOf: (tenantId: string) => string; readonly audience: string; readonly now: Date }): Promise<Bearer>;
}

/** A fresh key, its private half sealed for this purpose. */
export async function makeAccessTokenKey(sealer: Sealer): Promise<AccessTokenKey> {
  const { publicKey, privateKey } = await makePair('ec', { namedCurve: 'P-256' });
  const { kid, publicMembers, sealed } = await new UnsealedKey(ALGORITHM, publicKey, privateKey).sealFor(sealer, OWNER);
  return { kid, publicJwk: { kty: 'EC', use: 'sig', alg: ALGORITHM, kid, ...publicMembers }, sealed };
}

/** Opens a key for signing. @throws MintmarkError `SealBroken`, `WrongKeyEncryptionKey`. */
export async function openAccessTokenSigner({ kid, sealed }: AccessTokenKey, sealer: Sealer): Promise<AccessTokenSigner> {
  const plain = await sealer.open(sealed, { ...OWNER, kid });
  const privateKey = createPrivateKey({ key: Buffer.from(plain), format: 'der', type: 'pkcs8' });
  plain.fill(0);
  return {
    sign({ principalId, tenantId, managedIdentity }, { issuer, audience, jti, now }) {
      const iat = Math.floor(now.getTime() / 1000);
      // `xms_mirid` is what Entra ID calls the resource id of a managed identity.
      const whose = { sub: principalId, oid: principalId, appid: managedIdentity?.clientId ?? principalId, tid: tenantId, ...(managedIdentity === undefined ? {} : { xms_mirid: managedIdentity.resourceId }) };
      const claims = { iss: issuer, aud: audience, ...whose, iat, nbf: iat, exp: iat + ACCESS_TOKEN_LIFE, jti };
      return new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid, typ: TYPE }).sign(privateKey);
    },
  };
}

/** Verified tokens that a verifier remembers. */
const MOST_REMEMBERED = 10_000;

/**
 * Verifies tokens of any of these keys. A signature that was found good is not looked at again by this verifier: it is
 * remembered by the token's hash, with what it says, whose times and audience are compared each time.
 */
export function createAccessTokenVerifier(keys: readonly AccessTokenKey[]): AccessTokenVerifier {
  const keySet = createLocalJWKSet({ keys: keys.map(({ publicJwk }) => publicJwk) } as unknown as JSONWebKeySet);
  const verified = new QuickLRU<string, JWTPayload>({ maxSize: MOST_REMEMBERED });
  return {
    async verify(token, { issuerOf, audience, now }) {
      const name = hash('sha256', token, 'base64url');
      const known = verified.get(name);
      const options = { algorithms: [ALGORITHM], typ: TYPE, audience, currentDate: now, requiredClaims: ['exp', 'nbf', 'iat', 'tid', 'sub'] };
      const payload = known !== undefined && isStillGood(known, audience, now) ? known : (await jwtVerify(token, keySet, options).catch(refuse)).payload;
      const { sub, tid, iss, appid, xms_mirid: resourceId } = payload;
      if (typeof sub !== 'string' || typeof tid !== 'string' || iss !== issuerOf(tid)) throw refusal('it is not from this server');
      verified.set(name, payload);
      return { principalId: sub, tenantId: tid, ...(typeof resourceId === 'string' ? { managedIdentity: { clientId: String(appid), resourceId } } : {}) };
    },
  };
}

/** What `jwtVerify` asks of the claims that time, or the question, can change. One that is not good any more is verified anew, to be refused for what is wrong with it. */
function isStillGood({ aud, nbf, exp }: JWTPayload, audience: string, now: Date): boolean {
  const seconds = Math.floor(now.getTime() / 1000);
  return aud === audience && nbf !== undefined && nbf <= seconds && exp !== undefined && exp > seconds;
}

function refuse(error: unknown): never {
  if (error instanceof errors.JWTExpired) throw refusal('it has expired');
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf') throw refusal('it is not good yet');
  if (error instanceof errors.JOSEError) throw refusal('it is not from this server');
  throw error;
}

const refusal = (why: string): MintmarkError => new MintmarkError('AuthenticationFailed', `The access token was refused: ${why}. Log in again.`);
