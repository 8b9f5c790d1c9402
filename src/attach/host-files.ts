/**
 * The files of an API server's host: its manifest, backups, and what its flags name.
 *
 * The kubelet runs whatever pod it finds in the manifest folder, except in names that begin with a dot (`[^.]*` in
 * kubelet's `config/file.go`; its watch skips them too). So a part file there begins with one, and backups are elsewhere.
 */
import { randomUUID } from 'node:crypto';
import { chown, mkdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { MintmarkError } from '../domain/errors.ts';
import { weakPlace } from '../keys/guarded-folder.ts';
import { syncFolder, writePrivateFile, writeThrough } from '../keys/private-file.ts';
import type { ApiServerPod } from './patches.ts';

/**
 * Replaces a manifest that says what is expected.
 * @throws MintmarkError `AttachmentRefused` when it says something else: someone, or a signer with key files, was faster.
 */
export async function replaceManifest(manifest: string, text: string, expected: string): Promise<void> {
  if (!(await replaceIfStill(manifest, text, expected))) throw new MintmarkError('AttachmentRefused', `${manifest} was changed by another while this ran. Run it again. The manifest is as that other left it.`);
}

/**
 * Replaces a manifest whole, when it still says what is expected; whether it did. The kubelet never sees half of one.
 * Mode and owner are those of the file before; a link stays one, and the file that it leads to is replaced.
 */
export async function replaceIfStill(manifest: string, text: string, expected: string): Promise<boolean> {
  const file = await realpath(manifest);
  const part = join(dirname(file), `.${basename(file)}.${randomUUID()}.mintmark-part`);
  const { mode, uid, gid } = await stat(file);
  try {
    await writeThrough(part, text, mode & 0o777);
    const made = await stat(part);
    // Only where they differ: a process without the capability can not even set what is set.
    if (made.uid !== uid || made.gid !== gid) await chown(part, uid, gid);
    if ((await readFile(file, 'utf8')) !== expected) return false;
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
  await syncFolder(dirname(file));
  return true;
}

/**
 * Keeps what a manifest says now, and gives the name of the backup.
 * @throws MintmarkError `AttachmentRefused` for a folder in which the kubelet would run it.
 */
export async function backUp(manifest: string, text: string, folder: string, now: Date): Promise<string> {
  await assertOutside(manifest, { backups: folder });
  const file = join(folder, `${basename(manifest, '.yaml')}-${now.toISOString().replaceAll(/[:.]/g, '')}.yaml`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writePrivateFile(file, text);
  return file;
}

/**
 * Compares real places, whatever leads to them. `folders`: by what they are for; null for one that is not wanted.
 * @throws MintmarkError `AttachmentRefused` when one is the folder of the manifest (of a link, and of what that leads to), or in it.
 */
export async function assertOutside(manifest: string, folders: Readonly<Record<string, string | null>>): Promise<void> {
  const kubelets = [await realPlace(dirname(manifest)), dirname(await realPlace(manifest))];
  for (const [what, folder] of Object.entries(folders)) {
    if (folder === null) continue;
    const place = await realPlace(folder);
    if (kubelets.some((one) => isWithin(one, place))) throw new MintmarkError('AttachmentRefused', `The folder for ${what}, ${folder}, is in the folder of the manifest: the kubelet would run every manifest that it finds there. Name another. Nothing was changed.`);
  }
}

const isWithin = (folder: string, place: string): boolean => relative(folder, place).split('/')[0] !== '..';

/**
 * Where others can lead the name of the key folder elsewhere, the API server signs, and verifies, with keys of theirs.
 * @throws MintmarkError of the code: what attaches refuses, a signer is not configured.
 */
export async function assertGuardedKeys(folder: string, code: 'AttachmentRefused' | 'InvalidConfiguration'): Promise<void> {
  const weak = await weakPlace(folder);
  if (weak !== null) throw new MintmarkError(code, `${weak.fault}, so files of theirs could take the place of the key files in ${folder}. Name another --key-folder, or close this one ('${weak.mend}'). Nothing was changed.`);
}

/**
 * Where others can write in the folder of kubeadm's patches, they choose what the next upgrade makes of its pods, as root.
 * @throws MintmarkError `AttachmentRefused`.
 */
export async function assertGuardedPatches(folder: string | null): Promise<void> {
  const weak = folder === null ? null : await weakPlace(folder);
  if (weak !== null) throw new MintmarkError('AttachmentRefused', `${weak.fault}, so patches of theirs could be among those that kubeadm takes from ${folder}. Name another folder for --patches, or close this one ('${weak.mend}'). Nothing was changed.`);
}

/** Without links, as far as there is something. */
async function realPlace(path: string): Promise<string> {
  const place = resolve(path);
  return realpath(place).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && place !== '/') return join(await realPlace(dirname(place)), basename(place));
    throw new MintmarkError('AttachmentRefused', `${place} can not be looked at (${error.code}). Run this as root on the host of the API server. Nothing was changed.`, { cause: error });
  });
}

/** Writes a text that everyone may read, whole. */
export async function writeShared(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const part = `${file}.${randomUUID()}.part`;
  try {
    await writeThrough(part, text, 0o644);
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
  await syncFolder(dirname(file));
}

/**
 * The same at a place that a person names: its folder has to be there, and a link stays one.
 * @throws MintmarkError `AttachmentRefused`; the file is as it was then.
 */
export async function replaceShared(named: string, text: string): Promise<void> {
  const file = await realPlace(named);
  try {
    // Not a device: /dev/stdout would become a file.
    const isOther = await stat(file).then((found) => !found.isFile(), () => false);
    if (isOther) throw new MintmarkError('AttachmentRefused', `${named} is there, and is no file that could be replaced. Nothing was changed.`);
    await stat(dirname(file));
    await writeShared(file, text);
  } catch (error) {
    if (error instanceof MintmarkError) throw error;
    throw new MintmarkError('AttachmentRefused', `${named} can not be written (${(error as NodeJS.ErrnoException).code}). It is as it was before.`, { cause: error });
  }
}

/** Null where there is none. */
export async function textIfThere(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new MintmarkError('AttachmentRefused', `${file} can not be read (${error.code}). Run this as root on the host of the API server. Nothing was changed.`, { cause: error });
  });
}

/** @throws MintmarkError `AttachmentRefused` where there is none. */
export async function textOf(file: string): Promise<string> {
  const text = await textIfThere(file);
  if (text === null) throw new MintmarkError('AttachmentRefused', `There is no file ${file}. Run this on the host of the API server. Nothing was changed.`);
  return text;
}

type HostVolume = { readonly name?: string; readonly hostPath?: { readonly path?: string | null } | null };

/** Where a file that the API server sees is on the host; null when no volume of its pod says. */
export function hostPathOf(pod: ApiServerPod, file: string): string | null {
  const volumeMounts = pod.spec?.containers?.find(({ name }) => name === 'kube-apiserver')?.volumeMounts ?? [];
  const covers = (mountPath: string): boolean => file === mountPath || file.startsWith(`${mountPath.replace(/\/$/, '')}/`);
  const mount = volumeMounts.filter(({ mountPath }) => typeof mountPath === 'string' && covers(mountPath)).toSorted((a, b) => b.mountPath!.length - a.mountPath!.length)[0];
  const volume = (pod.spec?.volumes as readonly HostVolume[] | undefined)?.find(({ name }) => name === mount?.name);
  const folder = volume?.hostPath?.path ?? null;
  return mount === undefined || folder === null ? null : join(folder, relative(mount.mountPath!, file));
}
