/** What is written as a pod by hand: parts that are null are as if they were not there, and what is no pod is one clear refusal. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pino } from 'pino';
import { controlPlaneHost, type Host, RING_KEY } from '../../test/support/control-plane-host.ts';
import { carryOut, type Surroundings } from './attach.ts';
import { planAttach } from './attach-plan.ts';
import { DEFAULT_PROOF_ACCOUNT } from './api-server-proof.ts';
import { carryOutDetach, planDetach } from './detach.ts';
import { openKeyFiles } from './key-files-mode.ts';
import { parseManifest, podOf } from './manifest.ts';
import { restartFor } from './restart.ts';

const RING = { epoch: 1, version: 2, signer: 'cp-1' };
const ANNOTATION = 'mintmark-key-files: 1-2 of cp-1';

/** A host of an API server that signs with our files; `change` of its manifest. */
function withOurFiles(t: TestContext, change: (text: string) => string): Host {
  const host = controlPlaneHost(t, 30);
  host.write(change(host.text().replace(/(signing-key-file=).*/, `$1${join(host.keyFolder, 'sa.key')}`)));
  return host;
}

const annotated = (annotations: string) => (text: string): string => text.replace(/ {2}annotations:\n(?: {4}.*\n)+/, annotations);
const withMetadata = (metadata: string) => (text: string): string => text.replace(/metadata:\n(?: .*\n)+/, metadata);
const podIn = (host: Host): ReturnType<typeof podOf> & { readonly metadata?: object } => podOf(parseManifest(host.text(), host.manifest));

/** As they are before, and after a restart. */
const ANNOTATIONS: readonly (readonly [what: string, before: string, after: string])[] = [
  ['null', '  annotations:\n', `  annotations:\n    ${ANNOTATION}\n`],
  ['null with a remark', '  annotations: # none\n', `  annotations:\n    # none\n    ${ANNOTATION}\n`],
  ['~', '  annotations: ~\n', `  annotations:\n    ${ANNOTATION}\n`],
  ['an empty map', '  annotations: {}\n', `  annotations: { ${ANNOTATION} }\n`],
  ['others, with a remark above', '  # why\n  annotations:\n    a: b\n', `  # why\n  annotations:\n    a: b\n    ${ANNOTATION}\n`],
];

for (const [what, before, after] of ANNOTATIONS) {
  test(`a restart where the annotations are ${what}: once for a ring, and nothing else is touched`, async (t) => {
    const host = withOurFiles(t, annotated(before));
    const text = host.text();
    for (let times = 0; times < 2; times += 1) {
      await restartFor(host.manifest, host.keyFolder, RING);
      assert.equal(host.text(), text.replace(before, after));
    }
  });
}

test('a restart where there are no annotations, or is no metadata', async (t) => {
  for (const change of [annotated(''), withMetadata('metadata:\n'), withMetadata('')]) {
    const host = withOurFiles(t, change);
    const before = podIn(host);
    await restartFor(host.manifest, host.keyFolder, RING);
    assert.deepEqual(podIn(host), { ...before, metadata: { ...before.metadata, annotations: { 'mintmark-key-files': '1-2 of cp-1' } } });
  }
});

test('a restart where the annotations, or the metadata, are an alias: what it stands for stays as it is', async (t) => {
  for (const change of [(text: string) => `x: &shared\n  a: b\n${annotated('  annotations: *shared\n')(text)}`, (text: string) => `x: &shared\n  name: kube-apiserver\n${withMetadata('metadata: *shared\n')(text)}`]) {
    const host = withOurFiles(t, change);
    const before = podIn(host) as { readonly metadata: { readonly annotations?: object } };
    await restartFor(host.manifest, host.keyFolder, RING);
    assert.deepEqual(podIn(host), { ...before, metadata: { ...before.metadata, annotations: { ...before.metadata.annotations, 'mintmark-key-files': '1-2 of cp-1' } } });
  }
});

const around = (host: Host): Surroundings => ({ importKey: null, ourKeys: async () => RING_KEY.pem, signerKids: async () => [host.formerKid, RING_KEY.kid], readiness: null, now: () => new Date(), patience: (check) => check() });
const detach = async ({ manifest, keyFolder, request: { backupFolder } }: Host): Promise<void> => carryOutDetach((await planDetach({ manifest, keyFolder, backupFolder }))!, null, new Date());

for (const [what, change] of [['args', (text: string) => text.replace('    image:', '    args:\n    image:')], ['annotations', annotated('  annotations:\n')]] as const) {
  test(`attach and detach where ${what} are null`, async (t) => {
    const host = controlPlaneHost(t, 36);
    host.write(change(host.text()));
    const before = host.text();
    await carryOut(await planAttach(host.request), around(host));
    assert.match(host.text(), /--service-account-signing-endpoint=/);
    await detach(host);
    assert.equal(host.text(), before);
  });
}

const withoutVolumes = (text: string): string => text.replace(/( +)volumeMounts:\n(?:\1[ -].*\n)+/, '$1volumeMounts:\n').replace(/( +)volumes:\n(?:\1[ -].*\n)+/, '$1volumes:\n');

test('mounts and volumes that are null are made, and detach takes them out', async (t) => {
  const host = controlPlaneHost(t, 36);
  host.write(withoutVolumes(host.text()).replace(/.*--service-account-(?:signing-)?key-file=.*\n/g, ''));
  const before = podIn(host);
  assert.deepEqual([before.spec!.volumes, before.spec!.containers![0]!.volumeMounts], [null, null]);
  await carryOut(await planAttach(host.request), around(host));
  assert.deepEqual([podIn(host).spec!.volumes!.length, podIn(host).spec!.containers![0]!.volumeMounts!.length], [1, 1]);
  await detach(host);
  const [{ volumeMounts: _mounts, ...container }, { volumes: _volumes, ...spec }] = [before.spec!.containers![0]!, before.spec!];
  assert.deepEqual(podIn(host), { ...before, spec: { ...spec, containers: [container] } });
});

test('key files that are named where volumes are null are told as not on this host', async (t) => {
  const host = controlPlaneHost(t, 36);
  host.write(withoutVolumes(host.text()));
  await assert.rejects(planAttach(host.request), { code: 'AttachmentRefused', message: /no volume of its pod says where that is on this host/ });
});

const POD = 'apiVersion: v1\nkind: Pod\n';
const NO_PODS: readonly (readonly [text: string, why: string])[] = [
  ['', 'it does not hold exactly one document'], [`${POD}---\n${POD}`, 'it does not hold exactly one document'],
  ['# nothing\n', 'it does not hold exactly one document'], ['- kind: Pod\n', 'it is not of kind Pod'], ['Pod\n', 'it is not of kind Pod'],
  [`${POD}metadata: kube-apiserver\n`, '/metadata is no map'], [`${POD}metadata: []\n`, '/metadata is no map'],
  [`${POD}metadata:\n  annotations: a\n`, '/metadata/annotations is no map'], [`${POD}metadata:\n  annotations:\n  - a: b\n`, '/metadata/annotations is no map'],
  [`${POD}metadata:\n  annotations: !!binary aGk=\n`, '/metadata/annotations is no map'], [`${POD}metadata: !!set\n  ? annotations\n`, '/metadata is no map'],
  [`${POD}spec: 5\n`, '/spec is no map'], [`${POD}spec:\n  containers: {}\n`, '/spec/containers is no list'], [`${POD}spec:\n  containers:\n  - kube-apiserver\n`, '/spec/containers/0 is no map'],
  [`${POD}spec:\n  containers:\n  - name: a\n  -\n`, '/spec/containers/1 is no map'], [`${POD}spec:\n  containers:\n  - name: 5\n`, '/spec/containers/0/name is no text'],
  [`${POD}spec:\n  containers:\n  - volumeMounts: v\n`, '/spec/containers/0/volumeMounts is no list'], [`${POD}spec:\n  containers:\n  - volumeMounts:\n    - mountPath: 5\n`, '/spec/containers/0/volumeMounts/0/mountPath is no text'],
  [`${POD}spec:\n  volumes: {}\n`, '/spec/volumes is no list'], [`${POD}spec:\n  volumes:\n  - null\n`, '/spec/volumes/0 is no map'], [`${POD}spec:\n  volumes:\n  - hostPath: /k\n`, '/spec/volumes/0/hostPath is no map'],
  [`${POD}spec:\n  volumes:\n  - hostPath:\n      path: [/k]\n`, '/spec/volumes/0/hostPath/path is no text'],
];

for (const [text, why] of NO_PODS) {
  test(`${JSON.stringify(text)} is no pod to attach, nor to restart`, async (t) => {
    const host = controlPlaneHost(t, 30);
    host.write(text);
    const message = `${host.manifest} can not be read as the manifest of a pod: ${why}.`;
    for (const refused of [() => planAttach(host.request), () => restartFor(host.manifest, host.keyFolder, RING)]) await assert.rejects(refused, { code: 'AttachmentRefused', message: `${message} Nothing was changed.` });
    const flags = { folder: host.keyFolder, kubeconfig: null, account: DEFAULT_PROOF_ACCOUNT, restartManifest: host.manifest, keepAutoExtension: false };
    await assert.rejects(openKeyFiles(flags, pino({ level: 'silent' })), { code: 'InvalidConfiguration', message: `The API server can not be restarted by ${host.manifest}: ${message}` });
    assert.equal(host.text(), text);
  });
}
