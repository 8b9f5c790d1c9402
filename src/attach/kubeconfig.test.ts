/** Kubeconfigs as they are found: with certificates inside or beside, tokens inside or in files; and what is refused at the start. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pino } from 'pino';
import { openKeyFiles } from './key-files-mode.ts';
import { readKubeconfig } from './kubeconfig.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const config = (cluster: object, user: object, more: object = {}): object => ({
  'current-context': 'c', contexts: [{ name: 'other', context: {} }, { name: 'c', context: { cluster: 'k', user: 'u' } }], clusters: [{ name: 'k', cluster }], users: [{ name: 'u', user }], ...more,
});

function folder(t: TestContext, kubeconfig: object | string): string {
  const dir = mkdtempSync(join(tmpdir(), 'mintmark-kubeconfig-'));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const [name, text] of [['ca.crt', 'CA'], ['client.crt', 'CERT'], ['client.key', 'KEY'], ['token', 'TOKEN\n']] as const) writeFileSync(join(dir, name), text);
  writeFileSync(join(dir, 'config'), typeof kubeconfig === 'string' ? kubeconfig : JSON.stringify(kubeconfig));
  return dir;
}

const SERVER = 'https://10.0.0.4:6443';
const READ: readonly (readonly [string, object, object])[] = [
  ['all inside, as kubeadm writes it', config({ server: SERVER, 'certificate-authority-data': base64('CA') }, { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') }), { url: SERVER, ca: 'CA', serverName: null, client: { certificate: 'CERT', key: 'KEY' }, token: null }],
  ['files beside it', config({ server: `${SERVER}/`, 'certificate-authority': 'ca.crt', 'tls-server-name': 'kubernetes' }, { 'client-certificate': 'client.crt', 'client-key': 'client.key' }), { url: SERVER, ca: 'CA', serverName: 'kubernetes', client: { certificate: 'CERT', key: 'KEY' }, token: null }],
  ['a token', config({ server: SERVER }, { token: 'T' }), { url: SERVER, ca: null, serverName: null, client: null, token: 'T' }],
  ['a file with a token', config({ server: SERVER }, { tokenFile: 'token', token: 'old' }), { url: SERVER, ca: null, serverName: null, client: null, token: 'TOKEN' }],
];

for (const [what, kubeconfig, wanted] of READ) test(what, async (t) => assert.deepEqual(await readKubeconfig(join(folder(t, kubeconfig), 'config')), wanted));

const REFUSED: readonly (readonly [string, object | string, RegExp])[] = [
  ['no YAML', '{', /it is not YAML/],
  ['nothing in it', '', /it has no context named ''/],
  ['no such user', config({ server: SERVER }, {}, { users: [] }), /it has no user named 'u'/],
  ['plain http', config({ server: 'http://10.0.0.4:8080' }, {}), /its cluster has no https server/],
  ['a program that logs in', config({ server: SERVER }, { exec: { command: 'aws' } }), /its user logs in by a program/],
  ['a file that is not there', config({ server: SERVER, 'certificate-authority': 'none.crt' }, {}), /none\.crt can not be read \(ENOENT\)/],
];

for (const [what, kubeconfig, why] of REFUSED) {
  test(`${what} is refused, when the signer starts`, async (t) => {
    const file = join(folder(t, kubeconfig), 'config');
    const flags = { folder: '/nowhere', kubeconfig: file, account: { namespace: 'a', name: 'b' }, restartManifest: null, keepAutoExtension: false };
    await assert.rejects(openKeyFiles(flags, pino({ level: 'silent' })), (error: Error & { code: string }) => error.code === 'InvalidConfiguration' && error.message.includes(file) && why.test(error.message));
  });
}

test('so is a manifest by which nothing can be restarted', async (t) => {
  const file = join(folder(t, 'kind: Service'), 'config');
  const flags = { folder: '/nowhere', kubeconfig: null, account: { namespace: 'a', name: 'b' }, restartManifest: file, keepAutoExtension: false };
  await assert.rejects(openKeyFiles(flags, pino({ level: 'silent' })), { code: 'InvalidConfiguration', message: /can not be restarted by .*it is not of kind Pod\.$/ });
});

test('so are key files where the kubelet would take them for pods', async (t) => {
  const file = join(folder(t, 'kind: Pod'), 'config');
  const flags = { folder: join(dirname(file), 'keys'), kubeconfig: null, account: { namespace: 'a', name: 'b' }, restartManifest: file, keepAutoExtension: false };
  await assert.rejects(openKeyFiles(flags, pino({ level: 'silent' })), { code: 'InvalidConfiguration', message: /can not be restarted by .*The folder for key files, .*keys, is in the folder of the manifest/ });
});
