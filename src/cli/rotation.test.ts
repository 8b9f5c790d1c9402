/** Rotating and revoking by hand: what is said before, whether it is asked, what is sent, what is said after. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type Answers, fakeServer, type FakeServer, runLine } from '../../test/support/command-line.ts';

const CLUSTER = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c';
const ISSUER = `${CLUSTER}/providers/Mintmark.Oidc/issuers/default`;
const OPERATION = '/subscriptions/s/operations/1';
const time = '2026-01-01T00:00:00.000Z';
const key = (kid: string, state: string, liveTokens: number) => ({ kid, state, liveTokens, origin: 'generated', published: true, createdAt: time, publishedAt: time, activatedAt: state === 'prepared' ? null : time, retiredAt: null, revokedAt: null, expiresAt: state === 'retired' ? time : null });
const issuer = {
  id: ISSUER, name: 'default',
  properties: {
    issuerURL: 'https://i/', jwksURI: 'https://i/j', maxAgeSeconds: 300, publicationGapSeconds: 600, ringVersion: 1, rotationPolicy: { rotateEverySeconds: null },
    keys: [key('K1', 'retired', 2), key('K2', 'active', 1), key('K3', 'prepared', 0)], pendingRotation: null, waiting: null,
    calendar: { activeSince: time, preparedPublishedAt: null, preparedReadyAt: null, nextRotationAt: null, nextRotationCause: null, nextRemovalAt: null }, rotationWouldRevoke: [{ kid: 'K1', liveTokens: 2 }],
  },
};
const accepted = { status: 202, headers: { 'retry-after': '0', 'azure-asyncoperation': OPERATION }, body: { operationId: '1', outcome: 'rotated', revoked: [], waiting: null } };
const ended = { status: 200, body: { id: OPERATION, name: '1', status: 'Succeeded', properties: { kind: 'rotate', revoked: ['K1'], waiting: null } } };
const ANSWERS: Answers = {
  [`GET ${ISSUER}`]: { status: 200, body: issuer }, [`GET ${OPERATION}`]: ended,
  [`POST ${CLUSTER}/rotateServiceAccountSigningKeys`]: accepted, [`POST ${ISSUER}/rotate`]: accepted, [`POST ${ISSUER}/revokeKey`]: accepted,
};

const BEFORE = 'WARNING: Key K1 is retired and will be revoked at once: 2 recorded tokens live on it and will not verify any more.\n';
const AFTER = 'WARNING: Key K1 is revoked. Pods that hold a token of a revoked key must be restarted, because the kubelet replaces tokens by time only: kubectl rollout restart deployment,statefulset,daemonset --namespace NAMESPACE\n';
const QUESTION = 'The active key retires: its tokens verify until they end, for 24 hours at the most. Rotating again within that time revokes it, and invalidates its tokens immediately. Do you wish to continue? (y/n): ';
const ROTATE = ['aks', 'oidc-issuer', 'rotate-signing-keys', '-g', 'g', '-n', 'c'];
const OURS = ['-g', 'g', '-n', 'c'];

async function server(t: TestContext, answers: Answers = ANSWERS): Promise<FakeServer> {
  const fake = await fakeServer(answers);
  t.after(() => fake.close());
  return fake;
}

const posts = (fake: FakeServer): readonly string[] => fake.requests.filter(({ method }) => method === 'POST').map(({ url, body }) => `${url.split('/').at(-1)?.split('?')[0]} ${body}`);

test('without a terminal and without -y nothing is asked of the server', async (t) => {
  const fake = await server(t);
  for (const line of [ROTATE, ['issuer', 'rotate', ...OURS], ['issuer', 'revoke-key', ...OURS, '--kid', 'K1'], ['aks', 'delete', ...OURS], ['group', 'delete', '-n', 'g'], ['aks', 'upgrade', ...OURS, '-k', '1.36']]) {
    assert.deepEqual(await runLine(line, fake), { code: 1, stdout: '', stderr: 'WARNING: Unable to prompt for confirmation as no tty available. Use --yes.\nERROR: Operation cancelled.\n' });
  }
  assert.deepEqual(fake.lines(), []);
});

test('-y rotates, and says before and after what it breaks', async (t) => {
  const fake = await server(t);
  assert.deepEqual(await runLine([...ROTATE, '-y'], fake), { code: 0, stdout: '', stderr: BEFORE + AFTER });
  assert.deepEqual(posts(fake), ['rotateServiceAccountSigningKeys ']);
  assert.equal(fake.requests.find(({ method }) => method === 'POST')?.headers['content-length'], '0');
});

test('a retired key that a signer may use still is revoked once it does not, and the warning says so', async (t) => {
  const unsettled = { ...issuer, properties: { ...issuer.properties, keys: issuer.properties.keys.map((one) => ({ ...one, expiresAt: null })) } };
  const fake = await server(t, { ...ANSWERS, [`GET ${ISSUER}`]: { status: 200, body: unsettled } });
  assert.match((await runLine([...ROTATE, '-y'], fake)).stderr, /^WARNING: Key K1 is retired and will be revoked as soon as every signer has acknowledged that it signs no more: 2 recorded/);
});

test('a key is named as revoked even where the end is not waited for', async (t) => {
  const fake = await server(t);
  assert.deepEqual(await runLine([...ROTATE, '--yes', '--no-wait'], fake), { code: 0, stdout: '', stderr: BEFORE + AFTER });
  assert.deepEqual(fake.requests.map(({ method }) => method), ['GET', 'GET', 'POST']);
});

test('both commands ask the same about the same act', async (t) => {
  for (const line of [ROTATE, ['issuer', 'rotate', ...OURS]]) {
    const fake = await server(t);
    assert.equal((await runLine(line, { ...fake, home: fake.home, terminal: true, input: 'n\n' })).stderr, `${BEFORE}${QUESTION}ERROR: Operation cancelled.\n`);
  }
});

test('where API servers sign, the tokens that nobody counts are not told as none', async (t) => {
  const signers = { [`GET ${ISSUER}/signers`]: { status: 200, body: { value: [{ name: 'cp-1' }] } } };
  const uncounted = { ...issuer, properties: { ...issuer.properties, rotationWouldRevoke: [{ kid: 'K1', liveTokens: 0 }] } };
  const rows = [
    [issuer, '2 recorded tokens live on it and will not verify any more, nor will those that API servers signed with it, whose number is not known'],
    [uncounted, 'tokens that API servers signed with it will not verify any more, and their number is not known'],
  ] as const;
  for (const [body, words] of rows) {
    for (const line of [ROTATE, ['issuer', 'rotate', ...OURS]]) {
      const fake = await server(t, { ...ANSWERS, ...signers, [`GET ${ISSUER}`]: { status: 200, body } });
      assert.equal((await runLine([...line, '-y', '--no-wait'], fake)).stderr.split('\n')[0], `WARNING: Key K1 is retired and will be revoked at once: ${words}.`);
    }
  }
});

test('a list of signers that can not be read is not taken for none', async (t) => {
  const fake = await server(t, { ...ANSWERS, [`GET ${ISSUER}/signers`]: { status: 403, body: { error: { code: 'AuthorizationFailed', message: 'No.' } } } });
  assert.deepEqual([(await runLine([...ROTATE, '-y'], fake)).code, posts(fake)], [1, []]);
});

for (const [typed, code, answer, sent] of [['y\n', 0, AFTER, 1], ['what\nYES\n', 0, `Please answer y or n. (y/n): ${AFTER}`, 1], ['n\n', 1, 'ERROR: Operation cancelled.\n', 0], ['', 1, 'ERROR: Operation cancelled.\n', 0]] as const) {
  test(`on a terminal ${JSON.stringify(typed)} ${sent === 1 ? 'rotates' : 'changes nothing'}`, async (t) => {
    const fake = await server(t);
    assert.deepEqual(await runLine(ROTATE, { ...fake, home: fake.home, terminal: true, input: typed }), { code, stdout: '', stderr: BEFORE + QUESTION + answer });
    assert.equal(posts(fake).length, sent);
  });
}

test('force, emergency and revocation say what breaks and send what was asked for', async (t) => {
  const late = 'WARNING: The prepared key signs at once, before every cache has it: relying parties that hold the old list refuse its tokens for up to 5 min, behind some CDNs 10 min.\n';
  const caches = 'WARNING: Relying parties that hold the old list accept it for up to 5 min.\n';
  const rows = [
    [['rotate'], 'rotate {}', BEFORE],
    [['rotate', '--force'], 'rotate {"force":true}', BEFORE + late],
    [['rotate', '--emergency'], 'rotate {"emergency":true}', [
      'WARNING: Key K1 will be revoked at once: 2 recorded tokens live on it and will not verify any more.', 'WARNING: Key K2 will be revoked at once: 1 recorded token lives on it and will not verify any more.',
      'WARNING: Key K3 will be revoked at once: it has signed nothing yet.', 'WARNING: Relying parties that hold the old list refuse the new tokens, and accept the old ones, for up to 5 min.\n',
    ].join('\n')],
    [['revoke-key', '--kid', 'K1'], 'revokeKey {"kid":"K1"}', `WARNING: Key K1 is retired: 2 recorded tokens live on it and will not verify any more.\n${caches}`],
    [['revoke-key', '--kid', 'K2', '--force'], 'revokeKey {"kid":"K2","force":true}', `WARNING: Key K2 signs now: 1 recorded token lives on it and will not verify any more. The prepared key takes its place.\n${late}${caches}`],
    [['revoke-key', '--kid', 'K3'], 'revokeKey {"kid":"K3"}', 'WARNING: Key K3 has signed nothing yet; another key takes its place and has to be published before it can sign.\n'],
  ] as const;
  for (const [line, sent, warnings] of rows) {
    const fake = await server(t);
    const ran = await runLine(['issuer', ...line, ...OURS, '-y'], fake);
    assert.deepEqual([ran.code, ran.stderr, posts(fake)], [0, warnings + AFTER, [sent]]);
    assert.deepEqual(JSON.parse(ran.stdout), { operationId: '1', outcome: 'rotated', revoked: ['K1'], status: 'Succeeded', waiting: null });
  }
});

test('an emergency says of an imported key that is prepared what API servers signed with it: it may have signed there before', async (t) => {
  const keys = [key('K2', 'active', 0), { ...key('K3', 'prepared', 0), origin: 'imported' }, key('K4', 'prepared', 0)];
  const fake = await server(t, { ...ANSWERS, [`GET ${ISSUER}/signers`]: { status: 200, body: { value: [{ name: 'cp-1' }] } }, [`GET ${ISSUER}`]: { status: 200, body: { ...issuer, properties: { ...issuer.properties, keys } } } });
  const unknown = 'tokens that API servers signed with it will not verify any more, and their number is not known.';
  assert.deepEqual((await runLine(['issuer', 'rotate', '--emergency', ...OURS, '-y', '--no-wait'], fake)).stderr.split('\n').slice(0, 3), [
    `WARNING: Key K2 will be revoked at once: ${unknown}`, `WARNING: Key K3 will be revoked at once: ${unknown}`, 'WARNING: Key K4 will be revoked at once: it has signed nothing yet.',
  ]);
});

test('a revoked key that never signed has no pods to restart', async (t) => {
  const fake = await server(t, { ...ANSWERS, [`GET ${OPERATION}`]: { ...ended, body: { ...ended.body, properties: { ...ended.body.properties, revoked: ['K3'] } } } });
  const ran = await runLine(['issuer', 'revoke-key', ...OURS, '--kid', 'K3', '-y'], fake);
  assert.equal(ran.stderr, 'WARNING: Key K3 has signed nothing yet; another key takes its place and has to be published before it can sign.\n');
});

test('the active key is not revoked without --force', async (t) => {
  const fake = await server(t);
  const ran = await runLine(['issuer', 'revoke-key', ...OURS, '--kid', 'K2', '-y'], fake);
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /^ERROR: The key K2 signs now\. .* --force/);
  assert.deepEqual(posts(fake), []);
});

const CONFIRM: Answers = { ...ANSWERS, [`GET ${ISSUER}`]: { status: 200, body: { ...issuer, properties: { ...issuer.properties, secondRotation: 'confirm' } } } };
const REFUSED = "ERROR: Rotating now would revoke the retired key K1: 2 recorded tokens live on it and will not verify any more. This server does so only when it is asked for, and nothing was changed. Wait until it has left the JWKS ('issuer show' says when), or add --revoke-previous.\n";

test('where a server wants to be asked, nothing is sent or asked without --revoke-previous, not even with -y', async (t) => {
  for (const line of [[...ROTATE, '-y'], ['issuer', 'rotate', ...OURS, '-y']]) {
    const fake = await server(t, CONFIRM);
    assert.deepEqual(await runLine(line, fake), { code: 1, stdout: '', stderr: REFUSED });
    assert.deepEqual(posts(fake), []);
  }
  const fake = await server(t, CONFIRM);
  assert.deepEqual(await runLine(ROTATE, { ...fake, home: fake.home, terminal: true, input: 'y\n' }), { code: 1, stdout: '', stderr: REFUSED });
});

test('--revoke-previous says what breaks and asks for it, by our path in both commands; force and emergency need no more', async (t) => {
  const rows = [
    [[...ROTATE, '-y', '--revoke-previous'], 'rotate {"revokePrevious":true}'], [['issuer', 'rotate', ...OURS, '-y', '--revoke-previous'], 'rotate {"revokePrevious":true}'],
    [['issuer', 'rotate', ...OURS, '-y', '--force'], 'rotate {"force":true}'], [['issuer', 'rotate', ...OURS, '-y', '--emergency'], 'rotate {"emergency":true}'],
  ] as const;
  for (const [line, sent] of rows) {
    const fake = await server(t, CONFIRM);
    const ran = await runLine(line, fake);
    assert.deepEqual([ran.code, posts(fake)], [0, [sent]]);
    assert.match(ran.stderr, /^WARNING: Key K1 .*will be revoked at once: 2 recorded tokens live on it/);
  }
});

test('where a server wants to be asked, the question does not threaten with what it would refuse', async (t) => {
  const properties = { ...issuer.properties, secondRotation: 'confirm', rotationWouldRevoke: [] };
  const fake = await server(t, { ...CONFIRM, [`GET ${ISSUER}`]: { status: 200, body: { ...issuer, properties } } });
  const ran = await runLine(ROTATE, { ...fake, home: fake.home, terminal: true, input: 'y\n' });
  assert.deepEqual([ran.code, ran.stderr.split('(y/n)')[0], posts(fake).length], [0, 'The active key retires: its tokens verify until they end, for 24 hours at the most. Do you wish to continue? ', 1]);
});

test('a rotation that waits may be joined without asking for more', async (t) => {
  const properties = { ...issuer.properties, secondRotation: 'confirm', pendingRotation: { operationId: '1', requestedAt: time, requestedBy: 'principal:p' } };
  const fake = await server(t, { ...CONFIRM, [`GET ${ISSUER}`]: { status: 200, body: { ...issuer, properties } } });
  assert.equal((await runLine([...ROTATE, '-y'], fake)).code, 0);
  assert.deepEqual(posts(fake), ['rotateServiceAccountSigningKeys ']);
});

const waits = (waiting: object) => ({ status: 200, headers: { 'retry-after': '0' }, body: { id: OPERATION, name: '1', status: 'InProgress', properties: { kind: 'rotate', revoked: [], waiting } } });
const forSigners = (...names: readonly string[]) => waits({ reason: 'a signer has not acknowledged', until: null, signers: names.map((name) => ({ name, since: '2020-01-01T09:14:00Z' })) });
const CACHES = waits({ reason: 'caches may hold the old JWKS', until: null });

test('without a terminal each wait is told once: when it begins, and when its reason or its signers change', async (t) => {
  const acts = waits({ reason: 'the rotator is about to act', until: null });
  const polls = [CACHES, CACHES, CACHES, CACHES, forSigners('cp-1', 'cp-2'), forSigners('cp-1', 'cp-2'), forSigners('cp-1', 'cp-2'), forSigners('cp-2'), forSigners('cp-2'), acts, ended];
  const told = [
    'INFO: The operation waits: caches may hold the old list\n',
    'INFO: The operation waits for cp-1, silent since 2020-01-01 09:14 and for cp-2, silent since 2020-01-01 09:14\n',
    'INFO: The operation waits for cp-2, silent since 2020-01-01 09:14\n',
  ].join('');
  for (const line of [ROTATE, ['issuer', 'rotate', ...OURS]]) {
    const fake = await server(t, { ...ANSWERS, [`GET ${OPERATION}`]: polls });
    assert.equal((await runLine([...line, '-y'], fake)).stderr, BEFORE + told + AFTER);
  }
  for (const quiet of ['--only-show-errors', '--watch']) {
    const fake = await server(t, { ...ANSWERS, [`GET ${OPERATION}`]: polls });
    assert.doesNotMatch((await runLine(['issuer', 'rotate', ...OURS, '-y', quiet], fake)).stderr, /INFO/);
  }
});

test('contradictory flags are bad arguments', async () => {
  for (const flags of [['--force', '--emergency'], ['--watch', '--no-wait']]) assert.equal((await runLine(['issuer', 'rotate', ...OURS, ...flags, '-y'])).code, 2);
});

test('--watch shows the issuer until the operation has ended, and at last what came of it', async (t) => {
  const after = { ...issuer, properties: { ...issuer.properties, ringVersion: 2, keys: [key('K2', 'retired', 1), key('K3', 'active', 0), key('K4', 'prepared', 0)] } };
  const fake = await server(t, { ...ANSWERS, [`GET ${ISSUER}`]: [{ status: 200, body: issuer }, { status: 200, body: issuer }, { status: 200, body: after }] });
  const ran = await runLine(['issuer', 'rotate', ...OURS, '-y', '--watch'], fake);
  assert.equal(ran.code, 0);
  assert.equal(ran.stdout.split('\n').filter((line) => line.startsWith('Issuer ')).length, 2);
  assert.match(ran.stdout, /K4 {2}prepared/);
});
