/**
 * What attaching changes in the pod of a kube-apiserver, as JSON Patch operations guarded by `test`.
 *
 * kubeadm applies them to the manifest that it writes at each upgrade: where that differs from the one that they were
 * made for, they fail and the upgrade stops, rather than leave an API server with half of its flags.
 */
import { posix } from 'node:path';
import { MintmarkError } from '../domain/errors.ts';
import { type ApiServerFlag, apiServerFlags, type Attachment, flagText, SIGNER_FEATURE_GATE } from './api-server-flags.ts';
import type { JsonValue, Operation } from './json-patch.ts';

/** Sorts after the names that people give, since the places in these patches count with the flags of all others. */
export const PATCH_FILE = 'kube-apiserver9mintmark+json.json';

/** Of a pod, what is read here; null is as if it were not there. */
export interface ApiServerPod {
  readonly spec?: { readonly containers?: readonly Container[] | null; readonly volumes?: readonly Volume[] | null } | null;
}

interface Container {
  readonly name?: string;
  readonly image?: string | null;
  readonly command?: readonly string[] | null;
  readonly args?: readonly string[] | null;
  readonly volumeMounts?: readonly { readonly name?: string; readonly mountPath?: string }[] | null;
}

interface Volume {
  readonly name?: string;
}

/** A flag where it stands: one word `--name=value`, or two. */
export interface PlacedFlag extends ApiServerFlag {
  readonly index: number;
  readonly words: readonly string[];
}

/** Where the flags of the API server are. */
export interface FlagList {
  /** JSON Pointer of the container. */
  readonly container: string;
  /** JSON Pointer of the list. */
  readonly path: string;
  readonly flags: readonly PlacedFlag[];
}

/** @throws MintmarkError `AttachmentRefused` when the pod has no kube-apiserver with flags, or has them in two lists. */
export function flagList(pod: ApiServerPod): FlagList {
  const containers = pod?.spec?.containers ?? [];
  const at = containers.findIndex(({ name }) => name === 'kube-apiserver');
  const [command, args] = [containers[at]?.command ?? [], containers[at]?.args ?? []];
  for (const [name, words] of Object.entries({ command, args })) assertTexts(name, words);
  if (at === -1 || ![...command, ...args].some(isFlag)) throw new MintmarkError('AttachmentRefused', "This is no manifest of a kube-apiserver: no container is named kube-apiserver, or it has no flags. kubeadm's is /etc/kubernetes/manifests/kube-apiserver.yaml.");
  const list = command.some(isFlag) ? 'command' : 'args';
  if (list === 'command' && args.length > 0) throw new MintmarkError('AttachmentRefused', `The container kube-apiserver has flags in its command, and ${JSON.stringify(args[0])} in its args, which the kubelet puts behind them: a patch counts places in one list. Move all flags into one of the two. Nothing was changed.`);
  return { container: `/spec/containers/${at}`, path: `/spec/containers/${at}/${list}`, flags: placedFlags(list === 'args' ? args : command) };
}

const isFlag = (word: string): boolean => word.startsWith('--');

/** The kubelet takes nothing else, and a plan by a number's text would be one for another manifest. */
function assertTexts(name: string, words: unknown): void {
  if (!Array.isArray(words)) throw new MintmarkError('AttachmentRefused', `The container kube-apiserver can not be read: its ${name} is no list. Nothing was changed.`);
  const other: unknown = words.find((word) => typeof word !== 'string');
  if (other !== undefined) throw new MintmarkError('AttachmentRefused', `The container kube-apiserver has ${JSON.stringify(other)} among the words of its ${name}, which is no text: the kubelet would refuse the pod. Put it in quotes, or take it out. Nothing was changed.`);
}

/** By the name that kube-apiserver knows: to it, an underscore is a hyphen. */
function placedFlags(words: readonly string[]): readonly PlacedFlag[] {
  return words.flatMap((word, index) => {
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(word);
    if (match === null) return [];
    const [name, value] = [match[1]!.replaceAll('_', '-'), match[2]];
    const next = words[index + 1];
    if (value !== undefined) return [{ name, value, index, words: [word] }];
    return next === undefined || isFlag(next) ? [{ name, value: '', index, words: [word] }] : [{ name, value: next, index, words: [word, next] }];
  });
}

export const valuesOf = ({ flags }: FlagList, name: string): readonly string[] => flags.filter((flag) => flag.name === name).map(({ value }) => value);

/** The operations that attach a pod as kubeadm wrote it. @throws MintmarkError `ImpossibleAttachment`, `AttachmentRefused`. */
export function attachingOperations(pod: ApiServerPod, attachment: Attachment): readonly Operation[] {
  const list = flagList(pod);
  const wanted = withGates(list, apiServerFlags(attachment));
  const replaced = new Set([...wanted.map(({ name }) => name), ...(attachment.stage === 'sign' ? EXCLUDED : [])]);
  return [
    { op: 'test', path: `${list.container}/name`, value: 'kube-apiserver' },
    ...list.flags.filter(({ name }) => replaced.has(name)).toReversed().flatMap((flag) => removal(list, flag)),
    ...wanted.map((flag): Operation => ({ op: 'add', path: `${list.path}/-`, value: flagText(flag) })),
    ...mounts(pod, list, attachment),
  ];
}

/** With one of these beside it, the API server refuses to start with a signing endpoint; with key files they are set anew. */
const EXCLUDED = ['service-account-signing-endpoint', 'service-account-signing-key-file', 'service-account-key-file'] as const;

/** Gates that are set already stay beside ours. */
function withGates(list: FlagList, wanted: readonly ApiServerFlag[]): readonly ApiServerFlag[] {
  const own = valuesOf(list, 'feature-gates').flatMap((value) => value.split(',')).filter((gate) => !gate.startsWith(`${SIGNER_FEATURE_GATE.split('=')[0]}=`));
  return wanted.map((flag) => (flag.name === 'feature-gates' ? { ...flag, value: [...own, flag.value].join(',') } : flag));
}

const removal = ({ path }: FlagList, { index, words }: PlacedFlag): readonly Operation[] =>
  words.map((value, at) => [index + at, value] as const).toReversed()
    .flatMap(([at, value]): readonly Operation[] => [{ op: 'test', path: `${path}/${at}`, value }, { op: 'remove', path: `${path}/${at}` }]);

/** The folder as a whole, because files in it are replaced. Type `Directory`: the pod waits until the signer has made it. */
function mounts(pod: ApiServerPod, { container, path }: FlagList, attachment: Attachment): readonly Operation[] {
  const folder = mountedFolder(attachment);
  const { volumeMounts } = pod.spec!.containers![Number(path.split('/')[3])]!;
  if (volumeMounts?.some(({ mountPath }) => mountPath === folder) === true) return [];
  return [
    listItem(`${container}/volumeMounts`, volumeMounts, { mountPath: folder, name: VOLUME, readOnly: true }),
    listItem('/spec/volumes', pod.spec!.volumes, { hostPath: { path: folder, type: 'Directory' }, name: VOLUME }),
  ];
}

/** The name of the volume that an attachment adds. */
export const VOLUME = 'mintmark';

/** What the API server has to see of its host. */
export const mountedFolder = ({ way, stage, socket, keyFolder }: Pick<Attachment, 'way' | 'stage' | 'socket' | 'keyFolder'>): string =>
  (way === 'external' && stage === 'sign' ? posix.dirname(socket) : keyFolder);

const listItem = (path: string, list: readonly unknown[] | null | undefined, item: JsonValue): Operation =>
  (list === undefined || list === null ? { op: 'add', path, value: [item] } : { op: 'add', path: `${path}/-`, value: item });
