import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examineConfig, loadServeConfig } from './load-config.ts';

const FLAGS = { set: [] };
const NOW = new Date('2026-03-01T12:00:00Z');
const PROBLEM = 'is no http or https URL: write it as http://outbound.example.com:3128, or unset it.';

const ROWS: readonly (readonly [env: NodeJS.ProcessEnv, about: string | null])[] = [
  [{}, null], [{ HTTPS_PROXY: '' }, null], [{ HTTPS_PROXY: 'http://me:hidden@outbound.example.com:3128' }, null], [{ https_proxy: 'https://outbound.example.com', HTTPS_PROXY: 'hidden' }, null],
  [{ HTTPS_PROXY: 'me:hidden@outbound.example.com:3128' }, 'HTTPS_PROXY'], [{ https_proxy: 'socks5://hidden', HTTPS_PROXY: 'http://outbound.example.com' }, 'https_proxy'], [{ HTTPS_PROXY: 'http://' }, 'HTTPS_PROXY'],
];
for (const [env, about] of ROWS) {
  test(`a proxy in the environment that could not be asked is a fault: ${JSON.stringify(env)}`, async () => {
    const { faults } = await examineConfig(FLAGS, env, NOW);
    assert.deepEqual(faults.filter((fault) => /_proxy$/i.test(fault.about)), about === null ? [] : [{ about, problem: PROBLEM }]);
  });
}

test('the start is refused for it, and nothing of it is repeated', () => assert.rejects(loadServeConfig(FLAGS, { HTTPS_PROXY: 'me:hidden@outbound.example.com' }, NOW), ({ message, details }: Error & { readonly details: unknown }) => {
  assert.ok(message.includes(`\n- HTTPS_PROXY ${PROBLEM}`));
  assert.doesNotMatch(message + JSON.stringify(details), /hidden/);
  return true;
}));
