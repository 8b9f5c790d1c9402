import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EnrolmentToken, enrolmentTokenText, parseEnrolmentToken } from './enrolment-token.ts';

const token: EnrolmentToken = { kind: 'once', url: 'https://signers.example:9443', ca: 'ab'.repeat(32), ringSigningKey: 'thumb', name: 'cp-1', id: 'id', secret: 's3cr3t' };

test('a token is one word that a shell takes as it is, and is read back', () => {
  for (const one of [token, { ...token, kind: 'join', ca: null, name: null } as const] as const) {
    assert.match(enrolmentTokenText(one), one.kind === 'once' ? /^mmse_[\w-]+$/ : /^mmsj_[\w-]+$/);
    assert.deepEqual(parseEnrolmentToken(`\n ${enrolmentTokenText(one)}\n`), one);
  }
});

const encoded = (value: unknown, prefix = 'mmse_'): string => `${prefix}${Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')}`;
const wire = { v: 1, url: token.url, ca: token.ca, rsk: 'thumb', id: 'id', secret: 's' };
const NONE: readonly (readonly [string, string])[] = [
  ['nothing', ''], ['another prefix', encoded(wire, 'mmsx_')], ['no base64', 'mmse_%%%'], ['no JSON', encoded('x')], ['no object', encoded(null)], ['a later form', encoded({ ...wire, v: 2 })],
  ['plain http', encoded({ ...wire, url: 'http://signers.example' })], ['no URL', encoded({ ...wire, url: 'signers' })], ['a fingerprint that is none', encoded({ ...wire, ca: 'AB' })], ['no fingerprint at all', encoded({ ...wire, ca: undefined })],
  ['no key', encoded({ ...wire, rsk: '' })], ['a name that none can have', encoded({ ...wire, name: 'CP 1' })], ['no id', encoded({ ...wire, id: 1 })], ['no secret', encoded({ ...wire, secret: undefined })], ['far too long', encoded({ ...wire, secret: 's'.repeat(2000) })],
];
for (const [what, text] of NONE) test(`${what} is no token`, () => assert.equal(parseEnrolmentToken(text), null));

test('they are none for what they say: the same members make one', () => assert.equal(parseEnrolmentToken(encoded(wire))?.name, null, 'as they were made before they had a name'));
