/**
 * What makes a server observable, put together: a store that is watched, one observer of requests, metrics, audit trail.
 *
 * Gets the store and a sink for audit lines. Gives what the rest is built on and told by. Leaves to `app.ts` where the
 * metrics are listened for, to whoever starts the server where audit lines go.
 */
import type { Server } from 'node:http';
import type { Logger } from 'pino';
import type { RequestObserver } from '../http/management/observer.ts';
import { packageVersion } from '../package-version.ts';
import type { Store } from '../store/store.ts';
import { type AuditSink, createAuditTrail } from './audit-trail.ts';
import { registerGauges, type Sources } from './gauges.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createMetricsServer } from './metrics-listener.ts';
import { observeStore } from './observed-store.ts';

export interface Observability {
  /** The same store, watched. Whatever is to be seen has to use this one. */
  readonly store: Store;
  readonly requests: RequestObserver;
  /** The same for the listener for signers. */
  readonly signerRequests: RequestObserver;
  readonly stepFailed: Metrics['stepFailed'];
  /** A server of metrics that does not listen yet. */
  metricsServer(sources: Omit<Sources, 'store' | 'version'>): Server;
}

export function createObservability(plain: Store, audit: AuditSink, log: Logger): Observability {
  const metrics = createMetrics();
  const trail = createAuditTrail(audit, () => plain.now(), (err) => {
    metrics.auditFailed();
    log.error({ err }, 'an audit line could not be written');
  });
  const store = observeStore(plain, {
    transaction: metrics.transaction,
    committed(what) {
      metrics.committed(what);
      trail.committed(what);
    },
  });
  return {
    store,
    requests: bothObserve(trail.requests, metrics.requestEnded),
    signerRequests: bothObserve(trail.requests, metrics.signerRequestEnded),
    stepFailed: metrics.stepFailed,
    metricsServer(sources) {
      registerGauges(metrics.registry, { ...sources, store, version: packageVersion() });
      return createMetricsServer(metrics.registry, log);
    },
  };
}

const bothObserve = (trail: RequestObserver, count: Metrics['requestEnded']): RequestObserver => ({
  begin(request) {
    const { run, end } = trail.begin(request);
    return {
      run,
      end(facts, how) {
        count(facts, how);
        end(facts, how);
      },
    };
  },
});
