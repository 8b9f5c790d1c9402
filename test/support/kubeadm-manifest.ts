/**
 * The manifest of a kube-apiserver as kubeadm writes it, made from facts: the flags of each version in kubeadm's order
 * (by name, then by value), its pod, its probes and mounts. A stand-in for `kubeadm init` and `kubeadm upgrade`, which
 * write the file anew and then apply patches.
 */
import { stringify } from 'yaml';

export interface KubeadmOptions {
  /** `extraArgs` of the ClusterConfiguration: replaces the flags of the same name. */
  readonly extraArgs?: Readonly<Record<string, string>>;
  readonly dnsDomain?: string;
  readonly address?: string;
}

const PKI = '/etc/kubernetes/pki';

function baseFlags(minor: number, { dnsDomain = 'cluster.local', address = '10.0.0.4' }: KubeadmOptions): Readonly<Record<string, string>> {
  return {
    'advertise-address': address, 'allow-privileged': 'true', 'authorization-mode': 'Node,RBAC', 'client-ca-file': `${PKI}/ca.crt`,
    'enable-admission-plugins': 'NodeRestriction', 'enable-bootstrap-token-auth': 'true', 'etcd-cafile': `${PKI}/etcd/ca.crt`,
    'etcd-certfile': `${PKI}/apiserver-etcd-client.crt`, 'etcd-keyfile': `${PKI}/apiserver-etcd-client.key`, 'etcd-servers': 'https://127.0.0.1:2379',
    // A flag of kube-apiserver until 1.23.
    ...(minor < 24 ? { 'insecure-port': '0' } : {}),
    'kubelet-client-certificate': `${PKI}/apiserver-kubelet-client.crt`, 'kubelet-client-key': `${PKI}/apiserver-kubelet-client.key`,
    'kubelet-preferred-address-types': 'InternalIP,ExternalIP,Hostname', 'proxy-client-cert-file': `${PKI}/front-proxy-client.crt`,
    'proxy-client-key-file': `${PKI}/front-proxy-client.key`, 'requestheader-allowed-names': 'front-proxy-client',
    'requestheader-client-ca-file': `${PKI}/front-proxy-ca.crt`, 'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group', 'requestheader-username-headers': 'X-Remote-User', 'secure-port': '6443',
    'service-account-issuer': `https://kubernetes.default.svc.${dnsDomain}`, 'service-account-key-file': `${PKI}/sa.pub`,
    'service-account-signing-key-file': `${PKI}/sa.key`, 'service-cluster-ip-range': '10.96.0.0/12', 'tls-cert-file': `${PKI}/apiserver.crt`,
    'tls-private-key-file': `${PKI}/apiserver.key`,
  };
}

const FOLDERS = [['ca-certs', '/etc/ssl/certs'], ['etc-ca-certificates', '/etc/ca-certificates'], ['k8s-certs', PKI], ['usr-local-share-ca-certificates', '/usr/local/share/ca-certificates'], ['usr-share-ca-certificates', '/usr/share/ca-certificates']] as const;

/** The pod as JSON, before patches. */
export function kubeadmPod(minor: number, options: KubeadmOptions = {}): object {
  const { extraArgs = {}, address = '10.0.0.4' } = options;
  const flags = Object.entries({ ...baseFlags(minor, options), ...extraArgs }).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const probe = (path: string, more: object) => ({ failureThreshold: 8, httpGet: { host: address, path, port: minor < 33 ? 6443 : 'probe-port', scheme: 'HTTPS' }, timeoutSeconds: 15, ...more });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      annotations: { 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint': `${address}:6443` },
      ...(minor < 34 ? { creationTimestamp: null } : {}),
      labels: { component: 'kube-apiserver', tier: 'control-plane' }, name: 'kube-apiserver', namespace: 'kube-system',
    },
    spec: {
      containers: [{
        command: ['kube-apiserver', ...flags.map(([name, value]) => `--${name}=${value}`)],
        image: `registry.k8s.io/kube-apiserver:v1.${minor}.0`, imagePullPolicy: 'IfNotPresent',
        livenessProbe: probe('/livez', { initialDelaySeconds: 10, periodSeconds: 10 }), name: 'kube-apiserver',
        ...(minor < 33 ? {} : { ports: [{ containerPort: 6443, name: 'probe-port', protocol: 'TCP' }] }),
        readinessProbe: probe('/readyz', { failureThreshold: 3, periodSeconds: 1 }), resources: { requests: { cpu: '250m' } },
        startupProbe: probe('/livez', { failureThreshold: 24, initialDelaySeconds: 10, periodSeconds: 10 }),
        volumeMounts: FOLDERS.map(([name, mountPath]) => ({ mountPath, name, readOnly: true })),
      }],
      hostNetwork: true, priority: 2000001000, priorityClassName: 'system-node-critical', securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      volumes: FOLDERS.map(([name, path]) => ({ hostPath: { path, type: 'DirectoryOrCreate' }, name })),
    },
    status: {},
  };
}

/** The file, in the shape of Kubernetes' own YAML writer: lists are not indented. */
export const kubeadmManifest = (minor: number, options: KubeadmOptions = {}): string => stringify(kubeadmPod(minor, options), { indentSeq: false, lineWidth: 0 });
