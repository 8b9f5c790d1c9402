/** Undoes `signer attach`: the manifest without Mintmark, whatever else was changed in it meanwhile; patches and record go. */
import { MintmarkError } from '../domain/errors.ts';
import { removeAside } from './attach.ts';
import { assertUnknown, takeBack } from './attach-plan.ts';
import { type AttachmentRecord, readRecord } from './attachment-record.ts';
import { assertGuardedKeys, assertOutside, backUp, replaceIfStill, replaceManifest, textIfThere, textOf } from './host-files.ts';
import { lineDiff } from './line-diff.ts';
import { type Manifest, manifestText, parseManifest, saysSame } from './manifest.ts';
import type { Readiness } from './readiness.ts';
import { forgetRestarts } from './restart.ts';

export interface DetachRequest {
  readonly manifest: string;
  readonly keyFolder: string;
  readonly backupFolder: string;
}

export interface DetachPlan {
  readonly request: DetachRequest;
  readonly record: AttachmentRecord;
  readonly before: string;
  readonly after: string;
  readonly diff: readonly string[];
}

/** Null where nothing is attached. @throws MintmarkError `AttachmentRefused`, also where something is of which this key folder does not know. */
export async function planDetach(request: DetachRequest): Promise<DetachPlan | null> {
  await assertOutside(request.manifest, { backups: request.backupFolder });
  await assertGuardedKeys(request.keyFolder, 'AttachmentRefused');
  const [record, before] = [await readRecord(request.keyFolder), await textOf(request.manifest)];
  const manifest = parseManifest(before, request.manifest);
  if (record === null) return assertUnknown(manifest.document);
  takeBack(manifest.document, record, request);
  forgetRestarts(manifest);
  const after = await asItWas(record, manifest) ?? manifestText(manifest);
  return { request, record, before, after, diff: lineDiff(before, after) };
}

/** The backup, comments and all, where the manifest says nothing else than it did then. */
async function asItWas({ backup }: AttachmentRecord, manifest: Manifest): Promise<string | null> {
  const text = await textIfThere(backup);
  return text !== null && saysSame(parseManifest(text, backup), manifest) ? text : null;
}

/** @throws MintmarkError `AttachmentRefused` when the API server does not come up without Mintmark: it is attached again. */
export async function carryOutDetach({ request: { manifest, keyFolder, backupFolder }, record, before, after }: DetachPlan, readiness: Readiness | null, now: Date): Promise<void> {
  await readiness?.assertReady();
  if (before !== after) {
    const backup = await backUp(manifest, before, backupFolder, now);
    await replaceManifest(manifest, after, before);
    const why = readiness === null ? null : await readiness.awaitRestart();
    if (why !== null) {
      if (!(await replaceIfStill(manifest, before, after))) throw new MintmarkError('AttachmentRefused', `The API server did not come up without Mintmark: ${why} ${manifest} was changed by another meanwhile, so it was left as it is, without Mintmark's flags. Mend it by hand. What it said while it was attached is in the backup ${backup}.`);
      throw new MintmarkError('AttachmentRefused', `The API server did not come up without Mintmark: ${why} It is attached as before; ${(await readiness?.awaitReady()) ?? 'it is ready.'} The backup is ${backup}.`);
    }
  }
  await removeAside(record, keyFolder);
}
