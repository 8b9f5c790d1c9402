/**
 * Login: the OAuth 2.0 token endpoint and its discovery, in the paths of Entra ID and of AD FS, so that Azure's clients find them.
 *
 * Gets form-encoded client credentials, a secret or the token of another issuer; gives access tokens of this server, for its own management API only. Bad
 * credentials are 401 and never 400, which Azure's clients would remember. Leaves who is who to `service/access.ts`.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { MintmarkError } from '../../domain/errors.ts';
import type { Access } from '../../service/access.ts';
import { loginDiscovery, loginError, loginKeys, loginReply } from '../management/contract.ts';
import { clientAddress } from '../management/client-address.ts';
import { errorReply, foreseen, STATUS } from '../management/errors.ts';
import { refuseOtherMethods } from '../management/register.ts';
import { ADFS, AUTHORITIES, type Authority, discoveryOf } from './authority.ts';
import { cloud, cloudMetadata, cloudQuery } from './cloud.ts';
import { oauthError } from './oauth-error.ts';
import { readTokenRequest } from './token-request.ts';

const CLOUD = '/metadata/endpoints';
const NO_STORE = { 'cache-control': 'no-store', 'pragma': 'no-cache' } as const;
const PUBLIC = { access: 'public' } as const;
const LONGEST_FORM = 64 * 1024;

type TenantRequest = FastifyRequest<{ Params: { tenantId?: string } }>;
type CloudRequest = FastifyRequest<{ Querystring: z.output<typeof cloudQuery> }>;

export async function registerLogin(server: FastifyInstance, access: Access, managementUrl: string): Promise<void> {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: LONGEST_FORM }, async (_request: FastifyRequest, body: string) => new URLSearchParams(body));
  server.setErrorHandler(sendError);
  // After the hook of the whole server, which does not count public routes: these ask the store.
  server.addHook('onRequest', async (request) => access.admit(clientAddress(request)));

  for (const authority of AUTHORITIES) registerAuthority(server, access, managementUrl, authority);
  server.route({
    method: 'GET', url: CLOUD, config: PUBLIC, schema: { summary: "Tells Azure's clients about this cloud, in the form of their api-version.", security: [], querystring: cloudQuery, response: { 200: cloud, default: loginError } },
    handler: async ({ query }: CloudRequest) => cloudMetadata(query['api-version'], managementUrl),
  });
  refuseOtherMethods(server, [{ method: 'GET', url: CLOUD }]);
}

function registerAuthority(server: FastifyInstance, access: Access, managementUrl: string, authority: Authority): void {
  const { token, discovery, keys } = authority;
  server.route({
    method: 'POST', url: token, config: { ...PUBLIC, action: 'login' }, schema: { summary: 'Logs in with a client id, and a secret or the token of another issuer.', security: [], consumes: ['application/x-www-form-urlencoded'], response: { 200: loginReply, default: loginError } },
    handler: async (request: TenantRequest, reply) => reply.headers(NO_STORE).send(await logIn(access, managementUrl, request)),
  });
  server.route({
    method: 'GET', url: discovery, config: PUBLIC, schema: { summary: 'Where to log in.', security: [], response: { 200: loginDiscovery, default: loginError } },
    async handler({ params }: TenantRequest) {
      const tenantId = await tenantOf(access, params);
      return tenantId === null ? discoveryOf(authority, `${managementUrl}${ADFS}`, managementUrl, {}) : discoveryOf(authority, access.issuerOf(tenantId), managementUrl, { tenantId });
    },
  });
  server.route({
    method: 'GET', url: keys, config: PUBLIC, schema: { summary: 'The keys that access tokens are verified with.', security: [], response: { 200: loginKeys, default: loginError } },
    async handler({ params }: TenantRequest) {
      await tenantOf(access, params);
      return { keys: await access.verificationKeys() };
    },
  });
  refuseOtherMethods(server, [{ method: 'POST', url: token }, { method: 'GET', url: discovery }, { method: 'GET', url: keys }]);
}

/** The tenant of the path, in its stored spelling; null where the path has no place for one. */
const tenantOf = async (access: Access, { tenantId }: { readonly tenantId?: string }): Promise<string | null> => (tenantId === undefined ? null : (await access.tenant(tenantId)).id);

async function logIn(access: Access, managementUrl: string, request: TenantRequest): Promise<z.output<typeof loginReply>> {
  const { body, headers, params } = request;
  if (!(body instanceof URLSearchParams)) throw new MintmarkError('InvalidRequest', 'The request has no form-encoded body.');
  const tenantId = await tenantOf(access, params);
  const credentials = readTokenRequest(body, headers.authorization, managementUrl);
  request.claimant = credentials.clientId;
  const { accessToken, expiresInSeconds, provenBy } = await access.login({ ...credentials, tenantId }, clientAddress(request));
  request.provenBy = provenBy;
  return { token_type: 'Bearer', expires_in: expiresInSeconds, access_token: accessToken };
}

/**
 * RFC 6749, section 5.2: the OAuth form of an error, and a challenge when the client used the Authorization header. `trace_id` is the request id once more:
 * Azure's SDKs show that, and no headers.
 */
function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = foreseen(thrown);
  request.refusal = error.code;
  const { status, headers, body } = errorReply(error, request.id);
  if (STATUS[error.code].status >= 500) request.log.error({ err: error.cause ?? error, code: error.code }, 'login failed');
  const challenge = error.code === 'InvalidClient' && request.headers.authorization !== undefined ? { 'www-authenticate': 'Basic realm="mintmark", charset="UTF-8"' } : {};
  void reply.code(status).headers({ ...NO_STORE, ...headers, ...challenge }).type('application/json').send({ error: oauthError(error.code), error_description: body.error.message, ...errorCodes(body.error.message), trace_id: request.id });
}

/** The number in a message, where it has one, as Entra ID tells it to programs. */
function errorCodes(message: string): { readonly error_codes?: readonly number[] } {
  const number = /^AADSTS(\d+):/.exec(message)?.[1];
  return number === undefined ? {} : { error_codes: [Number(number)] };
}
