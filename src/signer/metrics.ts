/** The signer's counters and how it is, in the text format of Prometheus. Loaded only where somebody scrapes them. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CallObserver } from './external-jwt-signer.ts';
import type { SignerStatus } from './status.ts';

/** Seconds. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

export interface SignerMetrics {
  readonly observer: CallObserver;
  text(status: SignerStatus): Promise<string>;
  readonly contentType: string;
}

/** What is taken from the status of a scrape. */
const GAUGES: readonly (readonly [name: string, help: string, value: (status: SignerStatus) => number])[] = [
  ['mintmark_signer_may_sign', 'Whether tokens are signed: 0 once the lease has ended, the issuer or the signer was deleted.', ({ bar }) => (bar === null ? 1 : 0)],
  ['mintmark_signer_connected', 'Whether the last request to the server was answered.', ({ server }) => (server === 'connected' ? 1 : 0)],
  ['mintmark_signer_last_contact_timestamp_seconds', 'When the last request that the server answered was sent.', ({ lastContact }) => lastContact.getTime() / 1000],
  ['mintmark_signer_lease_end_timestamp_seconds', 'When the signer stops to sign unless it reaches the server; +Inf without a lease.', ({ leaseEndsAt }) => (leaseEndsAt === null ? Infinity : leaseEndsAt.getTime() / 1000)],
  ['mintmark_signer_proof_certificate_end_timestamp_seconds', 'When the client certificate ends with which restarts of the API server are proved; +Inf without one, 0 where it can not be read.', ({ proof: { endsAt, warning } }) => (endsAt !== null ? endsAt.getTime() / 1000 : warning === null ? Infinity : 0)],
  ['mintmark_signer_ring_epoch', 'Epoch of the ring in use.', ({ ring }) => ring.epoch],
  ['mintmark_signer_ring_version', 'Version of the ring in use.', ({ ring }) => ring.version],
  ['mintmark_signer_acknowledged_version', 'Version that was acknowledged to the server last; 0 before the first since the start.', ({ acknowledged }) => acknowledged?.version ?? 0],
  ['mintmark_signer_refused_rings', 'Rings that were refused since the start: not by the server, for another signer, or older than the one in use.', ({ refusedRings }) => refusedRings],
];

export function createSignerMetrics(lostLogLines: () => number): SignerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const signatures = new Histogram({ name: 'mintmark_signer_sign_duration_seconds', help: 'Tokens signed, from the request to the reply, verification included.', buckets: BUCKETS, registers });
  const refusals = new Counter({ name: 'mintmark_signer_refusals_total', help: 'Requests for a signature that were refused or failed, by error code.', labelNames: ['code'], registers });
  const fetches = new Counter({ name: 'mintmark_signer_key_requests_total', help: 'Requests for the keys that verify.', registers });
  registry.registerMetric(new Counter({ name: 'mintmark_log_failures_total', help: 'Log lines that could not be written.', registers: [], collect() { this.reset(); this.inc(lostLogLines()); } }));
  const gauges = GAUGES.map(([name, help, value]) => ({ gauge: new Gauge({ name, help, registers }), value }));
  return {
    observer: { signed: (seconds) => signatures.observe(seconds), refused: (code) => refusals.inc({ code }), keysFetched: () => fetches.inc() },
    text(status) {
      for (const { gauge, value } of gauges) gauge.set(value(status));
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
