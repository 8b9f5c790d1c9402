/** The flags of an API server written down as each distribution takes them. Pure: attachment in, text out. */
import { stringify } from 'yaml';
import { apiServerFlags, type Attachment, flagText, KEY_FILES } from './api-server-flags.ts';
import type { Distribution } from './distributions.ts';
import { type ApiServerPod, attachingOperations, mountedFolder, PATCH_FILE } from './patches.ts';

/** Where kubeadm is told to find patches, on machines that Cluster API makes. */
const PATCH_FOLDER = '/etc/kubernetes/patches';

/** For a unit or a script: one flag on each line. */
export const shellForm = (attachment: Attachment): string => `${apiServerFlags(attachment).map((flag) => `  ${flagText(flag)}`).join(' \\\n')}\n`;

/** The file for the folder that kubeadm's `--patches` names. */
export const patchForm = (pod: ApiServerPod, attachment: Attachment): string => `${JSON.stringify(attachingOperations(pod, attachment), null, 2)}\n`;

/** What a KubeadmControlPlane needs, of either of its API versions. */
function controlPlaneForm(pod: ApiServerPod, attachment: Attachment, ourKeys: string): string {
  const patches = { directory: PATCH_FOLDER };
  const accepted = { path: `${attachment.keyFolder}/${KEY_FILES.acceptedKeys}`, owner: 'root:root', permissions: '0644', content: ourKeys };
  const kubeadmConfigSpec = {
    files: [
      { path: `${PATCH_FOLDER}/${PATCH_FILE}`, owner: 'root:root', permissions: '0600', content: patchForm(pod, attachment) },
      ...(attachment.stage === 'accept' ? [accepted] : []),
    ],
    initConfiguration: { patches }, joinConfiguration: { patches },
  };
  return `# Merge into the KubeadmControlPlane.\n${stringify({ spec: { kubeadmConfigSpec } }, { lineWidth: 0 })}`;
}

/** Where a person brings the file that the flags name, said beside them. */
const acceptedNote = ({ stage, keyFolder }: Attachment): string => {
  const file = `${keyFolder}/${KEY_FILES.acceptedKeys}`;
  return stage === 'accept' ? `# Before the restart: mintmark issuer show-public-keys -g GROUP -n CLUSTER --file ${file}; then look at the file.\n` : '';
};

/** Repeated arguments of the same name keep their order. */
const k3sForm = (attachment: Attachment): string =>
  `# Add to /etc/rancher/k3s/config.yaml on every server; where kube-apiserver-arg stands there already, add to its list.\n${acceptedNote(attachment)}${stringify({ 'kube-apiserver-arg': args(attachment) }, { lineWidth: 0 })}`;

function rke2Form(attachment: Attachment): string {
  const folder = mountedFolder(attachment);
  const lists = { 'kube-apiserver-arg': args(attachment), 'kube-apiserver-extra-mount': [`${folder}:${folder}:ro`] };
  return `# Add to /etc/rancher/rke2/config.yaml on every server; where these names stand there already, add to their lists.\n${acceptedNote(attachment)}${stringify(lists, { lineWidth: 0 })}`;
}

const args = (attachment: Attachment): readonly string[] => apiServerFlags(attachment).map(({ name, value }) => `${name}=${value}`);

/** How each distribution takes the flags; where its form has files, the public keys of the issuer too. Talos is never asked: its pairs are refused before. */
export const DISTRIBUTION_FORMS = {
  kubeadm: patchForm,
  'cluster-api': controlPlaneForm,
  k3s: (_pod, attachment) => k3sForm(attachment),
  rke2: (_pod, attachment) => rke2Form(attachment),
  talos: (_pod, attachment) => shellForm(attachment),
} as const satisfies Record<Distribution, (pod: ApiServerPod, attachment: Attachment, ourKeys: string) => string>;

/** kubeadm's flags in its order, by name: what its patches count on where nobody shows the manifest. From 1.24 on. */
const KUBEADM_FLAGS = [
  'advertise-address', 'allow-privileged', 'authorization-mode', 'client-ca-file', 'enable-admission-plugins', 'enable-bootstrap-token-auth', 'etcd-cafile', 'etcd-certfile',
  'etcd-keyfile', 'etcd-servers', 'kubelet-client-certificate', 'kubelet-client-key', 'kubelet-preferred-address-types', 'proxy-client-cert-file', 'proxy-client-key-file',
  'requestheader-allowed-names', 'requestheader-client-ca-file', 'requestheader-extra-headers-prefix', 'requestheader-group-headers', 'requestheader-username-headers', 'secure-port',
  'service-account-issuer', 'service-account-key-file', 'service-account-signing-key-file', 'service-cluster-ip-range', 'tls-cert-file', 'tls-private-key-file',
] as const;

const PKI = '/etc/kubernetes/pki';

/** The pod that kubeadm writes when no `extraArgs` are given, as far as patches look at it. */
export function kubeadmDefaultPod(issuer: string): ApiServerPod {
  const values: Readonly<Record<string, string>> = { 'service-account-issuer': issuer, 'service-account-key-file': `${PKI}/sa.pub`, 'service-account-signing-key-file': `${PKI}/sa.key` };
  const command = ['kube-apiserver', ...KUBEADM_FLAGS.map((name) => `--${name}=${values[name] ?? ''}`)];
  return { spec: { containers: [{ name: 'kube-apiserver', command, volumeMounts: [] }], volumes: [] } };
}

/** The first minor whose flags `kubeadmDefaultPod` knows; before it there was one more. */
export const KUBEADM_DEFAULT_FROM = 24;
