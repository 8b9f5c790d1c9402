/** An old copy of the server's store is put back while its signers run: they refuse it, and everyone is told. */
import assert from 'node:assert/strict';
import { copyFileSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { ClusterApi, success } from '../support/dev-api.ts';
import { eventually, freePort } from '../support/dev-server.ts';
import { SignerServer } from '../support/signer-servers.ts';

const server = await SignerServer.make();

interface Listed {
  readonly value: readonly [{ readonly properties: { readonly state: string; readonly acknowledgedVersion: number | null; readonly refusesRingSince: string | null; readonly lastRefusedAt: string | null; readonly lastContactAt: string } }];
}
interface Health {
  readonly server: string;
  readonly ring: string;
  readonly warnings: readonly string[];
}

test('an old copy of the store is refused by the signer that is ahead of it: state, list and health say so', async () => {
  let api = await ClusterApi.open(server);
  const [host, port] = [await server.signer('cp-1'), await freePort()];
  await host.start('--health-listen', `127.0.0.1:${port}`);
  const listed = async () => success<Listed>(await api.send('GET', `${api.issuer}/signers`)).value[0].properties;
  const health = async (): Promise<Health> => (await fetch(`http://127.0.0.1:${port}/healthz`)).json() as Promise<Health>;
  await eventually('it has acknowledged', async () => (await listed()).acknowledgedVersion ?? undefined);
  await server.end('SIGTERM');
  copyFileSync(server.path('mintmark.db'), server.path('old-copy'));
  await server.start();
  api = await ClusterApi.open(server);
  success(await api.send('POST', `${api.issuer}/rotate`, { force: true }));
  const ring = await eventually('the rotation is in use', async () => {
    const [{ ringVersion }, now] = [await api.show(), await health()];
    return now.ring === `1-${ringVersion}` ? now.ring : undefined;
  });
  await server.end('SIGTERM');
  for (const suffix of ['', '-wal', '-shm']) rmSync(server.path(`mintmark.db${suffix}`), { force: true });
  copyFileSync(server.path('old-copy'), server.path('mintmark.db'));
  await server.start();
  api = await ClusterApi.open(server);
  const refusing = await eventually('the server says that it refuses', async () => {
    const said = await listed();
    return said.state === 'refusing' ? said : undefined;
  });
  const now = await eventually('its health says so', async () => {
    const said = await health();
    return /A ring was refused: it is version \S+, and this signer has seen \S+ already\./.test(said.warnings.join(' ')) ? said : undefined;
  });
  const told = await eventually('it has looked once more', async () => {
    const said = await listed();
    return said.lastRefusedAt === refusing.lastRefusedAt ? undefined : said;
  });
  // Its first request was a contact, since it knew of nothing yet; what it looks at is none.
  assert.deepEqual([now.server, now.ring, told.lastContactAt], ['away', ring, refusing.lastContactAt]);
  assert.notEqual(told.refusesRingSince, null);
  await host.end('SIGTERM');
});
