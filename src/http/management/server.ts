/**
 * The management API: an HTTP server in the shape of Azure Resource Manager, with the login beside it.
 *
 * Owns the limits of the listener, what surrounds every request (ids, guard, errors, one log line) and the list of all
 * routes. Gets the services and settings. Gives a Fastify instance that is not listening yet.
 * Leaves the rules to the services, the wire form to `contract.ts`, the keys to others.
 */
import { randomUUID } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { MintmarkError } from '../../domain/errors.ts';
import type { Access } from '../../service/access.ts';
import type { Clusters } from '../../service/clusters.ts';
import type { EnrolmentCredentials } from '../../service/enrolment-credentials.ts';
import type { FederatedCredentials } from '../../service/federated-credentials.ts';
import type { Identities } from '../../service/identities.ts';
import type { Issuers } from '../../service/issuers.ts';
import type { KeyImports } from '../../service/key-imports.ts';
import type { KeyRings } from '../../service/key-rings.ts';
import type { Kubeconfigs } from '../../service/kubeconfigs.ts';
import type { Operations } from '../../service/operations.ts';
import type { People } from '../../service/people.ts';
import type { ResourceGroups } from '../../service/resource-groups.ts';
import type { Signers } from '../../service/signers.ts';
import type { RoleAssignments } from '../../service/role-assignments.ts';
import type { Tenants } from '../../service/tenants.ts';
import type { Tokens } from '../../service/tokens.ts';
import { watchConnections } from '../listening.ts';
import { registerLogin } from '../login/login.ts';
import { bearerChallenge, bodyCut, errorReply, foreseen, STATUS } from './errors.ts';
import { clientRequestId, passGuard } from './guard.ts';
import { parseJsonBody } from './json-body.ts';
import { refuseMalformed, watchReplies } from './malformed.ts';
import { NO_OBSERVER, observeRequests, type RequestObserver, tellEnd } from './observer.ts';
import { openApi } from './openapi.ts';
import { registerRoutes } from './register.ts';
import type { Route } from './route.ts';
import { federatedCredentialRoutes } from './routes/federated-credentials.ts';
import { healthRoutes } from './routes/health.ts';
import { identityRoutes } from './routes/identities.ts';
import { issuerActionRoutes } from './routes/issuer-actions.ts';
import { issuerRoutes } from './routes/issuers.ts';
import { keyImportRoutes } from './routes/key-imports.ts';
import { kubeconfigRoutes } from './routes/kubeconfigs.ts';
import { managedClusterActionRoutes } from './routes/managed-cluster-actions.ts';
import { managedClusterPartRoutes } from './routes/managed-cluster-parts.ts';
import { managedClusterRoutes } from './routes/managed-clusters.ts';
import { operationRoutes } from './routes/operations.ts';
import { peopleRoutes } from './routes/people.ts';
import { resourceGroupRoutes } from './routes/resource-groups.ts';
import { signerRoutes } from './routes/signers.ts';
import { resourceRoutes } from './routes/resources.ts';
import { roleAssignmentRoutes } from './routes/role-assignments.ts';
import { subscriptionRoutes } from './routes/subscriptions.ts';
import { tenantRoutes } from './routes/tenants.ts';

export interface ManagementDeps {
  readonly access: Access;
  readonly clusters: Clusters;
  readonly resourceGroups: ResourceGroups;
  readonly issuers: Issuers;
  readonly keyRings: KeyRings;
  readonly keyImports: KeyImports;
  readonly tokens: Tokens;
  readonly kubeconfigs: Kubeconfigs;
  readonly operations: Operations;
  readonly signers: Signers;
  readonly enrolmentCredentials: EnrolmentCredentials;
  readonly tenants: Tenants;
  readonly people: People;
  readonly identities: Identities;
  readonly federatedCredentials: FederatedCredentials;
  readonly roleAssignments: RoleAssignments;
  /** Whether the server can serve, for `/readyz`. */
  readonly ready: () => Promise<boolean>;
}

export interface ManagementConfig {
  /** Base of all absolute URLs in replies, without a trailing slash; never taken from `Host`. */
  readonly managementUrl: string;
  readonly configuredLocations: readonly string[];
  readonly maxBodyBytes: number;
  readonly tokenIssue: boolean;
  /** Whether the one hop in front is a proxy, whose `X-Forwarded-For` then tells the client's address; ignored otherwise. */
  readonly behindProxy?: boolean;
}

/** How the listener is set up; plain HTTP without `https`, for tests only. */
export interface ManagementListener {
  readonly https?: ServerOptions;
  readonly logger?: FastifyBaseLogger;
  /** Told of every request. */
  readonly observer?: RequestObserver;
}

/** Times are in milliseconds; what is slower or larger is cut off. */
const LIMITS = {
  requestTimeout: 30_000, headersTimeout: 10_000, connectionTimeout: 120_000, keepAliveTimeout: 60_000, maxHeaderSize: 16 * 1024, connections: 10_000,
  /** Longer than any name can be, so that a name that is too long is refused with the rule for it. */
  paramLength: 1024,
} as const;

/** Every route of the management API, the login not included. */
export const managementRoutes = (deps: ManagementDeps, config: ManagementConfig): readonly Route[] => [
  ...healthRoutes(deps.ready),
  ...subscriptionRoutes(deps.access, config.configuredLocations),
  ...resourceGroupRoutes(deps.resourceGroups, config.managementUrl),
  ...resourceRoutes(deps, config.managementUrl),
  ...managedClusterRoutes(deps.clusters, deps.resourceGroups, config.managementUrl),
  ...managedClusterPartRoutes(deps.clusters),
  ...managedClusterActionRoutes(deps.clusters, deps.keyRings, config.managementUrl),
  ...kubeconfigRoutes(deps.kubeconfigs),
  ...issuerRoutes(deps, config.managementUrl),
  ...issuerActionRoutes(deps, config),
  ...keyImportRoutes(deps),
  ...signerRoutes(deps),
  ...identityRoutes(deps.identities, deps.resourceGroups, config.managementUrl),
  ...federatedCredentialRoutes(deps.federatedCredentials),
  ...roleAssignmentRoutes(deps.roleAssignments, config.managementUrl),
  ...operationRoutes(deps.operations, deps.access, config.managementUrl),
  ...tenantRoutes(deps.tenants),
  ...peopleRoutes(deps.people, config.managementUrl),
];

export function createManagementServer(deps: ManagementDeps, config: ManagementConfig, listener: ManagementListener = {}): FastifyInstance {
  const server = bareServer(config, listener);
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) => parseJsonBody(body));
  server.decorateRequest('passed', null);
  observeRequests(server, listener.observer ?? NO_OBSERVER);
  server.addHook('onRequest', (request, reply) => enter(deps.access, request, reply));
  // A connection that ended meanwhile would never tell whoever reads the body now.
  server.addHook('preParsing', async ({ raw }) => { if (raw.destroyed && !raw.complete) throw bodyCut(); });
  server.setErrorHandler(sendError);
  server.setNotFoundHandler(refusePath);
  void server.register(swagger, { openapi: openApi(config.managementUrl), transform: jsonSchemaTransform, exposeHeadRoutes: true });
  void server.register((scope) => {
    registerRoutes(scope, managementRoutes(deps, config));
    scope.get('/openapi.json', { schema: { hide: true }, config: { access: 'public' } }, () => server.swagger());
  });
  void server.register((scope) => registerLogin(scope, deps.access, config.managementUrl));
  return server;
}

function bareServer({ maxBodyBytes, behindProxy = false }: ManagementConfig, { https, logger, observer = NO_OBSERVER }: ManagementListener): FastifyInstance {
  const { headersTimeout, maxHeaderSize } = LIMITS;
  // A request without Host is refused in our words: see `enter`.
  const options = { headersTimeout, maxHeaderSize, requireHostHeader: false };
  const transport = https === undefined ? { http: options } : { https: { ...https, ...options, handshakeTimeout: headersTimeout } };
  const server = Fastify({
    ...transport,
    ...(logger === undefined ? {} : { loggerInstance: logger }),
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: LIMITS.requestTimeout, connectionTimeout: LIMITS.connectionTimeout, keepAliveTimeout: LIMITS.keepAliveTimeout,
    trustProxy: (_address, hop) => behindProxy && hop === 0, bodyLimit: maxBodyBytes, exposeHeadRoutes: false, forceCloseConnections: 'idle', requestIdHeader: false, genReqId: () => randomUUID(),
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: LIMITS.paramLength },

    clientErrorHandler: refuseMalformed,
    frameworkErrors: (error, request, reply) => {
      reply.header('x-ms-request-id', request.id);
      sendError(error, request as FastifyRequest, reply as FastifyReply);
      tellEnd(observer, request as FastifyRequest, reply as FastifyReply);
    },
  }) as unknown as FastifyInstance;
  server.server.maxConnections = LIMITS.connections;
  watchConnections(server.server);
  watchReplies(server.server);
  return server;
}

/** Before everything else, so that refusals bear the request's ids too. */
async function enter(access: Access, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.header('x-ms-request-id', request.id);
  const echoed = clientRequestId(request);
  if (echoed !== null) reply.header('x-ms-client-request-id', echoed);
  // RFC 9112, section 3.2; what it says counts for nothing here.
  if (request.headers.host === undefined && request.raw.httpVersion === '1.1') throw new MintmarkError('InvalidRequest', 'The request has no Host header, which HTTP/1.1 requires.');
  const { access: needed, allow } = request.routeOptions.config;
  if (allow !== undefined) {
    reply.header('allow', allow);
    throw new MintmarkError('MethodNotAllowed', `This path has no ${request.method}; it has ${allow}.`);
  }
  if (needed === undefined) refusePath();
  else request.passed = await passGuard(access, request, needed);
}

function refusePath(): never {
  throw new MintmarkError('InvalidPath', 'No resource type or action of this server has this path.');
}

function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = foreseen(thrown);
  request.refusal = error.code;
  if (STATUS[error.code].status >= 500) request.log.error({ err: error.cause ?? error, code: error.code }, 'request failed');
  const { status, headers, body } = errorReply(error, request.id);
  if (error.code === 'AuthenticationFailed') reply.header('www-authenticate', bearerChallenge(request.headers.authorization));
  void reply.code(status).headers(headers).type('application/json').send(body);
}
