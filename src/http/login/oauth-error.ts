/** The `error` of an OAuth 2.0 error reply (RFC 6749, section 5.2) for each code of the catalogue. */
import type { ErrorCode } from '../../domain/errors.ts';
import { STATUS } from '../management/errors.ts';

/** Codes with a name of their own in OAuth; the others go by their status. */
const NAMED: Readonly<Partial<Record<ErrorCode, string>>> = {
  InvalidClient: 'invalid_client',
  InvalidClientAssertion: 'invalid_client',
  ForeignIssuerUnavailable: 'invalid_client',
  UnsupportedGrantType: 'unsupported_grant_type',
  InvalidScope: 'invalid_scope',
  TooManyRequests: 'temporarily_unavailable',
};

export function oauthError(code: ErrorCode): string {
  const { status } = STATUS[code];
  if (status >= 500) return status === 503 ? 'temporarily_unavailable' : 'server_error';
  return NAMED[code] ?? 'invalid_request';
}
