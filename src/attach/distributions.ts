/**
 * Which distribution of Kubernetes can take part in which way: the truth table, with the reason for each cell.
 *
 * Read in the sources of kubeadm, Cluster API, k3s, RKE2 and Talos in November 2026. `docs/kubernetes.md` shows the same
 * table; a test binds the two.
 */
export const DISTRIBUTIONS = ['kubeadm', 'cluster-api', 'k3s', 'rke2', 'talos'] as const;
export type Distribution = (typeof DISTRIBUTIONS)[number];

/** How an API server takes part: it asks a signer for each token, it signs with key files, or it keeps keys of its own. */
export const WAYS = ['external', 'key-files', 'followed'] as const;
export type Way = (typeof WAYS)[number];

/** The two ways in which Mintmark holds the keys. */
export type AttachedWay = Exclude<Way, 'followed'>;

export interface Cell {
  readonly possible: boolean;
  /** How it is done, or why it can not be done. A sentence. */
  readonly why: string;
}

export interface DistributionFacts {
  /** For people. */
  readonly name: string;
  /** The issuer of its tokens before Mintmark, unless a cluster domain or an endpoint says otherwise. */
  readonly formerIssuer: string;
  /** The files with whose keys its API server verified before Mintmark. */
  readonly formerKeyFiles: readonly string[];
  /** What restarts its API server, said to the operator. */
  readonly restart: string;
  readonly ways: Readonly<Record<Way, Cell>>;
}

const DEFAULT_ISSUER = 'https://kubernetes.default.svc.cluster.local';
const yes = (why: string): Cell => ({ possible: true, why });
const no = (why: string): Cell => ({ possible: false, why });
const NOT_FOLLOWED = 'This version of Mintmark follows no issuers; the distribution would allow it, because its API server keeps its own keys.';

export const DISTRIBUTION_FACTS = {
  kubeadm: {
    name: 'kubeadm',
    formerIssuer: DEFAULT_ISSUER,
    formerKeyFiles: ['/etc/kubernetes/pki/sa.pub'],
    restart: 'The kubelet restarts the API server when its manifest changes.',
    ways: {
      external: yes('JSON patches take both key-file flags out, which extraArgs can not, and kubeadm applies them again at each upgrade.'),
      'key-files': yes('The same patches point the key-file flags at files that Mintmark writes.'),
      followed: no(NOT_FOLLOWED),
    },
  },
  'cluster-api': {
    name: 'Cluster API with KubeadmControlPlane',
    formerIssuer: DEFAULT_ISSUER,
    formerKeyFiles: ['/etc/kubernetes/pki/sa.pub'],
    restart: 'Cluster API replaces the control plane machines one by one when their specification changes.',
    ways: {
      external: yes("The patches travel in 'files' of the KubeadmControlPlane, and 'patches.directory' names their folder; each machine enrols with a join credential."),
      'key-files': yes("As for external signing, in 'files' and 'patches.directory'."),
      followed: no(NOT_FOLLOWED),
    },
  },
  k3s: {
    name: 'k3s',
    formerIssuer: DEFAULT_ISSUER,
    formerKeyFiles: ['/var/lib/rancher/k3s/server/tls/service.key'],
    restart: 'The API server is part of the k3s process: systemctl restart k3s.',
    ways: {
      external: no('k3s always passes --service-account-key-file and --service-account-signing-key-file, which exclude the signing endpoint; kube-apiserver-arg can change their values and never removes them.'),
      'key-files': yes('kube-apiserver-arg in the configuration file replaces the values of both key-file flags.'),
      followed: no(NOT_FOLLOWED),
    },
  },
  rke2: {
    name: 'RKE2',
    formerIssuer: DEFAULT_ISSUER,
    formerKeyFiles: ['/var/lib/rancher/rke2/server/tls/service.key'],
    restart: 'RKE2 writes the manifest of its API server anew when it starts: systemctl restart rke2-server.',
    ways: {
      external: no('RKE2 takes its arguments from k3s, which always passes both key-file flags; they exclude the signing endpoint and can not be removed.'),
      'key-files': yes('kube-apiserver-arg replaces the values of both key-file flags, and kube-apiserver-extra-mount shows the folder to the API server.'),
      followed: no(NOT_FOLLOWED),
    },
  },
  talos: {
    name: 'Talos',
    formerIssuer: 'the endpoint of the control plane',
    formerKeyFiles: [],
    restart: 'Talos restarts the API server when the machine configuration changes.',
    ways: {
      external: no('Talos always passes both key-file flags, which exclude the signing endpoint, and refuses every change of them.'),
      'key-files': no('Talos writes both files itself from its machine configuration (from 1.14 on: one signing key and accepted public keys) and refuses other files; this version of Mintmark changes no machine configuration.'),
      followed: no(`${NOT_FOLLOWED} It will be the way for Talos: from 1.14 on, KubeServiceAccountConfig sets the issuer URL; before, it is the endpoint of the control plane unless extraArgs of the API server say otherwise.`),
    },
  },
} as const satisfies Record<Distribution, DistributionFacts>;

export const factsOf = (distribution: Distribution): DistributionFacts => DISTRIBUTION_FACTS[distribution];
