/**
 * The listener for signers: three requests, each with an assertion of its own. It shares nothing with the management API
 * but the process.
 *
 * Owns the limits of the listener, and what becomes of a request that waits: it costs a socket and a timer, ends when its
 * signer goes away or asks again, and at once when the server stops. Leaves who may ask, and for what, to the services.
 */
import { randomUUID } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { z } from 'zod';
import { MintmarkError } from '../../domain/errors.ts';
import { pointText, type RingPoint } from '../../domain/ring-for-signer.ts';
import type { Enrolment } from '../../service/enrolment.ts';
import { claimedSigner, type SignerRequest } from '../../service/signer-identity.ts';
import type { SignerRings } from '../../service/signer-rings.ts';
import type { Throttle } from '../../service/throttle.ts';
import { watchConnections } from '../listening.ts';
import { clientAddress } from '../management/client-address.ts';
import { bodyCut, errorReply, foreseen, STATUS } from '../management/errors.ts';
import { parseJsonBody } from '../management/json-body.ts';
import { refuseMalformed, watchReplies } from '../management/malformed.ts';
import { NO_OBSERVER, observeRequests, type RequestObserver, tellEnd } from '../management/observer.ts';
import { acknowledgeRequest, enrollRequest, type EnrollReply, LONGEST_POLL, ringQuery, type RingReply, SIGNER_PATHS } from './contract.ts';

export interface SignersDeps {
  readonly enrolment: Enrolment;
  readonly signerRings: SignerRings;
  readonly throttle: Pick<Throttle, 'request' | 'login'>;
}

export interface SignersListener {
  readonly https?: ServerOptions;
  readonly logger?: FastifyBaseLogger;
  readonly observer?: RequestObserver;
  /** Whether the one hop in front is a proxy, whose `X-Forwarded-For` then tells the signer's address; ignored otherwise. */
  readonly behindProxy?: boolean;
}

/** Times are in milliseconds. A connection is silent for as long as a request waits; load balancers close those of 60 s. */
const LIMITS = {
  requestTimeout: 10_000, headersTimeout: 10_000, connectionTimeout: (LONGEST_POLL + 25) * 1000, keepAliveTimeout: 65_000, maxHeaderSize: 8192, connections: 20_000, bodyLimit: 16 * 1024,
} as const;

/** Ends what waits, and lets nothing wait any longer, when it is closed. Not listening yet. */
export function createSignersServer({ enrolment, signerRings, throttle }: SignersDeps, listener: SignersListener = {}): FastifyInstance {
  const server = bareServer(listener);
  const polls = new Set<AbortController>();
  /** The signers that have said that they refuse their rings, and have not asked as others since. */
  const refusing = new Set<string>();
  let isClosing = false;
  server.addHook('preClose', async () => {
    isClosing = true;
    for (const poll of polls) poll.abort();
  });

  server.post(SIGNER_PATHS.enroll, async (request, reply) => {
    throttle.login(clientAddress(request));
    const { token, name = null, assertionKey, encryptionKey, mode } = understood(enrollRequest, bodyOf(request), 'InvalidRequestContent');
    const { signer, issuer, ringSigningKey } = await enrolment.enrol(signerRequest(request), { token, name, assertionKey, encryptionKey, mode });
    request.signerId = signer.id;
    return reply.send({ signerId: signer.id, name: signer.name, issuerId: issuer.id, issuerURL: issuer.url, ringSigningKey, pollSeconds: LONGEST_POLL } satisfies EnrollReply);
  });

  server.get(SIGNER_PATHS.ring, { config: { quiet: true } }, async (request, reply) => {
    const { epoch, version, wait, clock, lease, refused, mode } = understood(ringQuery, request.query, 'InvalidQueryParameter');
    const poll = new AbortController();
    reply.raw.once('close', () => poll.abort());
    polls.add(poll);
    try {
      const wanted = { has: { epoch, version }, leaseSeconds: lease, mode, clock: clock === undefined ? null : new Date(clock), program: programOf(request.headers['user-agent']), wait: isClosing ? 0 : wait, refused: refused !== undefined };
      const ring = await signerRings.next(signerRequest(request), wanted, poll);
      if (refused === undefined) refusing.delete(request.signerId ?? '');
      else noteRefusal(request, { epoch, version }, refusing);
      return ring === null ? await reply.code(204).send() : await reply.send({ ring } satisfies RingReply);
    } finally {
      polls.delete(poll);
    }
  });

  server.post(SIGNER_PATHS.acknowledge, async (request, reply) => {
    await signerRings.acknowledge(signerRequest(request), understood(acknowledgeRequest, bodyOf(request), 'InvalidRequestContent'));
    return reply.code(204).send();
  });

  server.addHook('onRequest', async (request) => {
    request.signerId = claimedSigner(request.headers.authorization);
    throttle.request(clientAddress(request));
  });
  // A connection that ended meanwhile would never tell whoever reads the body now.
  server.addHook('preParsing', async ({ raw }) => { if (raw.destroyed && !raw.complete) throw bodyCut(); });
  observeRequests(server, listener.observer ?? NO_OBSERVER);
  return server;
}

function bareServer({ https, logger, behindProxy = false, observer = NO_OBSERVER }: SignersListener): FastifyInstance {
  const { headersTimeout, maxHeaderSize } = LIMITS;
  const transport = https === undefined ? { http: { headersTimeout, maxHeaderSize } } : { https: { ...https, headersTimeout, maxHeaderSize, handshakeTimeout: headersTimeout } };
  const server = Fastify({
    ...transport,
    ...(logger === undefined ? {} : { loggerInstance: logger }),
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: LIMITS.requestTimeout, connectionTimeout: LIMITS.connectionTimeout, keepAliveTimeout: LIMITS.keepAliveTimeout, bodyLimit: LIMITS.bodyLimit,
    trustProxy: (_address, hop) => behindProxy && hop === 0, exposeHeadRoutes: false, forceCloseConnections: 'idle', requestIdHeader: false, genReqId: () => randomUUID(),
    clientErrorHandler: refuseMalformed,
    frameworkErrors: (error, request, reply) => {
      sendError(error, request as FastifyRequest, reply as FastifyReply);
      tellEnd(observer, request as FastifyRequest, reply as FastifyReply);
    },
  }) as unknown as FastifyInstance;
  server.server.maxConnections = LIMITS.connections;
  watchConnections(server.server);
  watchReplies(server.server);
  server.removeAllContentTypeParsers();
  // As it came: its hash is in the assertion.
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) => body);
  server.setErrorHandler(sendError);
  server.setNotFoundHandler(() => { throw new MintmarkError('InvalidPath', `This listener is for signers: it has ${Object.values(SIGNER_PATHS).join(', ')}.`); });
  server.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'));
  return server;
}

/** Only of a signer that was identified. Rotations wait for it until its lease ends, which no longer begins anew, or someone looks. */
function noteRefusal(request: FastifyRequest, has: RingPoint, refusing: Set<string>): void {
  request.refusal = 'RingRefused';
  // It says so every few seconds; once is enough for a log.
  if (refusing.has(request.signerId ?? '')) return;
  refusing.add(request.signerId ?? '');
  request.log.warn({ signer: request.signerId, has: pointText(has) }, 'a signer refuses the ring that it is given and goes on with the one that it has; its own log says why');
}

const rawBody = ({ body }: FastifyRequest): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0));
const bodyOf = (request: FastifyRequest): unknown => parseJsonBody(rawBody(request));

/** For people alone: it is no part of the assertion. */
const programOf = (agent = ''): string | null => /^mintmark\/(\d[\w.+-]{0,40})$/.exec(agent)?.[1] ?? null;

const signerRequest = (request: FastifyRequest): SignerRequest =>
  ({ authorization: request.headers.authorization, method: request.method, target: request.url, body: rawBody(request), address: clientAddress(request) });

/** Says which member is wrong, never what is in it. */
function understood<T extends z.ZodType>(schema: T, value: unknown, code: 'InvalidRequestContent' | 'InvalidQueryParameter'): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const target = result.error.issues[0]!.path.join('.').slice(0, 200);
  throw new MintmarkError(code, `The request is not understood${target === '' ? '' : `: ${target} is wrong`}.`, target === '' ? {} : { target });
}

function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = foreseen(thrown);
  request.refusal = error.code;
  if (STATUS[error.code].status >= 500) request.log.error({ err: error.cause ?? error, code: error.code }, 'request of a signer failed');
  const { status, headers, body } = errorReply(error, request.id);
  void reply.code(status).headers(headers).type('application/json').send(body);
}
