/**
 * Attaching and detaching on real files, beside a stand-in for the API server and its kubelet: what is written, in which
 * order, what is refused, and what is put back.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { applyPatch } from 'rfc6902';
import { parse } from 'yaml';
import { controlPlaneHost, type Host, ISSUER, readinessOf, RING_KEY } from '../../test/support/control-plane-host.ts';
import { kubeadmManifest } from '../../test/support/kubeadm-manifest.ts';
import { type AttachOutcome, carryOut, type Surroundings } from './attach.ts';
import { type AttachRequest, planAttach } from './attach-plan.ts';
import { carryOutDetach, planDetach } from './detach.ts';
import { DISTRIBUTION_FACTS } from './distributions.ts';
import { type ApiServerPod, flagList, PATCH_FILE, valuesOf } from './patches.ts';

const FORMER = 'https://kubernetes.default.svc.cluster.local';

/** A signer that knows every former key, and a server that takes every import. */
function surroundings(host: Host, change: Partial<Surroundings> = {}): Surroundings & { readonly imported: string[] } {
  const imported: string[] = [];
  return {
    imported,
    importKey: async ({ kid }) => void imported.push(kid),
    ourKeys: async () => RING_KEY.pem,
    signerKids: async () => [host.formerKid, RING_KEY.kid],
    readiness: null, now: () => new Date('2026-01-02T03:04:05.678Z'),
    patience: (check) => check(),
    ...change,
  };
}

const attach = async (host: Host, change: Partial<AttachRequest> = {}, around: Partial<Surroundings> = {}): Promise<AttachOutcome> => carryOut(await planAttach({ ...host.request, ...change }), surroundings(host, around));
const podIn = (text: string): ApiServerPod => parse(text) as ApiServerPod;
const accountFlags = (text: string): readonly string[] => flagList(podIn(text)).flags.filter(({ name }) => name.startsWith('service-account')).map(({ name, value }) => `${name.replace('service-account-', '')}=${value}`);
const detachRequest = ({ manifest, keyFolder, dir }: Host) => ({ manifest, keyFolder, backupFolder: join(dir, 'backups') });
const backups = ({ dir }: Host): readonly string[] => (existsSync(join(dir, 'backups')) ? readdirSync(join(dir, 'backups')) : []);

/** A process that listens where the signer would; the stand-in only looks whether it is there. */
async function signerAt(t: TestContext, socket: string): Promise<void> {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => { server.listen(socket, resolve); });
  t.after(() => { server.close(); });
}

test('external: import, backup, record, patches, manifest; the API server comes up with the new flags', async (t) => {
  const host = controlPlaneHost(t, 36);
  await signerAt(t, host.socket);
  const [standIn, before] = [await host.start(), host.text()];
  const around = surroundings(host, { readiness: readinessOf(standIn) });
  const plan = await planAttach(host.request);
  assert.equal(host.text(), before, 'a plan changes nothing');
  assert.equal(await carryOut(plan, around), 'attached');
  assert.deepEqual(accountFlags(host.text()), [`issuer=${ISSUER}`, `issuer=${FORMER}`, `jwks-uri=${ISSUER}openid/v1/jwks`, `signing-endpoint=${host.socket}`, 'extend-token-expiration=false']);
  assert.deepEqual([standIn.starts, standIn.fault, around.imported], [2, null, [host.formerKid]]);
  assert.deepEqual(backups(host), ['kube-apiserver-2026-01-02T030405678Z.yaml']);
  assert.equal(readFileSync(join(host.dir, 'backups', backups(host)[0]!), 'utf8'), before);
  assert.deepEqual([statSync(host.manifest).mode & 0o777, readdirSync(join(host.dir, 'manifests'))], [0o600, ['kube-apiserver.yaml']]);
  assert.ok(plan.diff.some((line) => line === `-    - --service-account-issuer=${FORMER}`) && plan.diff.some((line) => line === `+    - --service-account-issuer=${ISSUER}`), plan.diff.join('\n'));
});

test('while the manifest is replaced, every other name in its folder begins with a dot, which the kubelet passes over', async (t) => {
  const host = controlPlaneHost(t, 36);
  const names = new Set<string>();
  const watcher = watch(join(host.dir, 'manifests'), (_event, name) => names.add(name ?? ''));
  t.after(() => watcher.close());
  await attach(host);
  while (!names.has('kube-apiserver.yaml')) await new Promise(setImmediate);
  assert.ok(names.size > 1, 'the part file was seen');
  assert.deepEqual([...names].filter((name) => !name.startsWith('.')), ['kube-apiserver.yaml']);
});

test('a second run changes nothing, and writes no further backup', async (t) => {
  const host = controlPlaneHost(t, 36);
  assert.equal(await attach(host), 'attached');
  const [text, kept] = [host.text(), backups(host)];
  const plan = await planAttach(host.request);
  assert.deepEqual([plan.diff, await carryOut(plan, surroundings(host)), host.text(), backups(host)], [[], 'unchanged', text, kept]);
});

test('the patches that it leaves give a manifest that kubeadm writes anew the same flags; attaching that again changes nothing', async (t) => {
  const host = controlPlaneHost(t, 35);
  await attach(host);
  const attached = host.text();
  const upgraded = podIn(kubeadmManifest(36).replaceAll('/etc/kubernetes/pki', join(host.dir, 'pki')));
  const operations = JSON.parse(readFileSync(join(host.patchesFolder, PATCH_FILE), 'utf8')) as never;
  assert.deepEqual(applyPatch(upgraded, operations).filter((outcome) => outcome !== null), []);
  assert.deepEqual(accountFlags(JSON.stringify(upgraded)), accountFlags(attached));
  host.write(JSON.stringify(upgraded));
  assert.deepEqual((await planAttach(host.request)).diff, []);
});

test('an upgrade without the patches is seen, and attached again', async (t) => {
  const host = controlPlaneHost(t, 35);
  await attach(host);
  const flags = accountFlags(host.text());
  host.write(kubeadmManifest(36).replaceAll('/etc/kubernetes/pki', join(host.dir, 'pki')));
  assert.equal(await attach(host), 'attached');
  assert.deepEqual(accountFlags(host.text()), flags);
});

test('two passes: accept, then sign; every API server verifies the tokens of the others at any time', async (t) => {
  const hosts = [controlPlaneHost(t, 34), controlPlaneHost(t, 34)] as const;
  const change: Partial<AttachRequest> = { way: 'key-files' };
  for (const host of hosts) writeKeyFiles(host);
  const [first, second] = [await hosts[0].start(), await hosts[1].start()];
  const stand = [first, second] as const;
  const tokens: string[] = [];
  for (const stage of ['accept', 'sign'] as const) {
    for (const [at, host] of hosts.entries()) {
      await attach(host, { ...change, stage }, { readiness: readinessOf(stand[at]!) });
      tokens.push(...stand.map((one) => one.token()));
      // From the first pass on: in the middle of it, our tokens do not exist yet.
      for (const one of stand) assert.deepEqual(await Promise.all(tokens.map((token) => one.accepts(token))), tokens.map(() => true), `${stage} on ${at}`);
    }
    assert.deepEqual(accountFlags(hosts[0].text())[stage === 'accept' ? 1 : 0], `issuer=${stage === 'accept' ? FORMER : ISSUER}`);
  }
});

test('without the first pass, an API server that has not been attached refuses the tokens of one that has', async (t) => {
  const host = controlPlaneHost(t, 34);
  writeKeyFiles(host);
  const [attached, other] = [await host.start(), await controlPlaneHost(t, 34).start()];
  await attach(host, { way: 'key-files' }, { readiness: readinessOf(attached) });
  assert.equal(await other.accepts(attached.token()), false);
});

/** What a signer in key-file mode writes. */
function writeKeyFiles(host: Host, publicKeys = RING_KEY.pem + readFileSync(join(host.dir, 'pki/sa.pub'), 'utf8')): void {
  writeFileSync(join(host.keyFolder, 'sa.key'), RING_KEY.privatePem, { mode: 0o600 });
  writeFileSync(join(host.keyFolder, 'sa.pub'), publicKeys);
}

test('when the API server does not come up, manifest, patches and record are as they were', async (t) => {
  const host = controlPlaneHost(t, 36);
  const [standIn, before] = [await host.start(), host.text()];
  // Nobody is at the socket when the API server starts, whatever the check before said.
  await assert.rejects(attach(host, {}, { readiness: readinessOf(standIn, 200) }), { code: 'AttachmentRefused', message: /did not come up with the new flags: .*gives no answer.*The former manifest is in its place again, and the API server is ready\. Its log says why it refused: crictl logs, or \/var\/log\/pods\. The backup is \S+\.yaml\.$/ });
  assert.deepEqual([host.text(), existsSync(join(host.patchesFolder, PATCH_FILE)), existsSync(join(host.keyFolder, 'attachment.json')), standIn.fault], [before, false, false, null]);
  assert.ok(await standIn.accepts(standIn.token()));
});

test('a kubelet that does not look is no API server that came up', async (t) => {
  const host = controlPlaneHost(t, 36);
  await signerAt(t, host.socket);
  const [standIn, before] = [await host.start(), host.text()];
  standIn.asleep = true;
  await assert.rejects(attach(host, {}, { readiness: readinessOf(standIn, 100) }), { message: /the kubelet has not restarted it/ });
  assert.equal(host.text(), before);
});

test('an API server that is not ready is not touched', async (t) => {
  const host = controlPlaneHost(t, 36);
  const [standIn, before] = [await host.start(), host.text()];
  const around = surroundings(host, { readiness: readinessOf(standIn) });
  await standIn.close();
  await assert.rejects(carryOut(await planAttach(host.request), around), { code: 'AttachmentRefused', message: /not ready now/ });
  assert.deepEqual([host.text(), around.imported, backups(host)], [before, [], []]);
});

/** What stops it before anything is written: what, request, surroundings, why. */
const STOPS: readonly (readonly [string, Partial<AttachRequest>, (host: Host) => Partial<Surroundings>, RegExp])[] = [
  ['the import is refused', {}, () => ({ importKey: async () => { throw Object.assign(new Error('403'), { code: 'AuthorizationFailed' }); } }), /403/],
  ['no signer answers', {}, () => ({ signerKids: async () => { throw new Error('nobody at the socket'); } }), /nobody at the socket/],
  ["the signer is another cluster's", {}, () => ({ signerKids: async () => ['another', 'one'] }), /The signer at \S+ has no key of \S+: it is of another cluster, .* Nothing was changed\.$/],
  ['the issuer has no key', {}, () => ({ ourKeys: async () => '' }), /has no key of/],
  ['the signer has not heard of the former key', {}, () => ({ signerKids: async () => [RING_KEY.kid] }), /does not give the key .* Nothing was changed on this host\. The public key of its former tokens \(\S+\) is imported by now, and may stay: a second run goes on from there\.$/],
  ['the signer has not heard of the former key, which somebody imported', {}, () => ({ importKey: null, signerKids: async () => [RING_KEY.kid] }), /does not give the key .* Nothing was changed\.$/],
  ['there are no key files', { way: 'key-files' }, () => ({}), /sa\.key is not there/],
  ['sa.pub lacks the former key', { way: 'key-files' }, (host) => { writeKeyFiles(host, RING_KEY.pem); return {}; }, /does not give the key/],
  ['sa.pub lacks the key of sa.key', { way: 'key-files' }, (host) => { writeKeyFiles(host, readFileSync(join(host.dir, 'pki/sa.pub'), 'utf8')); return {}; }, /does not hold the key of/],
];

for (const [what, change, around, why] of STOPS) {
  test(`${what}: nothing is changed`, async (t) => {
    const host = controlPlaneHost(t, 36);
    const before = host.text();
    await assert.rejects(attach(host, change, around(host)), why);
    assert.deepEqual([host.text(), backups(host), existsSync(host.patchesFolder), existsSync(join(host.keyFolder, 'attachment.json'))], [before, [], false, false]);
  });
}

const { external, 'key-files': keyFiles } = DISTRIBUTION_FACTS.rke2.ways;
const RKE2S = new RegExp(`kube-apiserver\\.yaml is a manifest of RKE2, .* By external signing: ${external.why} By key files: ${keyFiles.why} .*--distribution rke2' prints .* Nothing was changed\\.$`);

/** What no plan is made for. */
const REFUSED: readonly (readonly [string, (host: Host) => Partial<AttachRequest>, RegExp])[] = [
  ['backups beside the manifest', (host) => ({ backupFolder: join(host.dir, 'manifests/old') }), /the kubelet would run every manifest/],
  ['no manifest', (host) => ({ manifest: join(host.dir, 'manifests/none.yaml') }), /There is no file/],
  ['a key file that is not there', (host) => { host.write(host.text().replace('/sa.pub', '/other.pub')); return {}; }, /There is no file .*other\.pub/],
  ['a key file outside of every volume', (host) => { host.write(host.text().replace(join(host.dir, 'pki/sa.pub'), '/elsewhere/sa.pub')); return {}; }, /no volume of its pod/],
  ["RKE2's manifest, by its image", (host) => { host.write(host.text().replace('registry.k8s.io/kube-apiserver:v1.36.0', 'rancher/hardened-kubernetes:v1.36.2-rke2r1-build20260615')); return {}; }, RKE2S],
  ["RKE2's manifest, by its image, with key files", (host) => { host.write(host.text().replace('registry.k8s.io/kube-apiserver:v1.36.0', 'mirror.example:5000/rancher/hardened-kubernetes:v1.30.4-rke2r2-build20240815')); return { way: 'key-files' }; }, RKE2S],
  ["RKE2's manifest, by its place", () => ({ manifest: '/var/lib/rancher/rke2/agent/pod-manifests/kube-apiserver.yaml' }), RKE2S],
  ['to follow', () => ({ way: 'followed' }), /^kubeadm can not be followed: This version of Mintmark follows no issuers/],
  ['external signing that the version has not', (host) => { host.write(host.text().replace('v1.36.0', 'v1.31.4')); return { way: 'external' }; }, /1\.31 has no external signing/],
  ['a list of mounts that another container repeats', (host) => { host.write(host.text().replace('    volumeMounts:', '    volumeMounts: &mounts').replace('  hostNetwork', '  - name: side\n    image: side\n    volumeMounts: *mounts\n  hostNetwork')); assert.match(host.text(), /\*mounts/); return {}; }, /\/spec\/containers\/0\/volumeMounts is repeated elsewhere by an alias \(\*mounts\), .* Nothing was changed\.$/],
  ['a signing endpoint that someone else put there', (host) => { host.write(host.text().replace('--tls-cert', '--service-account-signing-endpoint=/x\n    - --tls-cert')); return {}; }, /has a signing endpoint already/],
];

test('a key file outside of every volume is no fault when its key is imported; one that can be found is read all the same', async (t) => {
  const host = controlPlaneHost(t, 36);
  const kids = async (): Promise<readonly string[]> => (await planAttach({ ...host.request, imported: true })).formerKeys.map(({ kid }) => kid);
  assert.deepEqual(await kids(), [host.formerKid]);
  host.write(host.text().replaceAll(join(host.dir, 'pki/sa'), '/elsewhere/sa'));
  assert.deepEqual(await kids(), []);
});

test('an anchor that nothing repeats is no fault', async (t) => {
  const host = controlPlaneHost(t, 36);
  host.write(host.text().replace('    volumeMounts:', '    volumeMounts: &mounts'));
  assert.equal(await attach(host), 'attached');
});

for (const [what, change, why] of REFUSED) {
  test(`${what} is refused`, async (t) => {
    const host = controlPlaneHost(t, 36);
    const request = { ...host.request, ...change(host) };
    const before = host.text();
    await assert.rejects(async () => planAttach(request), { message: why });
    assert.equal(host.text(), before);
  });
}

test('the version is that of the image, whatever the server believes', async (t) => {
  const host = controlPlaneHost(t, 31);
  assert.equal((await planAttach({ ...host.request, minor: 36 })).attachment.way, 'key-files');
});

test('a manifest that someone took apart by hand is not guessed at', async (t) => {
  const host = controlPlaneHost(t, 36);
  await attach(host);
  host.write(host.text().split('\n').filter((line) => !line.includes('jwks-uri')).join('\n'));
  await assert.rejects(planAttach(host.request), { code: 'AttachmentRefused', message: /Only a part of what Mintmark put/ });
  await assert.rejects(planDetach(detachRequest(host)), { code: 'AttachmentRefused' });
});

test('detach gives the bytes from before, and takes patches and record away', async (t) => {
  const host = controlPlaneHost(t, 36);
  host.write(host.text().replace('  hostNetwork', '  # of ours\n  hostNetwork').replace(/(service-account-key-file=.*)/, '$1    # goes with its flag'));
  await signerAt(t, host.socket);
  const [standIn, before] = [await host.start(), host.text()];
  await attach(host, {}, { readiness: readinessOf(standIn) });
  const remembered = ['key-files.json', 'confirmed.json'].map((name) => join(host.keyFolder, name));
  for (const file of remembered) writeFileSync(file, '{}');
  await carryOutDetach((await planDetach(detachRequest(host)))!, readinessOf(standIn), new Date());
  assert.deepEqual(remembered.filter((file) => existsSync(file)), [], 'another attachment has to be proved anew');
  assert.deepEqual([host.text(), existsSync(join(host.patchesFolder, PATCH_FILE)), existsSync(join(host.keyFolder, 'attachment.json'))], [before, false, false]);
  assert.ok(await standIn.accepts(standIn.token()));
  assert.equal(await planDetach(detachRequest(host)), null, 'there is nothing left to detach');
});

test("detach takes out of RKE2's manifest what was put there before that was refused", async (t) => {
  const host = controlPlaneHost(t, 36);
  const rke2s = (text: string): string => text.replace('registry.k8s.io/kube-apiserver:v1.36.0', 'rancher/hardened-kubernetes:v1.36.2-rke2r1-build20260615');
  const before = rke2s(host.text());
  await attach(host);
  host.write(rke2s(host.text()));
  await carryOutDetach((await planDetach(detachRequest(host)))!, null, new Date());
  assert.deepEqual(parse(host.text()), parse(before));
});

test('detach leaves what was changed meanwhile', async (t) => {
  const host = controlPlaneHost(t, 36);
  await attach(host);
  host.write(host.text().replace('--profiling', '--x').replace('    - --secure-port=6443', '    - --secure-port=6443\n    - --audit-log-path=/a.log # audit'));
  await carryOutDetach((await planDetach(detachRequest(host)))!, null, new Date());
  const list = flagList(podIn(host.text()));
  assert.deepEqual([valuesOf(list, 'audit-log-path'), valuesOf(list, 'service-account-issuer'), valuesOf(list, 'service-account-signing-endpoint'), podIn(host.text()).spec!.volumes!.length], [['/a.log'], [FORMER], [], 5]);
  assert.ok(host.text().includes('--audit-log-path=/a.log # audit'));
});

test('an API server that does not come up without Mintmark is attached again', async (t) => {
  const host = controlPlaneHost(t, 36);
  await signerAt(t, host.socket);
  const standIn = await host.start();
  await attach(host, {}, { readiness: readinessOf(standIn) });
  const attached = host.text();
  const plan = (await planDetach(detachRequest(host)))!;
  writeFileSync(join(host.dir, 'pki/sa.key'), 'no key');
  await assert.rejects(carryOutDetach(plan, readinessOf(standIn, 200), new Date()), { code: 'AttachmentRefused', message: /attached as before; it is ready/ });
  assert.deepEqual([host.text(), existsSync(join(host.keyFolder, 'attachment.json'))], [attached, true]);
});
