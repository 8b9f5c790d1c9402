/**
 * Authorities: the places where one logs in, each with its token endpoint, its keys, and the document that names both.
 *
 * Three forms with the same behaviour. That of Entra ID, with the tenant in the path; and two of AD FS, which Azure's
 * clients believe without asking Microsoft whether the host is one of Azure's. In the first of those two there is no
 * tenant: it is that of the client.
 */
import type { z } from 'zod';
import { ALGORITHMS } from '../../domain/algorithms.ts';
import type { loginDiscovery } from '../management/contract.ts';
import { fillPath } from '../management/paths.ts';

export interface Authority {
  readonly token: string;
  readonly discovery: string;
  readonly keys: string;
  /** Told as `authorization_endpoint`, which clients require; it leads nowhere. */
  readonly authorize: string;
}

/** Where a client that was told of `/adfs` alone looks. */
export const ADFS = '/adfs';

const adfs = (base: string): Authority => ({ token: `${base}/oauth2/token`, discovery: `${base}/.well-known/openid-configuration`, keys: `${base}/discovery/keys`, authorize: `${base}/oauth2/authorize` });

export const AUTHORITIES: readonly Authority[] = [
  { token: '/:tenantId/oauth2/v2.0/token', discovery: '/:tenantId/v2.0/.well-known/openid-configuration', keys: '/:tenantId/discovery/v2.0/keys', authorize: '/:tenantId/oauth2/v2.0/authorize' },
  adfs(ADFS),
  adfs(`${ADFS}/:tenantId`),
];

/** The discovery document (RFC 8414, section 2). Clients compare scheme and host of `issuer` with those of the authority. */
export function discoveryOf({ token, keys, authorize }: Authority, issuer: string, managementUrl: string, params: { readonly tenantId?: string }): z.output<typeof loginDiscovery> {
  const at = (pattern: string): string => `${managementUrl}${fillPath(pattern, params)}`;
  return {
    issuer,
    authorization_endpoint: at(authorize),
    token_endpoint: at(token),
    jwks_uri: at(keys),
    response_types_supported: ['token'],
    grant_types_supported: ['client_credentials'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic', 'private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: Object.keys(ALGORITHMS),
  };
}
