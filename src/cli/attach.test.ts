/** Attaching by the command line: what is asked of the server, shown, warned of, and done on the host. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CLUSTER, cluster, clusterServer, ISSUER, issuer, OURS, URL_OF_ISSUER } from '../../test/support/cluster-server.ts';
import { type Answers, type Ran, runLine, type RunOptions } from '../../test/support/command-line.ts';
import { controlPlaneHost, type Host, RING_KEY } from '../../test/support/control-plane-host.ts';
import { kubeadmManifest } from '../../test/support/kubeadm-manifest.ts';
import { lockFile } from '../serve/server-process.ts';

/** A host on which a signer in key-file mode has written its files. */
function hostWithKeyFiles(t: TestContext): Host {
  const host = controlPlaneHost(t, 30);
  writeFileSync(join(host.keyFolder, 'sa.key'), RING_KEY.privatePem, { mode: 0o600 });
  writeFileSync(join(host.keyFolder, 'sa.pub'), RING_KEY.pem + readFileSync(join(host.dir, 'pki/sa.pub'), 'utf8'));
  return host;
}
const attachLine = (host: Host, ...more: readonly string[]): readonly string[] => ['signer', 'attach', ...OURS, '--manifest', host.manifest, '--key-folder', host.keyFolder, ...more];

test('a dry run shows the difference and warns, asks nothing that changes anything, and writes nothing', async (t) => {
  const [fake, host] = [await clusterServer(t), hostWithKeyFiles(t)];
  const before = host.text();
  const { code, stdout, stderr } = await runLine(attachLine(host, '--dry-run'), fake);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /\n-( +)- --service-account-issuer=https:\/\/kubernetes\.default\.svc\.cluster\.local\n/);
  assert.match(stdout, /\n\+( +)- --service-account-issuer=https:\/\/i\.example\/u\/\n/);
  for (const word of ['kubectl get pods --all-namespaces', '--service-account-private-key-file', 'kubectl get secrets --all-namespaces', 'kubeadm upgrade']) assert.ok(stderr.includes(word), word);
  assert.deepEqual([host.text(), fake.lines().filter((line) => !line.startsWith('GET'))], [before, []]);
});

test('attach refuses to follow, with the reason, and changes nothing; flags for RKE2 are not made from its manifest', async (t) => {
  const [fake, host] = [await clusterServer(t), hostWithKeyFiles(t)];
  const before = host.text();
  const followed = await runLine(attachLine(host, '--mode', 'followed', '-y'), fake);
  assert.deepEqual([followed.code, host.text(), fake.lines().filter((line) => !line.startsWith('GET'))], [1, before, []]);
  assert.match(followed.stderr, /ImpossibleAttachment\) kubeadm can not be followed: This version of Mintmark follows no issuers/);
  host.write(before.replace('registry.k8s.io/kube-apiserver:v1.30.0', 'rancher/hardened-kubernetes:v1.30.4-rke2r1-build20240815'));
  const shown = await runLine(['issuer', 'show-api-server-flags', ...OURS, '--distribution', 'kubeadm', '--manifest', host.manifest], fake);
  assert.equal(shown.code, 1);
  assert.match(shown.stderr, /ImpossibleAttachment\) .* is a manifest of RKE2, which writes it anew when it starts/);
});

test('of a Kubernetes that is newer than any known, attach and the flags say that it is taken for the newest known', async (t) => {
  const [fake, host] = [await clusterServer(t, '1.38'), controlPlaneHost(t, 38)];
  const newer = /WARNING: Kubernetes 1\.38 is newer than 1\.37, the newest that this Mintmark knows: the flags are those of 1\.37\./;
  for (const line of [attachLine(host, '--dry-run'), ['issuer', 'show-api-server-flags', ...OURS]]) {
    const { code, stderr } = await runLine(line, fake);
    assert.equal(code, 0, stderr);
    assert.match(stderr, newer);
  }
});

test('attach imports the former public key, never a private one, and changes the manifest', async (t) => {
  const [fake, host] = [await clusterServer(t), hostWithKeyFiles(t)];
  const patches = join(host.dir, 'patches');
  const { code, stdout, stderr } = await runLine(attachLine(host, '--patches', patches, '--verify-for', 'forever', '-y'), fake);
  assert.equal(code, 0, stderr);
  const posts = fake.requests.filter(({ method }) => method === 'POST');
  assert.deepEqual(posts.map(({ url, body }) => [url.split('?')[0], JSON.parse(body)]), [[`${ISSUER}/importKey`, { publicKey: readFileSync(join(host.dir, 'pki/sa.pub'), 'utf8'), forever: true }]]);
  assert.match(host.text(), /--service-account-issuer=https:\/\/i\.example\/u\//);
  assert.ok(existsSync(join(patches, 'kube-apiserver9mintmark+json.json')));
  assert.match(stdout, /^\S+kube-apiserver\.yaml is changed, .* Nobody has looked whether it came up: kubectl get --raw \/readyz\nOnce it has, it signs as https:\/\/i\.example\/u\/\.\n.*confirm-restart.*\n.*--patches/);
  const again = await runLine(attachLine(host, '--patches', patches, '-y'), fake);
  assert.match(again.stdout, /is attached already; nothing was changed/);
  const detached = await runLine(['signer', 'detach', '--manifest', host.manifest, '--key-folder', host.keyFolder, '-y'], fake);
  assert.deepEqual([detached.code, existsSync(join(patches, 'kube-apiserver9mintmark+json.json'))], [0, false]);
  assert.match(detached.stderr, /pods that hold one fail until they are restarted/);
});

test('a key that the server has already is imported; any other refusal stops it', async (t) => {
  const host = hostWithKeyFiles(t);
  const before = host.text();
  const refusal = (status: number, code: string): Answers => ({ [`POST ${ISSUER}/importKey`]: { status, body: { error: { code, message: 'No.' } } } });
  const refused = await runLine(attachLine(host, '-y'), await clusterServer(t, '1.34', refusal(409, 'KeyWasRevoked')));
  assert.deepEqual([refused.code, host.text()], [1, before]);
  const known = await runLine(attachLine(host, '-y'), await clusterServer(t, '1.34', refusal(409, 'KeyExists')));
  assert.equal(known.code, 0, known.stderr);
});

test('with --imported a Reader is enough', async (t) => {
  const [fake, host] = [await clusterServer(t), hostWithKeyFiles(t)];
  assert.equal((await runLine(attachLine(host, '--imported', '-y'), fake)).code, 0);
  assert.deepEqual(fake.lines().filter((line) => !line.startsWith('GET')), []);
});

test("key files of another cluster's signer are refused before anything is imported; a dry run says so and shows the difference all the same", async (t) => {
  const [fake, host] = [await clusterServer(t), hostWithKeyFiles(t)];
  const [before, former] = [host.text(), readFileSync(join(host.dir, 'pki/sa.pub'), 'utf8')];
  writeFileSync(join(host.keyFolder, 'sa.key'), readFileSync(join(host.dir, 'pki/sa.key')));
  writeFileSync(join(host.keyFolder, 'sa.pub'), former);
  const refused = await runLine(attachLine(host, '-y'), fake);
  assert.deepEqual([refused.code, host.text(), fake.lines().filter((line) => !line.startsWith('GET'))], [1, before, []]);
  assert.match(refused.stderr, /AttachmentRefused\) What is in \S+ has no key of https:\/\/i\.example\/u\/: it is of another cluster, .* Nothing was changed\.\n$/);
  const dry = await runLine(attachLine(host, '--dry-run'), fake);
  assert.deepEqual([dry.code, dry.stdout.includes('+    - --service-account-issuer=https://i.example/u/')], [0, true]);
  assert.match(dry.stderr, /WARNING: As it is now this would be refused: What is in \S+ has no key of .* begins with its issuer\.$/m);
});

test('without a yes nothing is changed', async (t) => {
  const [fake, host] = [await clusterServer(t), hostWithKeyFiles(t)];
  const before = host.text();
  const { code, stderr } = await runLine(attachLine(host), { ...fake, home: fake.home, terminal: true, input: 'n\n' });
  assert.deepEqual([code, host.text(), fake.lines().filter((line) => !line.startsWith('GET'))], [1, before, []]);
  assert.match(stderr, /which restarts the API server\? \(y\/n\)/);
});

test('to accept only, the way there goes on to sign, and the way back to detach', async (t) => {
  const [fake, host] = [await clusterServer(t), hostWithKeyFiles(t)];
  const said = async (...more: readonly string[]): Promise<string> => (await runLine(attachLine(host, ...more, '-y'), fake)).stdout;
  assert.match(await said('--stage', 'accept'), /signs as before\. When every API server of the cluster does, run this again on each with --stage sign\.\n/);
  assert.match(await said(), /it signs as https:/);
  assert.match(await said('--stage', 'accept'), /signs as before\. That is the way back: run 'mintmark signer detach' in 24 hours, when the last of them has ended\.\n/);
});

test('attached again to another issuer, its tokens are told to fail', async (t) => {
  const [fake, host] = [await clusterServer(t), hostWithKeyFiles(t)];
  assert.equal((await runLine(attachLine(host, '-y'), fake)).code, 0);
  const other = 'https://i.example/other/';
  const later = await clusterServer(t, '1.34', { [`GET ${ISSUER}`]: { status: 200, body: { ...issuer, properties: { ...issuer.properties, issuerURL: other } } } });
  const again = await runLine(attachLine(host, '-y'), later);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stderr, /WARNING: This API server is attached to another issuer of Mintmark's, https:\/\/i\.example\/u\/: its tokens are refused from the restart on/);
  assert.equal((await runLine(attachLine(host, '-y'), later)).stderr.includes('another issuer'), false);
});

test('detach with another key folder than that of the attachment is an error, by either way', async (t) => {
  const [fake, host] = [await clusterServer(t), hostWithKeyFiles(t)];
  assert.equal((await runLine(attachLine(host, '-y'), fake)).code, 0);
  const [text, elsewhere] = [host.text(), join(host.dir, 'elsewhere')];
  const lost = await runLine(['signer', 'detach', '--manifest', host.manifest, '--key-folder', elsewhere, '-y'], fake);
  assert.deepEqual([lost.code, host.text()], [1, text]);
  assert.match(lost.stderr, /AttachmentRefused\) The manifest has a volume 'mintmark' already, .* or with another --key-folder\./);
  host.write(kubeadmManifest(36).replace('- kube-apiserver\n', `- kube-apiserver\n    - --service-account-signing-endpoint=${host.socket}\n`));
  const external = await runLine(['signer', 'detach', '--manifest', host.manifest, '--key-folder', elsewhere, '-y'], fake);
  assert.equal(external.code, 1);
  assert.match(external.stderr, /The manifest has a signing endpoint already/);
});

test('detach where nothing is attached says so', async (t) => {
  const host = controlPlaneHost(t, 36);
  const { code, stdout } = await runLine(['signer', 'detach', '--manifest', host.manifest, '--key-folder', host.keyFolder], {});
  assert.deepEqual([code, /Nothing is attached here/.test(stdout)], [0, true]);
});

test('confirm-restart has a --version of its own', async (t) => {
  const host = controlPlaneHost(t, 36);
  const { code, stderr } = await runLine(['signer', 'confirm-restart', '--version', '1-2', '--key-folder', host.keyFolder], {});
  assert.deepEqual([code, /There are no key files of Mintmark/.test(stderr)], [1, true]);
});

test('enabling on a cluster that exists says what restarts and which pods to look at; a second time it has nothing to say', async (t) => {
  const before = { ...cluster('1.34'), properties: { ...cluster('1.34').properties, oidcIssuerProfile: { enabled: false } } };
  const put: Answers = { [`PUT ${CLUSTER}`]: { status: 200, body: cluster('1.34') } };
  const line = ['aks', 'update', ...OURS, '--enable-oidc-issuer', '--query', 'oidcIssuerProfile.issuerUrl', '-o', 'tsv'];
  const first = await runLine(line, await clusterServer(t, '1.34', { ...put, [`GET ${CLUSTER}`]: { status: 200, body: before } }));
  assert.deepEqual([first.code, first.stdout, first.stderr], [0, `${URL_OF_ISSUER}\n`, [
    `WARNING: New tokens of the cluster will name the issuer ${URL_OF_ISSUER} once its API server is attached, which restarts the API server once; nothing else restarts. The former issuer stays accepted, so running pods go on.`,
    `WARNING: Look at the pods whose tokens someone outside of the cluster verifies, and let that someone trust the new issuer first: kubectl get pods --all-namespaces -o custom-columns='NAMESPACE:.metadata.namespace,POD:.metadata.name,AUDIENCES:.spec.volumes[*].projected.sources[*].serviceAccountToken.audience' | grep -v '<none>$'`,
    'WARNING: How to attach it: mintmark issuer show-api-server-flags -g g -n c\n',
  ].join('\n')]);
  assert.equal((await runLine(line, await clusterServer(t, '1.34', put))).stderr, '');
});

const MODES: readonly (readonly [readonly string[], object | RegExp])[] = [
  [[], { keyFiles: null, path: '/run/mintmark/signer.sock' }],
  [['--mode', 'key-files'], { keyFiles: { folder: '/var/lib/mintmark-signer/api-server', kubeconfig: null, account: { namespace: 'kube-system', name: 'default' }, restartManifest: null, keepAutoExtension: false }, path: '/run/mintmark/signer.sock' }],
  [['--mode', 'key-files', '--key-folder', '/k/', '--kubeconfig', 'c', '--prove-with', 'a/b', '--allow-restart', '--manifest', 'm', '--keep-auto-extension'], { keyFiles: { folder: '/k', kubeconfig: 'c', account: { namespace: 'a', name: 'b' }, restartManifest: 'm', keepAutoExtension: true }, path: '/run/mintmark/signer.sock' }],
  [['--mode', 'key-files', '--allow-restart'], { keyFiles: { folder: '/var/lib/mintmark-signer/api-server', kubeconfig: null, account: { namespace: 'kube-system', name: 'default' }, restartManifest: '/etc/kubernetes/manifests/kube-apiserver.yaml', keepAutoExtension: false }, path: '/run/mintmark/signer.sock' }],
  [['--allow-restart'], /--allow-restart has no meaning with --mode external/],
  [['--mode', 'key-files', '--socket', '/s'], /--socket has no meaning with --mode key-files/],
  [['--mode', 'key-files', '--manifest', 'm'], /--manifest is changed only with --allow-restart/],
  [['--mode', 'key-files', '--prove-with', 'a'], /is not NAMESPACE\/NAME/],
];

for (const [flags, wanted] of MODES) {
  test(`signer run ${flags.join(' ')}`, async () => {
    let given: object | null = null;
    const ran = await runLine(['signer', 'run', '--state-dir', '/s', ...flags], { commands: { signerRun: async ({ keyFiles, socket: { path } }) => { given = { keyFiles, path }; return 0; } } });
    if (wanted instanceof RegExp) assert.match(ran.stderr, wanted);
    else assert.deepEqual(given, wanted);
    assert.equal(ran.code, wanted instanceof RegExp ? 2 : 0);
  });
}

/** Takes the real lock; `whileHeld` runs once it is taken, `atRelease` before it is let go. */
const locking = (whileHeld: () => Promise<void>, atRelease: () => void): NonNullable<RunOptions['commands']> => ({
  async lockFile(file, message) {
    const lock = lockFile(file, message);
    await whileHeld();
    return { release: () => { atRelease(); lock.release(); } };
  },
});

test('of two runs at once the second is told who is at work, and changes nothing; the first is alone until it is done', async (t) => {
  const [fake, host] = [await clusterServer(t), hostWithKeyFiles(t)];
  const [before, seconds] = [host.text(), [] as Ran[]];
  const detachLine = (...more: readonly string[]): readonly string[] => ['signer', 'detach', '--manifest', host.manifest, '--key-folder', host.keyFolder, ...more];
  const others = async (): Promise<void> => {
    for (const line of [attachLine(host, '--stage', 'accept', '-y'), detachLine('-y'), attachLine(host, '--dry-run')]) seconds.push(await runLine(line, fake));
    assert.deepEqual([host.text(), fake.lines().filter((line) => !line.startsWith('GET')), existsSync(join(host.keyFolder, 'attachment.json'))], [before, [], false]);
  };
  let atRelease = before;
  const first = await runLine(attachLine(host, '-y'), { home: fake.home, commands: locking(others, () => { atRelease = host.text(); }) });
  assert.deepEqual([first.code, seconds.map(({ code }) => code)], [0, [1, 1, 0]], first.stderr);
  for (const { stderr } of seconds.slice(0, 2)) assert.equal(stderr, `ERROR: (HomeInUse) Another 'mintmark signer attach' or 'mintmark signer detach' is at work with the key folder ${host.keyFolder}; it may wait for an answer, or for the API server. Let it end, then run this again. This one has changed nothing.\n`);
  assert.notEqual(atRelease, before);
  assert.equal((await runLine(detachLine('-y'), fake)).code, 0, 'the lock is free again');
});

test('where there is nothing to do, the lock makes nothing: no key folder, or no manifest', async (t) => {
  const [fake, host] = [await clusterServer(t), hostWithKeyFiles(t)];
  const none = join(host.dir, 'none');
  const detached = await runLine(['signer', 'detach', '--manifest', host.manifest, '--key-folder', none, '-y'], fake);
  assert.equal(detached.stdout, `Nothing is attached here by ${none}; nothing was changed.\n`);
  const elsewhere = await runLine(['signer', 'attach', ...OURS, '--manifest', `${host.manifest}.no`, '--key-folder', none, '-y'], fake);
  assert.match(elsewhere.stderr, /\(AttachmentRefused\) There is no file /);
  assert.equal(existsSync(none), false);
});
