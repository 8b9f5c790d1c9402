import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signer } from '../../../test/conformance/fixtures.ts';
import { CLUSTER, GROUP, openManagement } from '../../../test/support/management.ts';
import { resourceKey } from '../../domain/resource-id.ts';

const OTHER = CLUSTER.replace(/[^/]+$/, 'aFirstOne');

test('a cluster with signers is not deleted, nor its resource group with anything in it; the refusal names them and the way out', async () => {
  const world = await openManagement();
  await world.ask('PUT', GROUP, { location: 'eastus' });
  for (const url of [OTHER, CLUSTER]) await world.ask('PUT', url, { location: 'eastus', properties: { oidcIssuerProfile: { enabled: true } } });
  const issuerId = (await world.store.read((tx) => tx.resource(CLUSTER)))!.issuerId!;
  const change = (writtenOffAt: Date | null) => world.store.write(async (tx) => {
    for (const id of ['cp-2', 'cp-1']) await tx.putSigner(signer(id, { issuerId, writtenOffAt }));
  });
  await change(null);
  for (const url of [CLUSTER, GROUP]) {
    const reply = await world.ask('DELETE', url);
    const { code, message, details } = reply.json().error;
    assert.deepEqual([reply.statusCode, code, details.map(({ target }: { target: string }) => resourceKey(target))], [409, 'SignersAttached', [resourceKey(CLUSTER), resourceKey(CLUSTER)]]);
    assert.match(message, /^Signers are enrolled: 'cp-1' of cluster '(\w+)', 'cp-2' of cluster '\1'\. Nothing was deleted: .* Of a machine that lives, detach the API server \(mintmark signer detach\) and delete the signer \(mintmark signer delete [^)]*\)\. Only of one that is gone, write the signer off \(mintmark signer write-off\): a living one comes back by itself within a minute\.$/);
  }
  for (const url of [OTHER, CLUSTER, GROUP]) assert.equal((await world.ask('GET', url)).statusCode, 200, url);

  await change(new Date('2026-01-02T00:00:00Z'));
  assert.equal((await world.ask('DELETE', GROUP)).statusCode, 202);
  assert.equal((await world.ask('GET', CLUSTER)).statusCode, 404);
});

test('a resource group is refused before its first cluster goes, however many come before the one with a signer', async () => {
  const world = await openManagement();
  await world.ask('PUT', GROUP, { location: 'eastus' });
  await world.ask('PUT', CLUSTER, { location: 'eastus', properties: { oidcIssuerProfile: { enabled: true } } });
  const cluster = (await world.store.read((tx) => tx.resource(CLUSTER)))!;
  const others = Array.from({ length: 101 }, (_, index) => CLUSTER.replace(/[^/]+$/, `a${index}`));
  await world.store.write(async (tx) => {
    await tx.putSigner(signer('cp-1', { issuerId: cluster.issuerId! }));
    for (const id of others) await tx.putResource({ ...cluster, id, name: id.split('/').at(-1)!, issuerId: null });
  });
  assert.equal((await world.ask('DELETE', GROUP)).statusCode, 409);
  assert.deepEqual(await world.store.read(async (tx) => (await Promise.all(others.map((id) => tx.resource(id)))).filter((found) => found === null)), []);
});
