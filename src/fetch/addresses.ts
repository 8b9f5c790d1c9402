/**
 * Which network addresses a server may be sent to by a URL that somebody else wrote: those of the public internet, and
 * what the configuration allows besides.
 *
 * Of IPv6 only global unicast counts as public, and of that nothing in which an address of IPv4 is hidden (mapped, 6to4,
 * Teredo, NAT64): what is not known to be public is not.
 */
import { BlockList, isIP } from 'node:net';

/** Not of the public internet: IANA's registries of special-purpose addresses (RFC 6890), multicast, and what is reserved. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24',
  '192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
];
const GLOBAL_IPV6 = ['2000::/3'];
/** In the global range: protocol assignments with Teredo, documentation, 6to4. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

/** Whether one may connect to an address, as it was written or resolved; false for what is no address. */
export type AddressGuard = (address: string) => boolean;

/** `allowed`: networks as `isNetwork` knows them. */
export function addressGuard(allowed: readonly string[]): AddressGuard {
  const [special4, global6, special6, besides] = [SPECIAL_IPV4, GLOBAL_IPV6, SPECIAL_IPV6, allowed].map(listOf);
  return (address) => {
    const family = isIP(address);
    if (family === 0 || address.includes('%')) return false;
    if (family === 4) return besides!.check(address, 'ipv4') || !special4!.check(address, 'ipv4');
    return besides!.check(address, 'ipv6') || (global6!.check(address, 'ipv6') && !special6!.check(address, 'ipv6'));
  };
}

/** `10.0.0.0/8`, `fd00::/8`, or one address. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
  return family !== 0 && !address.includes('%') && fits && more.length === 0;
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return list;
}
