import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMintmarkError } from './errors.ts';
import { tokenClaims, type TokenRequest } from './service-account-token.ts';

const GIVEN = { issuerUrl: 'https://example.com/i/', jti: 'jti-1', serviceAccountUid: 'uid-1', now: new Date('2026-01-01T00:00:00.900Z') };
const request = (change: Partial<TokenRequest> = {}): TokenRequest => ({ serviceAccount: { namespace: 'default', name: 'web' }, audiences: ['api://AzureADTokenExchange'], expirationSeconds: null, ...change });

test('the claims are those of kube-apiserver, in its order', () => {
  const { claims, warning } = tokenClaims(request(), GIVEN);
  assert.equal(warning, null);
  assert.equal(JSON.stringify(claims), '{"aud":["api://AzureADTokenExchange"],"exp":1767229200,"iat":1767225600,"iss":"https://example.com/i/","jti":"jti-1","kubernetes.io":{"namespace":"default","serviceaccount":{"name":"web","uid":"uid-1"}},"nbf":1767225600,"sub":"system:serviceaccount:default:web"}');
});

test('no audience means the issuer', () => assert.deepEqual(tokenClaims(request({ audiences: [] }), GIVEN).claims.aud, ['https://example.com/i/']));

const lifeOf = (expirationSeconds: number | null): readonly [number, string | null] => {
  const { claims, warning } = tokenClaims(request({ expirationSeconds }), GIVEN);
  return [claims.exp - claims.iat, warning];
};

test('a life is an hour unless asked, ten minutes at least, and shortened to a day with a warning', () => {
  assert.deepEqual([null, 600, 86_400].map(lifeOf), [[3600, null], [600, null], [86_400, null]]);
  assert.deepEqual(lifeOf(90_000), [86_400, 'requested expiration of 90000 seconds shortened to 86400 seconds: a token lives for one day at most']);
});

const REFUSED: readonly (readonly [string, Partial<TokenRequest>, string, RegExp])[] = [
  ['5 s', { expirationSeconds: 5 }, 'spec.expirationSeconds', /10 minutes at least/],
  ['half a second', { expirationSeconds: 3600.5 }, 'spec.expirationSeconds', /whole number/],
  ['not a number', { expirationSeconds: Number.NaN }, 'spec.expirationSeconds', /whole number/],
  ['an empty audience', { audiences: ['a', ''] }, 'spec.audiences', /can not be empty/],
  ['101 audiences', { audiences: Array.from({ length: 101 }, (_, index) => `a${index}`) }, 'spec.audiences', /100 audiences at most, not 101/],
  ['a long audience', { audiences: ['a'.repeat(1025)] }, 'spec.audiences', /1024 characters/],
  ['no namespace', { serviceAccount: { namespace: '', name: 'web' } }, 'metadata.namespace', /not a DNS label/],
  ['a namespace with a colon', { serviceAccount: { namespace: 'kube-system:x', name: 'web' } }, 'metadata.namespace', /not a DNS label/],
  ['an upper-case name', { serviceAccount: { namespace: 'default', name: 'Web' } }, 'metadata.name', /not a DNS subdomain/],
  ['a long name', { serviceAccount: { namespace: 'default', name: 'a'.repeat(254) } }, 'metadata.name', /not a DNS subdomain/],
  ['a name with a line break', { serviceAccount: { namespace: 'default', name: 'web\n' } }, 'metadata.name', /not a DNS subdomain/],
];

for (const [name, change, target, message] of REFUSED) {
  test(`refused: ${name}`, () => {
    assert.throws(() => tokenClaims(request(change), GIVEN), (error) => isMintmarkError(error, 'InvalidTokenRequest') && error.target === target && message.test(error.message));
  });
}
