import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from './resource.ts';
import { bounded } from './resource-bounds.ts';

const make = (properties: JsonObject = {}, tags: Readonly<Record<string, string>> = {}, envelope: JsonObject = {}) => ({ name: 'c1', tags, envelope, properties });
const many = (count: number, name: string, value: string) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`${index}`.padStart(2, '0') + name, value]));
const ssh = (keyData: string): JsonObject => ({ linuxProfile: { ssh: { publicKeys: [{ keyData }] } } });
/** Bytes of JSON around `properties.a`. */
const AROUND = JSON.stringify({ tags: {}, properties: { a: '' } }).length;

const ACCEPTED: readonly (readonly [string, ReturnType<typeof make>])[] = [
  ['nothing', make()],
  ['50 tags of the longest names and values', make({}, many(50, 'n'.repeat(510), 'v'.repeat(256)))],
  ['64 KiB', make({ a: 'x'.repeat(65_536 - AROUND) })],
  ['printable text of any script', make({ a: 'ä 日本 😀 \u00a0' }, { Größe: '→' })],
  ['the file of an SSH key', make(ssh('ssh-rsa AAAA\tme@host\r\n'))],
];

for (const [what, resource] of ACCEPTED) test(`${what} may be stored`, () => assert.equal(bounded(resource), resource));

const STRING = 'A string has a control character. Leave it out.';
const MEMBER = 'The name of a member has a control character. Leave it out.';
const tooLarge = (bytes: number): string => `The tags, properties and other members of 'c1' come to ${bytes} bytes as JSON; a resource has at most 65536.`;

/** what, the resource → target and message. */
const REFUSED: readonly (readonly [string, ReturnType<typeof make>, string, string])[] = [
  ['51 tags', make({}, many(51, 'n', '')), 'tags', 'There are 51 tags; a resource has at most 50.'],
  ['a tag name of 513', make({}, { ['n'.repeat(513)]: '' }), 'tags', 'The name of a tag has at most 512 characters.'],
  ['a tag value of 257', make({}, { a: 'v'.repeat(257) }), 'tags', 'The value of a tag has at most 256 characters.'],
  ['one byte too many', make({ a: 'x'.repeat(65_537 - AROUND) }), 'properties', tooLarge(65_537)],
  ['bytes, not characters', make({ a: 'ä'.repeat(32_768) }), 'properties', tooLarge(65_536 + AROUND)],
  ['too much beside the properties', make({}, {}, { sku: { a: 'x'.repeat(65_536) } }), 'properties', tooLarge(65_536 + JSON.stringify({ tags: {}, sku: { a: '' }, properties: {} }).length)],
  ['DEL in a tag', make({}, { a: '\u007f' }), 'tags.a', STRING],
  ['a line feed in a tag', make({}, { a: '1\n2' }), 'tags.a', STRING],
  ['ESC in the name of a tag', make({}, { '\u001b': '' }), 'tags', MEMBER],
  ['C0 in a property', make({ a: [{ b: '\u0000' }] }), 'properties.a.0.b', STRING],
  ['C1 in a property', make({ a: '\u009b2J' }), 'properties.a', STRING],
  ['the name of a property', make({ a: { 'b\u0085': 1 } }), 'properties.a', MEMBER],
  ['a sku', make({}, {}, { sku: { name: '\u0007' } }), 'sku.name', STRING],
  ['an SSH key with an escape sequence', make(ssh('ssh-rsa \u001b[2J\n')), 'properties.linuxProfile.ssh.publicKeys.0.keyData', STRING],
  ['a line feed elsewhere in the Linux profile', make({ linuxProfile: { adminUsername: 'a\n' } }), 'properties.linuxProfile.adminUsername', STRING],
];

for (const [what, resource, target, message] of REFUSED) {
  test(`${what} is refused`, () => assert.throws(() => bounded(resource), { code: 'InvalidRequestContent', target, message }));
}
