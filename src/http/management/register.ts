/** Makes Fastify's routes of the table's rows, and for every path one more that refuses all other methods. */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import { z } from 'zod';
import { MintmarkError } from '../../domain/errors.ts';
import type { Subscription, Tenant } from '../../domain/principal.ts';
import type { Caller } from '../../service/caller.ts';
import { errorBody } from './contract.ts';
import { fillPath } from './paths.ts';
import type { Answer, Asked, Method, Route } from './route.ts';

const METHODS: readonly (Method | 'OPTIONS')[] = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS'];
const NOBODY: Caller = { principalId: '', tenantId: '', clientRequestId: null };
const NO_SUBSCRIPTION: Subscription = { id: '', tenantId: '', displayName: '', createdAt: new Date(0) };
const NO_TENANT: Tenant = { id: '', displayName: '', createdAt: new Date(0) };

export function registerRoutes(server: FastifyInstance, routes: readonly Route[]): void {
  server.addHook('preValidation', async (request) => { request.query = inOurSpelling(request.query as Query); });
  for (const row of routes) registerRoute(server, row);
  refuseOtherMethods(server, routes);
}

/** Answers 405 with `Allow` (RFC 9110, section 15.5.6) to methods that a path does not have. */
export function refuseOtherMethods(server: FastifyInstance, routes: readonly Pick<Route, 'method' | 'url'>[]): void {
  for (const [url, rows] of Map.groupBy(routes, (row) => row.url)) {
    const allowed = rows.map(({ method }) => method);
    const method = METHODS.filter((other) => !allowed.some((one) => one === other));
    server.route({ method: [...method], url, schema: { hide: true }, config: { access: 'public', allow: allowed.join(', ') }, handler: () => undefined });
  }
}

function registerRoute(server: FastifyInstance, row: Route): void {
  server.route({
    method: row.method,
    url: row.url,
    schema: schemaOf(row),
    config: { access: row.access },
    handler: async (request, reply) => send(reply, await row.handle(askedOf(request, row))),
  });
}

function schemaOf({ summary, access, body, query, replies }: Route): FastifySchema {
  const response = Object.fromEntries(Object.entries(replies).map(([status, schema]) => [status, schema ?? z.null().describe('No body')]));
  return {
    summary,
    security: access === 'public' ? [] : [{ bearer: [] }],
    ...(body === undefined ? {} : { body }),
    ...(query === undefined ? {} : { querystring: query }),
    response: { ...response, default: errorBody },
  };
}

function askedOf(request: FastifyRequest, row: Route): Asked {
  const params = request.params as Readonly<Record<string, string>>;
  return {
    caller: request.passed?.caller ?? NOBODY,
    subscription: request.passed?.subscription ?? NO_SUBSCRIPTION,
    tenant: request.passed?.tenant ?? NO_TENANT,
    scope: request.passed?.scope ?? '',
    params, body: request.body, query: request.query,
    precondition: { ifMatch: conditionOf(request, 'If-Match'), ifNoneMatch: conditionOf(request, 'If-None-Match') },
    path: fillPath(row.url, params),
    search: queryOf(request.url),
  };
}

type Query = Readonly<Record<string, string | readonly string[]>>;

/** OData's parameters are in any letter case, as in Azure: a `$Filter` that is ignored would give more than was asked for. */
const spelled = (name: string): string => (name.startsWith('$') ? name.toLowerCase() : name);

/** One that is there in several spellings is there several times. */
function inOurSpelling(query: Query): Query {
  if (Object.keys(query).every((name) => name === spelled(name))) return query;
  const byName = Map.groupBy(Object.entries(query), ([name]) => spelled(name));
  return Object.fromEntries([...byName].map(([name, found]) => [name, found.length === 1 ? found[0]![1] : found.flatMap(([, value]) => value)]));
}

/** To take the whole target apart as a URL costs several times as much. */
function queryOf(target: string): URLSearchParams {
  const at = target.indexOf('?');
  return new URLSearchParams([...new URLSearchParams(at === -1 ? '' : target.slice(at + 1))].map(([name, value]) => [spelled(name), value]));
}

/** Null without the header. @throws MintmarkError `InvalidRequestContent` for one that names nothing: a client with an empty variable means a condition. */
function conditionOf(request: FastifyRequest, name: 'If-Match' | 'If-None-Match'): string | null {
  const value = request.headers[name.toLowerCase()];
  if (value === undefined) return null;
  if (typeof value === 'string' && /[^\s,]/.test(value)) return value;
  throw new MintmarkError('InvalidRequestContent', `The header ${name} is empty. Give it an eTag or *, or leave it out to write without a condition.`, { target: name });
}

function send(reply: FastifyReply, { status, headers = {}, warnings = [], body }: Answer): FastifyReply {
  const warning = warnings.map(warningValue).join(', ');
  return reply.code(status).headers({ ...headers, ...(warning === '' ? {} : { warning }) }).send(body);
}

/** RFC 7234, section 5.5: a code, who warns, and a quoted string. */
const warningValue = (sentence: string): string => `299 mintmark "${sentence.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, String.raw`\$&`)}"`;
