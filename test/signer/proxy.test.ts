/** A signer whose server is reached by a proxy alone: it enrols, follows, comes back, and tells nobody the proxy's password. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { SignerKeys } from '../../src/keys/signer-keys.ts';
import { lockFile } from '../../src/serve/server-process.ts';
import { enrol } from '../../src/signer/enrolment.ts';
import { createServerClient } from '../../src/signer/server-client.ts';
import { openStateFolder } from '../../src/signer/state-folder.ts';
import { proxyTo } from '../../src/signer/server-proxy.ts';
import { ConnectProxy } from '../support/connect-proxy.ts';
import { eventually } from '../support/dev-server.ts';
import { isAcknowledged, openSignerWorld } from '../support/signer-process.ts';

async function openProxy(t: TestContext) {
  const proxy = await ConnectProxy.open();
  t.after(() => proxy.close());
  return { proxy, url: `http://me:hidden@127.0.0.1:${proxy.port}` };
}

test('a signer enrols and follows by the proxy of its surroundings, with the pinned certificate, and nothing goes around it', { timeout: 120_000 }, async (t) => {
  const { proxy, url } = await openProxy(t);
  const world = await openSignerWorld(t, { host: 'signers.test', env: { HTTPS_PROXY: url } });
  const signer = await world.start(await world.enrolled());
  await isAcknowledged(signer, (await world.stored()).version);
  assert.deepEqual([...proxy.asked], [`signers.test:${world.line.port} Basic ${Buffer.from('me:hidden').toString('base64')}`]);

  proxy.isOpen = false;
  proxy.cut();
  await eventually('it is away', () => signer.follower.view.trouble?.includes('403') || undefined);
  assert.equal(signer.follower.view.standing, 'away');
  await world.rotate();
  proxy.isOpen = true;
  await isAcknowledged(signer, (await world.stored()).version);
  assert.match(signer.said.join(''), /403/);
  assert.doesNotMatch(signer.said.join(''), /hidden|bWU6aGlkZGVu/);
});

test('a proxy that refuses, or is not there, is the reason why an enrolment fails', async (t) => {
  const { proxy, url } = await openProxy(t);
  proxy.isOpen = false;
  const refused = await openSignerWorld(t, { host: 'signers.test', env: { HTTPS_PROXY: url } });
  await assert.rejects(refused.enrolled(), ({ code, message }: Error & { readonly code: string }) => code === 'ServerUnreachable' && message.includes('403') && !message.includes('hidden'));
  const away = await openSignerWorld(t, { host: 'signers.test', env: { https_proxy: 'http://127.0.0.1:1' } });
  await assert.rejects(away.enrolled(), { code: 'ServerUnreachable', message: /ECONNREFUSED/ });
});

test('a request ends as soon as it is called off, also while its proxy says nothing', { timeout: 60_000 }, async (t) => {
  const asked = Promise.withResolvers<Socket>();
  const silent = createServer().on('connect', (_request, client: Socket) => asked.resolve(client));
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const client = createServerClient({ url: 'https://signers.test', ca: null, proxy: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` }, SignerKeys.generate(), 'cp-1');
  const stop = new AbortController();
  const ended = assert.rejects(client.ring({ mode: 'external', point: null, leaseSeconds: undefined, refused: false }, 50, new Date(), stop.signal), { code: 'ServerUnreachable', message: /aborted/ });
  const held = await asked.promise;
  t.after(() => { held.destroy(); silent.close(); });
  stop.abort();
  await ended;
});

test('a proxy that is no URL is told at the enrolment, without its text, and the server is asked directly', async (t) => {
  const [world, said] = [await openSignerWorld(t), [] as string[]];
  const state = await openStateFolder(join(world.folder, 's'), lockFile);
  t.after(() => state.release());
  await enrol(state, { tokenFile: await world.tokenFile(), warn: (text) => void said.push(text), env: { https_proxy: 'me:hidden@127.0.0.1' } }, world.clock.now());
  assert.deepEqual(said, ['The server is asked without a proxy: https_proxy is no http or https URL: write it as http://outbound.example.com:3128, or unset it.']);
});

const P = 'http://outbound.example.com:3128';
const ROWS: readonly (readonly [url: string, env: NodeJS.ProcessEnv, proxy: string | null])[] = [
  ['https://signers.example.com', {}, null],
  ['https://signers.example.com', { HTTPS_PROXY: P }, P],
  ['https://signers.example.com:10443', { https_proxy: P, NO_PROXY: 'signers.example.com:443' }, P],
  ['https://signers.example.com', { https_proxy: P, NO_PROXY: 'signers.example.com:443' }, null],
  ['https://signers.example.com', { HTTPS_PROXY: P, no_proxy: 'example.com' }, null],
  ['https://[2001:db8::1]:10443', { HTTPS_PROXY: P, NO_PROXY: '2001:db8::2' }, P],
  ...['localhost', '127.0.0.1', '127.1.2.3', '[::1]'].map((host) => [`https://${host}:9444`, { HTTPS_PROXY: P }, null] as const),
];
for (const [url, env, proxy] of ROWS) test(`${url} with ${JSON.stringify(env)}: ${proxy === null ? 'directly' : 'by the proxy'}`, () => assert.equal(proxyTo(url, env), proxy));
