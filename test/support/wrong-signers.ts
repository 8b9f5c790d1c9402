/**
 * Signers that are wrong in one way each, behind a real socket, and where an API server refuses each. Held against the API
 * server of the tests and, where it is at hand, against a real one: so the first is as strict as the second.
 */
import assert from 'node:assert/strict';
import { constants, createSign, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Metadata, type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from '@grpc/grpc-js';
import { decode, keysReply, metadataReply, signReply, type WireKey, type WireKeys } from './external-jwt-wire.ts';
import { makeKey, socketFolder } from './signer-rings.ts';

export const [KEY1, KEY2] = [makeKey(), makeKey()];
export const der = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });
export const listed = (key: typeof KEY1, exclude = false): WireKey => ({ keyId: key.kid, key: der(key.publicKey), exclude });
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const GOOD_HEADER = { alg: 'RS256', kid: KEY1.kid, typ: 'JWT' };
const rs256 = (input: string, key: KeyObject = KEY1.privateKey): string => sign('sha256', Buffer.from(input), { key, padding: constants.RSA_PKCS1_PADDING }).toString('base64url');

/** A signer in which everything is right; each test changes one thing. */
export interface Signer {
  header: string;
  sign: (input: string, claims: string, header: string) => string;
  keys: WireKeys;
  maxTokenExpirationSeconds: number;
  packages: readonly string[];
  /** Methods that end with an error of this code and these words, or, with null, not at all. */
  failing: Partial<Record<Method, readonly [code: status, details: string] | null>>;
  /** For how many milliseconds whoever called a method last would have waited. */
  patience: Partial<Record<Method, number>>;
}

type Method = 'Sign' | 'FetchKeys' | 'Metadata';

export const goodSigner = (): Signer => ({
  header: encode(GOOD_HEADER), sign: (input) => rs256(input),
  keys: { keys: [listed(KEY1), listed(KEY2)], timestamp: { seconds: 1_700_000_000, nanos: 0 }, refreshHintSeconds: 10 },
  maxTokenExpirationSeconds: 86_400, packages: ['v1', 'v1alpha1'], failing: {}, patience: {},
});

type Handler = (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => void;

/** Serves it in raw bytes, until the test ends. */
export async function serve(t: TestContext, signer: Signer): Promise<string> {
  const server = new Server();
  const right: Readonly<Record<Method, Handler>> = {
    Sign: ({ request }, answer) => {
      const claims = String(decode(request)[0]!.value);
      answer(null, signReply(signer.header, signer.sign(`${signer.header}.${claims}`, claims, signer.header)));
    },
    FetchKeys: (_call, answer) => answer(null, keysReply(signer.keys)),
    Metadata: (_call, answer) => answer(null, metadataReply(signer.maxTokenExpirationSeconds)),
  };
  const handlers = Object.fromEntries((Object.keys(right) as Method[]).map((method): [Method, Handler] => [method, (call, answer) => {
    signer.patience[method] = Number(call.getDeadline()) - Date.now();
    const failure = signer.failing[method];
    if (failure === undefined) right[method](call, answer);
    else if (failure !== null) answer({ code: failure[0], details: failure[1], metadata: new Metadata() });
  }]));
  const raw = (bytes: Buffer): Buffer => bytes;
  for (const name of signer.packages) server.addService(Object.fromEntries(Object.keys(handlers).map((method) => [method, { path: `/${name}.ExternalJWTSigner/${method}`, requestStream: false, responseStream: false, requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw }])), handlers);
  const path = join(socketFolder(t), 's.sock');
  await new Promise<void>((resolve, reject) => server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error))));
  t.after(() => server.forceShutdown());
  return path;
}

/** Makes methods fail. */
export const failing = (methods: Signer['failing']) => (s: Signer): void => { s.failing = methods; };

/** A start waits for up to a minute for the keys, and not longer than ten seconds for Metadata. */
export function assertPatience({ patience: { FetchKeys, Metadata: metadata } }: Signer): void {
  assert.ok(FetchKeys! > 10_000 && FetchKeys! <= 60_000, `FetchKeys: ${FetchKeys} ms`);
  assert.ok(metadata! > 0 && metadata! <= 10_000, `Metadata: ${metadata} ms`);
}

const long = (bytes: number): string => 'k'.repeat(bytes);

/** What is wrong, how, and what TokenRequest says. */
export const REFUSED_AT_SIGN: readonly (readonly [string, (signer: Signer) => void, RegExp])[] = [
  ['a padded header', (s) => { s.header = Buffer.from(`${JSON.stringify(GOOD_HEADER)} `).toString('base64').replace(/=*$/, '=='); }, /illegal base64 data/],
  ['a header in the other alphabet', (s) => { s.header = Buffer.from(JSON.stringify({ ...GOOD_HEADER, kid: '~~~???>>>' })).toString('base64').replace(/=*$/, ''); assert.match(s.header, /[+/]/); }, /illegal base64 data/],
  ['another field in the header', (s) => { s.header = encode({ ...GOOD_HEADER, jku: 'https://elsewhere' }); }, /unknown field "jku"/],
  ['a header that is no JSON', (s) => { s.header = Buffer.from('{').toString('base64url'); }, /JSON/],
  ['another typ', (s) => { s.header = encode({ ...GOOD_HEADER, typ: 'jwt' }); }, /bad type/],
  ['no typ', (s) => { s.header = encode({ alg: 'RS256', kid: KEY1.kid }); }, /bad type/],
  ['no kid', (s) => { s.header = encode({ alg: 'RS256', kid: '', typ: 'JWT' }); }, /key id missing/],
  ['a kid of 1025 bytes', (s) => { s.header = encode({ ...GOOD_HEADER, kid: long(1025) }); }, /key id longer/],
  ['alg none', (s) => { s.header = encode({ ...GOOD_HEADER, alg: 'none' }); }, /bad signing algorithm "none"/],
  ['alg EdDSA', (s) => { s.header = encode({ ...GOOD_HEADER, alg: 'EdDSA' }); }, /bad signing algorithm "EdDSA"/],
  ['alg PS256', (s) => { s.header = encode({ ...GOOD_HEADER, alg: 'PS256' }); }, /bad signing algorithm "PS256"/],
  ['an empty signature', (s) => { s.sign = () => ''; }, /empty signature/],
  ['an error, whose words reach whoever asked', failing({ Sign: [status.INVALID_ARGUMENT, 'words of the signer'] }), /words of the signer/],
  ['a key that is excluded from discovery', (s) => { s.keys = { ...s.keys, keys: [listed(KEY1, true), listed(KEY2)] }; }, /excluded from OIDC discovery/],
];

/** What is wrong and how: a token is given out, and does not verify. */
export const REFUSED_AT_REVIEW: readonly (readonly [string, (signer: Signer) => void])[] = [
  ['claims that were encoded twice', (s) => { s.sign = (_, claims, header) => rs256(`${header}.${Buffer.from(claims).toString('base64url')}`); }],
  ['claims that were decoded', (s) => { s.sign = (_, claims, header) => rs256(`${header}.${Buffer.from(claims, 'base64url').toString()}`); }],
  ['a signature of another key', (s) => { s.sign = (input) => rs256(input, KEY2.privateKey); }],
  ['a signature that is padded', (s) => { s.sign = (input) => `${rs256(input)}==`; }],
  ['a kid that FetchKeys does not list', (s) => { s.header = encode({ ...GOOD_HEADER, kid: 'unlisted' }); }],
  ['an alg that is not that of the key', (s) => { s.header = encode({ ...GOOD_HEADER, alg: 'ES256' }); }],
  ['an ECDSA signature in DER', (s) => {
    const key = makeKey('ES256');
    s.keys = { ...s.keys, keys: [listed(key)] };
    s.header = encode({ alg: 'ES256', kid: key.kid, typ: 'JWT' });
    s.sign = (input) => createSign('sha256').update(input).sign(key.privateKey).toString('base64url');
  }],
];

export const keysWith = (change: Partial<WireKeys>) => (s: Signer): void => { s.keys = { ...s.keys, ...change }; };
/** A key of a kind that an API server can not publish. */
export const ED25519: WireKey = { keyId: 'ed', key: der(generateKeyPairSync('ed25519').publicKey), exclude: false };
/** Another key, of another kind, by which it signs, under an id and a `data_timestamp` that stay: nothing that an API server looks at tells of it. */
export function changeUnderTheSameId(s: Signer): void {
  const other = makeKey('ES256');
  keysWith({ keys: [{ ...listed(other), keyId: KEY1.kid }, listed(KEY2)] })(s);
  s.header = encode({ alg: 'ES256', kid: KEY1.kid, typ: 'JWT' });
  s.sign = (input) => sign('sha256', Buffer.from(input), { key: other.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
}
export const rsaPem = Buffer.from(KEY1.publicKey.export({ type: 'spki', format: 'pem' }));

/** What is wrong, how, and what a start says before it exits. */
export const REFUSED_AT_START: readonly (readonly [string, (signer: Signer) => void, RegExp])[] = [
  ['PEM instead of DER', keysWith({ keys: [{ ...listed(KEY1), key: rsaPem }] }), /while parsing external public keys/],
  ['PKCS#1 instead of PKIX', keysWith({ keys: [{ ...listed(KEY1), key: KEY1.publicKey.export({ type: 'pkcs1', format: 'der' }) }] }), /while parsing external public keys/],
  ['no keys', keysWith({ keys: [] }), /found no keys/],
  ['a refresh hint of 0', keysWith({ refreshHintSeconds: 0 }), /refresh hint/],
  ['a negative refresh hint', keysWith({ refreshHintSeconds: -5 }), /refresh hint/],
  ['no data_timestamp', keysWith({ timestamp: null }), /data timestamp/],
  ['a malformed data_timestamp', keysWith({ timestamp: { seconds: 1, nanos: 1_000_000_000 } }), /data timestamp/],
  ['an empty key id', keysWith({ keys: [{ ...listed(KEY1), keyId: '' }] }), /invalid public key id/],
  ['a key id of 1025 bytes', keysWith({ keys: [{ ...listed(KEY1), keyId: long(1025) }] }), /invalid public key id/],
  ['a longest life below ten minutes', (s) => { s.maxTokenExpirationSeconds = 599; }, /is less than acceptable/],
  ['keys that can not be had', failing({ FetchKeys: [status.INTERNAL, 'words of the signer'] }), /words of the signer/],
  ['keys that can not be had now', failing({ FetchKeys: [status.UNAVAILABLE, 'words of the signer'] }), /words of the signer/],
  ['metadata that can not be had', failing({ Metadata: [status.INTERNAL, 'words of the signer'] }), /words of the signer/],
  ['no answer to FetchKeys', failing({ FetchKeys: null }), /deadline.?exceeded/i],
  ['no answer to Metadata', failing({ Metadata: null }), /deadline.?exceeded/i],
  ['only the alpha service', (s) => { s.packages = ['v1alpha1']; }, /unimplemented/i],
];
