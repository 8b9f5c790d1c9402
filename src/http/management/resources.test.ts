/** The list of all resources of a subscription or a group, as `az resource list` and the Azure SDKs ask for it. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { openManagement, SUBSCRIPTION } from '../../../test/support/management.ts';

const S = `/subscriptions/${SUBSCRIPTION}`;
const { ask, as } = await openManagement();
const nameOf = ({ name }: { readonly name: string }): string => name;

interface List {
  readonly value: readonly { readonly id: string; readonly name: string; readonly type: string; readonly location: string; readonly tags: object }[];
  readonly nextLink?: string;
}

before(async () => {
  for (const group of ['a', 'b']) {
    await ask('PUT', `${S}/resourceGroups/${group}`, { location: 'eastus' });
    for (const name of ['one', 'two']) await ask('PUT', `${S}/resourceGroups/${group}/providers/Microsoft.ContainerService/managedClusters/${name}`, { tags: { of: group }, location: name === 'two' ? 'westus' : 'eastus', properties: {} });
    await ask('PUT', `${S}/resourceGroups/${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app`, {});
  }
});

const TYPE = 'Microsoft.ContainerService/managedClusters';
/** Filter → the names found, clusters first. */
const FILTERS: Readonly<Record<string, readonly string[]>> = {
  '': ['one', 'two', 'one', 'two', 'app', 'app'],
  "resourceGroup eq 'A'": ['one', 'two', 'app'],
  "resourceType eq 'microsoft.containerservice/MANAGEDCLUSTERS'": ['one', 'two', 'one', 'two'],
  "resourceGroup eq 'b' and resourceType eq 'Microsoft.ManagedIdentity/userAssignedIdentities'": ['app'],
  "location eq 'West US'": ['two', 'two'],
  "name eq 'ONE' AND resourceGroup eq 'a'": ['one'],
  "resourceGroup eq 'nothere'": [],
  "tagName eq 'OF' and tagValue eq 'a'": ['one', 'two'],
  "tagname eq 'of' and tagvalue eq 'a' and name eq 'one'": ['one'],
  "tagName eq 'nothere'": [],
};

for (const [filter, names] of Object.entries(FILTERS)) {
  test(`$filter: ${filter || 'none'}`, async () => {
    const reply = await ask('GET', `${S}/resources?$filter=${encodeURIComponent(filter)}`);
    assert.deepEqual([reply.statusCode, reply.json<List>().value.map(nameOf), reply.json<List>().nextLink], [200, names, undefined]);
  });
}

test('of a group alone', async () => {
  const group = `${S}/resourceGroups/A/resources`;
  const names = async (query: string): Promise<readonly string[]> => (await ask('GET', `${group}${query}`)).json<List>().value.map(nameOf);
  assert.deepEqual([await names(''), await names(`?$filter=${encodeURIComponent("location eq 'westus'")}`)], [['one', 'two', 'app'], ['two']]);
  const { nextLink } = (await ask('GET', `${group}?$top=2`)).json<List>();
  assert.deepEqual((await ask('GET', nextLink!.slice(nextLink!.indexOf('/subscriptions')))).json<List>().value.map(nameOf), ['app']);
  const refused = await ask('GET', `${group}?$filter=${encodeURIComponent("resourceGroup eq 'a'")}`);
  assert.deepEqual([refused.statusCode, (await ask('GET', `${S}/resourceGroups/nothere/resources`)).json<{ error: { code: string } }>().error.code], [400, 'ResourceGroupNotFound']);
});

test('what one is', async () => {
  const { value } = (await ask('GET', `${S}/resources?$filter=${encodeURIComponent("resourceGroup eq 'a' and name eq 'two'")}`)).json<List>();
  assert.deepEqual(value, [{ id: `${S}/resourceGroups/a/providers/${TYPE}/two`, name: 'two', type: TYPE, location: 'westus', tags: { of: 'a' } }]);
});

test('pages, from one type into the next', async () => {
  const names: string[] = [];
  let pages = 0;
  for (let url: string | undefined = `${S}/resources?$top=3`; url !== undefined; pages += 1) {
    const { value, nextLink }: List = (await ask('GET', url)).json<List>();
    assert.ok(value.length <= 3);
    names.push(...value.map(nameOf));
    url = nextLink === undefined ? undefined : new URL(nextLink).pathname + new URL(nextLink).search;
  }
  assert.deepEqual([pages, names], [2, ['one', 'two', 'one', 'two', 'app', 'app']]);
});

for (const query of ["$filter=type eq 'x'", "$filter=name eq 'a' or name eq 'b'", "$filter=name eq 'a' and name eq 'b'", '$skiptoken=7', '$skiptoken=0.!', '$skiptoken=x']) {
  test(`refused: ${query}`, async () => {
    const reply = await ask('GET', `${S}/resources?${query.replaceAll(' ', '%20')}`);
    assert.deepEqual([reply.statusCode, reply.json<{ error: { code: string } }>().error.code], [400, 'InvalidQueryParameter']);
  });
}

test('parameters are in any letter case, in what leads to the next page too; one in two spellings is there twice', async () => {
  const first = (await ask('GET', `${S}/resources?$FILTER=${encodeURIComponent("resourceGroup eq 'a'")}&$Top=1&$SKIPTOKEN=0`)).json<List>();
  const next = new URL(first.nextLink!);
  const { value } = (await ask('GET', `${next.pathname}${next.search}`)).json<List>();
  assert.deepEqual([first.value, value].map((found) => found.map(({ id }) => id.split('/').slice(4).join('/'))), [[`a/providers/${TYPE}/one`], [`a/providers/${TYPE}/two`]]);
  assert.equal((await ask('GET', `${S}/resources?$top=1&$TOP=1`)).statusCode, 400);
});

for (const list of ['resources', 'providers/Mintmark.Oidc/issuers']) {
  for (const group of ['', 'a/', 'a/providers', '../a', 'a.', '%']) {
    test(`refused: a filter of ${list} for the group '${group}', which no group can be named`, async () => {
      const reply = await ask('GET', `${S}/${list}?$filter=${encodeURIComponent(`resourceGroup eq '${group}'`)}`);
      const { code, target } = reply.json<{ error: { code: string; target: string } }>().error;
      assert.deepEqual([reply.statusCode, code, target], [400, 'InvalidResourceName', '$filter']);
    });
  }
}

test('it takes a role for the whole subscription', async () => {
  assert.deepEqual([(await as('reader', { url: `${S}/resources` })).statusCode, (await as('group-reader', { url: `${S}/resources` })).statusCode], [200, 403]);
});
