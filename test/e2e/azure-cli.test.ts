/**
 * The unmodified Azure CLI drives the real server: the recipe of docs/azure-cli.md, then one command after the other, in
 * one sequence, because each costs seconds. What azure-cli prints is printed.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it as step } from 'node:test';
import { AZURE_CLI_MISSING, AzureCli } from '../support/azure-cli.ts';
import { ClusterApi } from '../support/dev-api.ts';
import { DevHome, type Profile } from '../support/dev-server.ts';
import { losingProxy } from '../support/losing-proxy.ts';
import { readmeLine } from '../support/readme.ts';

const home = await DevHome.make();
const G = 'myResourceGroup';
const IN_GROUP = `--resource-group ${G}`;
const CLUSTER = `--name myAKSCluster ${IN_GROUP}`;

/** Each by itself, so that every one is counted as skipped where there is no Azure CLI. */
const it = (name: string, run: () => Promise<void>): void => void step(name, { skip: AZURE_CLI_MISSING }, run);

describe('azure-cli', () => {
  let profile: Profile;
  let az: AzureCli;
  let app: AzureCli;

  before(async () => {
    if (AZURE_CLI_MISSING !== false) return;
    await home.start();
    profile = await home.profile();
    az = new AzureCli({ ENDPOINT: profile.endpoint, TENANT: profile.tenantId, CLIENT: profile.clientId, SECRET: profile.clientSecret }, profile.caFile);
  });
  after(() => [az, app].forEach((one) => one?.remove()));

  /** What a line that succeeds prints. */
  async function done(line: string, by = az): Promise<string> {
    const { code, stdout, stderr } = await by.run(line);
    assert.equal(code, 0, `${line}: ${stderr}`);
    return stdout;
  }
  const json = async <T>(line: string, by = az): Promise<T> => JSON.parse(await done(line, by)) as T;
  async function refused(line: string, code: number, stderr: RegExp, by = az): Promise<void> {
    const ended = await by.run(line);
    assert.match(ended.stderr, stderr);
    assert.deepEqual([ended.code, ended.stdout], [code, '']);
  }

  it('is registered, and logs in; what it prints has the name of the cloud', async () => {
    Object.assign(az.variables, { MINTMARK_HOME: home.dir, AZURE_CONFIG_DIR: join(home.dir, 'azure-cli') });
    const [first] = await json<{ cloudName: string }[]>('eval "$(bin/mintmark az-setup)"');
    assert.equal(first!.cloudName, 'mintmark');
    assert.deepEqual((await done('bin/mintmark az-setup --run')).split('\n'), [`export AZURE_CONFIG_DIR=${join(home.dir, 'azure-cli')}`, `export REQUESTS_CA_BUNDLE=${profile.caFile}`, 'export AZURE_CORE_COLLECT_TELEMETRY=0', '']);
    await refused('az login --service-principal --username "$CLIENT" --password wrong --tenant "$TENANT"', 1, /AADSTS7000215: Invalid client id or client secret/);
    const [subscription] = await json<{ cloudName: string; id: string; tenantId: string }[]>('az login --service-principal --username "$CLIENT" --password="$SECRET" --tenant "$TENANT"');
    assert.deepEqual([subscription!.cloudName, subscription!.id, subscription!.tenantId], ['mintmark', profile.subscriptionId, profile.tenantId]);
    assert.equal((await json<{ environmentName: string }>('az account show')).environmentName, 'mintmark');
    assert.deepEqual(await json(`az account list-locations --query "[?name=='eastus'].displayName"`), ['East US']);
  });

  it('groups', async () => {
    assert.equal((await json<{ location: string }>(`az group create --name ${G} --location eastus`)).location, 'eastus');
    assert.equal(await done('az group show --name MYRESOURCEGROUP --query name --output tsv'), `${G}\n`);
    assert.deepEqual(await json('az group list --query "[].name"'), ['dev', G]);
    assert.deepEqual([await done(`az group exists --name ${G}`), await done('az group exists --name nothere')], ['true\n', 'false\n']);
    assert.deepEqual(await json(`az group update --name ${G} --tags team=platform --query tags`), { team: 'platform' });
    assert.deepEqual(await json('az group list --tag team=platform --query "[].name"'), [G]);
    await refused('az group show --name nothere', 3, /^ERROR: \(ResourceGroupNotFound\) /);
  });

  it("the README's quick start, word for word, without an RSA key", async () => {
    const created = await json<{ oidcIssuerProfile: { enabled: boolean; issuerUrl: string }; provisioningState: string }>(readmeLine('az aks create '));
    assert.deepEqual([created.oidcIssuerProfile.enabled, created.provisioningState], [true, 'Succeeded']);
    const { issuerUrl } = created.oidcIssuerProfile;
    assert.match(issuerUrl, new RegExp(`^https://localhost:${home.issuerPort}/eastus/${profile.tenantId}/[\\da-f-]{36}/$`));
    assert.equal(await done('az aks show --name myAKSCluster --resource-group myResourceGroup --query "oidcIssuerProfile.issuerUrl" -o tsv'), `${issuerUrl}\n`);
    assert.equal(await done('az aks show --name MYAKSCLUSTER --resource-group MyResourceGROUP --query "oidcIssuerProfile.issuerUrl" -o tsv'), `${issuerUrl}\n`);
    az.variables['ISSUER'] = issuerUrl;
  });

  const rotations = async (group: string, name: string): Promise<number> => (await (await ClusterApi.open(home, { group, name })).events()).filter(({ kind, cause }) => kind === 'activated' && cause === 'manual').length;

  it('rotates: not without an answer, by the prompt of a terminal, and with -y', async () => {
    const rotate = 'az aks oidc-issuer rotate-signing-keys --name myAKSCluster --resource-group myResourceGroup';
    await refused(rotate, 1, /Unable to prompt for confirmation as no tty available/);
    assert.equal(await rotations(G, 'myAKSCluster'), 0);
    assert.match(await done(`echo y | script -qec "${rotate}" /dev/null`), /Are you sure you want to perform this operation\? \(y\/n\): /);
    assert.equal(await rotations(G, 'myAKSCluster'), 1);
    await done(`az aks create ${IN_GROUP} --name second --enable-oidc-issuer --no-ssh-key --output none`);
    assert.equal(await done(`az aks oidc-issuer rotate-signing-keys ${IN_GROUP} --name second -y`), '');
    assert.equal(await rotations(G, 'second'), 1);
  });

  it('clusters', async () => {
    const update = await json<{ tags: object; oidcIssuerProfile: object }>(`az aks update ${CLUSTER} --enable-oidc-issuer --tags a=b --query "{tags: tags, oidcIssuerProfile: oidcIssuerProfile}"`);
    assert.deepEqual(update, { tags: { a: 'b' }, oidcIssuerProfile: { enabled: true, issuerUrl: az.variables['ISSUER'] } });
    assert.deepEqual(await json(`az aks list ${IN_GROUP} --query "[].name"`), ['myAKSCluster', 'second']);
    assert.match(await done('az aks list --output table'), /^Name +Location +ResourceGroup[^\n]*\n[^\n]*\ndev +eastus +dev /);
    await done(`az aks wait ${CLUSTER} --created`);
    assert.deepEqual(await json(`az aks nodepool list ${IN_GROUP} --cluster-name myAKSCluster --query "[].[name, count]"`), [['nodepool1', 1]]);
    assert.deepEqual(await json(`az aks scale ${CLUSTER} --node-count 3 --query "agentPoolProfiles[].count"`), [3]);
    await done(`az aks get-upgrades ${CLUSTER} --output table`);
    await refused(`az aks stop ${CLUSTER}`, 1, /^ERROR: \(OperationNotAllowed\) Mintmark registers a cluster that runs elsewhere and can not stop it/);
    await refused(`az aks get-credentials ${CLUSTER} --file -`, 3, /^ERROR: \(ResourceNotFound\) Mintmark has no kubeconfig .* mintmark cluster set-credentials /);
    const kubeconfig = join(home.dir, 'kubeconfig');
    await writeFile(kubeconfig, 'apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n');
    await done(`bin/mintmark cluster set-credentials ${CLUSTER} --kubeconfig ${kubeconfig}`);
    assert.equal(await done(`az aks get-credentials ${CLUSTER} --file -`), 'apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n\n');
    await refused(`az aks show ${IN_GROUP} --name nothere`, 3, /^ERROR: \(ResourceNotFound\) The managed cluster 'nothere' under resource group 'myResourceGroup' was not found\./);
  });

  it('an issuer is not disabled, by whatever command', async () => {
    az.variables['ID'] = (await done(`az aks show ${CLUSTER} --query id --output tsv`)).trim();
    await refused(`az aks update ${CLUSTER} --disable-oidc-issuer`, 2, /^ERROR: unrecognized arguments: --disable-oidc-issuer/);
    await refused('az resource update --ids "$ID" --set properties.oidcIssuerProfile.enabled=false', 1, /^ERROR: \(IssuerCanNotBeDisabled\) The OIDC issuer of 'myAKSCluster' can not be disabled: .* Nothing was changed\.\nCode: IssuerCanNotBeDisabled\n/);
    await refused(`az rest --method put --url "$ID?api-version=2022-11-01" --body '{"location":"eastus","properties":{"oidcIssuerProfile":{"enabled":false}}}'`, 1, /^ERROR: Bad Request\(\{"error":\{"code":"IssuerCanNotBeDisabled"/);
    assert.deepEqual(await json('az resource show --ids "$ID" --query properties.oidcIssuerProfile'), { enabled: true, issuerURL: az.variables['ISSUER'] });
  });

  it('az rest, providers, tokens', async () => {
    assert.deepEqual(await json('az rest --url "/subscriptions/{subscriptionId}/resourceGroups?api-version=2021-04-01" --query "value[].name"'), ['dev', G]);
    await refused('az rest --url "/subscriptions/{subscriptionId}/resourceGroups/nothere?api-version=2021-04-01"', 1, /^ERROR: Not Found\(\{"error":\{"code":"ResourceGroupNotFound"/);
    assert.deepEqual(await json('az provider list --query "[].registrationState"'), ['Registered', 'Registered', 'Registered', 'Registered']);
    assert.deepEqual(await json('az account get-access-token --query "[tokenType, tenant]"'), ['Bearer', profile.tenantId]);
  });

  it('a rotation whose reply was lost is repeated, and is one', async () => {
    const proxy = await losingProxy({ certificateFile: join(home.dir, 'server.pem'), keyFile: join(home.dir, 'server-key.pem'), caFile: profile.caFile, target: profile.endpoint, lose: /\/rotateServiceAccountSigningKeys\?/ });
    try {
      az.variables['PROXY'] = proxy.url;
      await done('az cloud update --name mintmark --endpoint-resource-manager "$PROXY"');
      await done('az aks oidc-issuer rotate-signing-keys --resource-group dev --name dev --yes');
      await done('az cloud update --name mintmark --endpoint-resource-manager "$ENDPOINT"');
      const { requestId } = proxy.seen[0]!;
      assert.deepEqual(proxy.seen, [{ requestId, status: 202 }, { requestId, status: 202 }]);
      assert.equal(await rotations('dev', 'dev'), 1);
    } finally {
      proxy.close();
    }
  });

  it('identities, their federated credentials, and roles', async () => {
    const identity = await json<{ clientId: string; principalId: string }>(`az identity create ${IN_GROUP} --name my-app`);
    Object.assign(az.variables, { APP: identity.clientId, PRINCIPAL: identity.principalId });
    assert.equal(await done(`az identity show ${IN_GROUP} --name MY-APP --query clientId --output tsv`), `${identity.clientId}\n`);
    assert.deepEqual(await json(`az identity list ${IN_GROUP} --query "[].name"`), ['my-app']);
    const credential = `az identity federated-credential`;
    const of = `${IN_GROUP} --identity-name my-app`;
    const created = await json<{ issuer: string; audiences: string[] }>(`${credential} create ${of} --name pods --issuer "$ISSUER" --subject system:serviceaccount:default:other`);
    assert.deepEqual([created.issuer, created.audiences], [az.variables['ISSUER'], ['api://AzureADTokenExchange']]);
    assert.equal(await done(`${credential} update ${of} --name pods --issuer "$ISSUER" --subject system:serviceaccount:default:app --audiences api://AzureADTokenExchange --query subject --output tsv`), 'system:serviceaccount:default:app\n');
    assert.deepEqual(await json(`az resource list ${IN_GROUP} --query "[].name"`), ['myAKSCluster', 'second', 'my-app']);
    assert.deepEqual(await json(`az resource list --resource-type Microsoft.ManagedIdentity/userAssignedIdentities --query "[].[name, resourceGroup]"`), [['my-app', G]]);
    assert.deepEqual(await json('az resource list --tag a=b --query "[].name"'), ['myAKSCluster']);
    assert.deepEqual(await json(`${credential} list ${of} --query "[].name"`), ['pods']);
    assert.equal(await done(`${credential} show ${of} --name pods --query name --output tsv`), 'pods\n');
    await giveReader();
  });

  /** Debian's azure-cli 2.45 fails in `az role` before it asks anything, because its library is newer than it expects: `az rest` does the same there. */
  async function giveReader(): Promise<void> {
    const scope = az.variables['GROUP'] = (await done(`az group show --name ${G} --query id --output tsv`)).trim();
    const { code, stderr } = await az.run('az role assignment create --assignee-object-id "$PRINCIPAL" --assignee-principal-type ServicePrincipal --role Reader --scope "$GROUP"');
    const assignments = `"$GROUP/providers/Microsoft.Authorization/roleAssignments`;
    if (code !== 0) {
      assert.match(stderr, /AttributeError: '\w+' object has no attribute 'config'/);
      const definition = (await done(`az rest --url "$GROUP/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01&\\$filter=roleName%20eq%20'Reader'" --query "value[0].id" --output tsv`)).trim();
      const body = JSON.stringify({ properties: { roleDefinitionId: definition, principalId: az.variables['PRINCIPAL'], principalType: 'ServicePrincipal' } });
      await done(`az rest --method put --url ${assignments}/6f9d2c1e-0b8a-4a57-9a3e-1f7c5b2d4e60?api-version=2022-04-01" --body '${body}'`);
    }
    assert.deepEqual(await json(`az rest --url ${assignments}?api-version=2022-04-01" --query "value[?properties.principalId=='$PRINCIPAL'].properties.[roleName, scope]"`), [['Reader', scope]]);
  }

  it('logs in with the token of a service account: allowed in its group, and nowhere else', async () => {
    const token = await home.shell(`az token create ${IN_GROUP} --name myAKSCluster --service-account default/app --audience api://AzureADTokenExchange`);
    assert.equal(token.code, 0, token.stderr);
    const forOthers = await home.shell(`az token create ${IN_GROUP} --name myAKSCluster --service-account default/app --audience elsewhere`);
    app = new AzureCli({ ENDPOINT: profile.endpoint, TENANT: profile.tenantId, APP: az.variables['APP']!, TOKEN: token.stdout.trim(), OTHER: forOthers.stdout.trim() }, profile.caFile);
    await done('az cloud register --name mintmark --endpoint-resource-manager "$ENDPOINT"', app);
    await done('az cloud set --name mintmark', app);
    await refused('az login --service-principal --username "$APP" --federated-token "$OTHER" --tenant "$TENANT"', 1, /^ERROR: AADSTS\d+: .*audience/, app);
    await done('az login --service-principal --username "$APP" --federated-token "$TOKEN" --tenant "$TENANT"', app);
    assert.deepEqual(await json(`az aks list ${IN_GROUP} --query "[].name"`, app), ['myAKSCluster', 'second']);
    await refused('az group list', 1, /^ERROR: \(AuthorizationFailed\) /, app);
    await refused(`az aks update ${CLUSTER} --tags x=y`, 1, /^ERROR: \(AuthorizationFailed\) /, app);
  });

  it('deletes', async () => {
    await done(`az identity federated-credential delete ${IN_GROUP} --identity-name my-app --name pods --yes`);
    await done(`az identity delete ${IN_GROUP} --name my-app`);
    assert.deepEqual(await json('az identity list'), []);
    await done(`az aks delete ${CLUSTER} --yes`);
    await done(`az aks wait ${CLUSTER} --deleted`);
    await refused(`az aks show ${CLUSTER}`, 3, /^ERROR: \(ResourceNotFound\) /);
    await done(`az group delete --name ${G} --yes`);
    assert.equal(await done(`az group exists --name ${G}`), 'false\n');
    await done('az logout');
  });
});
