/** The OpenAPI document is one by the specification's own schema, and has every route that the server has. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { openManagement } from '../../../test/support/management.ts';
import type { OpenApiDocument } from '../../../test/support/reply-contract.ts';

let document: OpenApiDocument;
const registered: string[] = [];

before(async () => {
  const { server } = await openManagement();
  server.addHook('onRoute', ({ method, url, config }) => {
    // Rows that only refuse what a path does not have are no part of it, nor is the document of itself.
    if (config?.allow === undefined && url !== '/openapi.json') for (const one of [method].flat()) registered.push(`${one} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
  });
  document = (await server.inject({ url: '/openapi.json' })).json<OpenApiDocument>();
});

test('it is valid OpenAPI 3.1', async () => {
  assert.deepEqual(await new Validator().validate({ ...document }), { valid: true });
  const broken = structuredClone(document) as { paths: Record<string, Record<string, unknown>> };
  broken.paths['/healthz']!['get'] = { responses: { 1200: {} } };
  assert.equal((await new Validator().validate(broken)).valid, false);
});

test('it has every registered route and no other', () => {
  const documented = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  assert.ok(registered.length > 50);
  assert.deepEqual(documented.toSorted(), registered.toSorted());
});
