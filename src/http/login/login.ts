/**
 * Login: the OAuth 2.0 token endpoint and its discovery, in the paths of Entra ID, so that Azure's clients find them.
 *
 * Gets form-encoded client credentials, a secret or the token of another issuer; gives access tokens of this server, for its own management API only. Bad
 * credentials are 401 and never 400, which Azure's clients would remember. Leaves who is who to `service/access.ts`.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ALGORITHMS } from '../../domain/algorithms.ts';
import { MintmarkError } from '../../domain/errors.ts';
import type { Access } from '../../service/access.ts';
import { loginDiscovery, loginError, loginKeys, loginReply } from '../management/contract.ts';
import { clientAddress } from '../management/client-address.ts';
import { errorReply, foreseen, STATUS } from '../management/errors.ts';
import { refuseOtherMethods } from '../management/register.ts';
import { oauthError } from './oauth-error.ts';
import { readTokenRequest } from './token-request.ts';

const TOKEN = '/:tenantId/oauth2/v2.0/token';
const DISCOVERY = '/:tenantId/v2.0/.well-known/openid-configuration';
const KEYS = '/:tenantId/discovery/v2.0/keys';
const NO_STORE = { 'cache-control': 'no-store', 'pragma': 'no-cache' } as const;
const PUBLIC = { access: 'public' } as const;
const LONGEST_FORM = 64 * 1024;

type TenantRequest = FastifyRequest<{ Params: { tenantId: string } }>;

export async function registerLogin(server: FastifyInstance, access: Access, managementUrl: string): Promise<void> {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: LONGEST_FORM }, async (_request: FastifyRequest, body: string) => new URLSearchParams(body));
  server.setErrorHandler(sendError);
  // After the hook of the whole server, which does not count public routes: these ask the store.
  server.addHook('onRequest', async (request) => access.admit(clientAddress(request)));

  server.route({
    method: 'POST', url: TOKEN, config: { ...PUBLIC, action: 'login' }, schema: { summary: 'Logs in with a client id, and a secret or the token of another issuer.', security: [], consumes: ['application/x-www-form-urlencoded'], response: { 200: loginReply, default: loginError } },
    handler: async (request: TenantRequest, reply) => reply.headers(NO_STORE).send(await logIn(access, managementUrl, request)),
  });
  server.route({
    method: 'GET', url: DISCOVERY, config: PUBLIC, schema: { summary: 'Where to log in.', security: [], response: { 200: loginDiscovery, default: loginError } },
    handler: async (request: TenantRequest) => discovery(access, managementUrl, (await access.tenant(request.params.tenantId)).id),
  });
  server.route({
    method: 'GET', url: KEYS, config: PUBLIC, schema: { summary: 'The keys that access tokens are verified with.', security: [], response: { 200: loginKeys, default: loginError } },
    handler: async (request: TenantRequest) => {
      await access.tenant(request.params.tenantId);
      return { keys: await access.verificationKeys() };
    },
  });
  refuseOtherMethods(server, [{ method: 'POST', url: TOKEN }, { method: 'GET', url: DISCOVERY }, { method: 'GET', url: KEYS }]);
}

async function logIn(access: Access, managementUrl: string, request: TenantRequest): Promise<z.output<typeof loginReply>> {
  const { body, headers, params } = request;
  if (!(body instanceof URLSearchParams)) throw new MintmarkError('InvalidRequest', 'The request has no form-encoded body.');
  const tenant = await access.tenant(params.tenantId);
  const credentials = readTokenRequest(body, headers.authorization, managementUrl);
  request.claimant = credentials.clientId;
  const { accessToken, expiresInSeconds } = await access.login({ ...credentials, tenantId: tenant.id }, clientAddress(request));
  return { token_type: 'Bearer', expires_in: expiresInSeconds, access_token: accessToken };
}

function discovery(access: Access, managementUrl: string, tenantId: string): z.output<typeof loginDiscovery> {
  const base = `${managementUrl}/${tenantId}`;
  return {
    issuer: access.issuerOf(tenantId),
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_types_supported: ['token'],
    grant_types_supported: ['client_credentials'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic', 'private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: Object.keys(ALGORITHMS),
  };
}

/** RFC 6749, section 5.2: the OAuth form of an error, and a challenge when the client used the Authorization header. */
function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = foreseen(thrown);
  request.refusal = error.code;
  const { status, headers, body } = errorReply(error, request.id);
  if (STATUS[error.code].status >= 500) request.log.error({ err: error.cause ?? error, code: error.code }, 'login failed');
  const challenge = error.code === 'InvalidClient' && request.headers.authorization !== undefined ? { 'www-authenticate': 'Basic realm="mintmark", charset="UTF-8"' } : {};
  void reply.code(status).headers({ ...NO_STORE, ...headers, ...challenge }).type('application/json').send({ error: oauthError(error.code), error_description: body.error.message, ...errorCodes(body.error.message) });
}

/** The number in a message, where it has one, as Entra ID tells it to programs. */
function errorCodes(message: string): { readonly error_codes?: readonly number[] } {
  const number = /^AADSTS(\d+):/.exec(message)?.[1];
  return number === undefined ? {} : { error_codes: [Number(number)] };
}
