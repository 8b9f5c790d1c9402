/**
 * The static pod manifest of a kube-apiserver as a YAML document: read, changed and written with its comments, its order
 * and whatever else is in it.
 */
import { type Document, parseAllDocuments, type ScalarTag, type Tags, visit } from 'yaml';
import { MintmarkError } from '../domain/errors.ts';
import type { ApiServerPod } from './patches.ts';

export interface Manifest {
  readonly document: Document;
  /** What `String(document)` needs to keep the shape that the text had. */
  readonly indentSeq: boolean;
}

/** @throws MintmarkError `AttachmentRefused` for what is not one YAML document that holds a pod. */
export function parseManifest(text: string, name: string): Manifest {
  const documents = parseAllDocuments(text, { customTags: asWritten });
  const [document] = documents;
  if (!Array.isArray(documents) || documents.length !== 1 || document === undefined) throw refused(name, 'it does not hold exactly one document');
  if (document.errors.length > 0) throw refused(name, document.errors[0]!.message.split('\n')[0]!);
  if (Object(valueOf(document as Document, name))['kind'] !== 'Pod') throw refused(name, 'it is not of kind Pod');
  return { document: document as Document, indentSeq: indentsLists(text) };
}

/**
 * Numbers, times and the like are written as they were read. Here they are those of YAML 1.2, but the kubelet reads 1.1:
 * `0644` is octal to it, and the `644` that would be written for it is another mode. Nor is a number beyond 2^53 kept by its value.
 */
const asWritten = (tags: Tags): Tags => tags.map((tag) => (typeof tag === 'string' || tag.collection !== undefined || tag.test === undefined ? tag : sourced(tag)));

const sourced = (tag: ScalarTag): ScalarTag => ({ ...tag, stringify: (node, ...more) => node.source ?? tag.stringify?.(node, ...more) ?? String(node.value) });

/** Whether two manifests say the same: numbers also in how they are written, since here `0644` and `644` are one. */
export const saysSame = (one: Manifest, other: Manifest): boolean => saying(one) === saying(other);

function saying(manifest: Manifest): string {
  const sources: (string | undefined)[] = [];
  visit(manifest.document, { Scalar: (_key, { value, source }) => { if (typeof value === 'number') sources.push(source); } });
  return JSON.stringify([podOf(manifest), sources]);
}

/** Aliases are counted and resolved only here: too many of them, or one that leads nowhere, is no syntax error. */
function valueOf(document: Document, name: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw refused(name, (error as Error).message);
  }
}

export const podOf = ({ document }: Manifest): ApiServerPod => document.toJS() as ApiServerPod;

export const manifestText = ({ document, indentSeq }: Manifest): string => document.toString({ indentSeq, lineWidth: 0 });

const ANNOTATIONS = ['metadata', 'annotations'] as const;

/** Sets an annotation, which is enough for the kubelet to restart the pod. */
export const annotate = ({ document }: Manifest, name: string, value: string): void => document.setIn([...ANNOTATIONS, name], value);

/** Whether the first list below a name stands further right than the name: kubeadm writes `- ` right below it. */
function indentsLists(text: string): boolean {
  const [, name, item] = /^( *)(?:- )?[^\s#-][^\n]*:[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- /m.exec(text) ?? [];
  return name !== undefined && item !== undefined && item.length > name.length;
}

const refused = (name: string, why: string): MintmarkError => new MintmarkError('AttachmentRefused', `${name} can not be read as the manifest of a pod: ${why}. Nothing was changed.`);
