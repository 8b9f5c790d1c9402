/**
 * One `signer attach` or `detach` at a time on a key folder: of two different ones at once, the record could be of the one
 * and the manifest of the other.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MintmarkError } from '../domain/errors.ts';
import type { AttachRequest } from './attach-plan.ts';
import { assertGuardedKeys, assertOutside, textOf } from './host-files.ts';

/** Makes sure of a file until `release`, or the end of the process. @throws MintmarkError `HomeInUse` with the message when another has it. */
export type LockFile = (file: string, message: string) => Promise<AttachmentLock>;

export interface AttachmentLock {
  readonly release: () => void;
}

type Place = Pick<AttachRequest, 'manifest' | 'keyFolder'>;

/**
 * For `attach`; makes the key folder where it is missing. What a plan refuses of places is refused here too, before anything
 * is made there.
 * @throws MintmarkError `HomeInUse` while another run is at work, `AttachmentRefused`.
 */
export async function lockToAttach(place: Place, lockFile: LockFile): Promise<AttachmentLock> {
  await assertUsable(place);
  await textOf(place.manifest);
  await mkdir(place.keyFolder, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw new MintmarkError('AttachmentRefused', `The key folder ${place.keyFolder} can not be made (${error.code}). Run this as root on the host of the API server. Nothing was changed.`, { cause: error });
  });
  return lock(place, lockFile);
}

/** For `detach`; null where there is no key folder: nothing is attached by it, and nothing is made. @throws as `lockToAttach`. */
export async function lockToDetach(place: Place, lockFile: LockFile): Promise<AttachmentLock | null> {
  await assertUsable(place);
  return existsSync(place.keyFolder) ? lock(place, lockFile) : null;
}

async function assertUsable({ manifest, keyFolder }: Place): Promise<void> {
  await assertOutside(manifest, { 'key files': keyFolder });
  await assertGuardedKeys(keyFolder, 'AttachmentRefused');
}

const lock = ({ keyFolder }: Place, lockFile: LockFile): Promise<AttachmentLock> =>
  lockFile(join(keyFolder, 'attachment.lock'), `Another 'mintmark signer attach' or 'mintmark signer detach' is at work with the key folder ${keyFolder}; it may wait for an answer, or for the API server. Let it end, then run this again. This one has changed nothing.`);
