/** What a signer says of itself while its server is away: long before its lease ends, and when it is over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeKey, openedRing } from '../../test/support/signer-rings.ts';
import { Lease } from './lease.ts';
import { createSignerMetrics } from './metrics.ts';
import { NO_PROOF_NEEDED, type SignerStatus, signerStatus, statusBody } from './status.ts';

const DAY = 86_400_000;
const CONTACT = new Date('2026-01-01T00:00:00.000Z');
const { ring } = await openedRing({ active: makeKey('ES256'), prepared: makeKey('ES256') });
const TROUBLE = 'The server at https://signers.example can not be asked: ECONNREFUSED.';
const away = { view: { standing: 'away', trouble: TROUBLE, refusedRings: 0 }, acknowledger: { acknowledged: null } } as unknown as Parameters<typeof signerStatus>[0];

/** So many milliseconds after the last contact, under a lease of so many days. */
function statusAfter(ms: number, days: number | null, follower = away): SignerStatus {
  const lease = new Lease({ now: () => new Date(CONTACT.getTime() + ms), monotonic: () => ms }, CONTACT, days === null ? null : days * 86_400);
  return signerStatus(follower, lease, ring, { fault: null, outlook: NO_PROOF_NEEDED });
}

const END = 'Signing stops at 2026-01-15T00:00:00.000Z, when the lease ends, unless the server is reached before.';
const OVER = 'Nothing is signed: this signer has not reached its Mintmark server since 2026-01-01T00:00:00.000Z, which is longer than its lease allows.';
const ROWS: readonly (readonly [what: string, ms: number, days: number | null, warnings: readonly string[]])[] = [
  ['away for a moment', 1000, 14, [TROUBLE]],
  ['just before a quarter of its lease', 3.5 * DAY - 1, 14, [TROUBLE]],
  ['at a quarter of its lease, ten days before its end', 3.5 * DAY, 14, [TROUBLE, END]],
  ['just before the end', 14 * DAY - 1, 14, [TROUBLE, END]],
  ['at the end', 14 * DAY, 14, [OVER, TROUBLE]],
  ['without a lease, for a year', 365 * DAY, null, [TROUBLE]],
];
for (const [what, ms, days, warnings] of ROWS) {
  test(`away: ${what}`, () => {
    const status = statusAfter(ms, days);
    const body = statusBody(status) as Readonly<Record<string, unknown>>;
    assert.deepEqual([body['warnings'], body['signs'], body['server'], body['leaseEndsAt']], [warnings, !warnings.includes(OVER), 'away', days === null ? null : '2026-01-15T00:00:00.000Z']);
  });
}

test('rings that were refused are counted in words', () => {
  const last = (refusedRings: number): string | undefined => statusAfter(1000, 14, { ...away, view: { ...away.view, refusedRings } }).warnings.at(-1);
  assert.deepEqual([0, 1, 2].map(last), [TROUBLE, '1 ring was refused since the start: the log says why.', '2 rings were refused since the start: the log says why.']);
});

test('the metrics say when signing stops, and that it has', async () => {
  const told = async (ms: number, days: number | null): Promise<readonly (string | undefined)[]> => {
    const text = await createSignerMetrics(() => 0).text(statusAfter(ms, days));
    return ['may_sign', 'connected', 'last_contact_timestamp_seconds', 'lease_end_timestamp_seconds'].map((name) => new RegExp(`^mintmark_signer_${name} (.*)$`, 'm').exec(text)?.[1]);
  };
  assert.deepEqual(await told(DAY, 14), ['1', '0', '1767225600', '1768435200']);
  assert.deepEqual(await told(14 * DAY, 14), ['0', '0', '1767225600', '1768435200']);
  assert.deepEqual(await told(DAY, null), ['1', '0', '1767225600', '+Inf']);
});
