/** The commands that people know, word for word, in a shell: what they print, what they exit with, and what they ask. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { ClusterApi } from '../support/dev-api.ts';
import { DevHome, type Ended } from '../support/dev-server.ts';
import { readmeLine } from '../support/readme.ts';

const home = await DevHome.make();
await home.start();
const { subscriptionId, tenantId } = await home.profile();

/** A command that has to end well; gives its stdout. */
async function done(line: string): Promise<string> {
  const { code, stdout, stderr } = await home.shell(line);
  assert.equal(code, 0, `${line}: ${stderr}`);
  return stdout;
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const ISSUER_URL = new RegExp(`^https://localhost:${home.issuerPort}/eastus/${tenantId}/${UUID}/\n$`);
const SHOW_URL = 'az aks show --name myAKScluster --resource-group myResourceGroup --query "oidcIssuerProfile.issuerUrl" -o tsv';
const ROTATE = 'az aks oidc-issuer rotate-signing-keys --name myAKSCluster --resource-group myResourceGroup';

test('from a group to an issuer URL, and to the end of it', async () => {
  assert.deepEqual(JSON.parse(await done('az group create --name myResourceGroup --location eastus --query "{id:id, location:location, name:name, state:properties.provisioningState}"')),
    { id: `/subscriptions/${subscriptionId}/resourceGroups/myResourceGroup`, location: 'eastus', name: 'myResourceGroup', state: 'Succeeded' });

  const created = JSON.parse(await done(readmeLine('az aks create ')));
  assert.deepEqual([created.name, created.resourceGroup, created.provisioningState, created.oidcIssuerProfile.enabled, created.agentPoolProfiles[0].count], ['myAKSCluster', 'myResourceGroup', 'Succeeded', true, 1]);
  const url = await done(SHOW_URL);
  assert.match(url, ISSUER_URL);
  assert.equal(`${created.oidcIssuerProfile.issuerUrl}\n`, url);

  const updated = JSON.parse(await done('az aks update --resource-group myResourceGroup --name myAKSCluster --enable-oidc-issuer'));
  assert.deepEqual([updated.oidcIssuerProfile, updated.eTag], [created.oidcIssuerProfile, created.eTag]);
  assert.equal(await done(SHOW_URL.replace('az aks', 'az cluster').replace('myResourceGroup', 'MYRESOURCEGROUP')), url);
  assert.equal(await done('az aks list --resource-group myresourcegroup --query "[].name" -o tsv'), 'myAKSCluster\n');

  assert.equal(await done('az aks wait --resource-group myResourceGroup --name myAKSCluster --created'), '');
  assert.equal(await done('az aks delete --resource-group myResourceGroup --name myAKSCluster --yes'), '');
  assert.equal(await done('az aks wait --resource-group myResourceGroup --name myAKSCluster --deleted'), '');
  assert.equal((await home.shell(SHOW_URL)).code, 3);

  assert.equal(await done('az group show --name MyResourceGroup --query name -o tsv'), 'myResourceGroup\n');
  assert.equal(await done('az group delete --name myResourceGroup --yes'), '');
  assert.equal(await done('az group list --query "[].name" -o tsv'), 'dev\n');
});

test('an issuer enabled later; one that is enabled keeps its URL when the cluster is created again', async () => {
  await done('az group create -n later -l "East US"');
  const none = JSON.parse(await done('az aks create -g later -n myAKSCluster -k 1.33 --no-ssh-key --enable-managed-identity --generate-ssh-keys --tags team=identity'));
  assert.deepEqual([none.oidcIssuerProfile, none.tags, none.kubernetesVersion], [{ enabled: false }, { team: 'identity' }, '1.33']);
  const show = SHOW_URL.replace('myResourceGroup', 'later');
  assert.equal(await done(show), '\n');
  await done('az aks update -g later -n myAKSCluster --enable-oidc-issuer');
  const url = await done(show);
  assert.match(url, ISSUER_URL);
  await done('az aks create -g later -n MYAKSCLUSTER --enable-oidc-issuer -c 3');
  assert.deepEqual([await done(show), await done('az aks show -g later -n myAKSCluster --query "[agentPoolProfiles[0].count, tags.team, name]" -o tsv')], [url, '3\nidentity\nmyAKSCluster\n']);
});

test('--no-wait prints nothing and does it all the same', async () => {
  await done('az group create -n nowait -l eastus');
  assert.equal(await done('az aks create -g nowait -n c --enable-oidc-issuer --no-wait'), '');
  await done('az aks wait -g nowait -n c --created');
  assert.equal(await done('az aks oidc-issuer rotate-signing-keys -g nowait -n c -y --no-wait'), '');
  await done(`az aks wait -g nowait -n c --custom "oidcIssuerProfile.enabled"`);
  assert.equal(await done('az aks delete -g nowait -n c -y --no-wait'), '');
  await done('az aks wait -g nowait -n c --deleted');
});

describe('rotate-signing-keys', () => {
  /** At a terminal: util-linux's `script` gives one, and types what stands on its stdin. */
  const atTerminal = (typed: string, line: string): Promise<Ended> => home.shell(`printf '${typed}' | script -qec "${line.replace(/^az /, 'bin/mintmark ')}" /dev/null`);
  const skip = process.platform === 'linux' ? false : 'needs the script command of util-linux';
  let api: ClusterApi;
  const kids = async (): Promise<readonly string[]> => (await api.show()).keys.map(({ kid, state }) => `${state} ${kid}`);

  it('without a terminal and without -y it is cancelled, exit 1, and nothing changed', async () => {
    await done('az group create --name myResourceGroup --location eastus');
    await done('az aks create --resource-group myResourceGroup --name myAKSCluster --enable-oidc-issuer');
    api = await ClusterApi.open(home, { group: 'myResourceGroup', name: 'myAKSCluster' });
    const before = await kids();
    const { code, stdout, stderr } = await home.shell(ROTATE);
    assert.deepEqual([code, stdout, stderr], [1, '', 'WARNING: Unable to prompt for confirmation as no tty available. Use --yes.\nERROR: Operation cancelled.\n']);
    assert.deepEqual(await kids(), before);
  });

  it('at a terminal it asks: n cancels', { skip }, async () => {
    const before = await kids();
    const { code, stdout } = await atTerminal('n\\n', ROTATE);
    assert.deepEqual([code, stdout.endsWith('Do you wish to continue? (y/n): ERROR: Operation cancelled.\r\n')], [1, true]);
    assert.deepEqual(await kids(), before);
  });

  it('at a terminal it asks: what is neither is asked again, y rotates', { skip }, async () => {
    const before = (await api.jwks()).keys.length;
    const { code, stdout } = await atTerminal('perhaps\\ny\\n', ROTATE);
    assert.deepEqual([code, stdout.includes('Please answer y or n. (y/n): '), before, (await api.jwks()).keys.length], [0, true, 2, 3]);
  });

  it('-y rotates; what it revokes, and what to do then, is said', async () => {
    const { keys } = await api.show();
    const retired = keys.find(({ state }) => state === 'retired')?.kid ?? (await rotateFirst());
    const { code, stdout, stderr } = await home.shell(`${ROTATE} -y`);
    assert.deepEqual([code, stdout], [0, '']);
    // How long the next key has to wait is the machine's matter here.
    assert.deepEqual(stderr.split('\n').filter((one) => !one.startsWith('INFO: The operation waits')), [
      `WARNING: Key ${retired} is retired and will be revoked at once: no recorded token lives on it (those that API servers signed are not recorded).`,
      `WARNING: Key ${retired} is revoked. Pods that hold a token of a revoked key must be restarted, because the kubelet replaces tokens by time only: kubectl rollout restart deployment,statefulset,daemonset --namespace NAMESPACE`,
      '',
    ]);
    assert.ok(!(await api.jwks()).keys.some(({ kid }) => kid === retired), 'the revoked key is not published');
  });

  async function rotateFirst(): Promise<string | undefined> {
    await api.rotateToTheEnd();
    return (await api.show()).keys.find(({ state }) => state === 'retired')?.kid;
  }
});

/** Line → exit code, stderr, for what is refused. Nothing is printed on stdout. */
const REFUSED: readonly (readonly [string, number, string])[] = [
  ['az aks create -g dev -n x --enable-keda', 2, 'ERROR: --enable-keda is not supported by Mintmark: it registers a cluster that runs elsewhere and builds no nodes.\n'],
  ['az aks create -g dev -n x -m 30', 2, 'ERROR: --max-pods is not supported by Mintmark: it registers a cluster that runs elsewhere and builds no nodes.\n'],
  ['az aks update -g dev -n dev --disable-oidc-issuer', 2, 'ERROR: unrecognized arguments: --disable-oidc-issuer. An OIDC issuer, once enabled, can not be disabled.\n'],
  ['az aks create -g dev -n x --frobnicate', 2, 'ERROR: unrecognized arguments: --frobnicate\n'],
  ['az aks create -g dev', 2, 'ERROR: the following arguments are required: --name/-n\n'],
  ['az aks show -n dev', 2, 'ERROR: the following arguments are required: --resource-group/-g\n'],
  ['az aks frobnicate', 2, "ERROR: 'frobnicate' is misspelled or not recognized by the system.\n"],
  ['az aks show -g dev -n dev -o xml', 2, "ERROR: 'xml' is not a valid value for '--output'. Allowed values: json, jsonc, yaml, yamlc, table, tsv, none.\n"],
  ['az aks show -g dev -n nothere', 3, "ERROR: (ResourceNotFound) The managed cluster 'nothere' under resource group 'dev' was not found.\nCode: ResourceNotFound\nMessage: The managed cluster 'nothere' under resource group 'dev' was not found.\n"],
  ['MINTMARK_HOME=/nonexistent az account show', 1, "ERROR: Not logged in: there is no profile at /nonexistent/profile.json. Start a server with 'mintmark dev', log in to one with 'mintmark login', or set MINTMARK_HOME to the home of one that was started elsewhere.\n"],
];

for (const [line, code, stderr] of REFUSED) {
  test(`${line}: exit ${code}`, async () => {
    const ended = await home.shell(line);
    assert.deepEqual([ended.code, ended.stdout, ended.stderr], [code, '', stderr]);
  });
}

test('a refusal of the server is exit 1, with its code', async () => {
  for (const [line, code] of [['az group create -n g -l moon', 'LocationNotAvailable'], ['az aks create -g dev -n old -k 1.21', 'UnsupportedKubernetesVersion']] as const) {
    const ended = await home.shell(line);
    assert.deepEqual([ended.code, ended.stdout, ended.stderr.startsWith(`ERROR: (${code}) `)], [1, '', true]);
  }
});

const JSON_TEXT = '[\n  {\n    "displayName": "East US",\n    "name": "eastus"\n  }\n]\n';
const YAML_TEXT = '- displayName: East US\n  name: eastus\n';
const FORMATS: Readonly<Record<string, string>> = {
  json: JSON_TEXT, jsonc: JSON_TEXT, yaml: YAML_TEXT, yamlc: YAML_TEXT, tsv: 'eastus\tEast US\n', none: '',
  table: 'Name    DisplayName\n------  -------------\neastus  East US\n',
};

for (const [format, text] of Object.entries(FORMATS)) {
  test(`-o ${format}`, async () => {
    assert.equal(await done(`az account list-locations --query "[?name=='eastus'].{name:name, displayName:displayName}" -o ${format}`), text);
  });
}

test('the version, by npx in the folder of the repository too', async () => {
  const { version } = JSON.parse(await done('cat package.json')) as { version: string };
  const text = `mintmark ${version}\nnode     ${process.versions.node}\n`;
  assert.deepEqual([await done('az --version'), await done('npx mintmark --version')], [text, text]);
  assert.deepEqual(JSON.parse(await done('az version -o json')), { mintmark: version, node: process.versions.node });
});

test('token create | token verify; a token that was changed does not verify', async () => {
  const create = 'az token create -g dev -n dev --service-account default/my-app --audience api://AzureADTokenExchange --duration 1h';
  const verdict = await done(`${create} | az token verify -g dev -n dev --audience api://AzureADTokenExchange`);
  assert.match(verdict, /^verifies: system:serviceaccount:default:my-app, for api:\/\/AzureADTokenExchange, until \S+Z, signed by key [\w-]{43}\n$/);
  assert.deepEqual(Object.keys(JSON.parse(await done(`${create} -o json`))), ['expirationTimestamp', 'token']);

  const changes = [
    [`tr -d '\\n' | sed 's/....$/AAAA/'`, 'its signature is not by the key that it names: it was changed, or is forged'],
    [`cut -c 1-20`, 'the input is no signed JSON Web Token'],
    [`cat`, "its audience is 'api://AzureADTokenExchange'"],
  ] as const;
  for (const [change, why] of changes) {
    const { code, stdout, stderr } = await home.shell(`${create} | ${change} | az token verify -g dev -n dev --audience sts.amazonaws.com`);
    assert.deepEqual([code, stdout, stderr], [1, `does not verify: ${why}\n`, '']);
  }
});

test('our own family: show, keys, events, rotation, revocation', async () => {
  await done('az group create -n own -l eastus');
  await done('az aks create -g own -n c --enable-oidc-issuer');
  assert.equal(await done('az issuer set-rotation -g own -n c --rotate-every 10d --query rotateEverySeconds -o tsv'), '864000\n');
  assert.equal(await done('az issuer set-rotation -g own -n c --rotate-every off --query rotateEverySeconds -o tsv'), '\n');
  assert.deepEqual((await done('az issuer list-keys -g own -n c --query "[].state" -o tsv')).split('\n'), ['active', 'prepared', '']);
  assert.deepEqual(JSON.parse(await done('az issuer rotate -g own -n c -y --query "[outcome, status, revoked]"')), ['rotated', 'Succeeded', []]);
  const retired = (await done(`az issuer list-keys -g own -n c --query "[?state=='retired'].kid" -o tsv`)).trim();
  assert.deepEqual(JSON.parse(await done(`az issuer revoke-key -g own -n c --kid ${retired} -y --query "[outcome, revoked]"`)), ['revoked', [retired]]);
  const signing = (await done(`az issuer list-keys -g own -n c --query "[?state=='active'].kid" -o tsv`)).trim();
  const refused = await home.shell(`az issuer revoke-key -g own -n c --kid ${signing} -y`);
  assert.deepEqual([refused.code, refused.stderr], [1, `ERROR: The key ${signing} signs now. Rotate first and revoke it when it is retired, or add --force, which breaks every token of this key.\n`]);
  assert.ok((await done('az issuer list-events -g own -n c --query "[].kind" -o tsv')).split('\n').includes('revoked'));
  const shown = await done('az issuer show -g own -n c -o table');
  assert.ok(shown.includes((await done('az aks show -g own -n c --query oidcIssuerProfile.issuerUrl -o tsv')).trim()), shown);
});
