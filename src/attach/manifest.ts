/**
 * The static pod manifest of a kube-apiserver as a YAML document: read, changed and written with its comments, its order
 * and whatever else is in it.
 */
import { type Document, isMap, isNode, parseAllDocuments, type ScalarTag, type Tags, visit } from 'yaml';
import { MintmarkError } from '../domain/errors.ts';
import type { ApiServerPod } from './patches.ts';
import { podFault } from './pod-shape.ts';

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
  const value = valueOf(document as Document, name);
  if (Object(value)['kind'] !== 'Pod') throw refused(name, 'it is not of kind Pod');
  const fault = podFault(value);
  if (fault !== null) throw refused(name, fault);
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
export function annotate({ document }: Manifest, name: string, value: string): void {
  for (const path of [ANNOTATIONS.slice(0, 1), ANNOTATIONS]) makeMap(document, path);
  document.setIn([...ANNOTATIONS, name], value);
}

/** Takes an annotation away, and the map with the last of them. */
export function unannotate({ document }: Manifest, name: string): void {
  if (!document.hasIn([...ANNOTATIONS, name])) return;
  document.deleteIn([...ANNOTATIONS, name]);
  const left = document.getIn(ANNOTATIONS, true);
  if (isMap(left) && left.items.length === 0) document.deleteIn(ANNOTATIONS);
}

/** Null becomes an empty map; and an alias a copy, so that what it stands for is not changed elsewhere. */
function makeMap(document: Document, path: readonly string[]): void {
  const node = document.getIn(path, true);
  if (!isNode(node) || isMap(node)) return;
  const map = document.createNode(node.toJS(document) ?? {});
  map.commentBefore = node.comment ?? null;
  document.setIn(path, map);
}

/** Whether the first list below a name stands further right than the name: kubeadm writes `- ` right below it. */
function indentsLists(text: string): boolean {
  const [, name, item] = /^( *)(?:- )?[^\s#-][^\n]*:[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- /m.exec(text) ?? [];
  return name !== undefined && item !== undefined && item.length > name.length;
}

const refused = (name: string, why: string): MintmarkError => new MintmarkError('AttachmentRefused', `${name} can not be read as the manifest of a pod: ${why}. Nothing was changed.`);
