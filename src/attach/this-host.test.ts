/** Which addresses are those of this host, on a host whose interfaces and names are made up; and that no other is asked for a proof. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { controlPlaneHost } from '../../test/support/control-plane-host.ts';
import { makeKey, openedRing, SILENT } from '../../test/support/signer-rings.ts';
import { openKeyFiles } from './key-files-mode.ts';
import { otherHost } from './this-host.ts';

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'cp-1': ['10.0.0.4', 'fe80::4'], localhost: ['127.0.0.1', '::1'], 'lb.example.com': ['10.0.0.100'], 'round-robin.example.com': ['10.0.0.4', '10.0.0.5'], 'nothing.example.com': [],
};
const INTERFACES = { lo: [{ address: '127.0.0.1' }, { address: '::1' }], eth0: [{ address: '10.0.0.4' }, { address: 'fd00::4' }, { address: 'fe80::4' }], 'kube-ipvs0': [{ address: '10.96.0.1' }], gone: undefined };
const AROUND = {
  resolve: async (host: string) => NAMES[host] ?? (/^[\d.:a-f]+$/.test(host) ? [host] : Promise.reject(Object.assign(new Error('?'), { code: 'ENOTFOUND' }))),
  interfaces: () => INTERFACES,
};

const ADDRESSES: readonly (readonly [string, RegExp | null])[] = [
  ['127.0.0.1', null], ['127.0.1.1', null], ['localhost', null], ['[::1]', null], ['10.0.0.4', null], ['[fd00:0::4]', null], ['[::ffff:10.0.0.4]', null], ['cp-1', null],
  ['10.0.0.5', /^10\.0\.0\.5 is no address of this host/],
  ['lb.example.com', /^lb\.example\.com \(10\.0\.0\.100\) is no address of this host/],
  ['round-robin.example.com', /^round-robin\.example\.com \(10\.0\.0\.5\) is no/],
  ['nothing.example.com', /is no address of this host/],
  ['10.96.0.1', /is no address of this host/],
  ['[fd00::5]', /^fd00::5 is no address/],
  ['unknown.example.com', /^The name unknown\.example\.com can not be resolved \(ENOTFOUND\)\.$/],
];
for (const [host, why] of ADDRESSES) {
  test(`https://${host}:6443 ${why === null ? 'leads to this host' : 'does not'}`, async () => {
    const found = await otherHost({ url: `https://${host}:6443` }, AROUND);
    if (why === null) assert.equal(found, null);
    else assert.match(found ?? 'this host', why);
  });
}

test('a host whose interfaces can not be read says what it needs', async () => {
  const interfaces = (): never => { throw Object.assign(new Error('uv_interface_addresses'), { code: 'ERR_SYSTEM_ERROR' }); };
  assert.match((await otherHost({ url: 'https://10.0.0.4:6443' }, { ...AROUND, interfaces }))!, /can not be read \(ERR_SYSTEM_ERROR\).*AF_NETLINK/);
});

const flagsWith = (folder: string, kubeconfig: string) => ({ folder, kubeconfig, account: { namespace: 'a', name: 'b' }, restartManifest: null, keepAutoExtension: false });
const withServer = (kubeconfig: string, url: string): string => JSON.stringify({ ...JSON.parse(kubeconfig) as object, clusters: [{ name: 'k', cluster: { server: url } }] });

test('a kubeconfig that leads to another host is refused when the signer starts, and proves nothing when it does later', async (t) => {
  const host = controlPlaneHost(t, 30);
  const [standIn, file] = [await host.start(), join(host.dir, 'proof.conf')];
  writeFileSync(file, withServer(standIn.kubeconfig(), 'https://192.0.2.1:6443'));
  await assert.rejects(openKeyFiles(flagsWith(host.keyFolder, file), SILENT), { code: 'InvalidConfiguration', message: /proof\.conf can not be used: 192\.0\.2\.1 is no address of this host/ });
  writeFileSync(file, standIn.kubeconfig());
  const logged: string[] = [];
  const files = await openKeyFiles(flagsWith(host.keyFolder, file), pino({ level: 'info' }, { write: (line: string) => logged.push((JSON.parse(line) as { msg: string }).msg) }));
  await files.use(await openedRing({ active: makeKey() }));
  writeFileSync(file, withServer(standIn.kubeconfig(), 'https://192.0.2.1:6443'));
  assert.equal(await files.proven(), false);
  assert.match(logged.join('\n'), /^not acknowledged yet: 192\.0\.2\.1 is no address of this host/);
});
