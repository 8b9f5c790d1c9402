/**
 * Errors on the wire: each code's HTTP status, and the body that Azure Resource Manager gives it.
 *
 * `STATUS` does not compile when a code of the catalogue is missing. What was not foreseen becomes an internal error
 * with its message hidden; the request id finds it in the log.
 */
import type { FastifyError } from 'fastify';
import { ERROR_CATALOGUE, type ErrorCode, type ErrorDetail, isMintmarkError, MintmarkError } from '../../domain/errors.ts';
import type { ErrorBody } from './contract.ts';

interface Edge {
  readonly status: number;
  /** Seconds after which the same request may succeed. */
  readonly retryAfter?: number;
  /** The message is for the log only: it is about the server, not about the request. */
  readonly hidden?: true;
}

export const STATUS = {
  AuthenticationFailed: { status: 401 },
  AuthorizationFailed: { status: 403 },
  InvalidClient: { status: 401 },
  InvalidClientAssertion: { status: 401 },
  ForeignIssuerUnavailable: { status: 401 },
  InvalidRequest: { status: 400 },
  UnsupportedGrantType: { status: 400 },
  InvalidScope: { status: 400 },
  InvalidRequestContent: { status: 400 },
  InvalidResourceName: { status: 400 },
  InvalidQueryParameter: { status: 400 },
  RequestTooLarge: { status: 413 },
  UnsupportedMediaType: { status: 415 },
  MethodNotAllowed: { status: 405 },
  InvalidPath: { status: 404 },
  ResourceNotFound: { status: 404 },
  ResourceGroupNotFound: { status: 404 },
  SubscriptionNotFound: { status: 404 },
  TenantNotFound: { status: 404 },
  OperationNotFound: { status: 404 },
  LocationNotAvailable: { status: 400 },
  LocationCanNotChange: { status: 400 },
  UnsupportedKubernetesVersion: { status: 400 },
  KubernetesDowngrade: { status: 400 },
  ImpossibleAttachment: { status: 400 },
  AttachmentRefused: { status: 409 },
  IssuerCanNotBeDisabled: { status: 400 },
  IssuerNotEnabled: { status: 404 },
  PreconditionFailed: { status: 412 },
  OperationNotAllowed: { status: 409 },
  PrincipalNotFound: { status: 400 },
  RoleAssignmentExists: { status: 409 },
  KeyNotFound: { status: 404 },
  InvalidKey: { status: 400 },
  KeyIsActive: { status: 409 },
  KeyExists: { status: 409 },
  KeyWasRevoked: { status: 409 },
  TooManyVerifyOnlyKeys: { status: 409 },
  SignersAttached: { status: 409 },
  RotationWouldRevoke: { status: 409 },
  KeyRingClosed: { status: 409 },
  InvalidRotationPolicy: { status: 400 },
  InvalidTokenRequest: { status: 400 },
  TokenIssueDisabled: { status: 409 },
  ClaimsRefused: { status: 400 },
  SigningStopped: { status: 409 },
  AssertionRefused: { status: 401 },
  EnrolmentRefused: { status: 401 },
  SignersNotServed: { status: 409 },
  ServerUnreachable: { status: 502 },
  RingRefused: { status: 502 },
  TooManyRequests: { status: 429, retryAfter: 1 },
  StoreBusy: { status: 503, retryAfter: 1 },
  StoreFull: { status: 507 },
  StoreUnavailable: { status: 503, retryAfter: 5 },
  StoreCorrupt: { status: 500 },
  SealBroken: { status: 500 },
  WrongKeyEncryptionKey: { status: 500, hidden: true },
  InvalidConfiguration: { status: 500, hidden: true },
  AddressInUse: { status: 500, hidden: true },
  SocketInUse: { status: 500, hidden: true },
  HomeInUse: { status: 500, hidden: true },
  InternalError: { status: 500, hidden: true },
} as const satisfies Record<ErrorCode, Edge>;

/** What Fastify itself refuses, in our words. */
const FRAMEWORK: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['RequestTooLarge', 'The body is larger than this server accepts.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['UnsupportedMediaType', 'The body has to be sent with Content-Type: application/json.'],
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: ['UnsupportedMediaType', 'The body has to be sent with Content-Type: application/json.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['InvalidRequestContent', 'The body does not have the length that Content-Length says.'],
  FST_ERR_BAD_URL: ['InvalidPath', 'The path is not validly percent-encoded.'],
  FST_ERR_MAX_PARAM_LENGTH: ['InvalidResourceName', 'A name in the path is far longer than any resource name can be.'],
};

/** What node gives to who reads a body whose connection ends before it does; Fastify adds the status. */
const BODY_CUT = { code: 'ECONNRESET', statusCode: 400 } as const;

const MOST_DETAILS = 20;

/** Whatever was thrown, as one of the catalogue. */
export function foreseen(error: unknown): MintmarkError {
  if (isMintmarkError(error)) return error;
  const { code = '', statusCode, validation } = (error ?? {}) as Partial<FastifyError>;
  if (validation !== undefined) return invalidMembers(error as FastifyError);
  if (code === BODY_CUT.code && statusCode === BODY_CUT.statusCode) return bodyCut();
  const known = Object.hasOwn(FRAMEWORK, code) ? FRAMEWORK[code] : undefined;
  return known === undefined ? new MintmarkError('InternalError', ERROR_CATALOGUE.InternalError, { cause: error }) : new MintmarkError(...known);
}

/** The client went away in the middle of its body. */
export const bodyCut = (): MintmarkError => new MintmarkError('InvalidRequestContent', 'The connection ended before the body was whole.');

/** Status, extra headers and body for an error; `requestId` finds it in the log. */
export function errorReply(error: MintmarkError, requestId: string): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: ErrorBody } {
  const edge: Edge = STATUS[error.code];
  const retryAfter = error.retryAfter ?? edge.retryAfter;
  const headers: Readonly<Record<string, string>> = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  const message = edge.hidden === true ? `The server failed in a way that it did not foresee. The request id ${requestId} finds it in the server's log.` : error.message;
  const code = edge.hidden === true ? 'InternalError' : error.code;
  const { target, details } = error;
  return { status: edge.status, headers, body: { error: { code, message, ...(target === undefined ? {} : { target }), ...(details.length === 0 ? {} : { details: details.map(detailBody) }) } } };
}

/**
 * What a refused bearer is told (RFC 6750, section 3). Who showed a token is told it in the words of Entra ID's continuous access evaluation, by which
 * Azure's SDKs know to log in anew in place of showing the token that they hold until it ends.
 */
export const bearerChallenge = (authorization: string | undefined): string => (/^Bearer /i.test(authorization ?? '') ? `Bearer error="insufficient_claims", claims="${NEW_TOKEN}"` : 'Bearer');

/** Any token that is newer. */
const NEW_TOKEN = Buffer.from('{"access_token":{"nbf":{"essential":true}}}').toString('base64');

const detailBody = ({ code, message, target }: ErrorDetail) => ({ code, message, ...(target === undefined ? {} : { target }) });

/** Each member that is wrong, by its path. The messages are about types and bounds and never hold a value. */
function invalidMembers({ validation = [], validationContext }: FastifyError): MintmarkError {
  const code = validationContext === 'querystring' ? 'InvalidQueryParameter' : 'InvalidRequestContent';
  const details = validation.slice(0, MOST_DETAILS).map(({ instancePath, message = 'is wrong' }) => {
    const target = instancePath.split('/').filter((part) => part !== '').join('.').slice(0, 200) || (validationContext ?? 'body');
    return { code, message, target } as const;
  });
  return new MintmarkError(code, `The request is not understood. ${details.map(({ target, message }) => `${target}: ${message}.`).join(' ')}`, { details });
}
