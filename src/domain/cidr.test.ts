import assert from 'node:assert/strict';
import { BlockList, isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCidr, isWithinCidrs } from './cidr.ts';

const WITHIN: readonly (readonly [address: string, cidrs: readonly string[], within: boolean])[] = [
  ['10.1.2.3', ['10.0.0.0/8'], true], ['11.1.2.3', ['10.0.0.0/8'], false], ['11.1.2.3', ['10.0.0.0/8', '11.1.2.3'], true], ['11.1.2.4', ['11.1.2.3/32'], false],
  ['10.1.2.3', ['10.9.9.9/8'], true], ['203.0.113.9', ['0.0.0.0/0'], true], ['::ffff:10.1.2.3', ['10.0.0.0/8'], true], ['::ffff:a01:203', ['10.0.0.0/8'], true],
  ['2001:db8::1', ['2001:db8::/32'], true], ['2001:db9::1', ['2001:db8::/32'], false], ['fe80::1%eth0', ['fe80::/10'], true], ['10.1.2.3', ['::/0'], false], ['::1', ['0.0.0.0/0'], false],
  ['10.1.2.3', [], false], ['nowhere', ['0.0.0.0/0', '::/0'], false], ['', ['0.0.0.0/0'], false],
];
for (const [address, cidrs, within] of WITHIN) test(`${address} ${within ? 'lies' : 'does not lie'} in ${cidrs.join(', ') || 'nothing'}`, () => assert.equal(isWithinCidrs(address, cidrs), within));

test('what is a range', () => {
  for (const text of ['10.0.0.0/8', '0.0.0.0/0', '192.0.2.1', '192.0.2.1/32', '::/0', '2001:DB8::/32', '::1', '1:2:3:4:5:6:7:8', '64:ff9b::192.0.2.33/96', '1::']) assert.equal(isCidr(text), true, text);
  for (const text of ['', '/8', '10.0.0.0/33', '10.0.0/8', '10.0.0.256', '010.0.0.1', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', 'example.com', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8:9', '12345::', 'g::', '::/129', '::1.2.3', '::256.1.1.1', '1.2.3.4::']) assert.equal(isCidr(text), false, text);
});

test("node's own lists of addresses say the same", () => {
  const ipv6 = fc.ipV6().filter((text) => isIP(text) === 6 && !/^(0*:)*(0*:)?ffff:/i.test(text));
  const families = [[fc.ipV4(), 32, 'ipv4'], [ipv6, 128, 'ipv6']] as const;
  for (const [addresses, bits, family] of families) {
    fc.assert(fc.property(addresses, addresses, fc.nat(bits), (address, network, prefix) => {
      const list = new BlockList();
      list.addSubnet(network, prefix, family);
      return isWithinCidrs(address, [`${network}/${prefix}`]) === list.check(address, family);
    }));
    fc.assert(fc.property(addresses, fc.nat(bits), (address, prefix) => isWithinCidrs(address, [`${address}/${prefix}`])));
  }
});
