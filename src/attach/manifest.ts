/**
 * The static pod manifest of a kube-apiserver as a YAML document: read, changed and written with its comments, its order
 * and whatever else is in it.
 */
import { type Document, parseAllDocuments } from 'yaml';
import { MintmarkError } from '../domain/errors.ts';
import type { ApiServerPod } from './patches.ts';

export interface Manifest {
  readonly document: Document;
  /** What `String(document)` needs to keep the shape that the text had. */
  readonly indentSeq: boolean;
}

/** @throws MintmarkError `AttachmentRefused` for what is not one YAML document that holds a pod. */
export function parseManifest(text: string, name: string): Manifest {
  const documents = parseAllDocuments(text);
  const [document] = documents;
  if (!Array.isArray(documents) || documents.length !== 1 || document === undefined) throw refused(name, 'it does not hold exactly one document');
  if (document.errors.length > 0) throw refused(name, document.errors[0]!.message.split('\n')[0]!);
  if (Object(valueOf(document as Document, name))['kind'] !== 'Pod') throw refused(name, 'it is not of kind Pod');
  return { document: document as Document, indentSeq: indentsLists(text) };
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
