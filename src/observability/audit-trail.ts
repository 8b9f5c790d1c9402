/**
 * The audit trail: every acting call of the management API, every change of a key ring and every token issued by the
 * server, as one line of JSON each, written after the fact is settled.
 *
 * Gets facts from the edge and from the observed store, and joins them: what was committed while a request ran bears its
 * ids. Gives lines to a sink. The ring's events in the store are in the same transaction as the change; these lines follow it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { KeyEvent, RingChange } from '../domain/key-ring-change.ts';
import type { IssuedToken } from '../domain/service-account-token.ts';
import type { RequestEnd, RequestFacts, RequestObserver } from '../http/management/observer.ts';
import type { Committed } from './observed-store.ts';

/** Where lines go. May throw: the fact stands, whatever becomes of its line, and the failure is told. */
export interface AuditSink {
  write(line: string): void;
}

/** What every line has. `issuer`: its id. */
interface AuditLine {
  readonly time: Date;
  readonly kind: 'call' | 'key' | 'token';
  readonly actor: string;
  readonly action: string;
  readonly resource: string | null;
  readonly issuer: string | null;
  readonly why: string | null;
  readonly result: 'done' | 'refused' | 'failed';
  readonly requestId: string | null;
  readonly clientRequestId: string | null;
  readonly address: string | null;
}

interface Running {
  readonly request: RequestFacts;
  /** Issuers whose ring it changed or for which it issued a token. */
  readonly issuers: Set<string>;
}

export interface AuditTrail {
  readonly requests: RequestObserver;
  committed(what: Committed): void;
}

const ACTING: readonly string[] = ['PUT', 'PATCH', 'POST', 'DELETE'];
/** Refusals that are counted and not written down: what is no call of the API, and what is throttled, since anyone could fill the disk with it. */
const ONLY_COUNTED: readonly (string | null)[] = ['InvalidPath', 'MethodNotAllowed', 'TooManyRequests'];
const OUTSIDE = { resource: null, requestId: null, clientRequestId: null, address: null } as const;

/** `now` is the store's clock, by which all other times are; `failed` is told of each line that is lost. */
export function createAuditTrail(sink: AuditSink, now: () => Date, failed: (error: unknown) => void): AuditTrail {
  const running = new AsyncLocalStorage<Running>();
  function write(line: AuditLine, more: Readonly<Record<string, unknown>>): void {
    try {
      sink.write(`${JSON.stringify({ ...line, ...more })}\n`);
    } catch (error) {
      failed(error);
    }
  }

  return {
    requests: {
      begin(request) {
        const here: Running = { request, issuers: new Set() };
        return {
          run: (carryOn) => running.run(here, carryOn),
          end(facts, how) {
            if (ACTING.includes(facts.method) && !ONLY_COUNTED.includes(how.code)) write(callLine(facts, how, here.issuers, now()), { method: facts.method, status: how.status });
          },
        };
      },
    },
    committed({ changes, tokens }) {
      const here = running.getStore();
      if (here !== undefined) for (const issuerId of issuersOf(changes, tokens, actorOf(here.request))) here.issuers.add(issuerId);
      for (const change of changes) for (const event of change.events) write(keyLine(change, event, here?.request), keyMembers(event));
      for (const token of tokens) write(tokenLine(token, here?.request), { kid: token.kid, jti: token.jti, subject: token.subject, audiences: token.audiences, expiresAt: token.expiresAt });
    },
  };
}

/** The issuers on which this actor did something; what the rotator did meanwhile is not among it. */
const issuersOf = (changes: readonly RingChange[], tokens: readonly IssuedToken[], actor: string): readonly string[] =>
  [...changes.filter(({ events }) => events.some((event) => event.actor === actor)).map(({ ring }) => ring), ...tokens].map(({ issuerId }) => issuerId);

function callLine(request: RequestFacts, { status, code }: RequestEnd, issuers: ReadonlySet<string>, time: Date): AuditLine {
  const [issuer] = issuers;
  return {
    time, kind: 'call', actor: actorOf(request), action: request.action ?? request.route ?? request.method, ...idsOf(request),
    issuer: issuers.size === 1 && issuer !== undefined ? issuer : null, why: code, result: resultOf(status),
  };
}

/** What happens to a ring while a request runs need not be its doing: the rotator's events bear no request. */
function keyLine({ ring }: RingChange, { at, kind, actor, reason }: KeyEvent, request: RequestFacts | undefined): AuditLine {
  const from = request !== undefined && actorOf(request) === actor ? idsOf(request) : OUTSIDE;
  return { time: at, kind: 'key', actor, action: `key/${kind}`, ...from, issuer: ring.issuerId, why: reason, result: 'done' };
}

const keyMembers = ({ kid, from, to, cause, ringVersion }: KeyEvent) => ({ kid, from, to, cause, ringVersion });

function tokenLine({ issuerId, issuedAt }: IssuedToken, request: RequestFacts | undefined): AuditLine {
  const ids = request === undefined ? OUTSIDE : idsOf(request);
  return { time: issuedAt, kind: 'token', actor: request === undefined ? 'server' : actorOf(request), action: 'token/issued', ...ids, issuer: issuerId, why: null, result: 'done' };
}

function resultOf(status: number): AuditLine['result'] {
  if (status < 400) return 'done';
  return status < 500 ? 'refused' : 'failed';
}

const actorOf = ({ principalId }: RequestFacts): string => (principalId === null ? 'anonymous' : `principal:${principalId}`);

const idsOf = ({ path, id, clientRequestId, address }: RequestFacts) => ({ resource: path, requestId: id, clientRequestId, address });
