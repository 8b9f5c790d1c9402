/** `issuer show-api-server-flags`: the flags and forms of each version and distribution, and what is refused. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { clusterServer, OURS } from '../../test/support/cluster-server.ts';
import { runLine } from '../../test/support/command-line.ts';
import { controlPlaneHost } from '../../test/support/control-plane-host.ts';

const SHELL = `  --service-account-issuer=https://i.example/u/ \\
  --service-account-issuer=https://kubernetes.default.svc.cluster.local \\
  --service-account-jwks-uri=https://i.example/u/openid/v1/jwks \\
`;

test("flags are those of the cluster's version, with what has to be there before", async (t) => {
  const fake = await clusterServer(t);
  const { code, stdout, stderr } = await runLine(['issuer', 'show-api-server-flags', ...OURS], fake);
  assert.deepEqual([code, stdout], [0, `${SHELL}  --service-account-signing-endpoint=/run/mintmark/signer.sock \\\n  --service-account-extend-token-expiration=false\n`]);
  assert.match(stderr, /^WARNING: Take out the lines that the API server has now of --service-account-key-file, --service-account-signing-key-file, --service-account-issuer: these come in their place, .* does not start \(they are mutually exclusive\)\.\nWARNING: The signer must serve \/run\/mintmark\/signer\.sock before the API server starts/);
});

test('which present lines go is said of plain flags alone, since patches take them out; a key file that stays does no harm beside key files', async (t) => {
  const fake = await clusterServer(t);
  const removed = async (...more: readonly string[]) => {
    const { stdout, stderr } = await runLine(['issuer', 'show-api-server-flags', ...OURS, ...more, '-o', 'json'], fake);
    return [(JSON.parse(stdout) as { readonly remove: readonly string[] }).remove, /Take out/.test(stderr), /mutually exclusive/.test(stderr)];
  };
  assert.deepEqual(await removed(), [['--service-account-key-file', '--service-account-signing-key-file', '--service-account-issuer'], true, true]);
  assert.deepEqual(await removed('--mode', 'key-files'), [['--service-account-signing-key-file', '--service-account-issuer'], true, false]);
  assert.deepEqual(await removed('--stage', 'accept'), [['--service-account-issuer'], true, false]);
  assert.deepEqual(await removed('--distribution', 'kubeadm'), [[], false, false]);
});

test('--use-alpha asks for external signing where it is alpha', async (t) => {
  const { code, stdout } = await runLine(['issuer', 'show-api-server-flags', ...OURS, '-k', '1.33', '--use-alpha'], await clusterServer(t));
  assert.deepEqual([code, stdout], [0, `${SHELL}  --service-account-signing-endpoint=/run/mintmark/signer.sock \\\n  --service-account-extend-token-expiration=false \\\n  --feature-gates=ExternalServiceAccountTokenSigner=true\n`]);
});

test('the first of two passes takes --use-alpha too, without which external signing is refused there', async (t) => {
  const [fake, line] = [await clusterServer(t), ['issuer', 'show-api-server-flags', ...OURS, '-k', '1.33', '--stage', 'accept', '--mode', 'external']];
  assert.equal((await runLine(line, fake)).code, 1);
  const { code, stdout } = await runLine([...line, '--use-alpha'], fake);
  assert.deepEqual([code, /--service-account-key-file=.*accepted\.pub/.test(stdout), /feature-gates/.test(stdout)], [0, true, false]);
});

test('an older version has key files; a newer one, the distribution and the form can be named', async (t) => {
  const fake = await clusterServer(t, '1.30.2');
  const old = await runLine(['issuer', 'show-api-server-flags', ...OURS, '--former-issuer', 'https://old/'], fake);
  assert.match(old.stdout, /--service-account-issuer=https:\/\/old\/ \\\n.*\n {2}--service-account-signing-key-file=\/var\/lib\/mintmark-signer\/api-server\/sa\.key/);
  const json = await runLine(['issuer', 'show-api-server-flags', ...OURS, '-k', '1.36', '--distribution', 'k3s', '-o', 'json'], fake);
  const { mode, form } = JSON.parse(json.stdout) as { mode: string; form: string };
  assert.deepEqual([json.code, mode, form], [0, 'key-files', (await runLine(['issuer', 'show-api-server-flags', ...OURS, '-k', '1.36', '--distribution', 'k3s'], fake)).stdout]);
  for (const used of [['--stage', 'accept', '--key-folder', '/k'], ['--socket', '/s'], ['-k', '1.33', '--mode', 'external', '--use-alpha'], ['--keep-auto-extension']]) assert.equal((await runLine(['issuer', 'show-api-server-flags', ...OURS, '-k', '1.36', ...used], fake)).code, 0, used.join(' '));
  const patches = await runLine(['issuer', 'show-api-server-flags', ...OURS, '-k', '1.36', '--distribution', 'kubeadm'], fake);
  assert.deepEqual((JSON.parse(patches.stdout) as readonly object[])[0], { op: 'test', path: '/spec/containers/0/name', value: 'kube-apiserver' });
});

test('to accept: the file is to be written and looked at; that attach writes it is said only where there is a manifest to attach', async (t) => {
  const fake = await clusterServer(t, '1.36');
  const said = async (...more: readonly string[]): Promise<string> => (await runLine(['issuer', 'show-api-server-flags', ...OURS, '--stage', 'accept', ...more], fake)).stderr;
  const [plain, k3s, rke2] = [await said(), await said('--distribution', 'k3s'), await said('--distribution', 'rke2')];
  for (const text of [plain, k3s, rke2]) assert.match(text, /'mintmark issuer show-public-keys --file \/var\/lib\/mintmark-signer\/api-server\/accepted\.pub' writes them; look at that file before the restart\./);
  assert.deepEqual([plain, k3s, rke2].map((text) => text.includes('signer attach')), [true, false, false]);
});

const REFUSED: readonly (readonly [readonly string[], number, RegExp])[] = [
  [['--distribution', 'talos'], 1, /ImpossibleAttachment\) Talos can not be attached in any way today\. By external signing: Talos always passes both key-file flags, .*\. By key files: Talos writes both files itself .* changes no machine configuration\.$/m],
  [['--distribution', 'talos', '--mode', 'key-files'], 1, /ImpossibleAttachment\) Talos can not be attached in any way today\. By external signing: /],
  [['--mode', 'followed'], 1, /ImpossibleAttachment\) kubeadm can not be followed: This version of Mintmark follows no issuers; /],
  [['--distribution', 'talos', '--mode', 'followed'], 1, /ImpossibleAttachment\) Talos can not be followed: .* It will be the way for Talos/],
  [['--distribution', 'k3s', '--mode', 'external'], 1, /k3s can not be attached by external signing/],
  [['-k', '1.33', '--mode', 'external'], 1, /--use-alpha/],
  [['-k', '1.23', '--distribution', 'kubeadm'], 2, /show the manifest with --manifest/],
  [['-k', '1.21'], 2, /no version from 1\.22 on/],
  [['--former-issuer', 'http://x'], 2, /no https URL/],
  [['--socket', 'signer.sock'], 2, /no absolute path/],
  [['--manifest', 'm'], 2, /--manifest: it has no meaning without --distribution kubeadm or cluster-api/], [['--distribution', 'k3s', '--manifest', 'm'], 2, /--manifest: it has no meaning/],
  [['--mode', 'key-files', '--socket', '/s'], 2, /--socket: it has no meaning here/], [['--stage', 'accept', '--socket', '/s'], 2, /--socket: it has no meaning here/],
  [['--key-folder', '/k'], 2, /--key-folder: it has no meaning with external signing/], [['--use-alpha'], 2, /--use-alpha: it has no meaning here/], [['-k', '1.31', '--use-alpha'], 2, /--use-alpha: it has no meaning here: it is for external signing in Kubernetes 1\.32 and 1\.33/],
  [['-k', '1.33', '--use-alpha', '--distribution', 'k3s'], 2, /--use-alpha: it has no meaning here/], [['-k', '1.33', '--use-alpha', '--mode', 'key-files'], 2, /--use-alpha: it has no meaning here/],
  [['--stage', 'accept', '--keep-auto-extension'], 2, /--keep-auto-extension: it has no meaning in the stage accept/],
];

for (const [flags, code, why] of REFUSED) {
  test(`show-api-server-flags ${flags.join(' ')} is refused`, async (t) => {
    const ran = await runLine(['issuer', 'show-api-server-flags', ...OURS, ...flags], await clusterServer(t));
    assert.equal(ran.code, code, ran.stderr);
    assert.match(ran.stderr, why);
  });
}

test('the key files of the manifest that is shown stay, wherever they are', async (t) => {
  const [fake, host] = [await clusterServer(t, '1.36'), controlPlaneHost(t, 36)];
  const { stdout } = await runLine(['issuer', 'show-api-server-flags', ...OURS, '--distribution', 'kubeadm', '--stage', 'accept', '--manifest', host.manifest, '--key-folder', host.keyFolder], fake);
  const added = (JSON.parse(stdout) as readonly { readonly op: string; readonly value?: unknown }[]).filter(({ op, value }) => op === 'add' && String(value).startsWith('--service-account-key-file=')).map(({ value }) => String(value).split('=')[1]);
  assert.deepEqual(added, [join(host.dir, 'pki/sa.pub'), join(host.keyFolder, 'accepted.pub')]);
});
