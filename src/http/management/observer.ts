/**
 * Who watches requests, as this edge needs it: told what was asked by whom and how it ended, never a query, header or body.
 *
 * Owns the shape of what is told and the hooks that tell it. Leaves to whoever watches what becomes of it: log lines,
 * audit lines, metrics.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../../domain/errors.ts';
import type { FederatedCredential } from '../../domain/federated-credential.ts';
import type { Caller } from '../../service/caller.ts';
import { clientAddress } from './client-address.ts';

export interface RequestFacts {
  /** The id that the reply has as `x-ms-request-id`. */
  readonly id: string;
  readonly clientRequestId: string | null;
  /** From where it came. */
  readonly address: string;
  /** Who asks: proven by an access token, or claimed by one who logs in. */
  readonly principalId: string | null;
  /** The signer that asks, at the listener for signers: proven, or claimed by one that is refused. */
  readonly signerId: string | null;
  /** The federated credential by which a login has succeeded; null for all else. */
  readonly provenBy: FederatedCredential | null;
  readonly method: string;
  /** The route's pattern; null where there is no route. */
  readonly route: string | null;
  /** Without the query; empty where there is no route, as anything may stand there. */
  readonly path: string;
  /** The action that a role is needed for, or `login`. */
  readonly action: string | null;
}

export interface RequestEnd {
  readonly status: number;
  /** Why it was refused; null when it was not. */
  readonly code: ErrorCode | null;
  readonly seconds: number;
}

/** One request as it is watched. */
export interface RequestTrace {
  /** Carries on with the request: whatever is done from there on is done for it. */
  run(carryOn: () => void): void;
  /** The reply is known. Called once, whether or not anybody is there to get it. */
  end(request: RequestFacts, how: RequestEnd): void;
}

export interface RequestObserver {
  begin(request: RequestFacts): RequestTrace;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route does, where no role is needed for it. */
    readonly action?: string;
    /** One of many that are all alike: its log line is for debugging. */
    readonly quiet?: true;
  }
  interface FastifyRequest {
    /** By the clock that only goes forward, in milliseconds. */
    begun: number;
    trace: RequestTrace | null;
    /** Who asks, as soon as it is proven, whether or not the request may pass. */
    caller: Caller | null;
    /** Why the request is refused; or `RingRefused`, where a signer says that it refused what it was given before. */
    refusal: ErrorCode | null;
    /** The client id that a login is for, whether or not it succeeds. */
    claimant: string | null;
    provenBy: FederatedCredential | null;
    signerId: string | null;
  }
}

const CLIENT_ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
const LONGEST_PATH = 1024;

/** Tells the observer of each request that comes to a route's handler or is refused on the way. */
export function observeRequests(server: FastifyInstance, observer: RequestObserver): void {
  server.decorateRequest('begun', 0);
  server.decorateRequest('trace', null);
  server.decorateRequest('caller', null);
  server.decorateRequest('refusal', null);
  server.decorateRequest('claimant', null);
  server.decorateRequest('provenBy', null);
  server.decorateRequest('signerId', null);
  server.addHook('onRequest', async (request) => { request.begun = performance.now(); });
  // Behind the body: what reads it runs where the connection was made, not where the request is.
  server.addHook('preHandler', (request, _reply, done) => {
    request.trace = observer.begin(factsOf(request));
    request.trace.run(done);
  });
  // Not when the reply was sent: a client that goes away meanwhile must not take the record with it.
  server.addHook('onSend', async (request, reply) => tellEnd(observer, request, reply));
}

/**
 * Tells how a request ended; called by itself for requests that are refused before they come to the hooks, which lack
 * everything that the hooks put there. Whoever watches can fail without taking anything with it.
 */
export function tellEnd(observer: RequestObserver, request: FastifyRequest, reply: FastifyReply): void {
  const facts = factsOf(request);
  const ms = request.begun > 0 ? performance.now() - request.begun : 0;
  const how: RequestEnd = { status: reply.statusCode, code: request.refusal ?? null, seconds: ms / 1000 };
  logRequest(request, facts, how);
  try {
    (request.trace ?? observer.begin(facts)).end(facts, how);
  } catch (err) {
    request.log.error({ err }, 'a request could not be counted or written down');
  }
}

/** One log line for each: the route's pattern, never the path, query, headers or body, which may hold secrets. */
function logRequest(request: FastifyRequest, { method, route, address, principalId, signerId, clientRequestId }: RequestFacts, { status, code, seconds }: RequestEnd): void {
  const subscription = request.passed?.subscription?.id ?? null;
  const level = request.routeOptions.config?.quiet === true && code === null ? 'debug' : 'info';
  request.log[level]({ method, route, status, code, ms: Math.round(seconds * 1000), address, principal: principalId, ...(signerId === null ? {} : { signer: signerId }), subscription, clientRequestId }, 'request');
}

function factsOf(request: FastifyRequest): RequestFacts {
  const { config, url: route } = request.routeOptions;
  const access = config?.access;
  return {
    id: request.id, clientRequestId: request.caller?.clientRequestId ?? null, address: clientAddress(request),
    principalId: request.caller?.principalId ?? claimedId(request), signerId: request.signerId ?? null, provenBy: request.provenBy ?? null, method: request.method,
    route: route ?? null, path: route === undefined ? '' : request.url.split('?', 1)[0]!.slice(0, LONGEST_PATH),
    action: config?.action ?? (typeof access === 'object' ? access.action : null),
  };
}

/** Only what has the form of a client id: people paste secrets into the wrong field. */
const claimedId = ({ claimant }: FastifyRequest): string | null => (CLIENT_ID.test(claimant ?? '') ? claimant : null);

/** Watches nothing. */
export const NO_OBSERVER: RequestObserver = { begin: () => ({ run: (carryOn) => carryOn(), end: () => undefined }) };
