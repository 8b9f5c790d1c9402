/** What a signer takes for its server: the certificate that was pinned at its enrolment, and replies of a bounded size. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { SignerKeys } from '../../src/keys/signer-keys.ts';
import { createServerClient } from '../../src/signer/server-client.ts';
import { CutLine, machineCertificate } from '../support/cut-line.ts';
import { eventually } from '../support/dev-server.ts';
import { isAcknowledged, openSignerWorld } from '../support/signer-process.ts';

async function listen(t: TestContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('a listener with the certificate of another authority is not the server: nothing is sent there, and the signer says why it is away', async (t) => {
  const world = await openSignerWorld(t);
  const signer = await world.start(await world.enrolled());
  await isAcknowledged(signer, (await world.stored()).version);
  const asked: (string | undefined)[] = [];
  const theirs = await listen(t, ({ url }, response) => {
    asked.push(url);
    response.writeHead(204).end();
  });
  world.line.present(await machineCertificate());
  world.line.leadTo(theirs);
  world.line.cut();
  world.line.heal();
  const reason = await eventually('it says that the certificate is another', () => (/certificate/.test(signer.follower.view.trouble ?? '') || asked.length > 0 ? signer.follower.view.trouble : undefined));
  assert.deepEqual([asked, reason, signer.follower.view.standing], [[], `The server at ${world.url} can not be asked: self-signed certificate in certificate chain.`, 'away']);
});

test('a reply of 2 MiB is read, and no longer one', async (t) => {
  const certificate = await machineCertificate();
  let spare = 0;
  const port = await listen(t, (_request, response) => void response.end(JSON.stringify({ ring: 'x'.repeat(2 * 1024 * 1024 - '{"ring":""}'.length + spare) })));
  const line = await CutLine.open(port, certificate);
  const url = `https://127.0.0.1:${line.port}`;
  const client = createServerClient({ url, ca: certificate.certificate, proxy: null }, SignerKeys.generate(), 'cp-1');
  t.after(() => {
    client.close();
    line.close();
  });
  const ring = () => client.ring({ mode: 'external', point: null, leaseSeconds: undefined, refused: false }, 0, new Date(), new AbortController().signal);
  assert.equal((await ring())?.length, 2 * 1024 * 1024 - '{"ring":""}'.length);
  spare = 1;
  await assert.rejects(ring(), { code: 'ServerUnreachable', message: `The server at ${url} can not be asked: its reply is larger than 2097152 bytes.` });
});
