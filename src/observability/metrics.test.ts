import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newborn, rotated, signer, token } from '../../test/conformance/fixtures.ts';
import { at, START } from '../../test/support/rings.ts';
import type { RequestEnd, RequestFacts } from '../http/management/observer.ts';
import { createMetrics, type Metrics } from './metrics.ts';

const REQUEST: RequestFacts = {
  id: 'request', clientRequestId: null, address: '192.0.2.1', principalId: 'ada', signerId: null, provenBy: null, method: 'POST', route: '/clusters/:cluster/rotate', path: '/clusters/c/rotate', action: 'issuer/rotate',
};
const DONE: RequestEnd = { status: 202, code: null, seconds: 0.07 };
const birth = newborn('issuer', START).change;

/** The samples of a metric that are not zero. */
async function samples(metrics: Metrics, name: string): Promise<readonly string[]> {
  return (await metrics.registry.getSingleMetricAsString(name)).split('\n').filter((line) => !line.startsWith('#') && !line.endsWith(' 0'));
}

const CASES: readonly (readonly [string, (metrics: Metrics) => void, string, readonly string[]])[] = [
  ['a request, by method, route and class of status', (metrics) => metrics.requestEnded(REQUEST, DONE), 'mintmark_management_request_duration_seconds', [
    ...['0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf'].map((le) => `mintmark_management_request_duration_seconds_bucket{le="${le}",method="POST",route="/clusters/:cluster/rotate",status="2xx"} 1`),
    'mintmark_management_request_duration_seconds_sum{method="POST",route="/clusters/:cluster/rotate",status="2xx"} 0.07',
    'mintmark_management_request_duration_seconds_count{method="POST",route="/clusters/:cluster/rotate",status="2xx"} 1',
  ]],
  ['methods and paths that anyone can make up, as one', (metrics) => {
    for (const method of ['PROPFIND', 'MOVE']) metrics.requestEnded({ ...REQUEST, method, route: null, path: '', action: null }, { status: 404, code: 'InvalidPath', seconds: 20 });
  }, 'mintmark_management_request_duration_seconds', [
    'mintmark_management_request_duration_seconds_bucket{le="+Inf",method="other",route="none",status="4xx"} 2',
    'mintmark_management_request_duration_seconds_sum{method="other",route="none",status="4xx"} 40',
    'mintmark_management_request_duration_seconds_count{method="other",route="none",status="4xx"} 2',
  ]],
  ['a refusal, by code', (metrics) => metrics.requestEnded(REQUEST, { ...DONE, status: 403, code: 'AuthorizationFailed' }), 'mintmark_refusals_total', ['mintmark_refusals_total{code="AuthorizationFailed"} 1']],
  ['a rotation that is refused', (metrics) => metrics.requestEnded(REQUEST, { ...DONE, status: 404, code: 'IssuerNotEnabled' }), 'mintmark_rotations_total', ['mintmark_rotations_total{cause="manual",result="refused"} 1']],
  ['a rotation that fails', (metrics) => metrics.requestEnded(REQUEST, { ...DONE, status: 503, code: 'StoreBusy' }), 'mintmark_rotations_total', ['mintmark_rotations_total{cause="manual",result="failed"} 1']],
  ['a refusal of something else as no rotation', (metrics) => metrics.requestEnded({ ...REQUEST, action: 'issuer/read' }, { ...DONE, status: 404, code: 'IssuerNotEnabled' }), 'mintmark_rotations_total', []],
  ['a rotation that was committed, and no birth', (metrics) => metrics.committed({ changes: [birth, rotated(3)(birth.ring, at(5)).change], tokens: [], signers: [] }), 'mintmark_rotations_total', ['mintmark_rotations_total{cause="manual",result="done"} 1']],
  ['every event of a ring', (metrics) => metrics.committed({ changes: [birth], tokens: [], signers: [] }), 'mintmark_key_events_total', ['mintmark_key_events_total{event="prepared",cause="birth"} 2', 'mintmark_key_events_total{event="activated",cause="birth"} 1']],
  ['an automatic rotation that fails', (metrics) => metrics.stepFailed('automatic'), 'mintmark_rotations_total', ['mintmark_rotations_total{cause="automatic",result="failed"} 1']],
  ['a step that fails and is no rotation', (metrics) => metrics.stepFailed(null), 'mintmark_rotations_total', []],
  ['each step that fails', (metrics) => [null, 'automatic' as const].forEach(metrics.stepFailed), 'mintmark_rotator_failed_steps_total', ['mintmark_rotator_failed_steps_total 2']],
  ['tokens', (metrics) => metrics.committed({ changes: [], tokens: [token('a'), token('b')], signers: [] }), 'mintmark_issued_tokens_total', ['mintmark_issued_tokens_total 2']],
  ['requests of signers, by what they ask and how it ended', (metrics) => {
    for (const code of [null, 'AssertionRefused'] as const) metrics.signerRequestEnded({ ...REQUEST, route: '/signer/v1/ring' }, { status: 200, code, seconds: 1 });
    metrics.signerRequestEnded({ ...REQUEST, route: null }, { status: 404, code: 'InvalidPath', seconds: 1 });
  }, 'mintmark_signer_requests_total', ['mintmark_signer_requests_total{request="ring",result="done"} 1', 'mintmark_signer_requests_total{request="ring",result="AssertionRefused"} 1', 'mintmark_signer_requests_total{request="none",result="InvalidPath"} 1']],
  ['signers that come and go', (metrics) => metrics.committed({ changes: [], tokens: [], signers: [{ what: 'enrolled', signer: signer('a') }, { what: 'deleted', signer: signer('b') }] }), 'mintmark_signer_changes_total', ['mintmark_signer_changes_total{change="enrolled"} 1', 'mintmark_signer_changes_total{change="deleted"} 1']],
  ['audit lines that are lost', (metrics) => metrics.auditFailed(), 'mintmark_audit_failures_total', ['mintmark_audit_failures_total 1']],
  ['transactions, by kind and result', (metrics) => metrics.transaction('write', 0.9, 'failed'), 'mintmark_store_transaction_duration_seconds', [
    ...['1', '5', '+Inf'].map((le) => `mintmark_store_transaction_duration_seconds_bucket{le="${le}",kind="write",result="failed"} 1`),
    'mintmark_store_transaction_duration_seconds_sum{kind="write",result="failed"} 0.9',
    'mintmark_store_transaction_duration_seconds_count{kind="write",result="failed"} 1',
  ]],
];
for (const [what, happens, name, expected] of CASES) {
  test(`counted: ${what}`, async () => {
    const metrics = createMetrics();
    happens(metrics);
    assert.deepEqual(await samples(metrics, name), expected);
  });
}

test('rotations of every cause are there from the start, so that a rate can be taken of the first', async () => {
  const lines = (await createMetrics().registry.getSingleMetricAsString('mintmark_rotations_total')).split('\n').filter((line) => line.endsWith(' 0'));
  assert.deepEqual(lines, ['manual', 'automatic', 'force', 'emergency', 'revocation'].map((cause) => `mintmark_rotations_total{cause="${cause}",result="done"} 0`));
});
