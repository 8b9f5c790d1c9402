/** Restarts an API server through its static pod manifest: an annotation changes, and the kubelet does the rest. */
import { join } from 'node:path';
import { pointText, type RingPoint, type SignerRing } from '../domain/ring-for-signer.ts';
import { KEY_FILES } from './api-server-flags.ts';
import { replaceManifest, textOf } from './host-files.ts';
import { annotate, type Manifest, manifestText, parseManifest, podOf, unannotate } from './manifest.ts';
import { flagList, valuesOf } from './patches.ts';

const ANNOTATION = 'mintmark-key-files';

/** Which ring the files are of; versions alone begin anew with each enrolment. */
export type RestartRing = RingPoint & Pick<SignerRing, 'signer'>;

const annotationOf = (ring: RestartRing): string => `${pointText(ring)} of ${ring.signer}`;

/** Takes away what restarts have left in a manifest, for who detaches. */
export const forgetRestarts = (manifest: Manifest): void => unannotate(manifest, ANNOTATION);

/**
 * Once for each ring: with the same one, nothing is written. Nor for an API server that does not sign with our files: it
 * is not attached yet, and attaching restarts it.
 * @throws MintmarkError `AttachmentRefused` for a manifest that can not be read, or that another changed meanwhile.
 */
export async function restartFor(manifest: string, keyFolder: string, ring: RestartRing): Promise<void> {
  const text = await textOf(manifest);
  const read = parseManifest(text, manifest);
  const pod = podOf(read);
  const { metadata } = pod as { readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> } };
  const signsWithOurs = valuesOf(flagList(pod), 'service-account-signing-key-file').includes(join(keyFolder, KEY_FILES.privateKey));
  if (!signsWithOurs || metadata?.annotations?.[ANNOTATION] === annotationOf(ring)) return;
  annotate(read, ANNOTATION, annotationOf(ring));
  await replaceManifest(manifest, manifestText(read), text);
}
