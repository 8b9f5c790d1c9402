/**
 * The error catalogue: every way in which Mintmark refuses or fails, with one stable code each.
 *
 * Owns: the codes and what each means. Gets: the facts of one case. Gives: `MintmarkError`.
 * Leaves to the edges (HTTP, command line): status codes, exit codes and wire forms. `docs/errors.md` lists the
 * same codes; a test binds the two.
 */

/** Code → what it means, in one sentence for the operator. */
export const ERROR_CATALOGUE = {
  AuthenticationFailed: 'The access token is missing, expired, malformed or not from this server.',
  AuthorizationFailed: 'The principal is known but its roles do not allow the action at that scope.',
  InvalidClient: 'The client id or its secret is wrong; which of the two is not told.',
  InvalidClientAssertion: 'The assertion is malformed, out of its time or not signed by its issuer, or no federated credential names it.',
  ForeignIssuerUnavailable: 'The documents of the issuer of an assertion could not be fetched, or are not what they have to be.',
  InvalidRequest: 'The token request lacks a member or has one that is not understood; or what was sent is no HTTP request.',
  UnsupportedGrantType: 'The token endpoint gives tokens for client credentials only.',
  InvalidScope: 'The token request asks for a scope that is not the management API.',
  InvalidRequestContent: 'The body is not JSON, or a member has the wrong type or a value out of bounds.',
  InvalidResourceName: 'A name has characters or a length that resources of its type can not have.',
  InvalidQueryParameter: 'A query parameter has a value that is not understood.',
  RequestTooLarge: 'The body is larger than the server accepts.',
  UnsupportedMediaType: 'The body is not sent as JSON.',
  MethodNotAllowed: 'The path exists, but not with this method.',
  InvalidPath: 'No resource type or action has this path.',
  ResourceNotFound: 'The resource does not exist.',
  ResourceGroupNotFound: 'The resource group does not exist.',
  SubscriptionNotFound: 'The subscription does not exist, or the principal can not see it.',
  TenantNotFound: 'The tenant does not exist, or the principal has no role in it.',
  OperationNotFound: 'The operation does not exist or ended more than seven days ago.',
  LocationNotAvailable: 'The location is neither a public Azure region nor a configured name.',
  LocationCanNotChange: 'The location of a resource is part of its issuer URL and can not change.',
  UnsupportedKubernetesVersion: 'The Kubernetes version is malformed or older than 1.22.',
  KubernetesDowngrade: 'A cluster can not go back to a lower minor version of Kubernetes.',
  ImpossibleAttachment: 'The distribution or version of Kubernetes can not take part in this way.',
  AttachmentRefused: 'The API server was not attached or detached; its manifest is as it was, or as another left it.',
  IssuerCanNotBeDisabled: 'An OIDC issuer, once enabled, can not be disabled.',
  IssuerNotEnabled: 'The cluster has no OIDC issuer.',
  PreconditionFailed: 'The resource has changed since the eTag in If-Match was read.',
  OperationNotAllowed: 'Mintmark does not do this, or not in the state that the resource is in.',
  PrincipalNotFound: 'A role is to be given to a principal that this tenant does not have.',
  RoleAssignmentExists: 'The principal has this role at this scope already, under another name.',
  KeyNotFound: 'The key ring has no key with this kid.',
  InvalidKey: 'A key that was to be imported is none, or of a kind that API servers do not verify with.',
  KeyIsActive: 'The key signs now; revoking it needs force.',
  KeyExists: 'The key ring has a key with this kid already.',
  KeyWasRevoked: 'A key with this kid was revoked for this issuer and can not come back.',
  TooManyVerifyOnlyKeys: 'The key ring has as many keys that verify only as it can have.',
  SignersAttached: 'Signers are enrolled for the cluster: its API servers get their signatures from the issuer.',
  RotationWouldRevoke: 'The rotation would revoke a key that still verifies, which this server does only when it is asked for.',
  KeyRingClosed: 'The issuer was deleted: its key ring only waits for the last tokens to end.',
  InvalidRotationPolicy: 'The rotation period is neither off nor between 2 and 365 days.',
  InvalidTokenRequest: 'The token request asks for something that a Kubernetes API server would refuse.',
  TokenIssueDisabled: 'This server does not issue service-account tokens itself.',
  ClaimsRefused: 'The claims are not ones that this signer signs: another issuer, a life too long, a time too far from its clock, or a member that is there twice.',
  SigningStopped: 'The signer has nothing to sign with: its issuer or the signer itself was deleted, or its lease has ended.',
  AssertionRefused: 'The assertion by which a signer says who it is is wrong, too old, used before, or of no signer.',
  EnrolmentRefused: 'The enrolment token or join credential is wrong, used up, revoked, or past its end.',
  SignersNotServed: 'This server has no listener for signers.',
  ServerUnreachable: 'The signer got no answer from its server, or one that is none.',
  RingRefused: 'A signer was given a ring that is not what its server made for it.',
  TooManyRequests: 'The caller, or the server as a whole, has too much in progress.',
  StoreBusy: 'The store did not get its turn to write in time.',
  StoreFull: 'The disk of the store is full; nothing was changed.',
  StoreUnavailable: 'The store can not be read or written.',
  StoreCorrupt: 'A record in the store is not what Mintmark wrote.',
  SealBroken: 'A sealed key can not be opened: it was changed, cut short, or sealed for another place.',
  WrongKeyEncryptionKey: 'The key-encryption key is not the one that this store was sealed with.',
  InvalidConfiguration: 'A setting is missing, malformed or contradicts the state on disk.',
  AddressInUse: 'Another process listens on a port that Mintmark needs.',
  SocketInUse: 'Another process serves the socket, or something that is no socket has its path.',
  HomeInUse: 'Another Mintmark process runs on the same home, store, state folder or key folder.',
  InternalError: 'Something that Mintmark did not foresee; the request id finds it in the log.',
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** One member of a request that is wrong, for errors that can name several. */
export interface ErrorDetail {
  readonly code: ErrorCode;
  readonly message: string;
  readonly target?: string;
}

/**
 * A refusal or failure that was foreseen. `message` is written for the person who caused it (what, why, what to do)
 * and never holds a secret, a token or key material; `target` names the member or resource it is about.
 */
export class MintmarkError extends Error {
  override readonly name = 'MintmarkError';
  readonly code: ErrorCode;
  readonly target: string | undefined;
  readonly details: readonly ErrorDetail[];
  /** Seconds after which the same request may succeed, where this case knows better than its code. */
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, more: { target?: string; details?: readonly ErrorDetail[]; retryAfter?: number; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.target = more.target;
    this.details = more.details ?? [];
    this.retryAfter = more.retryAfter;
  }
}

/** Whether `error` is a foreseen one, optionally with this very code. */
export const isMintmarkError = (error: unknown, code?: ErrorCode): error is MintmarkError =>
  error instanceof MintmarkError && (code === undefined || error.code === code);
