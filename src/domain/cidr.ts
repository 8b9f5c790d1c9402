/** Ranges of network addresses (RFC 4632, RFC 4291): which there are, and what lies in them. */

interface Range {
  readonly family: 4 | 6;
  readonly start: bigint;
  readonly prefix: number;
}

const BITS = { 4: 32, 6: 128 } as const;
/** `::ffff:0:0/96`: an address of IPv4 inside of one of IPv6, which is that address of IPv4. */
const MAPPED = 0xffffn;

/** Whether the text is a range such as `10.0.0.0/8` or `2001:db8::/32`, or one address. */
export const isCidr = (text: string): boolean => rangeOf(text) !== null;

/** Whether an address lies in one of the ranges. Something that is no address lies in none. */
export function isWithinCidrs(address: string, cidrs: readonly string[]): boolean {
  const at = addressOf(address.replace(/%.*$/, ''));
  return at !== null && cidrs.some((text) => {
    const range = rangeOf(text);
    return range !== null && range.family === at.family && (at.value ^ range.start) >> BigInt(BITS[range.family] - range.prefix) === 0n;
  });
}

function rangeOf(text: string): Range | null {
  const [, network = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const at = addressOf(network);
  if (at === null) return null;
  const prefix = length === undefined ? BITS[at.family] : Number(length);
  return prefix <= BITS[at.family] ? { family: at.family, start: at.value, prefix } : null;
}

function addressOf(text: string): { readonly family: 4 | 6; readonly value: bigint } | null {
  const four = numberOfIpv4(text);
  if (four !== null) return { family: 4, value: four };
  const six = numberOfIpv6(text);
  if (six === null) return null;
  return six >> 32n === MAPPED ? { family: 4, value: six & 0xffff_ffffn } : { family: 6, value: six };
}

function numberOfIpv4(text: string): bigint | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  return parts === undefined || parts.some((part) => Number(part) > 255 || /^0\d/.test(part)) ? null : joined(parts.map(Number), 8n);
}

function numberOfIpv6(text: string): bigint | null {
  const tail = /:(\d+\.\d+\.\d+\.\d+)$/.exec(text)?.[1];
  const four = tail === undefined ? null : numberOfIpv4(tail);
  if (tail !== undefined && four === null) return null;
  const plain = four === null ? text : `${text.slice(0, -tail!.length)}${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`;
  const halves = plain.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const [head = [], rest] = halves;
  const count = halves.flat().length;
  if (halves.length > 2 || (rest === undefined ? count !== 8 : count > 7)) return null;
  const groups = [...head, ...Array.from({ length: 8 - count }, () => '0'), ...(rest ?? [])];
  return groups.every((group) => /^[\da-f]{1,4}$/i.test(group)) ? joined(groups.map((group) => Number.parseInt(group, 16)), 16n) : null;
}

const joined = (parts: readonly number[], bits: bigint): bigint => parts.reduce((sum, part) => (sum << bits) | BigInt(part), 0n);
