import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMintmarkError } from './errors.ts';
import { issuerPath, issuerUrlFault, isUnderTemplate, renderIssuerUrl } from './issuer.ts';

const PARTS = { region: 'eastus', tenantId: '11111111-2222-4333-8444-555555555555', uuid: '99999999-8888-4777-8666-555555555555' };

test('the issuer URL is the template, filled in', () => {
  assert.equal(renderIssuerUrl('https://{region}.oic.example.com/{tenantId}/{uuid}/', PARTS), 'https://eastus.oic.example.com/11111111-2222-4333-8444-555555555555/99999999-8888-4777-8666-555555555555/');
  assert.equal(renderIssuerUrl('https://localhost:9443/{region}/{uuid}/', PARTS), 'https://localhost:9443/eastus/99999999-8888-4777-8666-555555555555/');
});

test('a template without {uuid} would give many issuers one URL', () => {
  assert.throws(() => renderIssuerUrl('https://example.com/{tenantId}/', PARTS), (error) => isMintmarkError(error, 'InvalidConfiguration') && /lacks \{uuid\}/.test(error.message));
});

const FAULTS: readonly (readonly [string, string | null])[] = [
  ['https://example.com/a/', null],
  ['https://example.com:9443/a/', null],
  ['http://example.com/a/', 'is not https'],
  ['example.com/a/', 'is no URL'],
  ['https://example.com/a', 'does not end in a slash'],
  ['https://example.com/a/?b=/', 'has a query or a fragment'],
  ['https://example.com/a/#/', 'has a query or a fragment'],
  ['https://me:you@example.com/a/', 'has a user name or password'],
  ['https://Example.com/a/', "is not in the one spelling that every client gives it ('https://example.com/a/')"],
  ['https://example.com:443/a/', "is not in the one spelling that every client gives it ('https://example.com/a/')"],
  ['https://example.com/a/../b/', "is not in the one spelling that every client gives it ('https://example.com/b/')"],
  ['https://example.com/a%2fb/', 'has an escaped, empty or relative part in its path'],
  ['https://example.com//a/', 'has an escaped, empty or relative part in its path'],
  [`https://example.com/${'a'.repeat(600)}/`, 'is longer than 600 characters'],
];

for (const [url, fault] of FAULTS) {
  test(`issuer URL ${url.slice(0, 50)}: ${fault ?? 'is good'}`, () => assert.equal(issuerUrlFault(url), fault));
}

test('a template that gives no valid issuer URL is refused', () => {
  assert.throws(() => renderIssuerUrl('http://example.com/{uuid}/', PARTS), (error) => isMintmarkError(error, 'InvalidConfiguration') && /which is not https/.test(error.message));
});

test('the path is what is sent on the wire', () => assert.equal(issuerPath('https://localhost:9443/eastus/t/u/'), '/eastus/t/u/'));

/** Template, URL, whether that is where the template puts issuers. */
const UNDER: readonly (readonly [template: string, url: string, under: boolean])[] = [
  ['https://{region}.oic.example.com/{tenantId}/{uuid}/', 'https://eastus.oic.example.com/t/u/', true],
  ['https://{region}.oic.example.com/{tenantId}/{uuid}/', 'https://EASTUS.oic.example.com:443', true],
  ['https://{region}.oic.example.com/{tenantId}/{uuid}/', 'https://eastus.oic.example.com./x', true],
  ['https://{region}.oic.example.com/{tenantId}/{uuid}/', 'https://a.b.oic.example.com/', false],
  ['https://{region}.oic.example.com/{tenantId}/{uuid}/', 'https://eastus.oicxexample.com/', false],
  ['https://{region}.oic.example.com/{tenantId}/{uuid}/', 'https://eastus.oic.example.com.evil.example/', false],
  ['https://{region}.oic.example.com/{tenantId}/{uuid}/', 'https://eastus.oic.example.com:8443/', false],
  ['https://localhost:9443/{region}/{tenantId}/{uuid}/', 'https://localhost:9443/x', true],
  ['https://localhost:9443/{region}/{tenantId}/{uuid}/', 'https://localhost:9444/x', false],
  ['https://files.example.com/oidc/{uuid}/', 'https://files.example.com/oidc/u/', true],
  ['https://files.example.com/oidc/{uuid}/', 'https://files.example.com/other/u/', false],
  ['https://files.example.com/oidc/{uuid}/', 'no url', false],
];

for (const [template, url, under] of UNDER) test(`${url} is ${under ? '' : 'not '}under ${template}`, () => assert.equal(isUnderTemplate(template, url), under));
