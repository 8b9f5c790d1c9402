/**
 * JSON Patch (RFC 6902), as far as attaching needs it, on a YAML document whose comments and order survive.
 *
 * The same operations are the patches that kubeadm applies to the manifest that it writes anew, so a manifest edited
 * here and one patched by kubeadm agree. Only these three operations are used: `test` guards each `remove`.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isNode, isSeq, type Node, visit, type YAMLSeq } from 'yaml';
import { MintmarkError } from '../domain/errors.ts';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** RFC 6902, section 4. Paths are JSON Pointers (RFC 6901) whose names need no escapes but `~0` and `~1`. */
export type Operation =
  | { readonly op: 'test'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'add'; readonly path: string; readonly value: JsonValue };

/** A place in a document: the collection, and the name or index in it. */
interface Place {
  readonly parent: Node;
  readonly last: string;
}

/** Carries the operations out in order. @throws MintmarkError `AttachmentRefused` when one does not fit; the document is then half changed. */
export function apply(document: Document, operations: readonly Operation[]): void {
  const repeated = repeatedAnchors(document);
  for (const operation of operations) {
    if (operation.op !== 'test') assertStandsOnce(document, operation.path, repeated);
    const place = placeOf(document, operation.path);
    if (operation.op === 'test') assertIs(document, place, operation);
    else if (operation.op === 'remove') take(place, operation.path);
    else put(document, place, operation.value);
  }
}

/**
 * Takes the operations back, last first: what was added goes wherever it stands now, what was removed returns to its place.
 * @throws MintmarkError `AttachmentRefused` when something that was added is not there.
 */
export function undo(document: Document, operations: readonly Operation[]): void {
  for (const [at, operation] of [...operations.entries()].toReversed()) {
    const place = placeOf(document, operation.path);
    if (operation.op === 'add') takeBack(document, place, operation);
    if (operation.op === 'remove') put(document, place, valueTested(operations, at));
  }
}

/** Whether every value that the operations added is there. */
export const isApplied = (document: Document, operations: readonly Operation[]): boolean => addedThere(document, operations).every(Boolean);

/** Whether none of them is: the manifest was written anew without the patches. */
export const isAbsent = (document: Document, operations: readonly Operation[]): boolean => !addedThere(document, operations).some(Boolean);

/** For each value that is new, and not only moved within its list. */
const addedThere = (document: Document, operations: readonly Operation[]): readonly boolean[] => {
  const moved = operations.filter((operation) => operation.op === 'test').map(({ value }) => value);
  return operations.filter((operation) => operation.op === 'add').filter(({ value }) => !moved.includes(value)).map(({ path, value }) => {
    const at = pointer(path);
    const found = jsonOf(document, document.getIn(at.at(-1) === '-' ? at.slice(0, -1) : at, true));
    return at.at(-1) === '-' ? Array.isArray(found) && found.some((item) => isDeepStrictEqual(item, value)) : isDeepStrictEqual(found, value);
  });
};

/** Anchors that an alias repeats. */
function repeatedAnchors(document: Document): ReadonlySet<string> {
  const found = new Set<string>();
  visit(document, { Alias: (_key, { source }) => void found.add(source) });
  return found;
}

/** What is put into a list that another container repeats by an alias would be that one's too, and no line of it would show. */
function assertStandsOnce(document: Document, path: string, repeated: ReadonlySet<string>): void {
  const parts = pointer(path);
  for (let length = 1; length < parts.length; length += 1) {
    const node = document.getIn(parts.slice(0, length), true);
    const { anchor } = isMap(node) || isSeq(node) ? node : {};
    if (anchor !== undefined && repeated.has(anchor)) throw refused(`/${parts.slice(0, length).join('/')} is repeated elsewhere by an alias (*${anchor}), which would change with it: write it out there`);
  }
}

const pointer = (path: string): readonly string[] => path.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

function placeOf(document: Document, path: string): Place {
  const parts = pointer(path);
  const parent = document.getIn(parts.slice(0, -1), true);
  if (!isMap(parent) && !isSeq(parent)) throw refused(`it has nothing at ${path}`);
  return { parent, last: parts.at(-1)! };
}

function assertIs(document: Document, { parent, last }: Place, { path, value }: { readonly path: string; readonly value: JsonValue }): void {
  const found = jsonOf(document, isSeq(parent) ? parent.items[Number(last)] : isMap(parent) ? parent.get(last, true) : undefined);
  if (!isDeepStrictEqual(found, value)) throw refused(`${path} is ${JSON.stringify(found) ?? 'missing'} and not ${JSON.stringify(value)}`);
}

function put(document: Document, { parent, last }: Place, value: JsonValue): void {
  const node = document.createNode(value);
  if (isSeq(parent)) parent.items.splice(last === '-' ? parent.items.length : Number(last), 0, node);
  else if (isMap(parent)) parent.set(last, node);
}

function take({ parent, last }: Place, path: string): void {
  if (isSeq(parent)) takeItem(parent, Number(last));
  else if (!isMap(parent) || !parent.delete(last)) throw refused(`it has nothing at ${path}`);
}

/** A comment above an item is about what follows, so it stays. */
function takeItem(list: YAMLSeq, at: number): void {
  const [gone] = list.items.splice(at, 1);
  const [comment, next] = [isNode(gone) ? gone.commentBefore : undefined, list.items[at]];
  if (comment && isNode(next)) next.commentBefore = next.commentBefore ? `${comment}\n${next.commentBefore}` : comment;
}

function takeBack(document: Document, place: Place, { path, value }: { readonly path: string; readonly value: JsonValue }): void {
  const { parent, last } = place;
  if (!isSeq(parent) || last !== '-') return take(place, path);
  const at = parent.items.findLastIndex((item) => isDeepStrictEqual(jsonOf(document, item), value));
  if (at === -1) throw refused(`${path.slice(0, -2)} has no ${JSON.stringify(value)}`);
  takeItem(parent, at);
}

function valueTested(operations: readonly Operation[], at: number): JsonValue {
  const before = operations[at - 1];
  if (before?.op !== 'test') throw refused('an operation that removes something has no test before it');
  return before.value;
}

const jsonOf = (document: Document, node: unknown): unknown => (isNode(node) ? node.toJS(document) : node);

const refused = (why: string): MintmarkError => new MintmarkError('AttachmentRefused', `The manifest is not as it was expected: ${why}. Nothing was changed.`);
