/**
 * The audit trail: every acting call of the management API and of signers, every change of a key ring, every signer that
 * comes or goes and every token issued by the server, as one line of JSON each, written after the fact is settled.
 *
 * Gets facts from the edge and from the observed store, and joins them: what was committed while a request ran bears its
 * ids. Gives lines to a sink. The ring's events in the store are in the same transaction as the change; these lines follow it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { KeyEvent, RingChange } from '../domain/key-ring-change.ts';
import type { IssuedToken } from '../domain/service-account-token.ts';
import type { RequestEnd, RequestFacts, RequestObserver } from '../http/management/observer.ts';
import type { Committed, SignerChange } from './observed-store.ts';

/** Where lines go. May throw: the fact stands, whatever becomes of its line, and the failure is told. */
export interface AuditSink {
  write(line: string): void;
}

/** What every line has. `issuer`: its id. */
interface AuditLine {
  readonly time: Date;
  readonly kind: 'call' | 'key' | 'token' | 'signer';
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
            if (ACTING.includes(facts.method) && !ONLY_COUNTED.includes(how.code)) write(callLine(facts, how, here.issuers, now()), callMembers(facts, how));
          },
        };
      },
    },
    committed({ changes, tokens, signers }) {
      const here = running.getStore();
      if (here !== undefined) for (const issuerId of issuersOf(changes, [...tokens, ...signers.map(({ signer }) => signer)], actorOf(here.request))) here.issuers.add(issuerId);
      for (const change of changes) for (const event of change.events) write(keyLine(change, event, here?.request), keyMembers(event));
      for (const change of signers) write(signerLine(change, here?.request, now()), { signer: change.signer.id, name: change.signer.name, mode: change.signer.mode, keys: change.signer.kids });
      for (const token of tokens) write(tokenLine(token, here?.request), { kid: token.kid, jti: token.jti, subject: token.subject, audiences: token.audiences, expiresAt: token.expiresAt });
    },
  };
}

/** The issuers on which this actor did something; what the rotator did meanwhile is not among it. */
const issuersOf = (changes: readonly RingChange[], others: readonly { readonly issuerId: string }[], actor: string): readonly string[] =>
  [...changes.filter(({ events }) => events.some((event) => event.actor === actor)).map(({ ring }) => ring), ...others].map(({ issuerId }) => issuerId);

function callLine(request: RequestFacts, { status, code }: RequestEnd, issuers: ReadonlySet<string>, time: Date): AuditLine {
  const [issuer] = issuers;
  return {
    time, kind: 'call', actor: actorOf(request), action: request.action ?? request.route ?? request.method, ...idsOf(request),
    issuer: issuers.size === 1 && issuer !== undefined ? issuer : null, why: code, result: resultOf(status),
  };
}

const callMembers = ({ method, provenBy }: RequestFacts, { status }: RequestEnd) => ({ method, status, ...(provenBy === null ? {} : { provenBy: { issuer: provenBy.issuer, subject: provenBy.subject, audience: provenBy.audience } }) });

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

/** Signers come by themselves. One ends by a person's request, by that of a machine of its name, or by its lease. */
function signerLine({ what, signer }: SignerChange, request: RequestFacts | undefined, time: Date): AuditLine {
  const itself = `signer:${signer.id}`;
  const ender = request === undefined ? 'rotator' : request.principalId === null ? itself : actorOf(request);
  const whys = { enrolled: `with a credential of ${signer.createdBy}`, enrolledAnew: 'it asks again after it was written off', writtenOff: WRITTEN_OFF_BY[ender.split(':')[0]!] ?? null, deleted: null };
  return {
    time, kind: 'signer', actor: what === 'enrolled' || what === 'enrolledAnew' ? itself : ender, action: `signer/${what}`,
    ...(isOf(signer, request) ? idsOf(request) : OUTSIDE), issuer: signer.issuerId, why: whys[what], result: 'done',
  };
}

const WRITTEN_OFF_BY: Readonly<Record<string, string>> = { rotator: 'its lease has ended', signer: 'another machine has enrolled under its name' };

/** Signers that ask at the same time share a transaction, which runs in the request of one of them. */
const isOf = ({ id }: { readonly id: string }, request: RequestFacts | undefined): request is RequestFacts =>
  request !== undefined && (request.signerId === null || request.signerId === id);

function resultOf(status: number): AuditLine['result'] {
  if (status < 400) return 'done';
  return status < 500 ? 'refused' : 'failed';
}

function actorOf({ principalId, signerId }: RequestFacts): string {
  if (principalId !== null) return `principal:${principalId}`;
  return signerId === null ? 'anonymous' : `signer:${signerId}`;
}

const idsOf = ({ path, id, clientRequestId, address }: RequestFacts) => ({ resource: path, requestId: id, clientRequestId, address });
