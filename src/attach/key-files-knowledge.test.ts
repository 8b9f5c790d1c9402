/**
 * What key-file mode knows of its API server, and whether it still holds: when a ring comes while it is found out, after
 * another enrolment, after `signer detach`, and by a clock that is behind the server's.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { controlPlaneHost } from '../../test/support/control-plane-host.ts';
import { attached, factsOf, k1, k2, k3, k4, keyFiles, kids, kidsIn, LATER, NOW, rotated, until } from '../../test/support/key-file-mode.ts';
import { ISSUER, openedRing } from '../../test/support/signer-rings.ts';
import { confirmRestart, forget } from './key-files-state.ts';
import { restartFor, type RestartRing } from './restart.ts';

test('a proof that is under way while a ring comes is one of the ring before', async (t) => {
  const host = controlPlaneHost(t, 30);
  const serves = { kids: kids(k1, k2), signs: { kid: k1.kid, issuer: ISSUER } };
  let isSlow = false;
  const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { files } = keyFiles(host, {
    facts: async () => {
      asked.resolve();
      if (isSlow) await answered.promise;
      return serves;
    },
  });
  await files.use(await openedRing({ active: k1, prepared: k2, version: 1 }));
  isSlow = true;
  const proof = files.proven();
  await asked.promise;
  isSlow = false;
  const used = files.use(await rotated());
  // As long as a ring takes to be written elsewhere, twice: it could have been written here.
  for (const version of [1, 2]) await keyFiles(controlPlaneHost(t, 30)).files.use(await openedRing({ active: k2, prepared: k3, version }));
  answered.resolve();
  assert.equal(await proof, true);
  await used;
  assert.equal((JSON.parse(readFileSync(join(host.keyFolder, 'key-files.json'), 'utf8')) as { version: number }).version, 2);
  assert.equal(await files.proven(), false, 'the API server was not restarted since the ring before');
});

for (const [what, enrolment] of [['another issuer', { issuerId: '00000000-0000-4000-8000-000000000002' }], ['another signer', { signer: 'cp-2' }]] as const) {
  test(`what was proved and said for ${what} counts for nothing; its keys have to be gone`, async (t) => {
    const host = controlPlaneHost(t, 30);
    const former = keyFiles(host).files;
    await former.use(await openedRing({ active: k1, prepared: k2, version: 17 }));
    await confirmRestart(host.keyFolder, '17');
    assert.equal(await former.proven(), true);
    const { files, logged } = keyFiles(host);
    await files.use(await openedRing({ active: k1, prepared: k2, version: 2, ...enrolment }));
    assert.equal(await files.proven(), false);
    assert.ok(logged.some((line) => line.startsWith('the key files have changed: restart the API server')), 'one that is attached still runs with the former files');
    await confirmRestart(host.keyFolder, '2');
    assert.equal(await files.proven(), true);
    let serves = { kids: kids(k1, k2, k3, k4), signs: { kid: k3.kid, issuer: ISSUER } };
    const seeing = keyFiles(host, { facts: async () => serves }).files;
    await seeing.use(await openedRing({ active: k3, prepared: k4, version: 1 }));
    assert.equal(await seeing.proven(), false, 'nobody but the files of before has k1 and k2');
    serves = { ...serves, kids: kids(k3, k4) };
    assert.equal(await seeing.proven(), true);
  });
}

test('another signer at the version of the one before restarts the API server all the same', async (t) => {
  const { host, standIn } = await attached(t);
  const change = { facts: factsOf(host, standIn), restart: (ring: RestartRing) => restartFor(host.manifest, host.keyFolder, ring) };
  const former = keyFiles(host, change).files;
  await former.use(await rotated());
  await until(() => former.proven());
  const { files } = keyFiles(host, change);
  await files.use(await openedRing({ active: k3, prepared: k4, version: 2, signer: 'cp-2' }));
  await until(() => files.proven());
});

test('a signer that runs while its API server is detached and attached again has it proved and restarted', async (t) => {
  const { host, files, logged } = await attached(t);
  await confirmRestart(host.keyFolder, '1');
  assert.equal(await files.proven(), true);
  await forget(host.keyFolder);
  assert.equal(await files.proven(), false);
  await confirmRestart(host.keyFolder, '1');
  assert.equal(await files.proven(), true);
  await forget(host.keyFolder);
  await files.use(await rotated());
  assert.ok(logged.some((line) => line.startsWith('the key files have changed: restart the API server')), logged.join('\n'));
});

const LONG_AGO = new Date('2026-01-01T00:00:00Z');
for (const [which, times, isEnded] of [['changed', { updatedAt: LATER, sentAt: LONG_AGO }, true], ['sent', { updatedAt: LONG_AGO, sentAt: LATER }, true], ['changed and sent earlier', { updatedAt: new Date(LATER.getTime() - 1), sentAt: new Date(LATER.getTime() - 1) }, false]] as const) {
  test(`a key that is gone from a ring ${which} at its end ${isEnded ? 'ended' : 'was revoked'}, also by a clock that is behind`, async (t) => {
    const host = controlPlaneHost(t, 30);
    const serves = { kids: kids(k1, k2, k3), signs: { kid: k2.kid, issuer: ISSUER } };
    let restarts = 0;
    const { files } = keyFiles(host, { keepAutoExtension: true, facts: async () => serves, restart: async () => { restarts += 1; }, now: () => new Date(LATER.getTime() - 500) });
    await files.use(await openedRing({ retired: [[k1, LATER]], active: k2, prepared: k3, version: 3, sentAt: NOW }));
    await files.proven();
    await files.use(await openedRing({ active: k2, prepared: k3, version: 4, ...times }));
    assert.deepEqual([restarts, await files.proven(), kidsIn(host).includes(k1.kid)], isEnded ? [0, true, true] : [1, false, false]);
  });
}
