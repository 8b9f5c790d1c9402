/**
 * Whether a service-account token verifies against the published documents, as a relying party would find it.
 *
 * Gets the token, the issuer URL that is trusted, and a way to read a document; gives a verdict with its reason. Follows
 * OpenID Connect Discovery 1.0 (section 4.3: the issuer must match exactly) and RFC 7519. Never shows the token.
 */
import type { JSONWebKeySet, JWTPayload } from 'jose';

export type Verdict =
  | { readonly verifies: true; readonly issuer: string; readonly subject: string; readonly audiences: readonly string[]; readonly kid: string; readonly expiresAt: string }
  | { readonly verifies: false; readonly issuer: string; readonly reason: string };

export interface Question {
  readonly token: string;
  /** Byte for byte, as relying parties compare it. */
  readonly issuer: string;
  /** Null when any audience will do. */
  readonly audience: string | null;
  readonly now: Date;
}

/** The JSON of a document. @throws Error with a sentence when there is none. */
export type ReadDocument = (url: string) => Promise<Readonly<Record<string, unknown>>>;

/** Below the issuer, whether or not its own URL ends in a slash (OpenID Connect Discovery 1.0, section 4). */
const DISCOVERY = '/.well-known/openid-configuration';

export async function verifyToken(question: Question, read: ReadDocument): Promise<Verdict> {
  const { issuer } = question;
  const refuse = (reason: string): Verdict => ({ verifies: false, issuer, reason });
  const header = await headerOf(question.token);
  if (header === null) return refuse('the input is no signed JSON Web Token');
  const discovery = await read(issuer.replace(/\/$/, '') + DISCOVERY);
  if (discovery['issuer'] !== issuer) return refuse(`the discovery document says that its issuer is '${String(discovery['issuer'])}'`);
  if (typeof discovery['jwks_uri'] !== 'string') return refuse('the discovery document has no jwks_uri');
  const algorithms = algorithmsOf(discovery);
  if (!algorithms.includes(header.alg)) return refuse(`it is signed with ${header.alg}, which the issuer does not use (${algorithms.join(', ')})`);
  const keys = (await read(discovery['jwks_uri'])) as unknown as JSONWebKeySet;
  if (!Array.isArray(keys.keys) || !keys.keys.some(({ kid }) => kid === header.kid)) return refuse(`its key '${header.kid}' is not in the JWKS: it was revoked, has expired there, or is of another issuer`);
  return signedBy(question, keys, algorithms, header.kid);
}

async function headerOf(token: string): Promise<{ alg: string; kid: string } | null> {
  const { decodeProtectedHeader } = await import('jose');
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    return token.split('.').length === 3 && typeof alg === 'string' ? { alg, kid: kid ?? '' } : null;
  } catch {
    return null;
  }
}

function algorithmsOf(discovery: Readonly<Record<string, unknown>>): string[] {
  const listed = discovery['id_token_signing_alg_values_supported'];
  return Array.isArray(listed) ? listed.filter((value): value is string => typeof value === 'string' && value !== 'none' && !value.startsWith('HS')) : [];
}

async function signedBy({ token, issuer, audience, now }: Question, keys: JSONWebKeySet, algorithms: string[], kid: string): Promise<Verdict> {
  const { createLocalJWKSet, errors, jwtVerify } = await import('jose');
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), { algorithms, issuer, currentDate: now, requiredClaims: ['exp', 'sub', 'aud'], ...(audience === null ? {} : { audience }) });
    return { verifies: true, issuer, subject: payload.sub ?? '', audiences: audiencesOf(payload), kid, expiresAt: timeOf(payload.exp) };
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    return { verifies: false, issuer, reason: reasonOf(error) };
  }
}

const audiencesOf = ({ aud }: JWTPayload): readonly string[] => (typeof aud === 'string' ? [aud] : (aud ?? []));
const timeOf = (seconds: number | undefined): string => (seconds === undefined ? 'no time' : new Date(seconds * 1000).toISOString());

interface JoseFault {
  readonly code: string;
  readonly message: string;
  readonly claim?: string;
  readonly reason?: string;
  readonly payload?: JWTPayload;
}

/** What a claim has to be, by its name. */
const CLAIMS: ReadonlyMap<string, (payload: JWTPayload) => string> = new Map(Object.entries({
  iss: ({ iss }) => `its issuer is '${String(iss)}'`,
  aud: (payload) => `its audience is ${audiencesOf(payload).map((audience) => `'${audience}'`).join(', ') || 'missing'}`,
  nbf: ({ nbf }) => `it is not valid before ${timeOf(nbf)}`,
  exp: ({ exp }) => `it ended at ${timeOf(exp)}`,
}));

function reasonOf(error: JoseFault): string {
  if (error.code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') return 'its signature is not by the key that it names: it was changed, or is forged';
  if (error.reason === 'missing') return `it lacks the claim '${error.claim}'`;
  return CLAIMS.get(error.claim ?? '')?.(error.payload ?? {}) ?? error.message;
}
