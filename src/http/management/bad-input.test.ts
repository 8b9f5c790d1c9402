/** What is not understood, each with its exact refusal, and with nothing changed. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CLUSTER, GROUP, openManagement, SUBSCRIPTION } from '../../../test/support/management.ts';
import type { ErrorBody } from './contract.ts';

const world = await openManagement();
await world.ask('PUT', GROUP, {});
const stored = (await world.ask('PUT', CLUSTER, { tags: { a: '1' }, properties: { kubernetesVersion: '1.34' } })).body;
after(async () => assert.equal((await world.ask('GET', CLUSTER)).body, stored));

const nested = (levels: number): string => `${'{"properties":'.repeat(levels)}{}${'}'.repeat(levels)}`;
const JSON_TYPE = { 'content-type': 'application/json' };

/** body, headers → status, code, the start of the message. */
const BODIES: readonly (readonly [string, string | Buffer, Readonly<Record<string, string>>, number, string, string])[] = [
  ['malformed JSON', '{"tags":', JSON_TYPE, 400, 'InvalidRequestContent', 'The body is not valid JSON in UTF-8.'],
  ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), JSON_TYPE, 400, 'InvalidRequestContent', 'The body is not valid JSON in UTF-8.'],
  ['nothing', '', JSON_TYPE, 400, 'InvalidRequestContent', 'The request is not understood. body: Invalid input: expected object, received null.'],
  ['a list', '[]', JSON_TYPE, 400, 'InvalidRequestContent', 'The request is not understood. body: Invalid input: expected object, received array.'],
  ['a string', '"x"', JSON_TYPE, 400, 'InvalidRequestContent', 'The request is not understood. body: Invalid input: expected object, received string.'],
  ['a form', 'tags=x', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'UnsupportedMediaType', 'The body has to be sent with Content-Type: application/json.'],
  ['text', '{}', { 'content-type': 'text/plain' }, 415, 'UnsupportedMediaType', 'The body has to be sent with Content-Type: application/json.'],
  ['10 MB', Buffer.alloc(10 * 1024 * 1024, ' '), JSON_TYPE, 413, 'RequestTooLarge', 'The body is larger than this server accepts.'],
  ['a member named __proto__', '{"tags":{"__proto__":"x"}}', JSON_TYPE, 400, 'InvalidRequestContent', "A member can not be named '__proto__'."],
  ['a deep member named __proto__', '{"properties":{"networkProfile":{"__proto__":{"a":1}}}}', JSON_TYPE, 400, 'InvalidRequestContent', "A member can not be named '__proto__'."],
  ['65 levels', nested(65), JSON_TYPE, 400, 'InvalidRequestContent', 'The body is nested more than 64 levels deep.'],
  ['a million brackets', '['.repeat(500_000) + ']'.repeat(500_000), JSON_TYPE, 400, 'InvalidRequestContent', 'The body is nested more than 64 levels deep.'],
  ['wrong types', '{"tags":{"a":1},"location":5}', JSON_TYPE, 400, 'InvalidRequestContent', 'The request is not understood. location: Invalid input: expected string, received number. tags.a: Invalid input: expected string, received number.'],
  ['an over-long tag', JSON.stringify({ tags: { a: 'x'.repeat(257) } }), JSON_TYPE, 400, 'InvalidRequestContent', 'The request is not understood. tags.a: '],
  ['an unknown location', '{"location":"moon"}', JSON_TYPE, 400, 'LocationNotAvailable', "'moon' is no location"],
  ['another location', '{"location":"westus"}', JSON_TYPE, 400, 'LocationCanNotChange', "'myCluster' is in eastus, which is part of its issuer URL; it can not move to westus."],
  ['Kubernetes 1.21', '{"properties":{"kubernetesVersion":"1.21.0"}}', JSON_TYPE, 400, 'UnsupportedKubernetesVersion', 'Kubernetes 1.21.0 is too old: an issuer needs 1.22 or later.'],
  ['a lower minor', '{"properties":{"kubernetesVersion":"1.33.0"}}', JSON_TYPE, 400, 'KubernetesDowngrade', "'myCluster' is at Kubernetes 1.34; it can not go back to 1.33.0."],
  ['a network profile that is text', '{"properties":{"networkProfile":"x"}}', JSON_TYPE, 400, 'InvalidRequestContent', 'networkProfile is an object.'],
  ['a cluster of 1 MB', JSON.stringify({ properties: { networkProfile: { a: 'x'.repeat(1_000_000) } } }), JSON_TYPE, 400, 'InvalidRequestContent', "The tags, properties and other members of 'myCluster' come to 1000"],
  ['an escape sequence', '{"properties":{"networkProfile":{"a":"\\u001b[2J"}}}', JSON_TYPE, 400, 'InvalidRequestContent', 'A string has a control character. Leave it out.'],
];

for (const [what, payload, headers, status, code, message] of BODIES) {
  test(`body: ${what}`, async () => {
    const reply = await world.as('owner', { method: 'PUT', url: CLUSTER, headers, payload });
    const { error } = reply.json<ErrorBody>();
    assert.deepEqual([reply.statusCode, error.code, error.message.slice(0, message.length)], [status, code, message]);
    assert.match(String(reply.headers['x-ms-request-id']), /^[0-9a-f-]{36}$/);
  });
}

test('each wrong member is named', async () => {
  const reply = await world.ask('PUT', CLUSTER, { tags: { a: 1 }, properties: 'x' });
  assert.deepEqual(reply.json<ErrorBody>().error.details, [
    { code: 'InvalidRequestContent', message: 'Invalid input: expected string, received number', target: 'tags.a' },
    { code: 'InvalidRequestContent', message: 'Invalid input: expected record, received string', target: 'properties' },
  ]);
});

const INHERITED = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];

for (const name of INHERITED) {
  test(`a member and a tag named ${name} are names like others`, async () => {
    const own = await openManagement();
    await own.ask('PUT', GROUP, {});
    const pools = [{ name: 'a', count: 1, [name]: { a: 1 } }];
    const body = { tags: { [name]: 'x' }, [name]: 1, properties: { [name]: 1, networkProfile: { [name]: { [name]: 1 } }, agentPoolProfiles: pools, oidcIssuerProfile: { enabled: false } } };
    assert.equal((await own.ask('PUT', CLUSTER, body)).statusCode, 201);
    const again = await own.ask('PUT', CLUSTER, body);
    const { tags, properties, eTag } = again.json<{ tags: object; eTag: string; properties: Record<string, object> }>();
    assert.deepEqual([again.statusCode, tags, properties.networkProfile, properties.agentPoolProfiles, Object.hasOwn(properties, name), eTag], [200, { [name]: 'x' }, { [name]: { [name]: 1 } }, pools, false, '1-mjwaid1k']);
  });
}

const NAMES: readonly (readonly [string, number, string])[] = [
  ['a'.repeat(64), 400, 'InvalidResourceName'], ['a'.repeat(1000), 400, 'InvalidResourceName'], ['a'.repeat(5000), 400, 'InvalidResourceName'], ['-a', 400, 'InvalidResourceName'],
  ['%F0%9F%98%80', 400, 'InvalidResourceName'], ['a%00b', 400, 'InvalidResourceName'], ['a%0d%0ab', 400, 'InvalidResourceName'], ['a%2Fb', 400, 'InvalidResourceName'],
  ['%E0%A4%A', 404, 'InvalidPath'], ['a/b', 404, 'InvalidPath'],
];

for (const [name, status, code] of NAMES) {
  test(`the name ${name.slice(0, 20)} (${name.length})`, async () => {
    for (const method of ['PUT', 'GET'] as const) {
      const reply = await world.ask(method, CLUSTER.replace('myCluster', name), method === 'PUT' ? {} : undefined);
      assert.deepEqual([reply.statusCode, reply.json<ErrorBody>().error.code], [status, code]);
      assert.match(String(reply.headers['x-ms-request-id']), /^[0-9a-f-]{36}$/);
    }
  });
}

const PATHS: readonly (readonly ['GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD' | 'PATCH', string, number, string, string | undefined])[] = [
  ['GET', '/', 404, 'InvalidPath', undefined],
  ['GET', `${CLUSTER}/providers/Mintmark.Oidc/issuers/other`, 404, 'InvalidPath', undefined],
  ['POST', '/subscriptions', 405, 'MethodNotAllowed', 'GET'],
  ['POST', CLUSTER, 405, 'MethodNotAllowed', 'PUT, PATCH, GET, DELETE'],
  ['GET', `${CLUSTER}/rotateServiceAccountSigningKeys`, 405, 'MethodNotAllowed', 'POST'],
  ['DELETE', `/subscriptions/${SUBSCRIPTION}`, 405, 'MethodNotAllowed', 'GET'],
];

for (const [method, url, status, code, allow] of PATHS) {
  test(`${method} ${url}`, async () => {
    const reply = await world.ask(method, url);
    assert.deepEqual([reply.statusCode, reply.json<ErrorBody>().error.code, reply.headers.allow], [status, code, allow]);
  });
}

test('HEAD where there is none is 405 with Allow', async () => {
  const reply = await world.ask('HEAD', CLUSTER);
  assert.deepEqual([reply.statusCode, reply.headers.allow], [405, 'PUT, PATCH, GET, DELETE']);
});

for (const id of ['x'.repeat(129), 'a b', 'ä', 'a\tb']) {
  test(`the client request id ${JSON.stringify(id.slice(0, 10))} is refused`, async () => {
    const reply = await world.ask('GET', CLUSTER, undefined, { 'x-ms-client-request-id': id });
    assert.deepEqual([reply.statusCode, reply.json<ErrorBody>().error.target, reply.headers['x-ms-client-request-id']], [400, 'x-ms-client-request-id', undefined]);
  });
}

test('64 levels and a body without members are understood', async () => {
  assert.equal((await world.as('owner', { method: 'PUT', url: CLUSTER, headers: JSON_TYPE, payload: nested(63) })).statusCode, 200);
  assert.equal((await world.ask('PUT', CLUSTER, {})).statusCode, 200);
});

for (const header of ['if-match', 'if-none-match']) {
  for (const value of ['', ' ', ',', ' , ']) {
    for (const [method, payload] of [['PUT', { tags: { lost: 'yes' } }], ['PATCH', { tags: { lost: 'yes' } }], ['DELETE', undefined]] as const) {
      test(`${method} with ${header}: '${value}' is refused`, async () => {
        const reply = await world.ask(method, CLUSTER, payload, { [header]: value });
        const { code, target } = reply.json<ErrorBody>().error;
        assert.deepEqual([reply.statusCode, code, target?.toLowerCase()], [400, 'InvalidRequestContent', header]);
      });
    }
  }
}

test('an operation that is none, or of a location that is none', async () => {
  for (const location of ['eastus', '%0d%0aset-cookie:x', '..']) {
    const reply = await world.ask('GET', `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/${location}/operations/none`);
    assert.deepEqual([reply.statusCode, reply.headers['set-cookie']], [404, undefined]);
  }
});
