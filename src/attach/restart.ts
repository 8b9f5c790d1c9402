/** Restarts an API server through its static pod manifest: an annotation changes, and the kubelet does the rest. */
import { join } from 'node:path';
import { pointText, type RingPoint } from '../domain/ring-for-signer.ts';
import { KEY_FILES } from './api-server-flags.ts';
import { replaceManifest, textOf } from './host-files.ts';
import { annotate, manifestText, parseManifest, podOf } from './manifest.ts';
import { flagList, valuesOf } from './patches.ts';

const ANNOTATION = 'mintmark-key-files';

/**
 * Once for each ring: with the same one, nothing is written. Nor for an API server that does not sign with our files: it
 * is not attached yet, and attaching restarts it.
 * @throws MintmarkError `AttachmentRefused` for a manifest that can not be read, or that another changed meanwhile.
 */
export async function restartFor(manifest: string, keyFolder: string, point: RingPoint): Promise<void> {
  const text = await textOf(manifest);
  const read = parseManifest(text, manifest);
  const pod = podOf(read);
  const { metadata } = pod as { readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> } };
  const signsWithOurs = valuesOf(flagList(pod), 'service-account-signing-key-file').includes(join(keyFolder, KEY_FILES.privateKey));
  if (!signsWithOurs || metadata?.annotations?.[ANNOTATION] === pointText(point)) return;
  annotate(read, ANNOTATION, pointText(point));
  await replaceManifest(manifest, manifestText(read), text);
}
