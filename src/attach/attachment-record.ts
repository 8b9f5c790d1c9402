/** What was done to a manifest, kept on the host so that it can be done again, changed and undone: `attachment.json`. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MintmarkError } from '../domain/errors.ts';
import { removePrivateFile, writePrivateFile } from '../keys/private-file.ts';
import type { Stage } from './api-server-flags.ts';
import type { AttachedWay } from './distributions.ts';
import { textIfThere } from './host-files.ts';
import type { Operation } from './json-patch.ts';

export interface AttachmentRecord {
  readonly form: 'mintmark-attachment+1';
  readonly manifest: string;
  readonly issuerUrl: string;
  readonly way: AttachedWay;
  readonly stage: Stage;
  /** On the manifest as it was without Mintmark. */
  readonly operations: readonly Operation[];
  /** What the manifest may still hold instead, while it is not sure yet that it was replaced; null, or missing, when it is. */
  readonly former?: readonly Operation[] | null;
  /** The first backup: the manifest before Mintmark. */
  readonly backup: string;
  /** Folder with the patches for kubeadm; null when none were wanted. */
  readonly patchesFolder: string | null;
}

export const RECORD_FORM = 'mintmark-attachment+1';

export const recordFile = (keyFolder: string): string => join(keyFolder, 'attachment.json');

/** Null where nothing was attached. @throws MintmarkError `AttachmentRefused` for a file that is none of ours. */
export async function readRecord(keyFolder: string): Promise<AttachmentRecord | null> {
  const file = recordFile(keyFolder);
  const text = await textIfThere(file);
  if (text === null) return null;
  const record = parsed(text);
  if (record?.form !== RECORD_FORM) throw new MintmarkError('AttachmentRefused', `${file} is not what 'mintmark signer attach' wrote. Compare the manifest with its backup by hand. Nothing was changed.`);
  return record;
}

/** Null removes it. */
export async function writeRecord(keyFolder: string, record: AttachmentRecord | null): Promise<void> {
  const file = recordFile(keyFolder);
  if (record === null) return removePrivateFile(file);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writePrivateFile(file, `${JSON.stringify(record, null, 2)}\n`);
}

function parsed(text: string): AttachmentRecord | null {
  try {
    return JSON.parse(text) as AttachmentRecord | null;
  } catch {
    return null;
  }
}
