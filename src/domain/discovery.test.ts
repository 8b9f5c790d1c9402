import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, BY_HAND, newKey, newRing, START } from '../../test/support/rings.ts';
import { discoveryDocument, documentTimetable } from './discovery.ts';
import type { Issuer } from './issuer.ts';
import { jwks, publishedJwk } from './jwks.ts';
import type { SigningKey } from './key-ring.ts';
import { close, requestRotation } from './rotation.ts';

const URL = 'https://eastus.oic.example.com/t/u/';
const ISSUER: Issuer = { id: 'u', tenantId: 't', subscriptionId: 's', clusterId: '/c', url: URL, path: '/t/u/', region: 'eastus', mode: 'managed', createdAt: START, deletedAt: null };
const ring = newRing();

test('the discovery document has exactly the members of R4', () => {
  assert.equal(JSON.stringify(discoveryDocument(ISSUER, ring, at(1))), JSON.stringify({
    issuer: URL,
    jwks_uri: `${URL}openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  }));
});

test('the JWKS has exactly the members of R5', () => {
  const [first, second] = ring.keys;
  assert.deepEqual(jwks(ring, at(1)), {
    keys: [
      { use: 'sig', kty: 'RSA', kid: 'key1', alg: 'RS256', n: first!.publicMembers.n, e: 'AQAB' },
      { use: 'sig', kty: 'RSA', kid: 'key2', alg: 'RS256', n: second!.publicMembers.n, e: 'AQAB' },
    ],
  });
});

test('an elliptic-curve key shows its curve and point, and nothing that is not public', () => {
  const key: SigningKey = { ...ring.keys[0]!, kid: 'ec', algorithm: 'ES256', publicMembers: Object.fromEntries([['x', 'X'], ['y', 'Y'], ['crv', 'P-256'], ['d', 'secret']]) };
  assert.deepEqual(publishedJwk(key), { use: 'sig', kty: 'EC', kid: 'ec', alg: 'ES256', crv: 'P-256', x: 'X', y: 'Y' });
  const mixed = { ...ring, keys: [...ring.keys, key] };
  assert.deepEqual(discoveryDocument(ISSUER, mixed, at(1)).id_token_signing_alg_values_supported, ['RS256', 'ES256']);
});

test('the timetable knows when a key leaves by time alone', () => {
  const rotated = requestRotation(ring, { operationId: 'op', force: false }, newKey(3), at(10), BY_HAND).change!.ring;
  const table = documentTimetable(ISSUER, rotated, at(10));
  assert.deepEqual(table.map(({ jwks: { keys }, until, maxAge }) => [keys.map(({ kid }) => kid).join(' '), until, maxAge]), [
    ['key1 key2 key3', at(10 + 86_700), 300],
    ['key2 key3', null, 300],
  ]);
});

test('a closed issuer has documents until its last token has ended, and then none', () => {
  const closed = close(ring, at(10), BY_HAND)!.ring;
  assert.deepEqual(documentTimetable(ISSUER, closed, at(10)).map(({ jwks: { keys }, until }) => [keys.map(({ kid }) => kid).join(' '), until]), [['key1', at(10 + 86_700)]]);
  assert.deepEqual(documentTimetable(ISSUER, closed, at(10 + 86_700)), []);
});
