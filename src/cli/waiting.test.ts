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
  for (const [reason, until, words] of rows) assert.equal(waitingInWords({ reason, until }, now), words);
});
