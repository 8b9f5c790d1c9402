/**
 * Service-account tokens as a Kubernetes API server makes them: what may be asked for, and the claims that come of it.
 *
 * Follows the TokenRequest API (authentication.k8s.io/v1) and kube-apiserver's claims, member for member. Leaves to
 * `keys`: signing. Life times are in seconds.
 */
import { HOUR, LONGEST_TOKEN_LIFE, SHORTEST_TOKEN_LIFE } from './durations.ts';
import { MintmarkError } from './errors.ts';

export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

export interface TokenRequest {
  readonly serviceAccount: ServiceAccount;
  /** Whom the token is for. None given: the issuer itself. */
  readonly audiences: readonly string[];
  /** Asked-for life; null for the default of an hour. */
  readonly expirationSeconds: number | null;
}

/** Payload of RFC 7519, members in alphabetical order as kube-apiserver writes them. */
export interface TokenClaims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly iss: string;
  readonly jti: string;
  readonly 'kubernetes.io': { readonly namespace: string; readonly serviceaccount: { readonly name: string; readonly uid: string } };
  readonly nbf: number;
  readonly sub: string;
}

/** What is remembered of a token that was given out; never the token. */
export interface IssuedToken {
  readonly jti: string;
  readonly issuerId: string;
  readonly kid: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

/** How long a record of a token is kept after its end, in days. */
export const TOKEN_RECORD_DAYS = 7;

const DEFAULT_LIFE = HOUR;
const MOST_AUDIENCES = 100;
const LONGEST_AUDIENCE = 1024;
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** As Kubernetes has it: no part has a longest length of its own, the whole has 253. */
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** `system:serviceaccount:<namespace>:<name>`. */
export const subjectOf = ({ namespace, name }: ServiceAccount): string => `system:serviceaccount:${namespace}:${name}`;

/** Whether `subject` is `system:serviceaccount:<namespace>:<name>` with names that Kubernetes gives. */
export function isServiceAccountSubject(subject: string): boolean {
  const [system, kind, namespace = '', name = '', ...more] = subject.split(':');
  return system === 'system' && kind === 'serviceaccount' && more.length === 0 && LABEL.test(namespace) && isSubdomain(name);
}

/**
 * The claims for a request, and a warning where less was given than was asked for (R8: a longer life is shortened).
 * @throws MintmarkError `InvalidTokenRequest` for what the Kubernetes API refuses.
 */
export function tokenClaims(
  request: TokenRequest,
  given: { readonly issuerUrl: string; readonly jti: string; readonly serviceAccountUid: string; readonly now: Date },
): { readonly claims: TokenClaims; readonly warning: string | null } {
  assertServiceAccount(request.serviceAccount);
  assertAudiences(request.audiences);
  const { life, warning } = grantedLife(request.expirationSeconds);
  const iat = Math.floor(given.now.getTime() / 1000);
  const claims: TokenClaims = {
    aud: request.audiences.length === 0 ? [given.issuerUrl] : request.audiences,
    exp: iat + life,
    iat,
    iss: given.issuerUrl,
    jti: given.jti,
    'kubernetes.io': { namespace: request.serviceAccount.namespace, serviceaccount: { name: request.serviceAccount.name, uid: given.serviceAccountUid } },
    nbf: iat,
    sub: subjectOf(request.serviceAccount),
  };
  return { claims, warning };
}

function grantedLife(asked: number | null): { life: number; warning: string | null } {
  if (asked === null) return { life: DEFAULT_LIFE, warning: null };
  if (!Number.isSafeInteger(asked)) throw refuse('spec.expirationSeconds', 'expirationSeconds is a whole number of seconds.');
  if (asked < SHORTEST_TOKEN_LIFE) throw refuse('spec.expirationSeconds', `A token lives for 10 minutes at least: ask for ${SHORTEST_TOKEN_LIFE} seconds or more, not ${asked}.`);
  if (asked <= LONGEST_TOKEN_LIFE) return { life: asked, warning: null };
  return { life: LONGEST_TOKEN_LIFE, warning: `requested expiration of ${asked} seconds shortened to ${LONGEST_TOKEN_LIFE} seconds: a token lives for one day at most` };
}

function assertServiceAccount({ namespace, name }: ServiceAccount): void {
  if (!LABEL.test(namespace)) throw refuse('metadata.namespace', `The namespace '${clip(namespace)}' is not a DNS label (lower-case letters, digits and hyphens, 63 at most).`);
  if (!isSubdomain(name)) throw refuse('metadata.name', `The service account name '${clip(name)}' is not a DNS subdomain (lower-case letters, digits, hyphens and dots, 253 at most).`);
}

function assertAudiences(audiences: readonly string[]): void {
  if (audiences.length > MOST_AUDIENCES) throw refuse('spec.audiences', `A token has ${MOST_AUDIENCES} audiences at most, not ${audiences.length}.`);
  if (audiences.some((audience) => audience === '')) throw refuse('spec.audiences', 'An audience can not be empty. Leave audiences out for the issuer itself.');
  if (audiences.some((audience) => audience.length > LONGEST_AUDIENCE)) throw refuse('spec.audiences', `An audience has ${LONGEST_AUDIENCE} characters at most.`);
}

const isSubdomain = (name: string): boolean => name.length <= 253 && SUBDOMAIN.test(name);

const clip = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

function refuse(target: string, message: string): MintmarkError {
  return new MintmarkError('InvalidTokenRequest', message, { target });
}
