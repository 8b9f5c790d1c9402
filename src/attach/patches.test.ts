/**
 * Patches: on manifests written anew as kubeadm writes them, by another implementation of RFC 6902; and the same
 * operations on the YAML document, where comments and unknown fields survive.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyPatch } from 'rfc6902';
import { kubeadmManifest, type KubeadmOptions, kubeadmPod } from '../../test/support/kubeadm-manifest.ts';
import { KNOWN_MINORS } from '../domain/kubernetes-version.ts';
import { apiServerFlags, type Attachment, defaultWay, flagText } from './api-server-flags.ts';
import { apply, isAbsent, isApplied, type Operation, undo } from './json-patch.ts';
import { manifestText, parseManifest, podOf } from './manifest.ts';
import { type ApiServerPod, attachingOperations, flagList, valuesOf } from './patches.ts';

const ISSUER = 'https://eastus.oic.example.com/t/u/';
const FORMER = 'https://kubernetes.default.svc.cluster.local';
const BASE: Attachment = {
  distribution: 'kubeadm', way: 'external', minor: 36, stage: 'sign', issuerUrl: ISSUER, jwksUri: `${ISSUER}openid/v1/jwks`, formerIssuers: [FORMER],
  formerKeyFiles: [], socket: '/run/mintmark/signer.sock', keyFolder: '/var/lib/mintmark/api-server', useAlpha: false, keepAutoExtension: false,
};

/** What kubeadm does with patches: a pod written anew, the operations in order, the first error stops it. */
function patched(pod: object, operations: readonly Operation[]): ApiServerPod {
  const copy = structuredClone(pod);
  const failed = applyPatch(copy, structuredClone(operations) as never).find((outcome) => outcome !== null);
  if (failed !== undefined && failed !== null) throw failed;
  return copy as ApiServerPod;
}

const accountFlags = (pod: ApiServerPod): readonly string[] => flagList(pod).flags.filter(({ name }) => name.startsWith('service-account') || name === 'feature-gates').map(({ words }) => words.join(' '));

type Row = readonly [string, Partial<Attachment>, KubeadmOptions, readonly string[]];

const ROWS: readonly Row[] = [
  ['1.36, external', {}, {}, [`--service-account-issuer=${ISSUER}`, `--service-account-issuer=${FORMER}`, `--service-account-jwks-uri=${ISSUER}openid/v1/jwks`, '--service-account-signing-endpoint=/run/mintmark/signer.sock', '--service-account-extend-token-expiration=false']],
  ['1.33, alpha, a gate is set already', { minor: 33, useAlpha: true }, { extraArgs: { 'feature-gates': 'A=true,B=false' } }, [`--service-account-issuer=${ISSUER}`, `--service-account-issuer=${FORMER}`, `--service-account-jwks-uri=${ISSUER}openid/v1/jwks`, '--service-account-signing-endpoint=/run/mintmark/signer.sock', '--service-account-extend-token-expiration=false', '--feature-gates=A=true,B=false,ExternalServiceAccountTokenSigner=true']],
  ['1.22, key files', { minor: 22, way: 'key-files' }, {}, [`--service-account-issuer=${ISSUER}`, `--service-account-issuer=${FORMER}`, `--service-account-jwks-uri=${ISSUER}openid/v1/jwks`, '--service-account-signing-key-file=/var/lib/mintmark/api-server/sa.key', '--service-account-key-file=/var/lib/mintmark/api-server/sa.pub', '--service-account-max-token-expiration=24h0m0s', '--service-account-extend-token-expiration=false']],
  ['1.36, accept', { stage: 'accept', formerKeyFiles: ['/etc/kubernetes/pki/sa.pub'] }, {}, ['--service-account-signing-key-file=/etc/kubernetes/pki/sa.key', `--service-account-issuer=${FORMER}`, `--service-account-issuer=${ISSUER}`, '--service-account-key-file=/etc/kubernetes/pki/sa.pub', '--service-account-key-file=/var/lib/mintmark/api-server/accepted.pub']],
];

const OF_EACH_MINOR = KNOWN_MINORS.flatMap((minor): readonly Row[] => (['sign', 'accept'] as const).map((stage) => {
  const change: Partial<Attachment> = { minor, stage, way: defaultWay('kubeadm', minor), formerKeyFiles: stage === 'accept' ? ['/etc/kubernetes/pki/sa.pub'] : [] };
  const own = stage === 'accept' ? ['--service-account-signing-key-file=/etc/kubernetes/pki/sa.key'] : [];
  return [`1.${minor} by default, ${stage}`, change, {}, [...own, ...apiServerFlags({ ...BASE, ...change }).map(flagText)]];
}));

for (const [name, change, options, wanted] of [...ROWS, ...OF_EACH_MINOR]) {
  const attachment = { ...BASE, ...change };
  const pod = kubeadmPod(attachment.minor, options);
  const operations = attachingOperations(pod, attachment);

  test(`${name}: kubeadm's patches give the flags, and nothing else changes`, () => {
    const after = patched(pod, operations);
    assert.deepEqual(accountFlags(after), wanted);
    const others = (one: object): readonly string[] => flagList(one).flags.filter(({ name: flag }) => !flag.startsWith('service-account') && flag !== 'feature-gates').map(({ words }) => words.join(' '));
    assert.deepEqual(others(after), others(pod));
    const folder = attachment.way === 'external' && attachment.stage === 'sign' ? '/run/mintmark' : '/var/lib/mintmark/api-server';
    assert.deepEqual(after.spec!.volumes!.at(-1), { hostPath: { path: folder, type: 'Directory' }, name: 'mintmark' });
    assert.deepEqual(after.spec!.containers![0]!.volumeMounts!.at(-1), { mountPath: folder, name: 'mintmark', readOnly: true });
  });

  test(`${name}: the YAML document comes to the same, and back to the same bytes`, () => {
    const text = kubeadmManifest(attachment.minor, options);
    const manifest = parseManifest(text, 'm');
    assert.deepEqual([isApplied(manifest.document, operations), isAbsent(manifest.document, operations)], [false, true]);
    apply(manifest.document, operations);
    assert.deepEqual(podOf(parseManifest(manifestText(manifest), 'm')), patched(pod, operations));
    assert.deepEqual([isApplied(manifest.document, operations), isAbsent(manifest.document, operations)], [true, false]);
    undo(manifest.document, operations);
    assert.equal(manifestText(manifest), text);
  });
}

test('patches made for one manifest survive an upgrade that writes it anew, also with the flags of a later version', () => {
  const operations = attachingOperations(kubeadmPod(34), { ...BASE, minor: 34 });
  for (const minor of KNOWN_MINORS.filter((known) => known >= 34)) assert.deepEqual(accountFlags(patched(kubeadmPod(minor), operations)), ROWS[0]![3], `1.${minor}`);
});

test('where the flags moved, the guards stop kubeadm before it has changed the manifest for good', () => {
  const operations = attachingOperations(kubeadmPod(36), BASE);
  assert.throws(() => patched(kubeadmPod(36, { extraArgs: { 'audit-log-path': '/var/log/audit.log' } }), operations), { name: 'TestError' });
  assert.throws(() => patched(kubeadmPod(36, { dnsDomain: 'other.local' }), operations), { name: 'TestError' });
});

const COMMENTED = `# Site note: written by kubeadm, watched by ops
apiVersion: v1
kind: Pod
metadata:
    name: kube-apiserver
    x-site-field: {a: 1, b: [2, 3]}   # unknown to Kubernetes
spec:
    containers:
        - name: sidecar
          image: "quoted:1"
        - name: kube-apiserver
          # the flags
          command:
              - kube-apiserver
              # we sign here
              - --service-account-issuer
              - https://kubernetes.default.svc.cluster.local
              - --service-account-key-file=/etc/kubernetes/pki/sa.pub # public
              - --service-account-signing-key-file=/etc/kubernetes/pki/sa.key
              - '--etcd-servers=https://127.0.0.1:2379'

        # a third one
        - name: third
    hostNetwork: true
`;

test('comments, unknown fields, other containers, quotes and the indentation of lists survive', () => {
  const manifest = parseManifest(COMMENTED, 'm');
  apply(manifest.document, attachingOperations(podOf(manifest), BASE));
  const text = manifestText(manifest);
  for (const kept of ['# Site note: written by kubeadm, watched by ops', 'x-site-field: { a: 1, b: [ 2, 3 ] } # unknown to Kubernetes', '# the flags', '# we sign here', '# a third one', 'image: "quoted:1"', "- '--etcd-servers=https://127.0.0.1:2379'", '- name: third']) assert.ok(text.includes(kept), `${kept} in\n${text}`);
  assert.deepEqual(accountFlags(podOf(parseManifest(text, 'm'))), ROWS[0]![3]);
  assert.match(text, /\n {2}containers:\n {4}- name: sidecar/, 'lists stay indented');
  assert.deepEqual(podOf(parseManifest(text, 'm')).spec!.volumes, [{ hostPath: { path: '/run/mintmark', type: 'Directory' }, name: 'mintmark' }]);
});

test('two words for a flag are one flag', () => {
  const list = flagList({ spec: { containers: [{ name: 'kube-apiserver', command: ['kube-apiserver'], args: ['--a', 'x', '--b', '--c=y=z'] }] } });
  assert.deepEqual([list.path, ['a', 'b', 'c'].map((name) => valuesOf(list, name))], ['/spec/containers/0/args', [['x'], [''], ['y=z']]]);
});

test('an underscore in the name of a flag is a hyphen, to kube-apiserver and here', () => {
  const pod = kubeadmPod(36);
  const { command } = (pod as { spec: { containers: { command: string[] }[] } }).spec.containers[0]!;
  const underscored = command.map((word) => word.replace(/^--service-account[a-z-]*/, (name) => `--${name.slice(2).replaceAll('-', '_')}`));
  assert.equal(underscored.filter((word) => word.startsWith('--service_account_')).length, 3);
  command.splice(0, command.length, ...underscored);
  const after = patched(pod, attachingOperations(pod, BASE)).spec!.containers![0]!.command!;
  assert.deepEqual(after.filter((word) => /service.account/.test(word)), ROWS[0]![3]);
});

test('what is no API server is refused', () => {
  for (const pod of [{}, { spec: {} }, { spec: { containers: [{ name: 'etcd', command: ['etcd', '--x=1'] }] } }, { spec: { containers: [{ name: 'kube-apiserver', command: ['kube-apiserver'] }] } }]) {
    assert.throws(() => flagList(pod), { code: 'AttachmentRefused' });
  }
  for (const text of ['', 'a: [', 'kind: Service\n', `${kubeadmManifest(36)}---\n${kubeadmManifest(36)}`]) assert.throws(() => parseManifest(text, 'm'), { code: 'AttachmentRefused' }, text.slice(0, 20));
});

test('a document that is not as the operations expect is refused', () => {
  const { document } = parseManifest(kubeadmManifest(36, { dnsDomain: 'other.local' }), 'm');
  assert.throws(() => apply(document, attachingOperations(kubeadmPod(36), BASE)), { code: 'AttachmentRefused', message: /other\.local/ });
  assert.throws(() => undo(parseManifest(kubeadmManifest(36), 'm').document, attachingOperations(kubeadmPod(36), BASE)), { code: 'AttachmentRefused' });
});
