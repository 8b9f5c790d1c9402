import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outboundProxy } from './outbound-proxy.ts';

const P = 'http://outbound.example.com:3128';

/** Environment, host, port → the proxy that is asked. */
const ROWS: readonly (readonly [env: NodeJS.ProcessEnv, host: string, port: number, proxy: string | null])[] = [
  [{}, 'a.example', 443, null],
  [{ HTTPS_PROXY: P }, 'a.example', 443, P],
  [{ https_proxy: P, HTTPS_PROXY: 'http://other:1' }, 'a.example', 443, P],
  [{ HTTP_PROXY: P }, 'a.example', 443, null],
  [{ HTTPS_PROXY: 'proxy.example.com:3128' }, 'a.example', 443, null],
  [{ HTTPS_PROXY: P, NO_PROXY: '*' }, 'a.example', 443, null],
  [{ HTTPS_PROXY: P, NO_PROXY: 'b.example, A.EXAMPLE' }, 'a.example', 443, null],
  [{ HTTPS_PROXY: P, NO_PROXY: 'example' }, 'a.example', 443, null],
  [{ HTTPS_PROXY: P, NO_PROXY: '.example' }, 'a.example', 443, null],
  [{ HTTPS_PROXY: P, NO_PROXY: '*.example' }, 'a.example', 443, null],
  [{ HTTPS_PROXY: P, NO_PROXY: 'ample' }, 'a.example', 443, P],
  [{ HTTPS_PROXY: P, NO_PROXY: 'a.example:8443' }, 'a.example', 443, P],
  [{ HTTPS_PROXY: P, NO_PROXY: 'a.example:443' }, 'a.example', 443, null],
  [{ HTTPS_PROXY: P, no_proxy: ' , ,a.example' }, 'a.example', 443, null],
];

for (const [env, host, port, proxy] of ROWS) test(`${JSON.stringify(env)}: ${host}:${port} by ${proxy}`, () => assert.equal(outboundProxy(env)(host, port), proxy));
