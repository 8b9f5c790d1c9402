/**
 * Manifests of an API server that another than kubeadm writes, anew at each of its starts: what `signer attach` would
 * change in one is lost without a word. Only what is certain is refused; k3s has no manifest, and Talos none on its disk.
 */
import { resolve } from 'node:path';
import { MintmarkError } from '../domain/errors.ts';
import { factsOf } from './distributions.ts';
import type { ApiServerPod } from './patches.ts';

/** By default; `data-dir` moves it, and then the image tells. */
const RKE2_FOLDER = '/var/lib/rancher/rke2/';
/** As in `rancher/hardened-kubernetes:v1.36.2-rke2r1-build20260615`. */
const RKE2_IMAGE = /-rke2r\d/;

/** @throws MintmarkError `ImpossibleAttachment`, with the sentences of the truth table. */
export function assertKept(manifest: string, image = ''): void {
  if (!resolve(manifest).startsWith(RKE2_FOLDER) && !RKE2_IMAGE.test(image)) return;
  const { name, ways } = factsOf('rke2');
  throw new MintmarkError('ImpossibleAttachment', `${manifest} is a manifest of ${name}, which writes it anew when it starts: what is changed in it is lost then. By external signing: ${ways.external.why} By key files: ${ways['key-files'].why} 'mintmark issuer show-api-server-flags --distribution rke2' prints what to add to its configuration. Nothing was changed.`);
}

/** Of the API server; empty where the pod names none. */
export const imageOf = (pod: ApiServerPod): string => pod.spec?.containers?.find(({ name }) => name === 'kube-apiserver')?.image ?? '';
