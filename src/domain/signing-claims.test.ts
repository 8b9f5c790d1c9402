import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimsFault } from './signing-claims.ts';

const ISSUER = 'https://i.example.com/a/';
const NOW = new Date('2026-01-01T00:00:00.900Z');
const IAT = 1_767_225_600;
const CLAIMS = { aud: ['x'], exp: IAT + 3600, iat: IAT, iss: ISSUER, nbf: IAT, sub: 'system:serviceaccount:default:default' };

const encoded = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const subject = (sub: unknown) => encoded({ ...CLAIMS, sub });
/** The claims of an API server behind another member. */
const twice = (member: string) => encoded(JSON.stringify(CLAIMS).replace('{', `{${member},`));
const NOT_AN_OBJECT = 'they are not a JSON object in base64url without padding';
const notSubject = (text: string): string => `their subject is ${text} and no service account (system:serviceaccount:NAMESPACE:NAME)`;
const otherIssuer = (text: string): string => `their issuer is ${text}, and this signer signs for "${ISSUER}" only: the API server's first --service-account-issuer has to be that URL, with its last slash`;

/** What, the payload, the fault. */
const ROWS: readonly (readonly [string, string, string | null])[] = [
  ['what an API server sends', encoded(CLAIMS), null],
  ['a day', encoded({ ...CLAIMS, exp: IAT + 86_400 }), null],
  ['a second', encoded({ ...CLAIMS, exp: IAT + 1 }), null],
  ['more than a day', encoded({ ...CLAIMS, exp: IAT + 86_401 }), 'they live for 86401 seconds, and a token lives for 86400 at most'],
  ['a minute ago', encoded({ ...CLAIMS, iat: IAT - 60 }), null],
  ['in a minute', encoded({ ...CLAIMS, iat: IAT + 60 }), null],
  ['longer ago', encoded({ ...CLAIMS, iat: IAT - 61 }), "they were made 61 seconds ago by the signer's clock, and the two may differ by 60 seconds: check the clocks of this host"],
  ['later', encoded({ ...CLAIMS, iat: IAT + 61 }), "they were made 61 seconds from now by the signer's clock, and the two may differ by 60 seconds: check the clocks of this host"],
  ['no time at all', encoded({ ...CLAIMS, exp: IAT }), 'they end before they begin'],
  ['an end before the beginning', encoded({ ...CLAIMS, exp: IAT - 1 }), 'they end before they begin'],
  ['a fraction of a second', encoded({ ...CLAIMS, iat: IAT + 0.5 }), 'iat and exp are not both whole seconds'],
  ['times as text', encoded({ ...CLAIMS, exp: String(IAT + 60) }), 'iat and exp are not both whole seconds'],
  ['no end', encoded({ ...CLAIMS, exp: undefined }), 'iat and exp are not both whole seconds'],
  ['an end beyond all numbers', encoded({ ...CLAIMS, exp: 1e300 }), 'iat and exp are not both whole seconds'],
  ['another issuer', encoded({ ...CLAIMS, iss: 'https://other/' }), otherIssuer('"https://other/"')],
  ['the issuer without its slash', encoded({ ...CLAIMS, iss: ISSUER.slice(0, -1) }), otherIssuer('"https://i.example.com/a"')],
  ['the issuer in other letters', encoded({ ...CLAIMS, iss: ISSUER.toUpperCase() }), otherIssuer(`"${ISSUER.toUpperCase()}"`)],
  ['the issuer in a list', encoded({ ...CLAIMS, iss: [ISSUER] }), otherIssuer(`["${ISSUER}"]`)],
  ['no issuer', encoded({ ...CLAIMS, iss: undefined }), otherIssuer('missing')],
  ['a long issuer', encoded({ ...CLAIMS, iss: 'i'.repeat(1000) }), otherIssuer(`"${'i'.repeat(199)}…`)],
  ['dots in the name', subject('system:serviceaccount:kube-system:a.b.c-1'), null],
  ['a name of one long part', subject(`system:serviceaccount:default:${'a'.repeat(253)}`), null],
  ['a name that is too long', subject(`system:serviceaccount:default:${'a'.repeat(254)}`), notSubject(`"system:serviceaccount:default:${'a'.repeat(169)}…`)],
  ['a namespace of 63', subject(`system:serviceaccount:${'n'.repeat(63)}:default`), null],
  ['a namespace that is too long', subject(`system:serviceaccount:${'n'.repeat(64)}:default`), notSubject(`"system:serviceaccount:${'n'.repeat(64)}:default"`)],
  ['a user', subject('system:admin'), notSubject('"system:admin"')],
  ['a node', subject('system:node:a:b'), notSubject('"system:node:a:b"')],
  ['no name', subject('system:serviceaccount:default:'), notSubject('"system:serviceaccount:default:"')],
  ['one part more', subject('system:serviceaccount:default:default:x'), notSubject('"system:serviceaccount:default:default:x"')],
  ['capitals', subject('system:serviceaccount:Default:default'), notSubject('"system:serviceaccount:Default:default"')],
  ['a subject in a list', subject(['system:serviceaccount:default:default']), notSubject('["system:serviceaccount:default:default"]')],
  ['no beginning', encoded({ ...CLAIMS, nbf: undefined }), null],
  ['a beginning in a minute', encoded({ ...CLAIMS, nbf: IAT + 60 }), null],
  ['a beginning of long ago', encoded({ ...CLAIMS, nbf: 0 }), null],
  ['a later beginning', encoded({ ...CLAIMS, nbf: IAT + 61 }), "they hold from 61 seconds from now on by the signer's clock, and the two may differ by 60 seconds: check the clocks of this host"],
  ...[String(IAT), IAT + 0.5, null, 9e99].map((nbf) => [`a beginning of ${nbf}`, encoded({ ...CLAIMS, nbf }), 'nbf is not a whole second'] as const),
  ['an end twice, the near one last', twice('"exp":99999999999'), 'the member "exp" is there twice, and readers do not agree on which one holds'],
  ['an issuer twice', twice('"iss":"https://other/"'), 'the member "iss" is there twice, and readers do not agree on which one holds'],
  ['an issuer twice, once escaped', twice(String.raw`"\u0069ss":"https://other/"`), 'the member "iss" is there twice, and readers do not agree on which one holds'],
  ['another member twice', twice('"jti":"a","jti":"b"'), 'the member "jti" is there twice, and readers do not agree on which one holds'],
  ...['EXP', 'Iss', 'suB', 'IAT', 'nBf', 'AUD', 'i\u017f\u017f'].map((name) => [`a member ${name}`, twice(`"${name}":1`), `the member ${JSON.stringify(JSON.parse(`"${name}"`))} differs from a claim in its letters only, and some readers take it for that claim`] as const),
  ['what nests in real claims, with names of all kinds', encoded({ ...CLAIMS, 'kubernetes.io': { namespace: 'a', EXP: 1, pod: { name: 'b', uid: 'c' }, serviceaccount: { name: 'b', uid: 'd' } }, jti: 'e' }), null],
  ['nothing', '', NOT_AN_OBJECT],
  ['plain JSON', JSON.stringify(CLAIMS), NOT_AN_OBJECT],
  ['padding', `${encoded('{"a":1} ')}=`, NOT_AN_OBJECT],
  ['bits behind the end', 'e31', NOT_AN_OBJECT],
  ['the other alphabet', Buffer.from('{"a":"~~~???>>>"}').toString('base64').replace(/=*$/, ''), NOT_AN_OBJECT],
  ['encoded twice', encoded(encoded(CLAIMS)), NOT_AN_OBJECT],
  ['a list', encoded([CLAIMS]), NOT_AN_OBJECT],
  ['null', encoded('null'), NOT_AN_OBJECT],
  ['bytes that are no UTF-8', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]).toString('base64url'), NOT_AN_OBJECT],
  ['a byte-order mark', encoded(`\uFEFF${JSON.stringify(CLAIMS)}`), NOT_AN_OBJECT],
  ['too much', 'a'.repeat(48 * 1024 + 1), 'they are longer than 49152 bytes'],
];

for (const [what, payload, fault] of ROWS) {
  test(`claims: ${what}`, () => assert.equal(claimsFault(payload, ISSUER, NOW), fault));
}
