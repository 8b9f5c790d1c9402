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
import type { Issuers } from '../../service/issuers.ts';
import type { KeyRings } from '../../service/key-rings.ts';
import type { Operations } from '../../service/operations.ts';
import type { ResourceGroups } from '../../service/resource-groups.ts';
import type { Tokens } from '../../service/tokens.ts';
import { registerLogin } from '../login/login.ts';
import { errorReply, foreseen, STATUS } from './errors.ts';
import { clientRequestId, passGuard } from './guard.ts';
import { parseJsonBody } from './json-body.ts';
import { openApi } from './openapi.ts';
import { registerRoutes } from './register.ts';
import type { Route } from './route.ts';
import { healthRoutes } from './routes/health.ts';
import { issuerActionRoutes } from './routes/issuer-actions.ts';
import { issuerRoutes } from './routes/issuers.ts';
import { managedClusterActionRoutes } from './routes/managed-cluster-actions.ts';
import { managedClusterPartRoutes } from './routes/managed-cluster-parts.ts';
import { managedClusterRoutes } from './routes/managed-clusters.ts';
import { operationRoutes } from './routes/operations.ts';
import { resourceGroupRoutes } from './routes/resource-groups.ts';
import { subscriptionRoutes } from './routes/subscriptions.ts';

export interface ManagementDeps {
  readonly access: Access;
  readonly clusters: Clusters;
  readonly resourceGroups: ResourceGroups;
  readonly issuers: Issuers;
  readonly keyRings: KeyRings;
  readonly tokens: Tokens;
  readonly operations: Operations;
  /** Whether the server can serve, for `/readyz`. */
  readonly ready: () => Promise<boolean>;
}

export interface ManagementConfig {
  /** Base of all absolute URLs in replies, without a trailing slash; never taken from `Host`. */
  readonly managementUrl: string;
  readonly configuredLocations: readonly string[];
  readonly maxBodyBytes: number;
  readonly tokenIssue: boolean;
}

/** How the listener is set up; plain HTTP without `https`, for tests only. */
export interface ManagementListener {
  readonly https?: ServerOptions;
  readonly logger?: FastifyBaseLogger;
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
  ...managedClusterRoutes(deps.clusters, deps.resourceGroups, config.managementUrl),
  ...managedClusterPartRoutes(deps.clusters),
  ...managedClusterActionRoutes(deps.clusters, deps.keyRings, config.managementUrl),
  ...issuerRoutes(deps, config.managementUrl),
  ...issuerActionRoutes(deps, config),
  ...operationRoutes(deps.operations, deps.access, config.managementUrl),
];

export function createManagementServer(deps: ManagementDeps, config: ManagementConfig, listener: ManagementListener = {}): FastifyInstance {
  const server = bareServer(config, listener);
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) => parseJsonBody(body));
  server.decorateRequest('passed', null);
  server.addHook('onRequest', (request, reply) => enter(deps.access, request, reply));
  server.addHook('onResponse', logRequest);
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

function bareServer({ maxBodyBytes }: ManagementConfig, { https, logger }: ManagementListener): FastifyInstance {
  const { headersTimeout, maxHeaderSize } = LIMITS;
  const transport = https === undefined ? { http: { headersTimeout, maxHeaderSize } } : { https: { ...https, headersTimeout, maxHeaderSize } };
  const server = Fastify({
    ...transport,
    ...(logger === undefined ? {} : { loggerInstance: logger }),
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: LIMITS.requestTimeout, connectionTimeout: LIMITS.connectionTimeout, keepAliveTimeout: LIMITS.keepAliveTimeout,
    bodyLimit: maxBodyBytes, exposeHeadRoutes: false, forceCloseConnections: 'idle', requestIdHeader: false, genReqId: () => randomUUID(),
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: LIMITS.paramLength },
    frameworkErrors: (error, request, reply) => {
      reply.header('x-ms-request-id', request.id);
      sendError(error, request as FastifyRequest, reply as FastifyReply);
    },
  }) as unknown as FastifyInstance;
  server.server.maxConnections = LIMITS.connections;
  return server;
}

/** Before everything else, so that refusals bear the request's ids too. */
async function enter(access: Access, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.header('x-ms-request-id', request.id);
  const echoed = clientRequestId(request);
  if (echoed !== null) reply.header('x-ms-client-request-id', echoed);
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
  if (STATUS[error.code].status >= 500) request.log.error({ err: error.cause ?? error, code: error.code }, 'request failed');
  const { status, headers, body } = errorReply(error, request.id);
  void reply.code(status).headers(headers).type('application/json').send(body);
}

/** One line for each request: the route's pattern, never the query, headers or body, which may hold secrets. */
async function logRequest(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  request.log.info({
    method: request.method, route: request.routeOptions.url ?? null, status: reply.statusCode, ms: Math.round(reply.elapsedTime),
    principal: request.passed?.caller.principalId ?? null, subscription: request.passed?.subscription?.id ?? null, clientRequestId: request.passed?.caller.clientRequestId ?? null,
  }, 'request');
}
