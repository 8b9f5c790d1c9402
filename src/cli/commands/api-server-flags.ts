/** `issuer show-api-server-flags`: the flags by which an API server takes part, as its distribution takes them. */
import type { Attachment } from '../../attach/api-server-flags.ts';
import { type Distribution, DISTRIBUTIONS } from '../../attach/distributions.ts';
import type { ApiServerPod } from '../../attach/patches.ts';
import type { IssuerBody, ManagedClusterBody } from '../../http/management/contract.ts';
import { command, type Outcome } from '../command.ts';
import { usageError } from '../errors.ts';
import { paths } from '../paths.ts';
import type { Session } from '../session.ts';
import { issuerUrl, MANIFEST, minorOf, WAY_FLAGS, type WayFlags, wayOf } from './attach-flags.ts';
import { CLUSTER_FLAGS, type ClusterFlags } from './flags.ts';

interface Flags extends ClusterFlags, WayFlags {
  readonly distribution?: Distribution;
  readonly kubernetesVersion?: string;
  readonly formerIssuer?: string;
  readonly manifest?: string;
}

export const apiServerFlagsShown = command<Flags>({
  examples: [
    'mintmark issuer show-api-server-flags -g myResourceGroup -n myAKSCluster',
    'mintmark issuer show-api-server-flags -g myResourceGroup -n myAKSCluster --distribution k3s',
    'mintmark issuer show-api-server-flags -g myResourceGroup -n myAKSCluster --distribution kubeadm --manifest /etc/kubernetes/manifests/kube-apiserver.yaml > kube-apiserver9mintmark+json.json',
  ],
  options: [
    ...CLUSTER_FLAGS,
    { flags: '--distribution <name>', summary: 'In the form of this distribution; plain flags when left out', choices: DISTRIBUTIONS },
    ...WAY_FLAGS,
    { flags: '-k, --kubernetes-version <version>', summary: "Version of the API server; the cluster's when left out" },
    { flags: '--former-issuer <url>', summary: 'Issuer of its tokens until now, which stays accepted (https://kubernetes.default.svc.cluster.local)', parse: issuerUrl },
    { ...MANIFEST, summary: 'For patches: the manifest, or the pod as kubectl prints it; a kubeadm without extraArgs when left out' },
  ],
  run: async (session, flags) => shown(session, flags),
});

async function shown(session: Session, flags: Flags): Promise<Outcome> {
  const [{ factsOf }, { apiServerFlags, chosenWay, flagText }, forms, { notesFor }] = await Promise.all([import('../../attach/distributions.ts'), import('../../attach/api-server-flags.ts'), import('../../attach/flag-forms.ts'), import('../../attach/notes.ts')]);
  const distribution = flags.distribution ?? 'kubeadm';
  const { formerIssuer, formerKeyFiles, ways } = factsOf(distribution);
  const { minor, issuerUrl: url, jwksUri, ourKeys } = await facts(session, flags);
  const wayOfAlpha = asksForAlpha(flags, minor) && ways.external.possible ? 'external' : null;
  const way = chosenWay(flags.mode ?? wayOfAlpha, distribution, minor);
  const former = flags.formerIssuer ?? formerIssuer;
  const asked: Attachment = { ...wayOf(flags), distribution, way, minor, issuerUrl: url, jwksUri, formerIssuers: [former], formerKeyFiles };
  assertUsed(flags, asked);
  const pod = await podOf(flags, minor, former);
  const keyFiles = flags.manifest === undefined ? [] : await ownKeyFiles(pod, asked.keyFolder);
  const attachment: Attachment = keyFiles.length === 0 ? asked : { ...asked, formerKeyFiles: keyFiles };
  const texts = apiServerFlags(attachment).map(flagText);
  const text = flags.distribution === undefined ? forms.shellForm(attachment) : forms.DISTRIBUTION_FORMS[distribution](pod, attachment, ourKeys);
  const remove = flags.distribution === undefined ? replacedFlags(attachment) : [];
  for (const note of [...removalNotes(attachment, remove), ...notesFor(attachment)]) session.report.warn(note);
  return { result: { mode: way, stage: attachment.stage, flags: texts, remove, form: text }, text };
}

/** External signing that is alpha and off has no other use: who turns it on asks for it. */
const asksForAlpha = ({ useAlpha }: Flags, minor: number): boolean => useAlpha === true && (minor === 32 || minor === 33);

/** Flags whose present lines go where a person puts plain flags in place; patches take them out by themselves. Key files that stay do no harm but beside a signing endpoint. */
const replacedFlags = (attachment: Attachment): readonly string[] => [
  ...(isExternal(attachment) ? ['--service-account-key-file'] : []), ...(attachment.stage === 'sign' ? ['--service-account-signing-key-file'] : []), '--service-account-issuer',
];

function removalNotes(attachment: Attachment, remove: readonly string[]): readonly string[] {
  if (remove.length === 0) return [];
  const end = isExternal(attachment) ? ' With a key-file flag beside the signing endpoint the API server does not start (they are mutually exclusive).' : '';
  return [`Take out the lines that the API server has now of ${remove.join(', ')}: these come in their place, and of several issuers the first is that of its tokens.${end}`];
}

const isExternal = ({ way, stage }: Attachment): boolean => way === 'external' && stage === 'sign';

/** Flags that something else than what was asked for would take heed of, and when it does. */
const USED: readonly (readonly [keyof Flags, string, (attachment: Attachment, flags: Flags) => boolean, string])[] = [
  ['manifest', '--manifest', (_attachment, { distribution }) => distribution === 'kubeadm' || distribution === 'cluster-api', 'without --distribution kubeadm or cluster-api: it is for patches'],
  ['socket', '--socket', isExternal, 'here: no signer is asked with key files, nor in the stage accept'],
  ['keyFolder', '--key-folder', (attachment) => !isExternal(attachment), 'with external signing: it has no key files'],
  ['useAlpha', '--use-alpha', ({ way, minor }) => way === 'external' && minor < 34, 'here: it is for external signing in Kubernetes 1.32 and 1.33'],
  ['keepAutoExtension', '--keep-auto-extension', ({ stage }) => stage === 'sign', 'in the stage accept: the API server signs as before'],
];

/** @throws CommandError (2) for a flag that would change nothing. */
function assertUsed(flags: Flags, attachment: Attachment): void {
  const idle = USED.find(([name, , isUsed]) => flags[name] !== undefined && !isUsed(attachment, flags));
  if (idle !== undefined) throw usageError(`argument ${idle[1]}: it has no meaning ${idle[3]}.`);
}

async function facts(session: Session, flags: Flags): Promise<{ readonly minor: number; readonly issuerUrl: string; readonly jwksUri: string; readonly ourKeys: string }> {
  const [{ namedKeysPem }, api, cluster] = [await import('../../attach/ring-keys.ts'), await session.api(), await session.cluster(flags)];
  const { properties: { issuerURL, jwksURI, keys } } = await api.get<IssuerBody>(paths.issuer(cluster));
  const version = flags.kubernetesVersion ?? (await api.get<ManagedClusterBody>(paths.cluster(cluster))).properties.kubernetesVersion;
  const minor = minorOf(version);
  if (!(minor >= 22)) throw usageError(`argument --kubernetes-version/-k: '${version}' is no version from 1.22 on, such as 1.34.`);
  return { minor, issuerUrl: issuerURL, jwksUri: jwksURI, ourKeys: namedKeysPem(keys) };
}

/** The key files that a manifest names, but for ours. */
async function ownKeyFiles(pod: ApiServerPod, keyFolder: string): Promise<readonly string[]> {
  const { flagList, valuesOf } = await import('../../attach/patches.ts');
  return valuesOf(flagList(pod), 'service-account-key-file').filter((file) => !file.startsWith(`${keyFolder}/`));
}

/** What patches are made for. */
async function podOf({ manifest, distribution }: Flags, minor: number, former: string): Promise<ApiServerPod> {
  const { KUBEADM_DEFAULT_FROM, kubeadmDefaultPod } = await import('../../attach/flag-forms.ts');
  if (manifest === undefined) {
    if (minor < KUBEADM_DEFAULT_FROM && (distribution === 'kubeadm' || distribution === 'cluster-api')) throw usageError(`Patches count on the place of each flag, and kubeadm of 1.${minor} writes others: show the manifest with --manifest /etc/kubernetes/manifests/kube-apiserver.yaml.`);
    return kubeadmDefaultPod(former);
  }
  const [{ textOf }, { parseManifest, podOf: read }, { assertKept, imageOf }] = await Promise.all([import('../../attach/host-files.ts'), import('../../attach/manifest.ts'), import('../../attach/foreign-manifest.ts')]);
  const pod = read(parseManifest(await textOf(manifest), manifest));
  assertKept(manifest, imageOf(pod));
  return pod;
}
