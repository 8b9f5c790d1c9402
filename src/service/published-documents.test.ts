import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BY_HAND, newKey, START } from '../../test/support/rings.ts';
import { aRing, anIssuer, FixtureClock } from '../../test/support/document-source.ts';
import { isMintmarkError } from '../domain/errors.ts';
import { activate, close } from '../domain/rotation.ts';
import { issuerIdIn, PublishedIssuer } from './published-documents.ts';

const ID = '00000000-0000-4000-8000-000000000000';

for (const [path, expected] of [
  [`/eastus/t/${ID}/openid/v1/jwks`, ID],
  [`/${ID}/.well-known/openid-configuration`, ID],
  [`/a/b/c/d/${ID}/openid/v1/jwks`, ID],
  [`/eastus/t/${ID}/openid/v1/jwks/`, null],
  [`/eastus/t/${ID}/openid/v1/JWKS`, null],
  [`/eastus/t/${ID}/openid//v1/jwks`, null],
  [`/eastus/t/${ID}`, null],
  [`/eastus/t/${ID}openid/v1/jwks`, null],
  [`/eastus/t/${ID.replace('a', 'A')}/x/openid/v1/jwks`, null],
  ['/eastus/t/ABCDEF00-0000-4000-8000-000000000000/openid/v1/jwks', null],
  ['/openid/v1/jwks', null],
  [`/t/${ID}//openid/v1/jwks`, null],
  ['', null],
] as const) {
  test(`the issuer id in '${path}' is ${expected}`, () => assert.equal(issuerIdIn(path), expected));
}

test('the two documents are exactly those of R4 and R5', () => {
  const issuer = new PublishedIssuer(anIssuer(), aRing(anIssuer()), START);
  const clock = new FixtureClock();
  const [n1, n2] = [newKey(1).publicMembers.n, newKey(2).publicMembers.n];
  const discovery = issuer.document('discovery', clock);
  assert.equal(discovery?.body.toString(), `{"issuer":"${anIssuer().url}","jwks_uri":"${anIssuer().url}openid/v1/jwks","response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}`);
  const jwks = issuer.document('jwks', clock);
  assert.equal(jwks?.body.toString(), `{"keys":[{"use":"sig","kty":"RSA","kid":"key1","alg":"RS256","n":"${n1}","e":"AQAB"},{"use":"sig","kty":"RSA","kid":"key2","alg":"RS256","n":"${n2}","e":"AQAB"}]}`);
  assert.deepEqual([discovery.maxAge, jwks.maxAge], [300, 300]);
  assert.match(jwks.etag, /^"[\w-]{43}"$/);
  assert.notEqual(jwks.etag, discovery.etag);
});

test('a retired key leaves by time, and a deleted issuer ends with its last', () => {
  const clock = new FixtureClock();
  const rotated = activate(aRing(anIssuer()), newKey(3), START, BY_HAND).ring;
  const closed = close(rotated, START, BY_HAND)!.ring;
  const [open, deleted] = [rotated, closed].map((ring) => new PublishedIssuer(anIssuer(), ring, START));
  const kids = (issuer: PublishedIssuer | undefined) => {
    const document = issuer?.document('jwks', clock);
    return document ? (JSON.parse(document.body.toString()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid) : null;
  };
  assert.deepEqual([kids(open), kids(deleted)], [['key1', 'key2', 'key3'], ['key1', 'key2']]);
  clock.advance(86_400 + 300 - 1);
  assert.deepEqual([kids(open), kids(deleted)], [['key1', 'key2', 'key3'], ['key1', 'key2']]);
  clock.advance(1);
  assert.deepEqual([kids(open), kids(deleted)], [['key2', 'key3'], null]);
});

test('what is served does not go back when the clock does', () => {
  const clock = new FixtureClock();
  const issuer = new PublishedIssuer(anIssuer(), close(aRing(anIssuer()), START, BY_HAND)!.ring, START);
  clock.advance(86_400 + 300);
  assert.equal(issuer.document('jwks', clock), null);
  clock.advance(-3600);
  assert.equal(issuer.document('jwks', clock), null);
});

test('a later epoch is newer than any version, and a version than the one before', () => {
  const ring = aRing(anIssuer());
  const at = (epoch: number, version: number) => new PublishedIssuer(anIssuer(), { ...ring, epoch, version }, START);
  assert.deepEqual([at(2, 1).isNewerThan(at(1, 9)), at(1, 9).isNewerThan(at(2, 1)), at(1, 2).isNewerThan(at(1, 1)), at(1, 1).isNewerThan(at(1, 1))], [true, false, true, false]);
});

test('a ring that can not be rendered is a corrupt record', () => {
  const ring = aRing(anIssuer());
  const strange = { ...ring, keys: ring.keys.map((key) => ({ ...key, algorithm: 'none' as 'RS256' })) };
  assert.throws(() => new PublishedIssuer(anIssuer(), strange, START), (error) => isMintmarkError(error, 'StoreCorrupt'));
});
