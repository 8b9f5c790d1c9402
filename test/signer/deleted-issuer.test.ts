/** A signer whose issuer is deleted while it lives: written off by somebody who thought that it was gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close } from '../../src/domain/rotation.ts';
import { createEnrolledSigners } from '../../src/service/enrolled-signers.ts';
import { eventually } from '../support/dev-server.ts';
import { openSignerWorld } from '../support/signer-process.ts';

test('the log says as an error that nothing is signed any more', async (t) => {
  const world = await openSignerWorld(t);
  const { store, rings, cluster } = world.world;
  const signer = await world.start(await world.enrolled());
  const { id } = await world.record();
  await store.write(async (tx) => {
    await createEnrolledSigners(rings).writeOff(tx, id);
    await rings.commit(tx, cluster.issuerId!, (ring, now) => close(ring, now, { cause: 'deletion', actor: 'principal:ada', reason: 'test' }));
  });
  await eventually('the closed ring is in use', () => !signer.ring.ring.open || undefined);
  const { version, issuer } = signer.ring.ring;
  const lines = await eventually('it is told', () => {
    const found = signer.said.filter((line) => line.includes(`"ring":"1-${version}"`)).map((line) => JSON.parse(line) as object);
    return found.length > 0 ? found : undefined;
  });
  assert.deepEqual(lines, [{ level: 50, ring: `1-${version}`, msg: `the issuer ${issuer} was deleted: nothing is signed any more, and tokens in use verify until they end` }]);
});
