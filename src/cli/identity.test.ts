/** Identities, their federated credentials and roles on the command line: what is sent, and what is shown. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type Answers, fakeServer, type FakeServer, runLine } from '../../test/support/command-line.ts';

const ID = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app';
const FIC = `${ID}/federatedIdentityCredentials/one`;
const ROLES = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Authorization/roleAssignments';
const identity = { id: ID, name: 'app', type: 'Microsoft.ManagedIdentity/userAssignedIdentities', location: 'eastus', tags: {}, properties: { tenantId: 't', principalId: 'p', clientId: 'c', accountEnabled: true } };
const credential = { id: FIC, name: 'one', type: 'x', properties: { issuer: 'https://i/', subject: 'a', audiences: ['api://AzureADTokenExchange'] } };
const assignment = (name: string, scope: string, roleName = 'Reader') => ({ id: `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`, name, type: 'Microsoft.Authorization/roleAssignments', properties: { roleDefinitionId: '/d', principalId: 'p', principalType: 'ServicePrincipal', scope, roleName } });
const LISTED = [assignment('1', '/subscriptions/s'), assignment('2', '/subscriptions/s/resourceGroups/G'), assignment('3', '/subscriptions/s/resourceGroups/g', 'Owner'), assignment('4', ID)];
const ANSWERS: Answers = {
  [`PUT ${ID}`]: { status: 201, body: identity }, [`GET ${ID}`]: { status: 200, body: identity }, [`DELETE ${ID}`]: { status: 200 },
  [`PUT ${FIC}`]: { status: 201, body: credential, headers: { warning: '299 mintmark "a slash"' } }, [`GET ${FIC}`]: { status: 200, body: credential }, [`DELETE ${FIC}`]: { status: 200 },
  [`GET ${ID}/federatedIdentityCredentials`]: { status: 200, body: { value: [credential] } },
  'GET /subscriptions/s/providers/Microsoft.ManagedIdentity/userAssignedIdentities': { status: 200, body: { value: [identity] } },
  [`GET ${ROLES}`]: { status: 200, body: { value: LISTED } },
  ...Object.fromEntries(['2', '3', 'n'].flatMap((name) => [[`DELETE ${ROLES}/${name}`, { status: 200 }], [`PUT ${ROLES}/${name}`, { status: 201, body: assignment(name, '/subscriptions/s/resourceGroups/g', 'Contributor') }]])),
};

async function server(t: TestContext): Promise<FakeServer> {
  const fake = await fakeServer(ANSWERS);
  t.after(() => fake.close());
  return fake;
}

const OF = ['--identity-name', 'app', '-g', 'g'];
const TRUST = ['--issuer', 'https://i/', '--subject', 'a'];
const REFUSAL = 'WARNING: Unable to prompt for confirmation as no tty available. Use --yes.\nERROR: Operation cancelled.\n';

/** Line → the last request and its body; exit code. */
const SENT: readonly (readonly [line: readonly string[], request: string, body: unknown])[] = [
  [['identity', 'create', '-g', 'g', '-n', 'app'], `PUT ${ID}`, {}],
  [['identity', 'create', '-g', 'g', '-n', 'app', '-l', 'eastus', '--tags', 'a=b'], `PUT ${ID}`, { location: 'eastus', tags: { a: 'b' } }],
  [['identity', 'update', '-g', 'g', '-n', 'app', '--account-enabled', 'false'], `PUT ${ID}`, { properties: { accountEnabled: false } }],
  [['identity', 'update', '-g', 'g', '-n', 'app', '--tags', ''], `PUT ${ID}`, { tags: {} }],
  [['identity', 'delete', '-g', 'g', '-n', 'app'], `DELETE ${ID}`, null],
  [['identity', 'federated-credential', 'create', '-n', 'one', ...OF, ...TRUST], `PUT ${FIC}`, { properties: { issuer: 'https://i/', subject: 'a' } }],
  [['identity', 'federated-credential', 'create', '-n', 'one', ...OF, ...TRUST, '--audiences', 'x'], `PUT ${FIC}`, { properties: { issuer: 'https://i/', subject: 'a', audiences: ['x'] } }],
  [['identity', 'federated-credential', 'update', '-n', 'one', ...OF, '--subject', 'b'], `PUT ${FIC}`, { properties: { subject: 'b' } }],
  [['identity', 'federated-credential', 'delete', '-n', 'one', ...OF, '-y'], `DELETE ${FIC}`, null],
  [
    ['role', 'assignment', 'create', '--assignee-object-id', 'p', '--assignee-principal-type', 'ServicePrincipal', '--role', 'Contributor', '--scope', '/subscriptions/s/resourceGroups/g', '-n', 'n'], `PUT ${ROLES}/n`,
    { properties: { roleDefinitionId: '/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c', principalId: 'p', principalType: 'ServicePrincipal' } },
  ],
  [['role', 'assignment', 'create', '--assignee', 'p', '--role', 'Owner', '-g', 'g', '-n', 'n'], `PUT ${ROLES}/n`, { properties: { roleDefinitionId: '/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635', principalId: 'p', principalType: 'ServicePrincipal' } }],
  [['role', 'assignment', 'delete', '--assignee', 'p', '--role', 'Owner', '-g', 'g'], `DELETE ${ROLES}/3`, null],
  [['role', 'assignment', 'delete', '--assignee-object-id', 'p', '--role', 'Reader', '-g', 'g'], `DELETE ${ROLES}/2`, null],
];

for (const [line, request, body] of SENT) {
  test(line.join(' '), async (t) => {
    const fake = await server(t);
    const { code, stderr } = await runLine(line, fake);
    assert.equal(code, 0, stderr);
    const last = fake.requests.at(-1)!;
    assert.deepEqual([`${last.method} ${last.url.split('?')[0]}`, last.body === '' ? null : JSON.parse(last.body)], [request, body]);
  });
}

test('an identity as Azure CLI shows it', async (t) => {
  const fake = await server(t);
  const shown = await runLine(['identity', 'show', '-g', 'g', '-n', 'app'], fake);
  assert.deepEqual(JSON.parse(shown.stdout), { id: ID, name: 'app', type: 'Microsoft.ManagedIdentity/userAssignedIdentities', location: 'eastus', resourceGroup: 'g', tags: {}, tenantId: 't', principalId: 'p', clientId: 'c', accountEnabled: true });
  assert.equal((await runLine(['identity', 'list', '--query', '[].clientId', '-o', 'tsv'], fake)).stdout, 'c\n');
  assert.equal((await runLine(['identity', 'federated-credential', 'list', ...OF, '--query', '[0].issuer', '-o', 'tsv'], fake)).stdout, 'https://i/\n');
});

test('what the server warns of is said', async (t) => {
  const { stderr } = await runLine(['identity', 'federated-credential', 'create', '-n', 'one', ...OF, ...TRUST], await server(t));
  assert.equal(stderr, 'WARNING: a slash\n');
});

test('an update of a credential that is not there makes none', async (t) => {
  const fake = await server(t);
  const { code } = await runLine(['identity', 'federated-credential', 'update', '-n', 'two', ...OF, ...TRUST], fake);
  assert.deepEqual([code, fake.requests.map(({ method }) => method)], [3, ['GET']]);
});

test('a credential is not deleted unasked', async (t) => {
  const fake = await server(t);
  assert.deepEqual(await runLine(['identity', 'federated-credential', 'delete', '-n', 'one', ...OF], fake), { code: 1, stdout: '', stderr: REFUSAL });
  assert.deepEqual(fake.lines(), []);
});

/** Flags of `role assignment list` → names of what is shown. */
const SHOWN: readonly (readonly [flags: readonly string[], names: readonly string[]])[] = [
  [[], ['2', '3']], [['--role', 'Owner'], ['3']], [['--all'], ['2', '3', '4']], [['--include-inherited'], ['1', '2', '3']], [['--all', '--include-inherited'], ['1', '2', '3', '4']],
];

for (const [flags, names] of SHOWN) {
  test(`role assignment list ${flags.join(' ')}`, async (t) => {
    const { stdout } = await runLine(['role', 'assignment', 'list', '-g', 'g', ...flags, '--query', '[].name', '-o', 'tsv'], await server(t));
    assert.deepEqual(stdout.split('\n').slice(0, -1), names);
  });
}

test('a role that nobody has can not be taken away', async (t) => {
  const fake = await server(t);
  const { code, stderr } = await runLine(['role', 'assignment', 'delete', '--assignee', 'p', '--role', 'Contributor', '-g', 'g'], fake);
  assert.deepEqual([code, stderr, fake.requests.length], [1, "ERROR: 'p' has no such role at /subscriptions/s/resourceGroups/g.\n", 1]);
});

for (const [line, says] of [
  [['role', 'assignment', 'create', '--role', 'Owner'], 'the following arguments are required: --assignee-object-id/--assignee'],
  [['role', 'assignment', 'create', '--assignee', 'p', '--role', 'Owner', '--scope', '/'], "argument --scope: '/' is not in a subscription. Roles of a tenant and of the whole server are given with 'mintmark sp create'."],
  [['role', 'assignment', 'create', '--assignee', 'p', '--role', 'Owner', '--scope', '/subscriptions/s', '-g', 'g'], '--scope and --resource-group can not be given together: the scope says where.'],
  [['identity', 'federated-credential', 'create', '-n', 'one', ...OF, '--issuer', 'https://i/'], 'the following arguments are required: --subject'],
] as const) {
  test(`bad arguments: ${line.join(' ')}`, async (t) => {
    const { code, stderr } = await runLine(line, await server(t));
    assert.deepEqual([code, stderr.split('\n')[0]], [2, `ERROR: ${says}`]);
  });
}
