/** Restarts an API server through its static pod manifest: an annotation changes, and the kubelet does the rest. */
import { pointText, type RingPoint } from '../domain/ring-for-signer.ts';
import { replaceManifest, textOf } from './host-files.ts';
import { annotate, manifestText, parseManifest, podOf } from './manifest.ts';

const ANNOTATION = 'mintmark-key-files';

/** Once for each ring: with the same one, nothing is written. @throws MintmarkError `AttachmentRefused` for a manifest that can not be read. */
export async function restartFor(manifest: string, point: RingPoint): Promise<void> {
  const read = parseManifest(await textOf(manifest), manifest);
  const { metadata } = podOf(read) as { readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> } };
  if (metadata?.annotations?.[ANNOTATION] === pointText(point)) return;
  annotate(read, ANNOTATION, pointText(point));
  await replaceManifest(manifest, manifestText(read));
}
