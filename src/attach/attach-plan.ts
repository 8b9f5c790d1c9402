/**
 * What `signer attach` would do to one manifest: read, decided and shown before anything is written.
 *
 * Gives a plan to `attach.ts`, which carries it out. A manifest that was attached before is first taken back to what it
 * was, so that the second stage, and a second run, start where the first did.
 */
import type { Document } from 'yaml';
import { MintmarkError } from '../domain/errors.ts';
import { type KeyFileKey, keysOfFile } from '../keys/key-files.ts';
import { type Attachment, assertPossible, chosenWay, type Stage } from './api-server-flags.ts';
import { type AttachmentRecord, readRecord } from './attachment-record.ts';
import type { Distribution, Way } from './distributions.ts';
import { assertKept, imageOf } from './foreign-manifest.ts';
import { assertGuardedKeys, assertGuardedPatches, assertOutside, hostPathOf, textOf } from './host-files.ts';
import { apply, isAbsent, isApplied, type Operation, undo } from './json-patch.ts';
import { lineDiff } from './line-diff.ts';
import { type Manifest, manifestText, parseManifest, podOf, saysSame } from './manifest.ts';
import { type ApiServerPod, attachingOperations, flagList, valuesOf, VOLUME } from './patches.ts';

export interface AttachRequest {
  readonly manifest: string;
  /** Folder for kubeadm's `--patches`; null leaves none. */
  readonly patchesFolder: string | null;
  readonly keyFolder: string;
  readonly backupFolder: string;
  readonly socket: string;
  readonly distribution: Distribution;
  /** Null: what the version has. */
  readonly way: Way | null;
  readonly stage: Stage;
  readonly useAlpha: boolean;
  readonly keepAutoExtension: boolean;
  /** Whether somebody has imported the former keys: a file of theirs that can not be found from here is no fault then. */
  readonly imported: boolean;
  readonly issuerUrl: string;
  readonly jwksUri: string;
  /** Of the cluster as the server knows it, for an image whose tag says no version. */
  readonly minor: number;
}

export interface AttachPlan {
  readonly request: AttachRequest;
  readonly attachment: Attachment;
  readonly operations: readonly Operation[];
  readonly before: string;
  readonly after: string;
  readonly diff: readonly string[];
  /** Those of the record that the manifest holds now; null when it holds none. */
  readonly held: readonly Operation[] | null;
  readonly record: AttachmentRecord | null;
  /** The keys of former tokens: of the signing key and of each file that verifies. */
  readonly formerKeys: readonly KeyFileKey[];
  /** The pod before Mintmark. */
  readonly pod: ApiServerPod;
}

/** @throws MintmarkError `ImpossibleAttachment`, `AttachmentRefused`. */
export async function planAttach(request: AttachRequest): Promise<AttachPlan> {
  assertKept(request.manifest);
  await assertOutside(request.manifest, { backups: request.backupFolder, 'key files': request.keyFolder, patches: request.patchesFolder });
  await assertGuardedKeys(request.keyFolder, 'AttachmentRefused');
  await assertGuardedPatches(request.patchesFolder);
  const [before, record] = [await textOf(request.manifest), await readRecord(request.keyFolder)];
  const manifest = parseManifest(before, request.manifest);
  assertKept(request.manifest, imageOf(podOf(manifest)));
  const held = takeBack(manifest.document, record, request);
  const pod = podOf(manifest);
  const attachment = attachmentOf(pod, request);
  assertPossible(attachment);
  const operations = attachingOperations(pod, attachment);
  const formerKeys = await keysBefore(pod, request);
  apply(manifest.document, operations);
  const after = isSame(manifest, before, request.manifest) ? before : manifestText(manifest);
  return { request, attachment, operations, before, after, diff: lineDiff(before, after), held, record, formerKeys, pod };
}

/**
 * Leaves the document as it was before Mintmark, whether `kubeadm upgrade` has written it anew or not; what it took back,
 * null where there was nothing.
 */
export function takeBack(document: Document, record: AttachmentRecord | null, { manifest }: Pick<AttachRequest, 'manifest'>): readonly Operation[] | null {
  if (record === null) return assertUnknown(document);
  if (record.manifest !== manifest) throw new MintmarkError('AttachmentRefused', `The manifest attached on this host is ${record.manifest}, not ${manifest}. Name that one, or another --key-folder. Nothing was changed.`);
  const held = heldOf(document, record);
  if (held !== null) undo(document, held);
  else if (![record.operations, record.former ?? []].every((operations) => isAbsent(document, operations))) throw new MintmarkError('AttachmentRefused', `Only a part of what Mintmark put into ${manifest} is still there: someone changed it by hand. Put the backup ${record.backup} in its place, or the missing flags back, and run this again. Nothing was changed.`);
  return held;
}

/** Which operations of a record a manifest holds as a whole: of two, one is a part of the other. */
export function heldOf(document: Document, { operations, former }: Pick<AttachmentRecord, 'operations' | 'former'>): readonly Operation[] | null {
  const whole = [operations, ...(former ? [former] : [])].filter((candidate) => isApplied(document, candidate));
  return whole.toSorted((a, b) => additions(b) - additions(a))[0] ?? null;
}

const additions = (operations: readonly Operation[]): number => operations.filter(({ op }) => op === 'add').length;

/** Attached by hand, or the record is lost: what it was before is then not known. @throws MintmarkError `AttachmentRefused`. */
export function assertUnknown(document: Document): null {
  const pod = document.toJS() as ApiServerPod;
  const mark = valuesOf(flagList(pod), 'service-account-signing-endpoint').length > 0 ? 'a signing endpoint' : pod.spec?.volumes?.some(({ name }) => name === VOLUME) === true ? `a volume '${VOLUME}'` : null;
  if (mark !== null) throw new MintmarkError('AttachmentRefused', `The manifest has ${mark} already, and nothing on this host says what it was before: it was not put there by 'mintmark signer attach', or with another --key-folder. Put the manifest back to what kubeadm wrote ('kubeadm init phase control-plane apiserver'), then run this again. Nothing was changed.`);
  return null;
}

function attachmentOf(pod: ApiServerPod, request: AttachRequest): Attachment {
  const list = flagList(pod);
  const minor = minorOf(pod) ?? request.minor;
  const formerIssuers = valuesOf(list, 'service-account-issuer').filter((url) => url !== request.issuerUrl);
  const { distribution, stage, issuerUrl, jwksUri, socket, keyFolder, useAlpha, keepAutoExtension } = request;
  const way = chosenWay(request.way, distribution, minor);
  // After the imports the signer gives these keys itself, by either way, for as long as they are to verify.
  const formerKeyFiles = stage === 'accept' ? valuesOf(list, 'service-account-key-file') : [];
  return { distribution, way, minor, stage, issuerUrl, jwksUri, formerIssuers, formerKeyFiles, socket, keyFolder, useAlpha, keepAutoExtension };
}

/** Of the image's tag: 34 for `registry.k8s.io/kube-apiserver:v1.34.2`. */
function minorOf(pod: ApiServerPod): number | null {
  const minor = /:v?1\.(\d+)(?:\.|$|[-+])/.exec(imageOf(pod))?.[1];
  return minor === undefined ? null : Number(minor);
}

async function keysBefore(pod: ApiServerPod, { imported }: Pick<AttachRequest, 'imported'>): Promise<readonly KeyFileKey[]> {
  const list = flagList(pod);
  const files = [...new Set(['service-account-signing-key-file', 'service-account-key-file'].flatMap((name) => valuesOf(list, name)))];
  const keys = await Promise.all(files.map(async (file) => {
    const onHost = hostPathOf(pod, file);
    if (onHost === null && imported) return [];
    if (onHost === null) throw new MintmarkError('AttachmentRefused', `The API server reads ${file}, and no volume of its pod says where that is on this host. Import its key by hand ('mintmark issuer import-key'), then add --imported. Nothing was changed.`);
    return keysOfFile(await textOf(onHost), onHost);
  }));
  return keys.flat().filter(({ kid }, at, all) => all.findIndex((other) => other.kid === kid) === at);
}

/** Whether the manifest says the same as before, so that a second run does not touch it for the sake of its spelling. */
const isSame = (manifest: Manifest, before: string, name: string): boolean => saysSame(manifest, parseManifest(before, name));
