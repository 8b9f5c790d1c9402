/**
 * What is thrown at the listeners: requests that are right, bent or broken, and the ways in which they are delivered.
 *
 * All of it is plain data made by fast-check from a seed, so a storm is repeated by its seed and a finding is one line of
 * JSON. Bytes are latin1 strings. `$TOKEN`, `$CLUSTER` and the like stand for what is known of the server only when it runs.
 */
import * as fc from 'fast-check';
import type { ListenerName } from './http-replies.ts';

export interface Attack {
  readonly listener: ListenerName;
  /** Requests, good and bad, in one stream. */
  readonly requests: readonly string[];
  readonly delivery: 'whole' | 'a byte at a time' | 'in two parts';
  /** What is done when all is sent. */
  readonly end: 'wait' | 'half-close' | 'reset' | 'leave';
  /** The part of the bytes that is sent at all, in percent. */
  readonly sent: number;
}

/** Before any request, or instead of one, on the bare connection. */
export interface HandshakeAttack {
  readonly listener: ListenerName;
  readonly bytes: string;
  readonly end: 'reset' | 'leave' | 'half-close';
}

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const mostly = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, weight = 4): fc.Arbitrary<T> => fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd });

const PATHS: Readonly<Record<ListenerName, readonly string[]>> = {
  management: ['/healthz', '/readyz', '/openapi.json', '/subscriptions', '$SUBSCRIPTION', '$SUBSCRIPTION/resourceGroups?$top=1', '$GROUP', '$CLUSTER', '$CLUSTER', '$CLUSTER', '$ISSUER', '$ISSUER/keys', '$ISSUER/events?$top=2', '$ISSUER/rotate', '$ISSUER/revokeKey', '$ISSUER/issueToken', '$ISSUER/rotationPolicy',
    '$CLUSTER/rotateServiceAccountSigningKeys', '$SUBSCRIPTION/providers/Mintmark.Oidc/issuers?$filter=location%20eq%20%27eastus%27&$orderby=name', '/$TENANT/oauth2/v2.0/token', '/$TENANT/oauth2/v2.0/token', '/$TENANT/v2.0/.well-known/openid-configuration', '/$TENANT/discovery/v2.0/keys',
    '/providers/Mintmark.Admin/tenants', '/providers/Mintmark.Admin/tenants/$TENANT/principals?$top=1', '/providers/Mintmark.Admin/tenants/$TENANT/principals/aaaaaaaa-0000-4000-8000-000000000001'],
  issuer: ['$DOCUMENTS.well-known/openid-configuration', '$DOCUMENTSopenid/v1/jwks', '$DOCUMENTSopenid/v1/jwks', '$DOCUMENTS', '/healthz', '/readyz', '/'],
  metrics: ['/metrics', '/', '/metrics?x=1'],
  signers: ['/signer/v1/ring?epoch=0&version=0', '/signer/v1/ring?epoch=1&version=1&wait=50&lease=off&refused=1', '/signer/v1/ring?epoch=1e9&version=-1', '/signer/v1/ring', '/signer/v1/enroll', '/signer/v1/enroll', '/signer/v1/acknowledge', '/'],
};

const SCRAPS = ['%00', '%0d%0aX-Injected:%20yes', '%0aX-Injected:yes', '%E5%98%8A%E5%98%8DX-Injected:yes', '../', '/..', '//', '/./', '%2e%2e%2f', '%2f', '%5c', '%', '%zz', '%u0041', '\u00e9', '\u0000', '\r', '?', '#', ';a=b', '\\', '*', ':', '@', '%F0%9F%98%80', '%C0%AF', '%ff',
  'A'.repeat(300), 'A'.repeat(3000), 'A'.repeat(9000), 'A'.repeat(20_000), '$top=0&', '?$skiptoken=%00', '?$skiptoken=eyJ9', '?$filter=%27', '__proto__', 'constructor', '%25252e', '&&&', '?a[]=1&a[__proto__]=2'] as const;

const bent = (path: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.tuple(path, oneOf(...SCRAPS), fc.nat(100)).map(([text, scrap, at]) => {
  const place = Math.floor((text.length * at) / 100);
  return text.slice(0, place) + scrap + text.slice(place);
});

const targetOf = (listener: ListenerName): fc.Arbitrary<string> => {
  const path = oneOf(...PATHS[listener]);
  const otherForms = fc.oneof(path.map((text) => `http://evil.example${text}`), path.map((text) => `https://evil.example:99999${text}`), path.map((text) => text.toUpperCase()),
    oneOf('*', '', 'evil.example:443', 'http://', 'https://[::1', '//evil.example/x', 'http://[', '/?', 'javascript:alert(1)', '/\u007f', `/${'a/'.repeat(2000)}`));
  return fc.oneof({ weight: 6, arbitrary: path }, { weight: 3, arbitrary: bent(path) }, { weight: 1, arbitrary: otherForms });
};

const method = mostly(oneOf('GET', 'GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS'), oneOf('TRACE', 'CONNECT', 'PROPFIND', 'get', 'G@T', 'PRI', 'M-SEARCH', '', 'QUERY', 'X'.repeat(5000)), 8);
const version = mostly(fc.constant('HTTP/1.1'), oneOf('HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.2', 'http/1.1', 'HTTP/1.1 x', '', 'ICY/1.0'), 12);

const JUNK = ['', ' ', ',', '\t', 'x', '"', '"x', '\u0000', '\u00ff\u00fe', '%0d%0aX-Injected: yes', '(', '\\', '=', ';;;', '*', 'W/"x"', '"1-x", *', '-1', '1e9', 'x'.repeat(1000), 'x'.repeat(7000), 'x'.repeat(17_000)] as const;
const HEADERS: readonly (readonly [string, readonly string[]])[] = [
  ['Content-Length', ['0', '5', '-1', '1e3', '+5', '0x5', '5, 5', '99999999999999999999', '9007199254740993', '05']],
  ['Transfer-Encoding', ['chunked', 'gzip', 'gzip, chunked', 'chunked, chunked', 'xchunked', 'identity', ' chunked', 'CHUNKED']],
  ['Expect', ['100-continue', '200-ok', '100-continue, x']],
  ['Upgrade', ['websocket', 'h2c', 'TLS/1.0']],
  ['Connection', ['close', 'keep-alive', 'Upgrade', 'Upgrade, HTTP2-Settings', 'x, , y', 'content-length']],
  ['Authorization', ['Bearer $TOKEN', 'Bearer', 'Bearer  $TOKEN', 'bearer $TOKEN', 'Bearer $TOKEN, Bearer $TOKEN', 'Basic Og==', 'Basic !!!', `Bearer ${'a.'.repeat(4000)}`, 'Bearer a.b.c', 'Bearer eyJhbGciOiJub25lIn0.e30.']],
  ['Content-Type', ['application/json', 'application/json; charset=utf-16', 'text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', 'application/json;;;', 'APPLICATION/JSON', 'application/merge-patch+json', 'a/b/c']],
  ['Content-Encoding', ['gzip', 'br', 'identity']],
  ['If-Match', ['*', '"x"', '"1-x"', ', ,']], ['If-None-Match', ['*', '"x"', 'W/"x", "y"', '"']],
  ['x-ms-client-request-id', ['same', 'a b', 'x'.repeat(128), 'x'.repeat(129)]],
  ['Host', ['evil.example', 'a, b', '[::1', 'localhost:99999', '../..']], ['X-Forwarded-For', ['1.2.3.4', '::1', 'x, y', "127.0.0.1'"]], ['X-Forwarded-Host', ['evil.example']],
  ['Accept-Encoding', ['gzip', '*;q=0']], ['Range', ['bytes=0-0', 'bytes=9-1,-5']], ['Cookie', ['a=b']], ['Origin', ['null']], ['X-HTTP-Method-Override', ['DELETE']], ['Trailer', ['Content-Length']], ['TE', ['trailers']],
];
const LINES = ['No colon', 'Bad Name: x', ': empty', 'X-Fold: a\r\n b', 'X: a\u0000b', 'X-Injected: a\rX-Injected: b', 'X-\u00e9: x', Array.from({ length: 300 }, (_, n) => `X-${n}: y`).join('\r\n'), 'Content-Length: 3\r\nContent-Length: 4', 'Content-Length: 4\r\nTransfer-Encoding: chunked', 'Content-Length : 3'] as const;

const knownHeader = oneOf(...HEADERS).chain(([name, values]) => oneOf(...values).map((value) => `${name}: ${value}`));
const junkHeader = fc.tuple(oneOf(...HEADERS), oneOf(...JUNK)).map(([[name], junk]) => `${name}: ${junk}`);
const header = fc.oneof({ weight: 4, arbitrary: knownHeader }, { weight: 2, arbitrary: junkHeader }, { weight: 1, arbitrary: oneOf(...LINES) });
/** None of those that say where the request ends, or whose it is: what stays comes to the program. */
const oddHeader = fc.oneof(knownHeader, junkHeader, junkHeader).filter((line) => !/^(Content-Length|Transfer-Encoding|Authorization|Expect)/.test(line));

const OFF = '"oidcIssuerProfile":{"enabled":false}';
const BODIES = [
  `{"properties":{${OFF}}}`, `{"tags":{"a":"1"},"properties":{"kubernetesVersion":"1.36",${OFF}}}`, `{"location":"eastus","properties":{${OFF}}}`, '{"force":true}', '{"emergency":1}', '{"kid":"x"}', '{"properties":{"rotateEverySeconds":172800}}', '{"properties":{"rotateEverySeconds":1e999}}',
  '{"metadata":{"namespace":"default","name":"app"},"spec":{"expirationSeconds":600}}', '{"metadata":{"namespace":"default","name":"app"},"spec":{"expirationSeconds":1e308,"audiences":["x"]}}', '{"properties":{"displayName":"x","roleAssignments":[]}}', '{"properties":{"displayName":"x","roleAssignments":[{"role":"Owner","scope":"/../.."}]}}',
  '{', '[]', 'null', '0', '"x"', '', '{"a":1,}', "{'a':1}", '{"tags":{"a":"1","a":"2"}}', '{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}', '{"properties":{"__proto__":null}}', '{"tags":{"toString":"x","hasOwnProperty":"y"}}', '\u00ef\u00bb\u00bf{}', '\u00ff\u00fe{\u0000}\u0000', '\u001f\u008b\b\u0000', '\u00c3\u0028', '{"tags":{"\\ud800":"\\udfff"}}',
  `{"properties":{"agentPoolProfiles":${'['.repeat(3000)}${']'.repeat(3000)}}}`, `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, `{"tags":{"a":"${'x'.repeat(70_000)}"}}`, `{"properties":{"agentPoolProfiles":[{"name":"a","count":${'9'.repeat(400)}}],${OFF}}}`, `[${'0,'.repeat(20_000)}0]`, 'grant_type=client_credentials&client_id=aaaaaaaa-0000-4000-8000-000000000001&client_secret=wrong', 'grant_type=client_credentials&client_id=aaaaaaaa-0000-4000-8000-000000000001&client_secret=%00%ff', 'grant_type=&grant_type=x', 'a'.repeat(70_000), '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--',
] as const;

/** A body and how its length is told. */
const framed = fc.tuple(oneOf(...BODIES), mostly(oneOf<string>('length', 'chunks'), oneOf<string>('too short', 'too long', 'bad chunks', 'extensions', 'trailers', 'none'), 5)).map(([body, how]): readonly [readonly string[], string] => {
  const size = body.length.toString(16);
  const FRAMES: Readonly<Record<string, readonly [readonly string[], string]>> = {
    'length': [[`Content-Length: ${body.length}`], body], 'too short': [[`Content-Length: ${body.length >> 1}`], body], 'too long': [[`Content-Length: ${body.length + 7}`], body], 'none': [[], body],
    'chunks': [['Transfer-Encoding: chunked'], `${body === '' ? '' : `${size}\r\n${body}\r\n`}0\r\n\r\n`], 'extensions': [['Transfer-Encoding: chunked'], `${size};a="b\\"c";${'x'.repeat(2000)}=1\r\n${body}\r\n0\r\n\r\n`],
    'trailers': [['Transfer-Encoding: chunked', 'Trailer: X-Injected'], `${size}\r\n${body}\r\n0\r\nX-Injected: yes\r\nContent-Length: 5\r\n\r\n`], 'bad chunks': [['Transfer-Encoding: chunked'], `-1\r\n${body}\r\nfffffffffffffffff\r\n0\r\n\r\n`],
  };
  return FRAMES[how]!;
});

const requestTo = (listener: ListenerName): fc.Arbitrary<string> => fc.tuple(
  method, targetOf(listener), version, fc.array(header, { maxLength: 4 }), fc.option(framed, { freq: 2, nil: null }), fc.record({ host: fc.nat(9), bearer: fc.nat(9), json: fc.nat(9) }),
).map(([verb, target, protocol, more, body, { host, bearer, json }]) => [
  `${verb} ${target} ${protocol}`, ...(host === 0 ? [] : ['Host: localhost']), ...(listener === 'management' && bearer > 2 ? ['Authorization: Bearer $TOKEN'] : []), ...(body === null ? [] : [...(json > 1 ? ['Content-Type: application/json'] : []), ...body[0]]),
  ...more, '', body === null ? '' : body[1],
].join('\r\n'));

const DEEDS: readonly (readonly [verb: string, path: string])[] = [
  ['PUT', '$GROUP'], ['PATCH', '$GROUP'], ['PUT', '$CLUSTER'], ['PUT', '$CLUSTER'], ['PATCH', '$CLUSTER'], ['POST', '$ISSUER/rotate'], ['POST', '$ISSUER/revokeKey'], ['POST', '$ISSUER/issueToken'], ['PUT', '$ISSUER/rotationPolicy'], ['POST', '$CLUSTER/stop'],
  ['PUT', '/providers/Mintmark.Admin/tenants/$TENANT/principals/aaaaaaaa-0000-4000-8000-000000000001'], ['POST', '/providers/Mintmark.Admin/tenants/$TENANT/principals/aaaaaaaa-0000-4000-8000-000000000001/resetSecret'], ['PUT', '/providers/Mintmark.Admin/tenants/$TENANT'], ['POST', '/$TENANT/oauth2/v2.0/token'],
  ...PATHS.management.map((path) => ['GET', path] as const),
];

/** Requests that are whole and come to where they are for: odd in what they say, in their path or in one header. */
const deepRequest = fc.tuple(oneOf(...DEEDS).chain(([verb, path]) => mostly(fc.constant(path), bent(fc.constant(path)), 6).map((target) => [verb, target] as const)), oneOf(...BODIES), fc.array(oddHeader, { maxLength: 2 })).map(([[verb, target], body, more]) => [
  `${verb} ${target} HTTP/1.1`, 'Host: localhost', 'Authorization: Bearer $TOKEN', ...(verb === 'GET' ? [] : [`Content-Type: ${body.startsWith('grant') ? 'application/x-www-form-urlencoded' : 'application/json'}`, `Content-Length: ${body.length}`]), ...more, '',
  verb === 'GET' ? '' : body,
].join('\r\n'));

/** A key of the form that the contract has; on the curve or not. */
const KEY = `{"kty":"EC","crv":"P-256","x":"${'A'.repeat(43)}","y":"${'_'.repeat(43)}"}`;
const ASSERTIONS = ['eyJhbGciOiJFUzI1NiJ9.e30.AAAA', 'eyJhbGciOiJub25lIn0.e30.', 'eyJhbGciOiJFUzI1NiIsImNyaXQiOlsieCJdfQ.eyJpc3MiOiJ4Iiwic3ViIjoieCIsImF1ZCI6IngiLCJleHAiOjF9.AAAA', 'a.b.c', '..', '$TOKEN'] as const;
const SIGNER_BODIES = [
  `{"token":"x","assertionKey":${KEY},"encryptionKey":${KEY}}`, `{"token":"mmst_e30.e30","name":"cp-1","assertionKey":${KEY},"encryptionKey":${KEY},"mode":"keyFiles"}`, `{"token":"${'x'.repeat(3000)}","assertionKey":${KEY},"encryptionKey":${KEY}}`,
  `{"token":"x","name":"../..","assertionKey":${KEY.replace('P-256', 'P-521')},"encryptionKey":null}`, '{"epoch":1,"version":1}', '{"epoch":-1,"version":1e999}', '{"epoch":1,"version":1,"epoch":2}', ...BODIES,
] as const;

/** Whole requests of something that would be a signer. */
const signerRequest = fc.tuple(oneOf(...PATHS.signers), oneOf(...SIGNER_BODIES), oneOf(...ASSERTIONS), fc.array(oddHeader, { maxLength: 2 })).map(([target, body, assertion, more]) => {
  const isGet = target.startsWith('/signer/v1/ring');
  return [`${isGet ? 'GET' : 'POST'} ${target} HTTP/1.1`, 'Host: localhost', `Authorization: Bearer ${assertion}`, ...(isGet ? [] : ['Content-Type: application/json', `Content-Length: ${body.length}`]), ...more, '', isGet ? '' : body].join('\r\n');
});

const good = (listener: ListenerName): string => `GET ${{ management: '/healthz', issuer: '/healthz', metrics: '/metrics', signers: '/signer/v1/ring?epoch=0&version=0' }[listener]} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const junkBytes = fc.array(fc.nat(255), { maxLength: 200 }).map((bytes) => String.fromCharCode(...bytes));

export const attack: fc.Arbitrary<Attack> = fc.oneof({ weight: 6, arbitrary: fc.constant<ListenerName>('management') }, { weight: 4, arbitrary: fc.constant<ListenerName>('issuer') }, { weight: 1, arbitrary: fc.constant<ListenerName>('metrics') }, { weight: 3, arbitrary: fc.constant<ListenerName>('signers') }).chain((listener) => fc.record({
  listener: fc.constant(listener),
  requests: fc.array(fc.oneof({ weight: 6, arbitrary: requestTo(listener) }, ...(listener === 'management' ? [{ weight: 8, arbitrary: deepRequest }] : []), ...(listener === 'signers' ? [{ weight: 8, arbitrary: signerRequest }] : []), { weight: 2, arbitrary: fc.constant(good(listener)) }, { weight: 1, arbitrary: junkBytes }), { minLength: 1, maxLength: 4 }),
  delivery: mostly(fc.constant('whole' as const), oneOf('a byte at a time' as const, 'in two parts' as const), 5),
  end: mostly(fc.constant('wait' as const), oneOf('half-close' as const, 'reset' as const, 'leave' as const), 3),
  sent: mostly(fc.constant(100), fc.integer({ min: 1, max: 99 }), 6),
}));

/** The start of a TLS 1.3 handshake, cut anywhere and bent, other protocols, and silence. */
const CLIENT_HELLO = Buffer.from('16030100c4010000c00303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000813021303130100ff01000077', 'hex').toString('latin1');
export const handshakeAttack: fc.Arbitrary<HandshakeAttack> = fc.record({
  listener: oneOf<ListenerName>('management', 'issuer', 'metrics', 'signers'),
  bytes: fc.oneof(fc.nat(CLIENT_HELLO.length).map((length) => CLIENT_HELLO.slice(0, length)), fc.tuple(fc.nat(CLIENT_HELLO.length - 1), fc.nat(255)).map(([at, byte]) => CLIENT_HELLO.slice(0, at) + String.fromCharCode(byte) + CLIENT_HELLO.slice(at + 1)),
    junkBytes, oneOf('', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'SSH-2.0-x\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\u0016\u0003\u0001\u00ff\u00ff')),
  end: oneOf('reset' as const, 'leave' as const, 'half-close' as const),
});
