import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeServer, runLine } from '../../test/support/command-line.ts';

const TIME = '2026-03-01T12:00:00.000Z';
const row = (name: string, next: object) => ({ id: `/${name}`, name: 'default', properties: { clusterName: name, resourceGroup: 'g', issuerURL: `https://${name}/`, activeKid: 'K', activeSince: TIME, ...next } });

test('the next rotation of each: a time, off, or what keeps it from being known', async (t) => {
  const value = [row('a', { nextRotationAt: TIME, nextRotationWaitsFor: null }), row('b', { nextRotationAt: null, nextRotationWaitsFor: null }), row('c', { nextRotationAt: null, nextRotationWaitsFor: 'signers' }), row('older-server', { nextRotationAt: null })];
  const fake = await fakeServer({ 'GET /subscriptions/s/providers/Mintmark.Oidc/issuers': { status: 200, body: { value } } });
  t.after(() => fake.close());
  const { stdout } = await runLine(['issuer', 'list', '-o', 'table'], fake);
  assert.deepEqual(stdout.trim().split('\n').slice(2).map((line) => line.trim().split(/ {2,}/).at(-1)), ['2026-03-01 12:00:00', 'off', 'waits for signers', 'off']);
});
