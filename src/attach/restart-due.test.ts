/** What `/healthz` says of a restart that key files ask for: until it is known to have taken place, and not after. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { controlPlaneHost, type Host } from '../../test/support/control-plane-host.ts';
import { attached, factsOf, k1, k2, k3, k4, keyFiles, LATER, rotated, until } from '../../test/support/key-file-mode.ts';
import { ISSUER, openedRing } from '../../test/support/signer-rings.ts';
import { DEFAULT_KEY_FOLDER } from './api-server-flags.ts';
import { confirmRestart, forget } from './key-files-state.ts';
import { keyFilesFault, restartInWords } from './restart-due.ts';
import { restartFor, type RestartRing } from './restart.ts';

const faultOf = ({ keyFolder: folder, manifest }: Host, { isProvable = false, isAllowed = false } = {}): Promise<string | null> => keyFilesFault({ folder, kubeconfig: isProvable ? 'proof.conf' : null, restartManifest: isAllowed ? manifest : null });
const then = ({ keyFolder }: Host, version: string): string => `Then run 'mintmark signer confirm-restart --version ${version} --key-folder ${keyFolder}'.`;
const REVOKED = `it may still accept tokens of a revoked key, ${k2.kid}`;

test('without a kubeconfig, and without leave to restart: what to do is told until it is confirmed, of a revoked key too', async (t) => {
  const { host, files, logged } = await attached(t);
  assert.equal(await faultOf(host), `The API server is not known to have read the key files of 1-1 in ${host.keyFolder}: attach it, or restart it if it is attached. ${then(host, '1-1')}`);
  await confirmRestart(host.keyFolder, '1');
  assert.equal(await files.proven(), true);
  assert.equal(await faultOf(host), null);
  await files.use(await rotated());
  const restart = 'The key files have changed: restart the API server, which reads them at its start only.';
  assert.equal(await faultOf(host), `${restart} ${then(host, '1-2')}`);
  await files.use(await openedRing({ retired: [[k1, LATER]], active: k2, prepared: k3, version: 3 }));
  assert.equal(await faultOf(host), `${restart} ${then(host, '1-2')}`, 'it is the same restart');
  await files.use(await openedRing({ active: k3, prepared: k4, retired: [[k1, LATER]], version: 4 }));
  assert.equal(await faultOf(host), `${restart} Until then ${REVOKED}: do it now. ${then(host, '1-4')}`);
  assert.deepEqual(logged.filter((line) => line.startsWith('the key files have changed')).map((line) => /--version (\S+)/.exec(line)?.[1]), ['1-2', '1-2', '1-4'], 'the log names the same');
  await confirmRestart(host.keyFolder, '1-4');
  assert.equal(await files.proven(), true);
  assert.equal(await faultOf(host), null);
});

test('with a kubeconfig and leave to restart: told while the restart lasts', async (t) => {
  const { host, standIn } = await attached(t);
  const { files } = keyFiles(host, { facts: factsOf(host, standIn), restart: (ring: RestartRing) => restartFor(host.manifest, host.keyFolder, ring) });
  const ways = { isProvable: true, isAllowed: true };
  await files.use(await openedRing({ active: k1, prepared: k2, version: 1 }));
  await until(() => files.proven());
  assert.equal(await faultOf(host, ways), null);
  standIn.asleep = true;
  await files.use(await rotated());
  const lacks = "The signer's log says what is not proved yet.";
  assert.equal(await faultOf(host, ways), `The key files have changed, and the API server is to restart by its manifest. ${lacks}`);
  await files.use(await openedRing({ active: k3, prepared: k4, retired: [[k1, LATER]], version: 3 }));
  assert.equal(await faultOf(host, ways), `The key files have changed, and the API server is to restart by its manifest. Until it has, ${REVOKED}. ${lacks}`);
  standIn.asleep = false;
  await until(() => files.proven());
  assert.equal(await faultOf(host, ways), null);
});

test('where nothing was written yet, or it was detached, there is nothing to say; a file that is none of ours is told', async (t) => {
  const { host } = await attached(t);
  await forget(host.keyFolder);
  assert.deepEqual([await faultOf(host), await faultOf(controlPlaneHost(t, 30))], [null, null]);
  writeFileSync(join(host.keyFolder, 'key-files.json'), '{');
  assert.match(await faultOf(host) ?? '', /key-files\.json is not in the form that Mintmark writes/);
});

for (const [what, isAllowed] of [['without leave', false], ['with leave', true]] as const) {
  test(`a deleted issuer restarts no API server, ${what}: it would not come up without sa.key`, async (t) => {
    const { host, standIn } = await attached(t);
    const { files, logged } = keyFiles(host, { facts: factsOf(host, standIn), ...(isAllowed ? { restart: (ring: RestartRing) => restartFor(host.manifest, host.keyFolder, ring) } : {}) });
    await files.use(await openedRing({ active: k1, prepared: k2, version: 1 }));
    await until(() => files.proven());
    const text = host.text();
    logged.length = 0;
    await files.use(await openedRing({ retired: [[k1, LATER]], active: null, version: 2 }));
    const gone = "sa.key is removed, and the API server can not start again with its present flags; run 'mintmark signer detach', or enrol this host anew";
    assert.deepEqual([host.text(), logged, await faultOf(host)], [text, [`the issuer ${ISSUER} was deleted: ${gone}`], `Of the key files in ${host.keyFolder}, ${gone}.`]);
  });
}

test('the command names the folder where it is not the one that is meant without', () => {
  const state = { since: { epoch: 1, version: 17 }, revoked: [] };
  const words = (folder: string): string => restartInWords(state, { folder, isAllowed: false, isProvable: false });
  assert.match(words(DEFAULT_KEY_FOLDER), / Then run 'mintmark signer confirm-restart --version 1-17'\.$/);
  assert.match(words('/k'), / Then run 'mintmark signer confirm-restart --version 1-17 --key-folder \/k'\.$/);
});
