/** A manifest that others have a hand in: what they write meanwhile stays, links are followed, and no folder leads to the kubelet's. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { controlPlaneHost, type Host, RING_KEY } from '../../test/support/control-plane-host.ts';
import { makeKey, openedRing, SILENT } from '../../test/support/signer-rings.ts';
import { carryOut, type Surroundings } from './attach.ts';
import { type AttachRequest, planAttach } from './attach-plan.ts';
import { carryOutDetach, planDetach } from './detach.ts';
import { openKeyFiles } from './key-files-mode.ts';
import { PATCH_FILE } from './patches.ts';
import type { Readiness } from './readiness.ts';

const NOW = new Date('2026-01-02T03:04:05.678Z');
const surroundings = (host: Host, readiness: Readiness | null = null): Surroundings => ({
  importKey: null, ourKeys: async () => RING_KEY.pem, signerKids: async () => [host.formerKid, RING_KEY.kid], readiness, now: () => NOW, patience: (check) => check(),
});
const detachRequest = ({ manifest, keyFolder, dir }: Host) => ({ manifest, keyFolder, backupFolder: join(dir, 'backups') });
const URGENT = '    - --audit-log-path=/urgent.log\n';
const urgently = (text: string): string => text.replace('    - --secure-port=6443\n', (line) => line + URGENT);

/** An API server that does not come back, while somebody changes its manifest. */
const changedMeanwhile = (host: Host): Readiness => ({
  assertReady: async () => undefined,
  awaitRestart: async () => {
    host.write(urgently(host.text()));
    return 'It did not come.';
  },
  awaitReady: async () => null,
});

test('attach does not put back over what another wrote meanwhile: it says so, and leaves what detach needs', async (t) => {
  const host = controlPlaneHost(t, 36);
  const plan = await planAttach(host.request);
  await assert.rejects(carryOut(plan, surroundings(host, changedMeanwhile(host))), { code: 'AttachmentRefused', message: /did not come up with the new flags: It did not come\. .*changed by another meanwhile, so it was left as it is, with Mintmark's flags.*signer detach.*backup is .*backups\/kube-apiserver-2026/ });
  assert.deepEqual([host.text(), existsSync(join(host.patchesFolder, PATCH_FILE))], [urgently(plan.after), true]);
  await carryOutDetach((await planDetach(detachRequest(host)))!, null, NOW);
  assert.ok(host.text().includes(URGENT) && !host.text().includes('signing-endpoint'));
});

test('detach does not put back over what another wrote meanwhile either', async (t) => {
  const host = controlPlaneHost(t, 36);
  await carryOut(await planAttach(host.request), surroundings(host));
  const plan = (await planDetach(detachRequest(host)))!;
  await assert.rejects(carryOutDetach(plan, changedMeanwhile(host), NOW), { code: 'AttachmentRefused', message: /did not come up without Mintmark: It did not come\. .*changed by another meanwhile, so it was left as it is, without Mintmark's flags.*backup/ });
  assert.deepEqual([host.text(), existsSync(join(host.keyFolder, 'attachment.json'))], [urgently(plan.after), true]);
});

test('of a manifest that is a link, the file that it leads to is changed', async (t) => {
  const host = controlPlaneHost(t, 36);
  const real = join(host.dir, 'pki/real.yaml');
  renameSync(host.manifest, real);
  symlinkSync(real, host.manifest);
  const before = host.text();
  await carryOut(await planAttach(host.request), surroundings(host));
  assert.ok(lstatSync(host.manifest).isSymbolicLink());
  assert.match(readFileSync(real, 'utf8'), /service-account-signing-endpoint/);
  await carryOutDetach((await planDetach(detachRequest(host)))!, null, NOW);
  assert.deepEqual([lstatSync(host.manifest).isSymbolicLink(), readFileSync(real, 'utf8')], [true, before]);
});

/** By a name that says where it is, by a link, and below a link. */
const PLACES = ['manifests', 'link', 'link/new'] as const;
const FOLDERS = ['backupFolder', 'keyFolder', 'patchesFolder'] as const satisfies readonly (keyof AttachRequest)[];

for (const folder of FOLDERS) {
  for (const place of PLACES) {
    test(`${folder} is not the manifest's: ${place}`, async (t) => {
      const host = linked(t);
      await assert.rejects(planAttach({ ...host.request, [folder]: join(host.dir, place) }), { code: 'AttachmentRefused', message: /is in the folder of the manifest/ });
    });
  }
}

test('the folder that a linked manifest lies in is the kubelet\'s too', async (t) => {
  const host = linked(t);
  symlinkSync(host.manifest, join(host.dir, 'run/aside.yaml'));
  await assert.rejects(planAttach({ ...host.request, manifest: join(host.dir, 'run/aside.yaml'), backupFolder: join(host.dir, 'manifests') }), { code: 'AttachmentRefused', message: /is in the folder of the manifest/ });
});

test('backups of detach do not go there by a link either', async (t) => {
  const host = linked(t);
  await assert.rejects(planDetach({ ...detachRequest(host), backupFolder: join(host.dir, 'link') }), { code: 'AttachmentRefused', message: /is in the folder of the manifest/ });
  assert.deepEqual(readdirSync(join(host.dir, 'manifests')), ['kube-apiserver.yaml']);
});

function linked(t: TestContext): Host {
  const host = controlPlaneHost(t, 36);
  symlinkSync(join(host.dir, 'manifests'), join(host.dir, 'link'));
  return host;
}

const LAUGHS = `${['a: &a [x,x,x,x,x,x,x,x,x]', ...['b', 'c', 'd'].map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abc'[at]}`).join(',')}]`)].join('\n')}\n`;
/** What is no manifest that the kubelet would run: what, change, why. */
const UNREADABLE: readonly (readonly [string, (text: string) => string, RegExp])[] = [
  ['aliases that grow without end', (text) => LAUGHS + text, /can not be read as the manifest of a pod: .*alias/],
  ['a number among the flags', (text) => text.replace('- --allow-privileged=true', '- 5'), /has 5 among the words of its command, .*is no text/],
  ['nothing among the flags', (text) => text.replace('- --allow-privileged=true', '-'), /has null among the words of its command, .*is no text/],
  ['a number among the args', (text) => text.replace('- command:', '- args: [5]\n    command:'), /has 5 among the words of its args, .*is no text/],
  ['flags in command and args', (text) => text.replace('- command:', '- args: [--v=2]\n    command:'), /has flags in its command, and "--v=2" in its args, .*Move all flags into one of the two/],
  ['the value of a flag in args', (text) => text.replace('- command:', '- args: [x]\n    command:'), /has flags in its command, and "x" in its args/],
  ['a command that is no list', (text) => text.replace('command:', 'command: kube-apiserver\n    args:'), /its command is no list/],
];

for (const [what, change, why] of UNREADABLE) {
  test(`${what}: refused, and nothing is changed`, async (t) => {
    const host = controlPlaneHost(t, 36);
    const text = change(host.text());
    assert.notEqual(text, host.text());
    host.write(text);
    await assert.rejects(planAttach(host.request), { name: 'MintmarkError', code: 'AttachmentRefused', message: why });
    assert.equal(host.text(), text);
  });
}

test('a key folder below one that others can change is refused: by attach and detach, and by the signer, before it writes and after it made the folder', async (t) => {
  const host = controlPlaneHost(t, 30);
  const above = join(host.dir, 'open');
  const keyFolder = join(above, 'keys');
  mkdirSync(above);
  chmodSync(above, 0o777);
  const weak = { code: 'AttachmentRefused', message: new RegExp(`^Others can write in ${above} \\(mode 777\\), .*key files in ${keyFolder}.*chmod go-w ${above}.*Nothing was changed\\.$`) };
  await assert.rejects(planAttach({ ...host.request, keyFolder }), weak);
  await assert.rejects(planDetach({ ...detachRequest(host), keyFolder }), weak);
  const flags = { folder: keyFolder, kubeconfig: null, account: { namespace: 'a', name: 'b' }, restartManifest: null, keepAutoExtension: false };
  const refused = { code: 'InvalidConfiguration', message: new RegExp(`^Others can write in ${above} \\(mode 777\\), .*chmod go-w ${above}`) };
  await assert.rejects(openKeyFiles(flags, SILENT), refused);
  assert.deepEqual(readdirSync(above), []);
  chmodSync(above, 0o1777);
  const files = await openKeyFiles(flags, SILENT);
  chmodSync(above, 0o777);
  const key = makeKey();
  await assert.rejects(async () => files.use(await openedRing({ active: key, prepared: makeKey() })), refused);
  assert.deepEqual(readdirSync(keyFolder), []);
});

test('patches do not go where others can write: in the folder itself, or above it', async (t) => {
  const host = controlPlaneHost(t, 36);
  const above = join(host.dir, 'open');
  for (const patchesFolder of [above, join(above, 'patches')]) {
    mkdirSync(patchesFolder);
    chmodSync(above, 0o777);
    await assert.rejects(planAttach({ ...host.request, patchesFolder }), { code: 'AttachmentRefused', message: new RegExp(`^Others can write in ${above} \\(mode 777\\), .*kubeadm takes from ${patchesFolder}\\..*--patches.*chmod go-w ${above}.*Nothing was changed\\.$`) });
  }
  assert.deepEqual(readdirSync(above), ['patches']);
});

test('the same attached eight times at once: each is done or refused in words, and no part is left in the folders', async (t) => {
  const host = controlPlaneHost(t, 36);
  const before = host.text();
  const plans = await Promise.all(Array.from({ length: 8 }, () => planAttach(host.request)));
  const outcomes = await Promise.allSettled(plans.map((plan) => carryOut(plan, surroundings(host))));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as { readonly code: string });
  assert.deepEqual(refused.map(({ code }) => code), refused.map(() => 'AttachmentRefused'));
  assert.ok(refused.length < plans.length, 'one was done');
  assert.deepEqual([readdirSync(join(host.dir, 'manifests')), readdirSync(host.patchesFolder)], [['kube-apiserver.yaml'], [PATCH_FILE]]);
  await carryOutDetach((await planDetach(detachRequest(host)))!, null, NOW);
  assert.equal(host.text(), before);
});
