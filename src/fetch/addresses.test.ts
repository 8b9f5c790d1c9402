import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressGuard, isNetwork } from './addresses.ts';

const guard = addressGuard([]);

const PUBLIC = ['1.1.1.1', '8.8.8.8', '20.190.128.1', '172.15.255.255', '172.32.0.0', '100.63.255.255', '100.128.0.0', '192.167.255.255', '223.255.255.255', '2606:4700::1111', '2a00:1450:4001::1', '2600::'];

for (const address of PUBLIC) test(`${address} is public`, () => assert.equal(guard(address), true));

const REFUSED = [
  '0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1',
  '192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255',
  '::', '::1', '::7f00:1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:a00:1', '64:ff9b::808:808', '64:ff9b:1::1', '100::1', '2001::1', '2001:0:a00:1::', '2001:db8::1', '2002:7f00:1::1', '2002:808:808::1', '3fff::1',
  'fc00::1', 'fd12:3456::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '4000::1',
  '', 'localhost', '127.1', '0x7f000001', '2130706433', '8.8.8.8/32', '2606:4700::1111%1', '[::1]', ' 8.8.8.8',
];

for (const address of REFUSED) test(`${JSON.stringify(address)} is not`, () => assert.equal(guard(address), false));

test('what is allowed besides is allowed, and nothing beside that', () => {
  const allowing = addressGuard(['10.1.0.0/16', '192.168.7.7', 'fd00:1::/32', '::1/128']);
  const addresses = ['10.1.2.3', '10.2.0.1', '192.168.7.7', '192.168.7.8', 'fd00:1::5', 'fd00:2::5', '::1', '::2', '8.8.8.8'];
  assert.deepEqual(addresses.filter(allowing), ['10.1.2.3', '192.168.7.7', 'fd00:1::5', '::1', '8.8.8.8']);
});

for (const [text, is] of [['10.0.0.0/8', true], ['10.0.0.1', true], ['fd00::/8', true], ['::/0', true], ['0.0.0.0/0', true], ['10.0.0.0/33', false], ['::/129', false], ['10.0.0/8', false], ['example.com', false], ['10.0.0.0/', false], ['10.0.0.0/8/8', false], ['fe80::1%eth0', false], ['', false], ['10.0.0.0/-1', false]] as const) {
  test(`${JSON.stringify(text)} is ${is ? 'a' : 'no'} network`, () => assert.equal(isNetwork(text), is));
}
