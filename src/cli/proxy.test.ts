/** HTTPS_PROXY and NO_PROXY, with a real proxy on loopback: what it is asked for, and what it is never asked for. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createAuthority, createServerCertificate } from '../keys/private-ca.ts';
import { PUBLIC_DOCUMENTS } from './connection-advice.ts';
import { createHttps, type Reply } from './https-exchange.ts';

const authority = await createAuthority('proxy test', new Date());
const certificate = await createServerCertificate(authority, ['localhost', 'mintmark.test', '127.0.0.2'], new Date());
const silent = { warn: () => undefined, note: () => undefined, error: () => undefined, exchange: () => undefined };

async function listening(t: TestContext, server: Server, host: string): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  return (server.address() as AddressInfo).port;
}

/** An https server on all of loopback, and a proxy that leads every name to it. */
async function world(t: TestContext) {
  const port = await listening(t, createTlsServer({ cert: certificate.certificate, key: certificate.privateKey }, (_request, response) => response.end('hello')), '0.0.0.0');
  const asked: string[] = [];
  const proxy = createServer((_request, response) => response.writeHead(500).end());
  proxy.on('connect', (request, socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    if (request.url?.startsWith('forbidden.test') === true) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const through = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      through.pipe(socket).pipe(through);
    });
    for (const end of [through, socket]) end.on('error', () => undefined);
    t.after(() => { through.destroy(); });
  });
  const proxyUrl = `http://me:hidden@127.0.0.1:${await listening(t, proxy, '127.0.0.1')}`;
  async function get(host: string, env: NodeJS.ProcessEnv): Promise<Reply> {
    const https = createHttps(authority.certificate, silent, env, PUBLIC_DOCUMENTS);
    t.after(() => https.close());
    return https.send({ method: 'GET', url: `https://${host}:${port}/`, headers: {} });
  }
  return { port, asked, proxyUrl, get };
}

test('a server elsewhere is asked for through the proxy, with TLS from end to end', async (t) => {
  const { port, asked, proxyUrl, get } = await world(t);
  for (const name of ['HTTPS_PROXY', 'https_proxy']) assert.equal((await get('mintmark.test', { [name]: proxyUrl })).body, 'hello');
  const credentials = `Basic ${Buffer.from('me:hidden').toString('base64')}`;
  assert.deepEqual(asked, Array(2).fill(`mintmark.test:${port} ${credentials}`));
});

test('a server on this machine, or one that NO_PROXY names, is asked for directly', async (t) => {
  const { asked, proxyUrl, get } = await world(t);
  assert.equal((await get('localhost', { HTTPS_PROXY: proxyUrl })).body, 'hello');
  // Linux has all of 127/8 on loopback; elsewhere this address leads nowhere.
  if (process.platform === 'linux') assert.equal((await get('127.0.0.2', { HTTPS_PROXY: proxyUrl, NO_PROXY: 'example.com,127.0.0.2' })).body, 'hello');
  assert.deepEqual(asked, []);
});

test('what a proxy refuses, and a proxy that is no URL, are told without its password', async (t) => {
  const { port, proxyUrl, get } = await world(t);
  await assert.rejects(get('forbidden.test', { HTTPS_PROXY: proxyUrl }), ({ message }: Error) => {
    assert.match(message, new RegExp(`^No connection to https://forbidden\\.test:${port}: .*403.* HTTPS_PROXY is set; check that the proxy lets this through`));
    assert.doesNotMatch(message, /hidden/);
    return true;
  });
  for (const odd of ['me:hidden@', 'proxy.test:3128', 'http://', 'socks5://proxy.test']) await assert.rejects(get('mintmark.test', { HTTPS_PROXY: odd }), { name: 'CommandError', message: 'HTTPS_PROXY is no http or https URL. Write it as http://outbound.example.com:3128, or unset it.' });
});
