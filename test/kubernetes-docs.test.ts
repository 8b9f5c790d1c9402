/**
 * docs/kubernetes.md and examples/ against the program: the truth table word for word, examples that a command makes byte
 * for byte, and units, pods and bindings that name commands, flags and folders that exist.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { type Attachment, DEFAULT_KEY_FOLDER, DEFAULT_SOCKET, defaultWay } from '../src/attach/api-server-flags.ts';
import { DISTRIBUTION_FACTS, type Distribution, DISTRIBUTIONS, factsOf, WAYS } from '../src/attach/distributions.ts';
import { DISTRIBUTION_FORMS, kubeadmDefaultPod } from '../src/attach/flag-forms.ts';
import { PATCH_FILE } from '../src/attach/patches.ts';
import { PODS_WITH_AUDIENCES, TOKEN_SECRETS } from '../src/attach/notes.ts';
import { readLine } from '../src/cli/command-tree.ts';
import { FAMILIES } from '../src/cli/families.ts';
import { NEWEST_MINOR } from '../src/domain/kubernetes-version.ts';

const ROOT = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const page = read('docs/kubernetes.md');

test('the truth table is the code: every distribution and way, and the same reasons', () => {
  const shown = page.split('\n').map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim())).filter(([distribution]) => DISTRIBUTIONS.some((known) => known === distribution));
  const known = DISTRIBUTIONS.flatMap((distribution) => WAYS.map((way) => {
    const { possible, why } = DISTRIBUTION_FACTS[distribution].ways[way];
    return [distribution, way, possible ? 'yes' : 'impossible today', why];
  }));
  assert.deepEqual(shown, known);
});

test('the page shows the commands for kubectl that the program prints', () => {
  for (const line of [PODS_WITH_AUDIENCES, TOKEN_SECRETS]) assert.ok(page.includes(line), line);
});

const ISSUER = 'https://eastus.oic.mintmark.example.com/11111111-1111-4111-8111-111111111111/22222222-2222-4222-8222-222222222222/';
const MADE: readonly (readonly [Distribution, string])[] = [['kubeadm', `kubeadm/${PATCH_FILE}`], ['cluster-api', 'cluster-api/kubeadm-control-plane.yaml'], ['k3s', 'k3s/config.yaml'], ['rke2', 'rke2/config.yaml']];

for (const [distribution, file] of MADE) {
  test(`examples/${file} is what the command makes`, () => {
    const { formerIssuer, formerKeyFiles } = factsOf(distribution);
    const attachment: Attachment = {
      distribution, way: defaultWay(distribution, 36), minor: 36, stage: 'sign', issuerUrl: ISSUER, jwksUri: `${ISSUER}openid/v1/jwks`, formerIssuers: [formerIssuer], formerKeyFiles,
      socket: DEFAULT_SOCKET, keyFolder: DEFAULT_KEY_FOLDER, useAlpha: false, keepAutoExtension: false,
    };
    assert.equal(read(`examples/${file}`), DISTRIBUTION_FORMS[distribution](kubeadmDefaultPod(formerIssuer), attachment, ''));
  });
}

/** What the command line makes of words; rejects for those that it does not know. */
const parsed = (words: readonly string[]): Promise<unknown> => readLine(FAMILIES, words, () => undefined).then((chosen) => chosen?.options);

/** That of the server is held to its own page: `operations-docs.test.ts`. */
const SIGNER_UNITS = readdirSync(join(ROOT, 'examples/systemd')).filter((unit) => unit.startsWith('mintmark-signer'));

for (const unit of SIGNER_UNITS) {
  test(`examples/systemd/${unit} starts a command that exists, with the folders that it makes`, async () => {
    const text = read(`examples/systemd/${unit}`);
    const [program, ...words] = /^ExecStart=(.*)$/m.exec(text)![1]!.split(' ');
    assert.equal(program, '/usr/local/bin/mintmark');
    const { stateDir, socket, mode } = (await parsed(words)) as { stateDir: string; socket?: string; mode?: string };
    assert.ok(text.includes(`StateDirectory=${stateDir.replace('/var/lib/', '')}\n`));
    assert.equal(socket, mode === 'key-files' ? undefined : DEFAULT_SOCKET);
    assert.match(text, /^LimitCORE=0$/m, 'docs/security.md, Hardening');
    // A folder that systemd takes away at a stop is another one at the next start, and the API server has the first mounted.
    if (mode !== 'key-files') assert.match(text, /RuntimeDirectory=mintmark\nRuntimeDirectoryMode=0700\nRuntimeDirectoryPreserve=yes\n/);
  });
}

/** Lines of a unit by their name. */
const valuesIn = (text: string, name: string): readonly string[] => [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].flatMap(([, values]) => values!.split(' '));

test('a unit of key files may write where it restarts, starts where that is missing, and before what reads its files', async () => {
  const rows = await Promise.all((['mintmark-signer-key-files.service', 'mintmark-signer-k3s.service'] as const).map(async (unit) => {
    const text = read(`examples/systemd/${unit}`);
    const { allowRestart = false, manifest } = (await parsed(valuesIn(text, 'ExecStart').slice(1))) as { allowRestart?: boolean; manifest?: string };
    return { allowRestart, manifest, writes: valuesIn(text, 'ReadWritePaths'), before: valuesIn(text, 'Before') };
  }));
  assert.deepEqual(rows, [
    { allowRestart: true, manifest: undefined, writes: ['-/etc/kubernetes/manifests'], before: ['kubelet.service'] },
    // k3s has no manifest, and the signer does not start with one that is not there.
    { allowRestart: false, manifest: undefined, writes: [], before: ['k3s.service', 'rke2-server.service'] },
  ]);
});

interface Pod {
  readonly spec: { readonly containers: readonly [{ readonly command: readonly string[]; readonly volumeMounts: readonly { name: string; mountPath: string }[] }]; readonly volumes: readonly { name: string; hostPath: { path: string; type: string } }[] };
}

test('the static pod runs a command that exists and mounts every folder where the host has it', async () => {
  const { spec: { containers: [{ command, volumeMounts }], volumes } } = parse(read('examples/static-pod/mintmark-signer.yaml')) as Pod;
  const { stateDir, socket, tokenFile } = (await parsed(command.slice(1))) as Record<string, string>;
  for (const path of [stateDir!, socket!, tokenFile!]) assert.ok(volumeMounts.some(({ mountPath }) => path.startsWith(mountPath)), path);
  assert.deepEqual(volumeMounts.map(({ name, mountPath }) => [name, mountPath]), volumes.map(({ name, hostPath }) => [name, hostPath.path]));
});

/** From a heading of the page to the next one of its kind. */
const section = (heading: string): string => page.split(`\n${heading}\n`)[1]!.split(new RegExp(`\n#{1,${heading.indexOf(' ')}} `))[0]!;

test('each folder that must be there before the static pod is made where the page has the pod put in place', () => {
  const { spec: { volumes } } = parse(read('examples/static-pod/mintmark-signer.yaml')) as Pod;
  const before = volumes.map(({ hostPath }) => hostPath).filter(({ type }) => type === 'Directory').map(({ path }) => path);
  assert.deepEqual(before, ['/var/lib/mintmark-signer', '/etc/mintmark']);
  // The folder of a file of the KubeadmControlPlane is there with it.
  for (const heading of ['### 2. The signer', '## Cluster API']) {
    const text = section(heading);
    assert.ok(text.includes('mintmark-signer.yaml'), heading);
    for (const path of before) assert.ok([`install -d -m 0700 ${path}`, `mkdir -p -m 0700 ${path}\n`, `signer enroll --token-file enrolment-token --state-dir ${path}\n`, `write it to \`${path}/`].some((made) => text.includes(made)), `${heading}: ${path}`);
  }
});

test('a kubeconfig of the proof is written where there is a folder, and for its owner alone', () => {
  for (const [heading, umask] of [['## Key files', '(umask 077; kubeadm kubeconfig'], ['### k3s and RKE2', 'umask 077\nmkdir -p /etc/mintmark ']] as const) assert.ok(section(heading).includes(umask), heading);
  assert.match(section('## Key files'), /\nmkdir -p -m 0700 \/etc\/mintmark\n\(umask 077; kubeadm kubeconfig [^\n]* > \/etc\/mintmark\/proof\.conf\)\n/);
});

test('the newest version is the one that the program knows', () => {
  for (const said of [`| 1.34 to 1.${NEWEST_MINOR} | yes | yes |`, `newer than 1.${NEWEST_MINOR} is taken for the same as 1.${NEWEST_MINOR}`]) assert.ok(page.includes(said), said);
});

test('the access for the proof is to what the proof asks for', async () => {
  const documents = parseAllDocuments(read('examples/proof-access.yaml')).map((document) => document.toJS() as { kind: string; metadata: { name: string; namespace?: string }; rules?: readonly { resources: readonly string[]; resourceNames: readonly string[]; verbs: readonly string[] }[] });
  assert.deepEqual(documents.map(({ kind }) => kind), ['ClusterRoleBinding', 'ServiceAccount', 'Role', 'RoleBinding']);
  const { metadata: { name, namespace } } = documents[1]!;
  assert.deepEqual(documents[2]!.rules, [{ apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: [name], verbs: ['create'] }]);
  const unit = /^ExecStart=(.*)$/m.exec(read('examples/systemd/mintmark-signer-key-files.service'))![1]!.split(' ').slice(1);
  assert.deepEqual(((await parsed(unit)) as { proveWith: object }).proveWith, { namespace, name });
});

test('the other manifests are YAML of one object each', () => {
  assert.deepEqual(parseAllDocuments(read('examples/workload.yaml')).map((document) => (document.toJS() as { kind: string }).kind), ['ServiceAccount', 'Pod']);
});
