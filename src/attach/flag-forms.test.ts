/** The forms of the flags, byte for byte; and that kubeadm's default pod is the one that it writes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyPatch } from 'rfc6902';
import { parse } from 'yaml';
import { kubeadmPod } from '../../test/support/kubeadm-manifest.ts';
import { KNOWN_MINORS } from '../domain/kubernetes-version.ts';
import type { Attachment } from './api-server-flags.ts';
import { DISTRIBUTION_FORMS, KUBEADM_DEFAULT_FROM, kubeadmDefaultPod, patchForm, shellForm } from './flag-forms.ts';
import { type ApiServerPod, attachingOperations, flagList } from './patches.ts';

const FORMER = 'https://kubernetes.default.svc.cluster.local';
const ATTACHMENT: Attachment = {
  distribution: 'kubeadm', way: 'external', minor: 36, stage: 'sign', issuerUrl: 'https://i.example/u/', jwksUri: 'https://i.example/u/openid/v1/jwks', formerIssuers: [FORMER],
  formerKeyFiles: [], socket: '/run/mintmark/signer.sock', keyFolder: '/var/lib/mintmark/api-server', useAlpha: false, keepAutoExtension: false,
};

test('shell', () => assert.equal(shellForm(ATTACHMENT), `  --service-account-issuer=https://i.example/u/ \\
  --service-account-issuer=https://kubernetes.default.svc.cluster.local \\
  --service-account-jwks-uri=https://i.example/u/openid/v1/jwks \\
  --service-account-signing-endpoint=/run/mintmark/signer.sock \\
  --service-account-extend-token-expiration=false
`));

const ARGS = `kube-apiserver-arg:
  - service-account-issuer=https://i.example/u/
  - service-account-issuer=https://kubernetes.default.svc.cluster.local
  - service-account-jwks-uri=https://i.example/u/openid/v1/jwks
  - service-account-signing-key-file=/var/lib/mintmark/api-server/sa.key
  - service-account-key-file=/var/lib/mintmark/api-server/sa.pub
`;
const BOUNDS = `  - service-account-max-token-expiration=24h0m0s
  - service-account-extend-token-expiration=false
`;
const textOf = (distribution: 'k3s' | 'rke2'): string => {
  const formerKeyFiles = [`/var/lib/rancher/${distribution}/server/tls/service.key`];
  return DISTRIBUTION_FORMS[distribution](kubeadmDefaultPod(FORMER), { ...ATTACHMENT, distribution, way: 'key-files', formerKeyFiles });
};

test('k3s', () => assert.equal(textOf('k3s'), `# Add to /etc/rancher/k3s/config.yaml on every server; where kube-apiserver-arg stands there already, add to its list.
${ARGS}  - service-account-key-file=/var/lib/rancher/k3s/server/tls/service.key
${BOUNDS}`));

test('RKE2 also shows the folder to its API server', () => assert.equal(textOf('rke2'), `# Add to /etc/rancher/rke2/config.yaml on every server; where these names stand there already, add to their lists.
${ARGS}  - service-account-key-file=/var/lib/rancher/rke2/server/tls/service.key
${BOUNDS}kube-apiserver-extra-mount:
  - /var/lib/mintmark/api-server:/var/lib/mintmark/api-server:ro
`));

test('a KubeadmControlPlane carries the patches and names their folder', () => {
  const text = DISTRIBUTION_FORMS['cluster-api'](kubeadmDefaultPod(FORMER), { ...ATTACHMENT, distribution: 'cluster-api' }, 'keys\n');
  const { spec } = parse(text) as { spec: { kubeadmConfigSpec: { files: { path: string; content: string }[] } } };
  const [{ content, ...file }] = spec.kubeadmConfigSpec.files as [{ path: string; content: string }];
  assert.deepEqual({ ...spec.kubeadmConfigSpec, files: [file] }, {
    files: [{ path: '/etc/kubernetes/patches/kube-apiserver9mintmark+json.json', owner: 'root:root', permissions: '0600' }],
    initConfiguration: { patches: { directory: '/etc/kubernetes/patches' } }, joinConfiguration: { patches: { directory: '/etc/kubernetes/patches' } },
  });
  assert.equal(content, patchForm(kubeadmDefaultPod(FORMER), { ...ATTACHMENT, distribution: 'cluster-api' }));
});

test('to accept, k3s and RKE2 say beside the flags where the file comes from; to sign there is nothing to bring', () => {
  for (const distribution of ['k3s', 'rke2'] as const) {
    const form = (stage: 'accept' | 'sign'): string => DISTRIBUTION_FORMS[distribution](kubeadmDefaultPod(FORMER), { ...ATTACHMENT, distribution, way: 'key-files', stage });
    assert.match(form('accept'), /\n# Before the restart: mintmark issuer show-public-keys -g GROUP -n CLUSTER --file \/var\/lib\/mintmark\/api-server\/accepted\.pub; then look at the file\.\nkube-apiserver-arg:\n/);
    assert.doesNotMatch(form('sign'), /show-public-keys/);
  }
});

test('to accept, a KubeadmControlPlane brings the public keys of the issuer too', () => {
  const text = DISTRIBUTION_FORMS['cluster-api'](kubeadmDefaultPod(FORMER), { ...ATTACHMENT, distribution: 'cluster-api', stage: 'accept' }, '# key1, active\nPEM\n');
  const { spec } = parse(text) as { spec: { kubeadmConfigSpec: { files: object[] } } };
  assert.deepEqual(spec.kubeadmConfigSpec.files.slice(1), [{ path: '/var/lib/mintmark/api-server/accepted.pub', owner: 'root:root', permissions: '0644', content: '# key1, active\nPEM\n' }]);
});

for (const minor of KNOWN_MINORS.filter((known) => known >= KUBEADM_DEFAULT_FROM)) {
  test(`patches made without a manifest fit the one that kubeadm 1.${minor} writes`, () => {
    const way = minor < 34 ? 'key-files' : 'external';
    const pod = kubeadmPod(minor);
    const outcomes = applyPatch(pod, structuredClone(attachingOperations(kubeadmDefaultPod(FORMER), { ...ATTACHMENT, minor, way })) as never);
    assert.deepEqual(outcomes.filter((outcome) => outcome !== null), []);
    assert.equal(flagList(pod as ApiServerPod).flags.filter(({ name }) => name === 'service-account-issuer').length, 2);
  });
}
