import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IssuerBody, KeyBody } from '../../http/management/contract.ts';
import { issuerView } from './issuer-view.ts';
import { timeline } from './timeline.ts';

const now = new Date('2026-01-11T00:00:00.000Z');

const key = (kid: string, state: KeyBody['state'], times: Partial<KeyBody>): KeyBody => ({
  kid, state, algorithm: 'RS256', origin: 'generated', published: true, createdAt: '2026-01-01T00:00:00.000Z', publishedAt: '2026-01-01T00:00:00.000Z', activatedAt: null, retiredAt: null, revokedAt: null,
  expiresAt: null, liveTokens: 0, publicJwk: {}, ...times,
});

const keys = [
  key('key0-revoked', 'revoked', { activatedAt: '2026-01-01T00:00:00.000Z', revokedAt: '2026-01-06T00:00:00.000Z', expiresAt: '2026-01-12T00:00:00.000Z', liveTokens: 1 }),
  key('key1-retired', 'retired', { activatedAt: '2026-01-03T12:00:00.000Z', retiredAt: '2026-01-10T12:00:00.000Z', expiresAt: '2026-01-14T00:00:00.000Z', liveTokens: 2 }),
  key('key2-active', 'active', { activatedAt: '2026-01-10T12:00:00.000Z' }),
  key('key3-prepared', 'prepared', { createdAt: '2026-01-10T12:00:00.000Z', publishedAt: '2026-01-10T12:00:00.000Z' }),
];

const properties: IssuerBody['properties'] = {
  issuerURL: 'https://i/', discoveryURL: 'https://i/d', jwksURI: 'https://i/jwks', issuerId: 'i', mode: 'managed', createdAt: '2026-01-01T00:00:00.000Z', ringVersion: 9,
  rotationPolicy: { rotateEverySeconds: 864_000 }, publicationGapSeconds: 600, maxAgeSeconds: 300, freezeWindows: [], secondRotation: 'allow', keys, verifyOnlyKeys: [],
  calendar: {
    activeSince: '2026-01-10T12:00:00.000Z', preparedPublishedAt: '2026-01-10T12:00:00.000Z', preparedReadyAt: '2026-01-10T12:10:00.000Z',
    nextRotationAt: '2026-01-21T00:00:00.000Z', nextRotationWaitsFor: null, nextRotationCause: 'automatic', nextRotationFrozenSince: null, nextRemovalAt: '2026-01-14T00:00:00.000Z',
  },
  waiting: { reason: 'not due', until: '2026-01-21T00:00:00.000Z' }, pendingRotation: null, rotationWouldRevoke: [{ kid: 'key1-retired', liveTokens: 2 }],
};

const issuer: IssuerBody = { id: '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c/providers/Mintmark.Oidc/issuers/default', name: 'default', type: 't', properties };

const TIMELINE = [
  '  key0-rev  ██████████×         │',
  '  key1-ret  ░░░░░██████████████▒│▒▒▒▒▒▒▒',
  '  key2-act  ░░░░░░░░░░░░░░░░░░░█│██████████████████████████▒▒▒',
  '  key3-pre                     ░│░░░░░░░░░░░░░░░░░░░░░░░░░░███',
  '            2026-01-01 00:00    now           2026-01-22 00:00',
  '  ░ prepared  █ signs  ▒ retired, still verifies  × revoked',
];

test('an issuer at rest', () => {
  assert.deepEqual(issuerView(issuer, now, 62), [
    'Issuer   https://i/',
    'Cluster  c (resource group g)',
    'JWKS     https://i/jwks (3 keys, held in caches for up to 5 min)',
    'Rotates  every 10 d',
    '',
    'Keys',
    '  key0-revoked  revoked (out of the list since 2026-01-06 00:00:00), 1 recorded token does not verify any more',
    '  key1-retired  retired (still verifies until 2026-01-14 00:00:00), 2 recorded tokens live on it',
    '  key2-active  active (signs since 2026-01-10 12:00:00)',
    '  key3-prepared  prepared (published, has not signed yet)',
    '',
    'What comes next (times are UTC)',
    '  2026-01-14 00:00:00  key1-retired leaves the list, in 3 d',
    '  2026-01-21 00:00:00  key3-prepared takes over (by itself), in 10 d',
    '',
    'Timeline',
    ...TIMELINE,
  ]);
});

test('keys that are not in the JWKS are named, with their end', () => {
  const imported = { algorithm: 'RS256', importedAt: '2026-01-02T00:00:00.000Z', importedBy: 'principal:p' };
  const view = issuerView({ ...issuer, properties: { ...properties, verifyOnlyKeys: [{ ...imported, kid: 'old1', expiresAt: null }, { ...imported, kid: 'old2', expiresAt: '2026-02-01T00:00:00.000Z' }] } }, now, 62);
  assert.deepEqual(view.slice(view.indexOf('Keys that verify in the cluster only') - 1, view.indexOf('What comes next (times are UTC)')), [
    '', 'Keys that verify in the cluster only', '  old1  imported 2026-01-02 00:00:00', '  old2  imported 2026-01-02 00:00:00, verifies until 2026-02-01 00:00:00', '',
  ]);
});

test('a rotation that waits says for what, and a time that has come is now', () => {
  const pending = {
    ...properties, keys: keys.slice(2), rotationPolicy: { rotateEverySeconds: null }, waiting: { reason: 'caches may hold the old JWKS', until: '2026-01-11T00:06:00.000Z' },
    calendar: { ...properties.calendar, nextRotationAt: '2026-01-11T00:00:00.000Z', nextRotationCause: 'manual' as const, nextRemovalAt: null },
    pendingRotation: { operationId: 'o', requestedAt: '2026-01-10T23:59:00.000Z', requestedBy: 'principal:p', revokes: [] },
  };
  const view = issuerView({ ...issuer, properties: pending }, now, 62);
  assert.deepEqual(view.slice(3, 4), ['Rotates  by hand only']);
  assert.deepEqual(view.slice(view.indexOf('What comes next (times are UTC)') + 1, view.indexOf('Timeline') - 1), [
    '  A rotation was asked for at 2026-01-10 23:59:00 by principal:p; it waits 6 min: caches may hold the old list',
    '  2026-01-11 00:00:00  key3-prepared takes over (asked for by hand), now',
  ]);
});

test('a freeze that holds the next rotation back is named, and when no key rotates by itself', () => {
  const calendar = { ...properties.calendar, nextRotationAt: '2026-01-26T06:00:00.000Z', nextRotationFrozenSince: '2026-01-24T03:00:00.000Z' };
  const view = issuerView({ ...issuer, properties: { ...properties, freezeWindows: ['Fri 18:00-Mon 06:00', '2026-12-20T00:00Z/2027-01-05T00:00Z'], calendar } }, now, 62);
  assert.equal(view[3], 'Rotates  every 10 d, except in Fri 18:00-Mon 06:00, 2026-12-20T00:00Z/2027-01-05T00:00Z (UTC)');
  assert.ok(view.includes('  2026-01-26 06:00:00  key3-prepared takes over (by itself, at the end of a freeze; without it 2026-01-24 03:00:00), in 15 d 6 h'), view.join('\n'));
});

test('with rotation off and nothing retired there is nothing to come', () => {
  const calendar = { ...properties.calendar, nextRotationAt: null, nextRotationCause: null, nextRemovalAt: null };
  const view = issuerView({ ...issuer, properties: { ...properties, rotationPolicy: { rotateEverySeconds: null }, keys: keys.slice(2), calendar } }, now, 62);
  assert.ok(view.includes('  Nothing until someone asks for it'));
});

test('a rotation by itself that waits for a signer is no secret', () => {
  const calendar = { ...properties.calendar, nextRotationAt: null, nextRotationWaitsFor: 'signers' as const, nextRotationCause: null, nextRemovalAt: null };
  const view = issuerView({ ...issuer, properties: { ...properties, keys: keys.slice(2), calendar } }, now, 62);
  assert.ok(view.includes("  The next rotation by itself comes when every signer has acknowledged the last one: 'mintmark signer list' names those that have not"), view.join('\n'));
});

test('a narrow terminal gets the least width, an empty ring no lines, and every line fits', () => {
  assert.deepEqual(timeline([], properties.calendar, now, 80), []);
  const narrow = timeline(keys, properties.calendar, now, 1);
  assert.deepEqual(narrow.slice(0, 1), ['  key0-rev  ████×   │']);
  for (const width of [40, 80, 200]) assert.ok(timeline(keys, properties.calendar, now, width).slice(0, -1).every((line) => line.length <= width), String(width));
});
