/** The unmodified Azure SDK for JavaScript against the real server: what a program does with clusters, groups and identities, and what becomes of it when something fails. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { ContainerServiceClient, restorePoller } from '@azure/arm-containerservice';
import type { GetTokenOptions, TokenCredential } from '@azure/identity';
import { type AzureSdk, azureSdk } from '../support/azure-sdk.ts';
import { ClusterApi, success } from '../support/dev-api.ts';
import { DevHome, eventually, type Profile, ROOT } from '../support/dev-server.ts';
import { losingProxy, type LosingProxy } from '../support/losing-proxy.ts';

const home = await DevHome.make({ clock: true });
const WITH_ISSUER = { location: 'eastus', oidcIssuerProfile: { enabled: true } } as const;
const AUDIENCE = 'api://AzureADTokenExchange';
const READER = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';

let profile: Profile;
let make: Awaited<ReturnType<typeof azureSdk>>;
let sdk: AzureSdk;

before(async () => {
  await home.start();
  profile = await home.profile();
  make = await azureSdk(profile);
  sdk = make.clients(make.bySecret());
  await sdk.groups.createOrUpdate('apps', { location: 'eastus' });
});

async function all<T>(iterator: AsyncIterable<T>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const item of iterator) items.push(item);
  return items;
}

/** Everything that an iterator gives, by name, and how many came at a time. */
async function listed(iterator: { byPage(): AsyncIterable<readonly { readonly name?: string | undefined }[]> }): Promise<{ readonly names: readonly string[]; readonly pages: readonly number[] }> {
  const pages = await all(iterator.byPage());
  return { names: pages.flat().map(({ name }) => name!), pages: pages.map(({ length }) => length) };
}

const rotations = async (name: string): Promise<number> => (await (await ClusterApi.open(home, { group: 'apps', name })).events()).filter(({ kind, cause }) => kind === 'activated' && cause === 'manual').length;

describe('a client secret', () => {
  it('resource groups: made, found in any letter case, listed by pages and by tag, deleted', async () => {
    const made = await sdk.groups.createOrUpdate('Platform', { location: 'East US', tags: { team: 'R and D' } });
    assert.deepEqual([made.name, made.location, made.properties?.provisioningState], ['Platform', 'eastus', 'Succeeded']);
    assert.deepEqual((await sdk.groups.update('PLATFORM', { tags: { team: 'R and D', of: 'two' } })).tags, { team: 'R and D', of: 'two' });
    assert.equal((await sdk.groups.get('platform')).id, made.id);
    assert.deepEqual([(await sdk.groups.checkExistence('PLATFORM')).body, (await sdk.groups.checkExistence('nothere')).body], [true, false]);
    assert.deepEqual(await listed(sdk.groups.list({ top: 1 })), { names: ['apps', 'dev', 'Platform'], pages: [1, 1, 1] });
    assert.deepEqual((await listed(sdk.groups.list({ filter: "tagName eq 'TEAM' and tagValue eq 'R and D'" }))).names, ['Platform']);
    await sdk.groups.beginDeleteAndWait('platform');
    assert.equal((await sdk.groups.checkExistence('Platform')).body, false);
  });

  it('clusters: made with an issuer, found in any letter case, tagged, deleted', async () => {
    const made = await sdk.clusters.createOrUpdate('apps', 'Cluster', { ...WITH_ISSUER, dnsPrefix: 'own', agentPoolProfiles: [{ name: 'pool1', count: 2, vmSize: 'Standard_DS2_v2', mode: 'System' }] });
    const { oidcIssuerProfile } = made;
    assert.match(oidcIssuerProfile?.issuerURL ?? '', new RegExp(`^https://localhost:${home.issuerPort}/eastus/${profile.tenantId}/[\\da-f-]{36}/$`));
    assert.deepEqual([made.provisioningState, oidcIssuerProfile?.enabled, made.dnsPrefix], ['Succeeded', true, 'own']);
    const tagged = await sdk.clusters.updateTags('APPS', 'CLUSTER', { tags: { a: 'b' } });
    assert.deepEqual([tagged.id, tagged.tags, tagged.oidcIssuerProfile], [made.id, { a: 'b' }, oidcIssuerProfile]);
    // What a program reads is what it may send back.
    assert.deepEqual((await sdk.clusters.createOrUpdate('apps', 'cluster', await sdk.clusters.get('apps', 'cluster'), { ifMatch: tagged.eTag! })).oidcIssuerProfile, oidcIssuerProfile);
    assert.deepEqual([(await listed(sdk.clusters.list())).names, (await listed(sdk.clusters.listByResourceGroup('APPS'))).names], [['Cluster', 'dev'], ['Cluster']]);
    assert.deepEqual((await listed(sdk.resources.listByResourceGroup('apps', { filter: "tagName eq 'a'" }))).names, ['Cluster']);
    await sdk.clusters.delete('apps', 'cluster');
    await sdk.clusters.delete('apps', 'cluster');
    assert.deepEqual((await listed(sdk.clusters.listByResourceGroup('apps'))).names, []);
  });

  it('agent pools and upgrades are read', async () => {
    await sdk.clusters.createOrUpdate('apps', 'pools', { ...WITH_ISSUER, kubernetesVersion: '1.34', agentPoolProfiles: [{ name: 'first', count: 2, mode: 'System' }, { name: 'second', count: 0, mode: 'User' }] });
    assert.deepEqual((await all(sdk.agentPools.list('apps', 'pools'))).map(({ name, count, mode }) => [name, count, mode]), [['first', 2, 'System'], ['second', 0, 'User']]);
    const { name, orchestratorVersion, provisioningState } = await sdk.agentPools.get('APPS', 'POOLS', 'second');
    assert.deepEqual([name, orchestratorVersion, provisioningState], ['second', '1.34', 'Succeeded']);
    assert.equal((await sdk.clusters.getUpgradeProfile('apps', 'pools')).controlPlaneProfile.kubernetesVersion, '1.34');
  });

  it('a kubeconfig that was left is read; resources and providers are told', async () => {
    const { id } = await sdk.clusters.createOrUpdate('apps', 'left', WITH_ISSUER);
    const kubeconfig = 'apiVersion: v1\nkind: Config\n';
    success(await (await ClusterApi.open(home)).send('PUT', `${id}/providers/Mintmark.Oidc/kubeconfigs/user`, { properties: { kubeconfig } }));
    assert.equal(Buffer.from((await sdk.clusters.listClusterUserCredentials('apps', 'left')).kubeconfigs![0]!.value!).toString(), kubeconfig);
    assert.equal((await sdk.resources.getById(id!, '2025-01-01')).name, 'left');
    assert.ok((await all(sdk.providers.list())).some(({ namespace, registrationState }) => namespace === 'Microsoft.ContainerService' && registrationState === 'Registered'));
    assert.deepEqual((await sdk.providers.get('Microsoft.ManagedIdentity')).resourceTypes?.map(({ resourceType }) => resourceType), ['userAssignedIdentities', 'userAssignedIdentities/federatedIdentityCredentials']);
  });

  it('a refusal is a RestError with code, status and what to do', async () => {
    await sdk.clusters.createOrUpdate('apps', 'refuses', WITH_ISSUER);
    /** What is asked → code, status, and a part of the message. */
    const refusals: readonly (readonly [() => PromiseLike<unknown>, string, number, RegExp])[] = [
      [() => sdk.clusters.get('apps', 'nothere'), 'ResourceNotFound', 404, /The managed cluster 'nothere' under resource group 'apps' was not found\./],
      [() => sdk.clusters.get('nothere', 'refuses'), 'ResourceGroupNotFound', 404, /'nothere'/],
      [() => sdk.groups.get('nothere'), 'ResourceGroupNotFound', 404, /'nothere'/],
      [() => sdk.groups.beginDeleteAndWait('nothere'), 'ResourceGroupNotFound', 404, /'nothere'/],
      [() => sdk.clusters.createOrUpdate('nothere', 'new', WITH_ISSUER), 'ResourceGroupNotFound', 404, /'nothere'/],
      [() => sdk.clusters.createOrUpdate('apps', 'refuses', { location: 'eastus', oidcIssuerProfile: { enabled: false } }), 'IssuerCanNotBeDisabled', 400, /can not be disabled: .* Nothing was changed\.$/],
      [() => sdk.clusters.createOrUpdate('apps', 'refuses', { ...WITH_ISSUER, location: 'westus' }), 'LocationCanNotChange', 400, /eastus/],
      [() => sdk.clusters.createOrUpdate('apps', 'refuses', WITH_ISSUER, { ifNoneMatch: '*' }), 'PreconditionFailed', 412, /'refuses'/],
      [() => sdk.clusters.createOrUpdate('apps', 'refuses', WITH_ISSUER, { ifMatch: 'another' }), 'PreconditionFailed', 412, /eTag/],
      [() => sdk.clusters.stop('apps', 'refuses'), 'OperationNotAllowed', 409, /registers a cluster that runs elsewhere/],
      [() => sdk.clusters.listClusterUserCredentials('apps', 'refuses'), 'ResourceNotFound', 404, /mintmark cluster set-credentials/],
      [() => sdk.agentPools.get('apps', 'refuses', 'nothere'), 'ResourceNotFound', 404, /'nothere'/],
      [() => sdk.identities.get('apps', 'nothere'), 'ResourceNotFound', 404, /'nothere'/],
      [async () => listed(sdk.groups.list({ filter: "location eq 'eastus'" })), 'InvalidQueryParameter', 400, /tagName/],
    ];
    for (const [ask, code, statusCode, message] of refusals) await assert.rejects(async () => ask(), { name: 'RestError', code, statusCode, message });
    assert.equal((await sdk.clusters.get('apps', 'refuses')).oidcIssuerProfile?.enabled, true);
  });

  it('lists of more than a page', async () => {
    await sdk.groups.createOrUpdate('many', { location: 'eastus' });
    const names = Array.from({ length: 101 }, (_, index) => `one${String(index).padStart(3, '0')}`);
    for (const name of names) {
      await sdk.clusters.createOrUpdate('many', name, { location: 'eastus', oidcIssuerProfile: { enabled: false } });
      await sdk.identities.createOrUpdate('many', name, { location: 'eastus' });
    }
    assert.deepEqual(await listed(sdk.clusters.listByResourceGroup('many')), { names, pages: [100, 1] });
    assert.deepEqual(await listed(sdk.identities.listByResourceGroup('many')), { names, pages: [100, 1] });
    assert.deepEqual(await listed(sdk.resources.listByResourceGroup('many')), { names: [...names, ...names], pages: [100, 100, 2] });
    await sdk.groups.beginDeleteAndWait('many');
    assert.deepEqual((await listed(sdk.identities.listBySubscription())).names, []);
  });

  it('a wrong secret is told with its number', async () => {
    const wrong = make.clients(make.bySecret('wrong'));
    await assert.rejects(async () => wrong.groups.get('apps'), { name: 'AuthenticationRequiredError', message: /AADSTS7000215: Invalid client id or client secret\..* - Trace ID: [\da-f-]{36}/ });
  });

  /** A new cluster's second rotation. The store's time never goes back: with the clock set back it stands still, so that the key has to be waited for. */
  async function rotationThatWaits(name: string, secondsAhead: number) {
    await sdk.clusters.createOrUpdate('apps', name, WITH_ISSUER);
    await home.setClock(secondsAhead);
    await sdk.clusters.rotateServiceAccountSigningKeys('apps', name);
    await home.setClock(0);
    const poller = sdk.clusters.rotateServiceAccountSigningKeys('apps', name);
    await poller.submitted();
    // A poller is a promise of the end, so it would be waited for here.
    return { poller };
  }

  it('a rotation that waits is followed to its end, also by another process', async () => {
    const { poller } = await rotationThatWaits('rotates', 1200);
    assert.deepEqual([poller.isDone, await rotations('rotates')], [false, 1]);
    const another = new ContainerServiceClient(make.bySecret(), profile.subscriptionId, { endpoint: profile.endpoint, tlsOptions: make.tlsOptions });
    const resumed = restorePoller(another, await poller.serialize(), another.managedClusters.rotateServiceAccountSigningKeys);
    await home.setClock(1800);
    await Promise.all([poller.pollUntilDone(), resumed.pollUntilDone()]);
    assert.deepEqual([poller.operationState?.status, resumed.operationState?.status, await rotations('rotates')], ['succeeded', 'succeeded', 2]);
  });

  it('a rotation that waits ends with its cluster', async () => {
    const { poller } = await rotationThatWaits('ends', 2400);
    await sdk.clusters.delete('apps', 'ends');
    await assert.rejects(async () => poller, { message: 'Operation was canceled' });
    await home.setClock(2400);
  });
});

describe('a connection that is cut before the reply', () => {
  /** Clients behind a proxy that cuts the first reply to such a request, and what the proxy saw of it. */
  async function behindCut(lose: RegExp, act: (cut: AzureSdk) => Promise<void>): Promise<LosingProxy['seen']> {
    const proxy = await losingProxy({ certificateFile: join(home.dir, 'server.pem'), keyFile: join(home.dir, 'server-key.pem'), caFile: profile.caFile, target: profile.endpoint, lose, cut: true });
    try {
      await act(make.clients(make.bySecret(), { at: proxy.url }));
    } finally {
      proxy.close();
    }
    assert.equal(new Set(proxy.seen.map(({ requestId }) => requestId)).size, 1, 'the SDK repeats with the same id');
    return proxy.seen;
  }
  const statuses = (seen: LosingProxy['seen']): readonly number[] => seen.map(({ status }) => status);

  it('one cluster is created', async () => {
    const seen = await behindCut(/^PUT .*\/managedClusters\/lost\?/i, async (cut) => {
      const made = await cut.clusters.createOrUpdate('apps', 'lost', WITH_ISSUER);
      assert.deepEqual(made.oidcIssuerProfile, (await sdk.clusters.get('apps', 'lost')).oidcIssuerProfile);
    });
    assert.deepEqual(statuses(seen), [201, 200]);
    assert.equal((await (await ClusterApi.open(home, { group: 'apps', name: 'lost' })).events()).filter(({ kind }) => kind === 'activated').length, 1);
  });

  it('one rotation is done', async () => {
    const seen = await behindCut(/^POST .*\/rotateServiceAccountSigningKeys\?/, (cut) => cut.clusters.beginRotateServiceAccountSigningKeysAndWait('apps', 'lost'));
    assert.deepEqual([statuses(seen), await rotations('lost')], [[202, 202], 1]);
  });

  it('a program that repeats a rotation by itself, with an id of its own, has one', async () => {
    await sdk.clusters.createOrUpdate('apps', 'again', WITH_ISSUER);
    const requestOptions = { headers: { 'x-ms-client-request-id': randomUUID() } };
    for (let times = 0; times < 2; times += 1) await sdk.clusters.rotateServiceAccountSigningKeys('apps', 'again', { requestOptions });
    assert.equal(await rotations('again'), 1);
  });

  it('one identity is created, and it is the one that is told', async () => {
    const seen = await behindCut(/^PUT .*\/userAssignedIdentities\/lost\?/, async (cut) => {
      assert.equal((await cut.identities.createOrUpdate('apps', 'lost', { location: 'eastus' })).clientId, (await sdk.identities.get('apps', 'lost')).clientId);
    });
    assert.deepEqual(statuses(seen), [201, 200]);
  });

  it('a cluster is deleted, and that is no error', async () => {
    assert.deepEqual(statuses(await behindCut(/^DELETE .*\/managedClusters\/lost\?/, async (cut) => { await cut.clusters.delete('apps', 'lost'); })), [202, 204]);
  });
});

describe('a token of a service account', () => {
  const tokenFile = join(home.dir, 'token');
  let app: AzureSdk;

  async function tokenFor(audience: string): Promise<void> {
    const { code, stdout, stderr } = await home.shell(`az token create -g apps -n issues --service-account default/app --audience ${audience}`);
    assert.equal(code, 0, stderr);
    await writeFile(tokenFile, stdout.trim());
  }

  it('identities and federated credentials: made, changed, listed', async () => {
    const { oidcIssuerProfile } = await sdk.clusters.createOrUpdate('apps', 'issues', WITH_ISSUER);
    const identity = await sdk.identities.createOrUpdate('apps', 'My-App', { location: 'eastus', tags: { a: 'b' } });
    assert.deepEqual([identity.tenantId, identity.tags], [profile.tenantId, { a: 'b' }]);
    const { clientId, principalId, tags } = await sdk.identities.update('APPS', 'MY-APP', { tags: {} });
    assert.deepEqual([clientId, principalId, tags], [identity.clientId, identity.principalId, {}]);
    const trust = { issuer: oidcIssuerProfile!.issuerURL!, subject: 'system:serviceaccount:default:other', audiences: [AUDIENCE] };
    await sdk.credentials.createOrUpdate('apps', 'my-app', 'pods', trust);
    await sdk.credentials.createOrUpdate('apps', 'my-app', 'more', { ...trust, subject: 'system:serviceaccount:default:more' });
    const changed = await sdk.credentials.createOrUpdate('apps', 'MY-APP', 'PODS', { ...trust, subject: 'system:serviceaccount:default:app' });
    const { name, issuer, subject, audiences } = await sdk.credentials.get('apps', 'my-app', 'pods');
    assert.deepEqual([changed.name, name, issuer, subject, audiences], ['pods', 'pods', trust.issuer, 'system:serviceaccount:default:app', [AUDIENCE]]);
    assert.deepEqual((await listed(sdk.credentials.list('apps', 'my-app'))).names, ['more', 'pods']);
    await assert.rejects(sdk.credentials.createOrUpdate('apps', 'my-app', 'again', { ...trust, subject: 'system:serviceaccount:default:app' }), { name: 'RestError', statusCode: 409 });
    await sdk.credentials.delete('apps', 'my-app', 'more');
    await sdk.credentials.delete('apps', 'my-app', 'more');
    assert.deepEqual((await listed(sdk.credentials.list('apps', 'my-app'))).names, ['pods']);
  });

  it('logs in as the identity: it may do what its role lets it, and nothing else', async () => {
    const { clientId, principalId } = await sdk.identities.get('apps', 'my-app');
    const group = `/subscriptions/${profile.subscriptionId}/resourceGroups/apps`;
    success(await (await ClusterApi.open(home)).send('PUT', `${group}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`, { properties: { principalId, roleDefinitionId: READER } }));
    await tokenFor('elsewhere');
    await assert.rejects(async () => make.clients(make.byToken(clientId!, tokenFile)).clusters.get('apps', 'issues'), { name: 'AuthenticationRequiredError', message: /AADSTS700212: .*audience/ });
    await tokenFor(AUDIENCE);
    app = make.clients(make.byToken(clientId!, tokenFile));
    assert.equal((await app.clusters.get('apps', 'issues')).name, 'issues');
    for (const refused of [app.groups.get('dev'), app.groups.createOrUpdate('apps', { location: 'eastus' }), app.identities.delete('apps', 'my-app')]) {
      await assert.rejects(refused, { name: 'RestError', code: 'AuthorizationFailed', statusCode: 403 });
    }
  });

  it('an identity that is gone is told so, whatever access token is still held', async () => {
    await sdk.identities.delete('apps', 'my-app');
    await sdk.identities.delete('apps', 'my-app');
    await assert.rejects(async () => app.clusters.get('apps', 'issues'), { name: 'AuthenticationRequiredError', message: /AADSTS700016: / });
  });
});

/** The fenced blocks of the page, by language. */
const page = readFileSync(join(ROOT, 'docs/azure-sdk.md'), 'utf8');
const fenced = (language: string): string => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(page)![1]!;

it('the example of the page is its file, and does what the page says', async () => {
  assert.equal(fenced('js'), readFileSync(join(ROOT, 'examples/azure-sdk/rotate.mjs'), 'utf8'));
  const { code, stdout, stderr } = await home.shell(fenced('sh'));
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^issuer   https:\/\/localhost:\d+\/eastus\/[\da-f-]{36}\/[\da-f-]{36}\/\nrotated  3 keys are published\n$/);
});

it('an access token that the server refuses before its end is replaced, and the program goes on', async () => {
  const asked: (GetTokenOptions | undefined)[] = [];
  const inner = make.bySecret();
  const credential: TokenCredential = { getToken: (scopes, options) => { asked.push(options); return inner.getToken(scopes, options); } };
  const { clusters, groups } = make.clients(credential);
  await Promise.all([clusters.get('dev', 'dev'), groups.get('dev')]);
  const held = await ClusterApi.open(home);
  await home.setClock(3 * 3600);
  await eventually('the tokens of before have ended', async () => (await held.send('GET', held.cluster)).status === 401 || undefined);
  assert.deepEqual([(await clusters.get('dev', 'dev')).name, (await groups.get('dev')).name], ['dev', 'dev']);
  assert.deepEqual(asked.map((options) => options?.claims), [undefined, undefined, '{"access_token":{"nbf":{"essential":true}}}', '{"access_token":{"nbf":{"essential":true}}}']);
});
