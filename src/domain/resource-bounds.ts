/**
 * How much one resource may hold, and of which characters: whoever may write can not make a list larger than a server
 * can send, nor put into a terminal or a log what it would obey.
 *
 * Gets a resource as it would be stored, gives it back or refuses it. Leaves to each type what its members have to be.
 */
import { MintmarkError } from './errors.ts';
import type { Json, Resource } from './resource.ts';

const MOST_TAGS = 50;
const LONGEST_TAG_NAME = 512;
const LONGEST_TAG_VALUE = 256;
/** Bytes of tags, properties and the members beside them, as JSON in UTF-8. */
const LARGEST_RESOURCE = 64 * 1024;

/** C0, DEL and C1 (Unicode's category Cc). */
const CONTROL = /\p{Cc}/u;
/** The same without tab, line feed and carriage return. */
const CONTROL_IN_KEY_FILE = /[^\P{Cc}\t\n\r]/u;
/** Clients send the file of an SSH key as it is, with the end of its line. */
const KEY_FILE = /^properties\.linuxProfile\.ssh\.publicKeys\.\d+\.keyData$/;

/** The resource itself. @throws MintmarkError `InvalidRequestContent` when it has too much, or control characters. */
export function bounded<T extends Pick<Resource, 'name' | 'tags' | 'envelope' | 'properties'>>(resource: T): T {
  const { name, tags, envelope, properties } = resource;
  assertTags(tags);
  const bytes = new TextEncoder().encode(JSON.stringify({ tags, ...envelope, properties })).length;
  if (bytes > LARGEST_RESOURCE) throw refuse('properties', `The tags, properties and other members of '${name}' come to ${bytes} bytes as JSON; a resource has at most ${LARGEST_RESOURCE}.`);
  assertPrintable({ tags, ...envelope, properties }, []);
  return resource;
}

function assertTags(tags: Resource['tags']): void {
  const entries = Object.entries(tags);
  if (entries.length > MOST_TAGS) throw refuse('tags', `There are ${entries.length} tags; a resource has at most ${MOST_TAGS}.`);
  if (entries.some(([name]) => name.length > LONGEST_TAG_NAME)) throw refuse('tags', `The name of a tag has at most ${LONGEST_TAG_NAME} characters.`);
  if (entries.some(([, value]) => value.length > LONGEST_TAG_VALUE)) throw refuse('tags', `The value of a tag has at most ${LONGEST_TAG_VALUE} characters.`);
}

/** Looks at every string, names of members included. */
function assertPrintable(value: Json, path: readonly string[]): void {
  if (typeof value === 'string' && CONTROL.test(value) && !isKeyFile(value, path)) throw refuse(targetOf(path), 'A string has a control character. Leave it out.');
  if (typeof value !== 'object' || value === null) return;
  for (const [member, inner] of Object.entries(value)) {
    if (CONTROL.test(member)) throw refuse(targetOf(path), 'The name of a member has a control character. Leave it out.');
    assertPrintable(inner, [...path, member]);
  }
}

const isKeyFile = (value: string, path: readonly string[]): boolean => KEY_FILE.test(path.join('.')) && !CONTROL_IN_KEY_FILE.test(value);

/** At most so long as the targets that the edge makes of a wrong body. */
const targetOf = (path: readonly string[]): string => path.join('.').slice(0, 200);

const refuse = (target: string, message: string): MintmarkError => new MintmarkError('InvalidRequestContent', message, { target });
