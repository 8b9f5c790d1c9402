import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkedUrl, urlOf } from './endpoint-urls.ts';

const ENDPOINT = 'https://localhost:38999';

test('a path is below the endpoint, with its prefix', () => {
  assert.equal(urlOf(ENDPOINT, '/a?b').href, 'https://localhost:38999/a?b');
  assert.equal(urlOf('https://gate/mintmark', '/a').href, 'https://gate/mintmark/a');
  assert.throws(() => urlOf(ENDPOINT, '@localhost:38998/a'), { name: 'CommandError', exitCode: 1 });
});

/** Endpoint, link, URL. */
const OWN: readonly (readonly [string, string, string])[] = [
  [ENDPOINT, '/a?b=c', 'https://localhost:38999/a?b=c'],
  [ENDPOINT, 'a', 'https://localhost:38999/a'],
  [ENDPOINT, 'HTTPS://LOCALHOST:38999/a', 'https://localhost:38999/a'],
  [ENDPOINT, '@localhost:38998/steal', 'https://localhost:38999/@localhost:38998/steal'],
  ['https://gate/mintmark', 'https://gate:443/mintmark/a', 'https://gate/mintmark/a'],
];

for (const [endpoint, link, url] of OWN) test(`${link} from ${endpoint} is ${url}`, () => assert.equal(linkedUrl(endpoint, link).href, url));

const FOREIGN = [
  'x:@localhost:38998/steal', 'https://localhost:38998/', 'http://localhost:38999/', 'https://localhost/', 'https://127.0.0.1:38999/', '//elsewhere.example/a', '\\\\elsewhere.example/a',
  'https://localhost:38999@elsewhere.example/a', 'https://localhost:38999.elsewhere.example/', 'data:,', 'https://',
];

for (const link of FOREIGN) {
  test(`${link} is refused`, () => assert.throws(() => linkedUrl(ENDPOINT, link), {
    name: 'CommandError', exitCode: 1,
    message: `The server linked to '${link}', but the access token is for https://localhost:38999 only. Make the management URL that the server is configured with the endpoint of the profile.`,
  }));
}

test('what steers a terminal is not in the refusal', () => assert.throws(() => linkedUrl(ENDPOINT, 'x:\n\u009B'), { message: /^The server linked to 'x:\\n\\u009b', but/ }));
