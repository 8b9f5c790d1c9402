import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitingInWords } from './waiting.ts';

test('what is waited for, in words', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  const rows = [
    ['caches may hold the old JWKS', '2026-01-01T00:06:00Z', 'waits 6 min: caches may hold the old list'],
    ['not confirmed by every publisher', null, 'waits: the new list is not out everywhere yet'],
    ['caches may hold the old JWKS', '2025-12-31T00:00:00Z', 'waits: caches may hold the old list'],
    ['something new', null, 'waits: something new'],
  ] as const;
  const signers = [
    [['2026-01-01T00:00:00Z'], 'waits for cp-1, which is there and has not acknowledged yet'],
    [['2025-12-31T23:58:01Z'], 'waits for cp-1, which is there and has not acknowledged yet'],
    [['2025-12-31T23:57:59Z', '2026-01-01T00:00:00Z'], 'waits for cp-1, silent since 2025-12-31 23:57 and for cp-2, which is there and has not acknowledged yet'],
  ] as const;
  for (const [since, words] of signers) assert.equal(waitingInWords({ reason: 'a signer has not acknowledged', until: '2026-01-09T00:00:00Z', signers: since.map((at, index) => ({ name: `cp-${index + 1}`, since: at })) }, now), words);
  assert.equal(waitingInWords({ reason: 'a signer has not acknowledged', until: null, signers: [{ name: 'cp-2', since: '2026-01-01T09:14:33Z' }] }, new Date('2026-01-01T09:20:00Z')), 'waits for cp-2, silent since 09:14');
  const refusing = { name: 'cp-2', since: '2026-01-01T09:19:00Z', refusesSince: '2026-01-01T09:14:33Z' };
  const waits = (since: string): string => waitingInWords({ reason: 'a signer has not acknowledged', until: null, signers: [{ ...refusing, since }] }, new Date('2026-01-01T09:20:00Z'));
  assert.equal(waits('2026-01-01T09:19:00Z'), "waits for cp-2, which refuses the key ring since 09:14 (its log says why; 'signer list' says what to do)");
  assert.equal(waits('2026-01-01T09:17:00Z'), 'waits for cp-2, silent since 09:17');
  for (const [reason, until, words] of rows) assert.equal(waitingInWords({ reason, until }, now), words);
});
