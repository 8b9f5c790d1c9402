/**
 * What has happened since the start, as Prometheus counters and histograms.
 *
 * Labels have few values each, whatever the number of issuers: no issuer, cluster, principal or address is one.
 * Leaves to `gauges.ts` how things are now.
 */
import { Counter, Histogram, Registry } from 'prom-client';
import type { ChangeCause } from '../domain/key-ring-change.ts';
import type { RequestEnd, RequestFacts } from '../http/management/observer.ts';
import type { Committed, StoreObserver } from './observed-store.ts';

/** Causes of a rotation that is one, the birth of a ring not counted. */
const ROTATION_CAUSES = ['manual', 'automatic', 'force', 'emergency', 'revocation'] as const satisfies readonly ChangeCause[];
const ROTATE_ACTION = 'issuer/rotate';
const METHODS: readonly string[] = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS'];
/** Seconds. */
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const STORE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

export interface Metrics extends StoreObserver {
  readonly registry: Registry;
  /** At the listener for signers. */
  signerRequestEnded(request: RequestFacts, how: RequestEnd): void;
  requestEnded(request: RequestFacts, how: RequestEnd): void;
  /** The rotator could not do a step; null: one that is no rotation. */
  stepFailed(rotation: ChangeCause | null): void;
  auditFailed(): void;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Histogram({ name: 'mintmark_management_request_duration_seconds', help: 'Requests to the management API and the login, from their headers to the reply.', labelNames: ['method', 'route', 'status'], buckets: REQUEST_BUCKETS, registers });
  const refusals = new Counter({ name: 'mintmark_refusals_total', help: 'Requests to the management API and the login that were refused or failed, by error code.', labelNames: ['code'], registers });
  const transactions = new Histogram({ name: 'mintmark_store_transaction_duration_seconds', help: 'Transactions of the store, their waiting for its turn included.', labelNames: ['kind', 'result'], buckets: STORE_BUCKETS, registers });
  const rotations = new Counter({ name: 'mintmark_rotations_total', help: 'Activations of a prepared key, and attempts that failed or were refused, by cause.', labelNames: ['cause', 'result'], registers });
  const events = new Counter({ name: 'mintmark_key_events_total', help: 'Committed changes of key rings, by what happened and why.', labelNames: ['event', 'cause'], registers });
  const tokens = new Counter({ name: 'mintmark_issued_tokens_total', help: 'Service-account tokens that the server itself issued.', registers });
  const signerRequests = new Counter({ name: 'mintmark_signer_requests_total', help: 'Requests of signers, by what they asked for and how it ended: done, or the error code.', labelNames: ['request', 'result'], registers });
  const signerChanges = new Counter({ name: 'mintmark_signer_changes_total', help: 'Signers that enrolled, came back, were written off or deleted.', labelNames: ['change'], registers });
  const failedSteps = new Counter({ name: 'mintmark_rotator_failed_steps_total', help: 'Due steps on a key ring that failed and are tried again.', registers });
  const lostLines = new Counter({ name: 'mintmark_audit_failures_total', help: 'Audit lines that could not be written, and failures to reopen the file.', registers });
  for (const cause of ROTATION_CAUSES) rotations.inc({ cause, result: 'done' }, 0);

  return {
    registry,
    requestEnded({ method, route, action }, { status, code, seconds }) {
      requests.observe({ method: METHODS.includes(method) ? method : 'other', route: route ?? 'none', status: `${Math.floor(status / 100)}xx` }, seconds);
      if (code !== null) refusals.inc({ code });
      if (action === ROTATE_ACTION && status >= 400) rotations.inc({ cause: 'manual', result: status < 500 ? 'refused' : 'failed' });
    },
    signerRequestEnded: ({ route }, { code }) => signerRequests.inc({ request: route?.split('/').at(-1) ?? 'none', result: code ?? 'done' }),
    transaction: (kind, seconds, result) => transactions.observe({ kind, result }, seconds),
    committed({ changes, tokens: issued, signers }: Committed) {
      tokens.inc(issued.length);
      for (const { what } of signers) signerChanges.inc({ change: what });
      for (const { kind, cause } of changes.flatMap((change) => change.events)) {
        events.inc({ event: kind, cause });
        if (kind === 'activated' && cause !== 'birth') rotations.inc({ cause, result: 'done' });
      }
    },
    stepFailed(cause) {
      failedSteps.inc();
      if (cause !== null) rotations.inc({ cause, result: 'failed' });
    },
    auditFailed: () => lostLines.inc(),
  };
}
