/**
 * Key-file mode beside a stand-in for kube-apiserver over real https: what is written and in which order, when it restarts
 * the API server, and that nothing is acknowledged before it is proved. The wrong twins have not restarted, sign by
 * another file, or assume.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { controlPlaneHost } from '../../test/support/control-plane-host.ts';
import { attached, factsOf, k1, k2, k3, k4, keyFiles, kids, kidsIn, LATER, NOW, rotated, until } from '../../test/support/key-file-mode.ts';
import { ISSUER, makeKey, openedRing } from '../../test/support/signer-rings.ts';
import { keyId } from '../keys/generate.ts';
import { ask } from './api-server-client.ts';
import { apiServerFacts, DEFAULT_PROOF_ACCOUNT, unproven } from './api-server-proof.ts';
import { replaceManifest } from './host-files.ts';
import { confirmRestart } from './key-files-state.ts';
import { KeyFiles, type KeyFilesDeps } from './key-files.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { restartFor, type RestartRing } from './restart.ts';

test('sa.key is private and in use, sa.pub has the prepared key and what verifies only', async (t) => {
  const host = controlPlaneHost(t, 30);
  await keyFiles(host).files.use(await openedRing({ retired: [[k3, LATER]], active: k1, prepared: k2, verifyOnly: [[k4, null]] }));
  assert.deepEqual(kidsIn(host), kids(k3, k1, k2, k4));
  assert.deepEqual(kidsIn(host, 'sa.key'), kids(k1));
  assert.deepEqual([statSync(join(host.keyFolder, 'sa.key')).mode & 0o777, statSync(join(host.keyFolder, 'sa.pub')).mode & 0o777], [0o600, 0o644]);
});

test('sa.pub has the key before sa.key signs with it', async (t) => {
  const host = controlPlaneHost(t, 30);
  const { ring, signer } = await openedRing({ active: k1, prepared: k2 });
  const writePem = async (file: string): Promise<void> => {
    assert.deepEqual(kidsIn(host), kids(k1, k2), 'what an API server would read that starts now');
    await signer!.writePem(file);
  };
  await keyFiles(host).files.use({ ring, signer: { writePem } as unknown as typeof signer });
  assert.deepEqual(kidsIn(host, 'sa.key'), kids(k1));
});

test('with a kubeconfig: not acknowledged until the API server serves and signs by the new ring; a rotation is one restart', async (t) => {
  const { host, standIn } = await attached(t);
  const { files } = keyFiles(host, { facts: factsOf(host, standIn), restart: (point) => restartFor(host.manifest, host.keyFolder, point) });
  await files.use(await openedRing({ active: k1, prepared: k2, version: 1 }));
  assert.equal(await files.proven(), true);
  const [old, starts] = [standIn.token(), standIn.starts];
  standIn.asleep = true;
  await files.use(await rotated());
  assert.equal(await files.proven(), false, 'the files are written, and nothing has read them');
  standIn.asleep = false;
  await until(() => files.proven());
  assert.deepEqual([standIn.starts, standIn.fault], [starts + 1, null]);
  assert.ok(await standIn.accepts(old) && await standIn.accepts(standIn.token()));
  await files.use(await openedRing({ retired: [[k1, LATER]], active: k2, prepared: k3, version: 3 }));
  assert.equal(await files.proven(), true, 'a version that asks for nothing more needs no restart');
  assert.equal(standIn.starts, starts + 1);
});

test('a restart that was asked for is asked for once, also after the signer itself was restarted', async (t) => {
  const { host, standIn } = await attached(t);
  const change: Partial<KeyFilesDeps> = { facts: factsOf(host, standIn), restart: (point) => restartFor(host.manifest, host.keyFolder, point) };
  standIn.asleep = true;
  await keyFiles(host, change).files.use(await rotated());
  const [text, { ino }] = [host.text(), statSync(host.manifest)];
  const { files } = keyFiles(host, change);
  await files.use(await rotated());
  assert.deepEqual([host.text(), statSync(host.manifest).ino], [text, ino], 'the file is not even written again');
  assert.match(text, /mintmark-key-files: 1-2 of cp-1/);
  standIn.asleep = false;
  await until(() => files.proven());
});

test('an API server that is not attached yet is not restarted, and one that changes meanwhile is not overwritten', async (t) => {
  const host = controlPlaneHost(t, 30);
  const before = host.text();
  await restartFor(host.manifest, host.keyFolder, { epoch: 1, version: 1, signer: 'cp-1' });
  assert.equal(host.text(), before);
  host.write('kind: Pod # of another');
  await assert.rejects(replaceManifest(host.manifest, 'kind: Pod', before), { code: 'AttachmentRefused', message: /changed by another while this ran/ });
  assert.deepEqual([host.text(), readdirSync(join(host.dir, 'manifests'))], ['kind: Pod # of another', ['kube-apiserver.yaml']]);
});

test('without leave to restart, it says what to do and waits', async (t) => {
  const { host, standIn } = await attached(t);
  const { files, logged } = keyFiles(host, { facts: factsOf(host, standIn) });
  await files.use(await rotated());
  assert.deepEqual([await files.proven(), await files.proven()], [false, false]);
  assert.deepEqual(logged, [
    `not acknowledged yet: The API server does not verify by the key ${k3.kid} yet: it has not been restarted since the files were written.`,
    'the key files have changed: restart the API server, which reads them at its start only.',
  ]);
});

test('without a kubeconfig, an operator confirms, for the files that were there', async (t) => {
  const { host, files, logged } = await attached(t);
  assert.equal(await files.proven(), false);
  assert.deepEqual(await confirmRestart(host.keyFolder, '1'), { epoch: 1, version: 1 });
  assert.equal(await files.proven(), true);
  await files.use(await rotated());
  assert.equal(await files.proven(), false, 'the word was for another version');
  assert.ok(logged.some((line) => line.endsWith(`Then run 'mintmark signer confirm-restart --version 1-2 --key-folder ${host.keyFolder}'.`)), logged.join('\n'));
  await files.use(await openedRing({ retired: [[k1, NOW]], active: k2, prepared: k3, version: 4 }));
  await assert.rejects(confirmRestart(host.keyFolder, '1-1'), { code: 'AttachmentRefused', message: /other keys since version 1-2/ });
  await assert.rejects(confirmRestart(host.keyFolder, '5'), { code: 'AttachmentRefused', message: /are of version 1-4; 5 is not among/ });
  await assert.rejects(confirmRestart(host.keyFolder, 'new'), { code: 'AttachmentRefused' });
  await confirmRestart(host.keyFolder, '1-2');
  assert.equal(await files.proven(), true, 'version 4 has the keys of version 2');
  await files.use(await openedRing({ active: k2, prepared: k3, version: 5 }));
  assert.equal(await files.proven(), true, 'a key that ended asks for no restart');
});

test('a revoked key asks for a restart, and is proved to be gone; one that ended is not', async (t) => {
  const { host, standIn } = await attached(t);
  const { files, logged } = keyFiles(host, { facts: factsOf(host, standIn) });
  await files.use(await openedRing({ active: k1, prepared: k2, verifyOnly: [[k4, null]], version: 2 }));
  await restartFor(host.manifest, host.keyFolder, { epoch: 1, version: 2, signer: 'cp-1' });
  await until(() => files.proven());
  logged.length = 0;
  await files.use(await openedRing({ active: k1, prepared: k2, version: 3 }));
  assert.deepEqual([kidsIn(host).includes(k4.kid), await files.proven()], [false, false]);
  assert.equal(logged[0], `not acknowledged yet: The API server still verifies by the revoked key ${k4.kid}: it has not been restarted since the files were written.`);
  await restartFor(host.manifest, host.keyFolder, { epoch: 1, version: 3, signer: 'cp-1' });
  await until(() => files.proven());
  await files.use(await openedRing({ active: k1, prepared: k2, verifyOnly: [[k4, NOW]], version: 4 }));
  await files.use(await openedRing({ active: k1, prepared: k2, version: 5 }));
  assert.equal(await files.proven(), true);
});

test('a restart that a revoked key waits for is asked for as an error that names the key; any other as a warning', async (t) => {
  const { host, standIn } = await attached(t);
  const said: { level: string; msg: string; revoked?: readonly string[] }[] = [];
  const log = pino({ level: 'warn', formatters: { level: (level) => ({ level }) } }, { write: (line: string) => said.push(JSON.parse(line) as (typeof said)[number]) });
  const { files } = keyFiles(host, { facts: factsOf(host, standIn), log });
  await files.use(await openedRing({ active: k1, prepared: k2, verifyOnly: [[k4, null]], version: 2 }));
  await restartFor(host.manifest, host.keyFolder, { epoch: 1, version: 2, signer: 'cp-1' });
  await until(() => files.proven());
  await files.use(await openedRing({ active: k1, prepared: k2, version: 3 }));
  const restart = 'the key files have changed: restart the API server, which reads them at its start only.';
  assert.deepEqual(said.map(({ level, msg, revoked }) => [level, msg, revoked]), [
    ['warn', restart, undefined],
    ['error', `${restart} Until then it may still accept tokens of a revoked key, ${k4.kid}: do it now.`, [k4.kid]],
  ]);
});

test('a restart by the manifest that a revoked key waits for is a warning that names the key, also when it fails; any other is none', async (t) => {
  const { host, standIn } = await attached(t);
  const said: { level: string; msg: string; revoked?: readonly string[] }[] = [];
  const log = pino({ level: 'warn', formatters: { level: (level) => ({ level }) } }, { write: (line: string) => said.push(JSON.parse(line) as (typeof said)[number]) });
  let fault: Error | null = null;
  const restart = (ring: RestartRing): Promise<void> => (fault === null ? restartFor(host.manifest, host.keyFolder, ring) : Promise.reject(fault));
  const { files } = keyFiles(host, { facts: factsOf(host, standIn), restart, log });
  await files.use(await openedRing({ active: k1, prepared: k2, verifyOnly: [[k4, null]], version: 2 }));
  await until(() => files.proven());
  assert.deepEqual(said, []);
  const warning = ['warn', `the key files have changed, and the API server is to restart by its manifest. Until it has, it may still accept tokens of a revoked key, ${k4.kid}.`, [k4.kid]];
  const lines = (): readonly unknown[] => said.map(({ level, msg, revoked }) => [level, msg, revoked]);
  fault = new Error('The manifest was changed by another.');
  await assert.rejects(files.use(await openedRing({ active: k1, prepared: k2, version: 3 })), fault);
  assert.deepEqual(lines(), [warning]);
  fault = null;
  await files.use(await openedRing({ active: k1, prepared: k2, version: 3 }));
  await until(() => files.proven());
  assert.deepEqual(lines(), [warning, warning]);
  await files.use(await openedRing({ retired: [[k1, LATER]], active: k2, prepared: k3, version: 4 }));
  assert.equal(said.length, 2);
});

test('a key is only proved to be revoked by an API server that has forgotten it', () => {
  const facts = { kids: kids(k1, k2, k3), signs: { kid: k2.kid, issuer: ISSUER } };
  const expected = { issuer: ISSUER, activeKid: k2.kid, kids: kids(k2, k3), revoked: kids(k1) };
  assert.match(unproven(facts, expected)!, /still verifies by the revoked key/);
  assert.equal(unproven({ ...facts, kids: kids(k2, k3) }, expected), null);
});

const FACTS = { kids: kids(k1, k2, k3), signs: { kid: k2.kid, issuer: ISSUER } };
const WRONG_TWINS: readonly (readonly [string, Parameters<typeof unproven>[0], RegExp])[] = [
  ['has not restarted', { kids: kids(k1, k2), signs: { kid: k1.kid, issuer: ISSUER } }, /does not verify by the key/],
  ['verifies by the new files and signs by another', { ...FACTS, signs: { kid: k1.kid, issuer: ISSUER } }, /signs with the key/],
  ['signs as the former issuer', { ...FACTS, signs: { kid: k2.kid, issuer: 'https://kubernetes.default.svc.cluster.local' } }, /signs as https:\/\/kubernetes/],
  ['gives no answer', { fault: 'It is away.' }, /It is away/],
];
for (const [what, facts, why] of WRONG_TWINS) {
  test(`an API server that ${what} proves nothing`, () => assert.match(unproven(facts, { issuer: ISSUER, activeKid: k2.kid, kids: kids(k1, k2, k3), revoked: [] }) ?? 'proved', why));
}

test('a kubeconfig without rights proves nothing, and says which it needs', async (t) => {
  const { host, standIn } = await attached(t);
  writeFileSync(join(host.dir, 'admin.conf'), standIn.kubeconfig('another'));
  const facts = await apiServerFacts(await readKubeconfig(join(host.dir, 'admin.conf')), DEFAULT_PROOF_ACCOUNT, ask);
  assert.deepEqual(facts, { fault: 'The API server answers 401 to /openid/v1/jwks. The kubeconfig needs to read /openid/v1/jwks and to create tokens of that service account: examples/proof-access.yaml.' });
  await standIn.close();
  const away = await apiServerFacts(await readKubeconfig(join(host.dir, 'admin.conf')), DEFAULT_PROOF_ACCOUNT, ask);
  assert.match((away as { fault: string }).fault, /gives no answer that can be used \(ECONNREFUSED\)/);
});

test('with the extension kept, a key that ended stays in sa.pub for a year more, a revoked one does not', async (t) => {
  const host = controlPlaneHost(t, 30);
  let now = NOW;
  const { files } = keyFiles(host, { keepAutoExtension: true, now: () => now });
  await files.use(await openedRing({ retired: [[k1, LATER]], active: k2, prepared: k3, version: 1 }));
  now = LATER;
  await files.use(await openedRing({ active: k2, prepared: k3, version: 2 }));
  assert.deepEqual(kidsIn(host), kids(k2, k3, k1));
  await files.use(await openedRing({ active: k3, prepared: k4, version: 3 }));
  assert.deepEqual(kidsIn(host), kids(k3, k4, k1), 'k2 went before it had an end: it was revoked');
  const soon = new Date(LATER.getTime() + 1000);
  const other = makeKey();
  await files.use(await openedRing({ retired: [[other, soon]], active: k3, prepared: k4, verifyOnly: [[k2, LATER]], version: 3 }));
  await files.use(await openedRing({ active: k3, prepared: k4, version: 3, sentAt: LATER }));
  assert.deepEqual(kidsIn(host), kids(k3, k4, k1), 'one that went before its end was revoked, and one that only verified has no extended tokens');
  now = new Date(LATER.getTime() + 365 * 86_400_000 - 1);
  await files.use(await openedRing({ active: k3, prepared: k4, version: 4 }));
  assert.deepEqual(kidsIn(host), kids(k3, k4, k1));
  now = new Date(now.getTime() + 1);
  await files.use(await openedRing({ active: k3, prepared: k4, version: 5 }));
  assert.deepEqual(kidsIn(host), kids(k3, k4));
});

test('a deleted signer whose key folder is gone has nothing to wipe', async (t) => {
  const host = controlPlaneHost(t, 30);
  const { files, logged } = keyFiles(host);
  await files.use(await openedRing({ active: k1, prepared: k2 }));
  rmSync(host.keyFolder, { recursive: true });
  await files.wipe();
  assert.match(logged.at(-1)!, /^this signer was deleted on its server/);
});

test('a signer that was deleted, or whose issuer was, leaves no private key', async (t) => {
  for (const end of [(files: KeyFiles) => files.wipe(), async (files: KeyFiles) => files.use(await openedRing({ retired: [[k1, LATER]], active: null, version: 2 }))]) {
    const host = controlPlaneHost(t, 30);
    const { files } = keyFiles(host);
    await files.use(await openedRing({ active: k1, prepared: k2 }));
    await end(files);
    assert.equal(existsSync(join(host.keyFolder, 'sa.key')), false);
    assert.ok(kidsIn(host).includes(k1.kid), 'tokens in use verify until they end');
  }
});

test('nothing secret is in the files beside sa.key', async (t) => {
  const host = controlPlaneHost(t, 30);
  await keyFiles(host).files.use(await openedRing({ active: k1, prepared: k2 }));
  for (const file of ['sa.pub', 'key-files.json']) assert.ok(!readFileSync(join(host.keyFolder, file), 'utf8').includes('PRIVATE'), file);
  assert.equal(keyId(k1.publicKey), k1.kid);
});
