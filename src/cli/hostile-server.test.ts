/** What the command line makes of a server that wants its token, its terminal or its time. */
import assert from 'node:assert/strict';
import { Readable, Writable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Answer, fakeServer, type FakeServer, LOGIN, runLine } from '../../test/support/command-line.ts';
import { createManagementApi } from './management-api.ts';
import { createProgress, NO_PROGRESS } from './progress.ts';
import { createReport } from './report.ts';
import { run } from './run.ts';

const GROUPS = '/subscriptions/s/resourcegroups';
const GROUP = `${GROUPS}/g`;
const OPERATION = '/subscriptions/s/operations/1';
const group = { id: '/subscriptions/s/resourceGroups/g', name: 'g', location: 'eastus', tags: {}, properties: { provisioningState: 'Succeeded' } };

async function server(t: TestContext, answers: Readonly<Record<string, Answer | readonly Answer[]>>): Promise<FakeServer> {
  const fake = await fakeServer(answers);
  t.after(() => fake.close());
  return fake;
}

const DELETE = ['group', 'delete', '-n', 'g', '-y'] as const;
const LIST = ['group', 'list'] as const;

/** What a thief's URL is put into, and the line that comes upon it. */
const BAITS: readonly (readonly [string, readonly string[], (url: string) => Record<string, Answer>])[] = [
  ['nextLink', LIST, (url) => ({ [`GET ${GROUPS}`]: { status: 200, body: { value: [], nextLink: url } } })],
  ['Azure-AsyncOperation', DELETE, (url) => ({ [`DELETE ${GROUP}`]: { status: 202, headers: { 'azure-asyncoperation': url } } })],
  ['Location', DELETE, (url) => ({ [`DELETE ${GROUP}`]: { status: 202, headers: { location: url } } })],
  ['Location of a redirect', LIST, (url) => ({ [`GET ${GROUPS}`]: { status: 302, headers: { location: url } } })],
  ['Location of a redirected login', LIST, (url) => ({ [LOGIN]: { status: 307, headers: { location: url } } })],
];

for (const [place, line, answers] of BAITS) {
  test(`a ${place} to another host is an error, and nothing is sent there`, async (t) => {
    const thief = await server(t, {});
    for (const url of [`${thief.url}/steal`, `x:@${new URL(thief.url).host}/steal`]) {
      const fake = await server(t, answers(url));
      const ran = await runLine(line, fake);
      assert.deepEqual([ran.code, ran.stdout, fake.requests.length + fake.logins.length], [1, '', place.endsWith('login') ? 1 : 2]);
      assert.match(ran.stderr, /^ERROR: The server (linked to '.+steal', but the access token is for|answered with a redirect \(30[27] to .+steal\), which is not followed)[^\n]+\n$/);
      assert.deepEqual(thief.lines(), []);
    }
  });
}

test('links that lead back to a page end the list', async (t) => {
  const fake = await server(t, { [`GET ${GROUPS}`]: [{ status: 200, body: { value: [], nextLink: `${GROUPS}?page=2` } }, { status: 200, body: { value: [], nextLink: `${GROUPS}?page=3` } }, { status: 200, body: { value: [], nextLink: `${GROUPS}?page=2` } }] });
  const ran = await runLine(LIST, fake);
  assert.deepEqual(ran, { code: 1, stdout: '', stderr: `ERROR: The list does not end: after 3 pages the server linked to ${fake.url}${GROUPS}?page=2 again. This is a fault of the server.\n` });
});

test('a list of ever new links ends too, one of 10 000 pages is whole', async () => {
  const report = createReport({ onlyShowErrors: false, verbose: false, debug: false }, () => undefined);
  for (const [pages, most] of [[10_000, 10_000], [Infinity, 10_000]] as const) {
    let asked = 0;
    const https = {
      send: async () => {
        asked += 1;
        return { status: 200, reason: 'OK', headers: {}, body: JSON.stringify({ value: [asked], ...(asked < pages ? { nextLink: `/a?page=${asked}` } : {}) }) };
      },
      close: () => undefined,
    };
    const api = createManagementApi({ endpoint: 'https://localhost', https, token: { get: async () => 't', renew: async () => 't' }, report, progress: NO_PROGRESS, now: Date.now });
    if (pages === most) assert.equal((await api.list('/a')).length, most);
    else await assert.rejects(api.list('/a'), { name: 'CommandError', message: 'The list does not end: it has more than 10000 pages. This is a fault of the server.' });
    assert.equal(asked, most);
  }
});

const NOT_MINTMARK = 'Is the endpoint in the profile a Mintmark server?';
const SHOW = ['group', 'show', '-n', 'g'] as const;

/** Line, what is answered, error. */
const ANSWERS: readonly (readonly [readonly string[], Record<string, Answer>, string])[] = [
  [SHOW, { [`GET ${GROUP}`]: { status: 200, body: 'null' } }, `The server answered with JSON that is not an object. ${NOT_MINTMARK}`],
  [SHOW, { [`GET ${GROUP}`]: { status: 200, body: '[]' } }, `The server answered with JSON that is not an object. ${NOT_MINTMARK}`],
  [SHOW, { [`GET ${GROUP}`]: { status: 200, body: '<html>' } }, `The server answered with something that is not JSON. ${NOT_MINTMARK}`],
  [SHOW, { [`GET ${GROUP}`]: { status: 204 } }, `The server answered with something that is not JSON. ${NOT_MINTMARK}`],
  [SHOW, { [`GET ${GROUP}`]: { status: 304 } }, `The server answered with a redirect (304), which is not followed. ${NOT_MINTMARK}`],
  [SHOW, { [`GET ${GROUP}`]: { status: 500, body: 'null' } }, "Operation returned an invalid status 'Internal Server Error'"],
  [LIST, { [`GET ${GROUPS}`]: { status: 200, body: 'null' } }, `The server answered with JSON that is not an object. ${NOT_MINTMARK}`],
  [LIST, { [`GET ${GROUPS}`]: { status: 200, body: { value: 'x' } } }, `The server answered with a list without its items. ${NOT_MINTMARK}`],
  [['group', 'exists', '-n', 'g'], { [`HEAD ${GROUP}`]: { status: 302 } }, `The server answered with a redirect (302), which is not followed. ${NOT_MINTMARK}`],
  [DELETE, { [`DELETE ${GROUP}`]: { status: 202, headers: { 'azure-asyncoperation': OPERATION } }, [`GET ${OPERATION}`]: { status: 200, body: 'null' } }, `The server answered with JSON that is not an object. ${NOT_MINTMARK}`],
  [DELETE, { [`DELETE ${GROUP}`]: { status: 202, headers: { 'azure-asyncoperation': OPERATION } }, [`GET ${OPERATION}`]: { status: 200, body: { status: 'Failed', error: { message: 7 } } } }, '(Failed) The operation ended as Failed.\nCode: Failed\nMessage: The operation ended as Failed.'],
];

for (const [line, answers, error] of ANSWERS) {
  test(`mintmark ${line.join(' ')}, answered by ${JSON.stringify(Object.values(answers).at(-1))}`, async (t) => {
    assert.deepEqual(await runLine(line, await server(t, answers)), { code: 1, stdout: '', stderr: `ERROR: ${error}\n` });
  });
}

/** Clears the screen as C0 and as C1, and begins a line of its own. */
const STEERING = 'a\nERROR: b\u001B[2J\u009B2J\u202E';
const SHOWN = 'a\\nERROR: b\\u001b[2J\\u009b2J\\u202e';

test('an error, a warning and what --debug tells of headers are shown, not obeyed', async (t) => {
  const headers = { warning: '299 mintmark "one\u009B2J"', 'x-more': 'two\u009B2J' };
  const fake = await server(t, { [`GET ${GROUP}`]: { status: 400, headers, body: { error: { code: STEERING, message: STEERING, target: STEERING, details: [{ code: STEERING, message: STEERING }] } } } });
  const { stderr } = await runLine([...SHOW, '--debug'], fake);
  assert.ok(stderr.includes('DEBUG: < x-more: two\\u009b2J\n'), stderr);
  const inner = `\t(${SHOWN}) ${SHOWN}\n\tCode: ${SHOWN}\n\tMessage: ${SHOWN}`;
  assert.ok(stderr.endsWith(`WARNING: one\\u009b2J\nERROR: (${SHOWN}) ${SHOWN}\nCode: ${SHOWN}\nMessage: ${SHOWN}\nTarget: ${SHOWN}\nException Details:${inner}\n`), stderr);
});

test('of errors that this client made with several lines the lines stay', () => {
  let text = '';
  const report = createReport({ onlyShowErrors: false, verbose: false, debug: false }, (part) => { text += part; });
  report.error('one\n\ttwo\r\u007F');
  report.warn('one\n\ttwo');
  assert.equal(text, 'ERROR: one\n\ttwo\\r\\u007f\nWARNING: one\\n\\ttwo\n');
});

test('a question is one line', async () => {
  const ran = await runLine(['group', 'delete', '-n', `g${STEERING}`], { terminal: true, input: 'n\n' });
  assert.equal(ran.stderr, `The group 'g${SHOWN}' will be deleted with every cluster in it. Their issuer URLs are never used again. Go on? (y/n): ERROR: Operation cancelled.\n`);
});

interface Screen {
  readonly stream: Writable & { readonly isTTY: true };
  readonly text: () => string;
}

function screen(onText: (text: string) => void = () => undefined): Screen {
  let text = '';
  const stream = new Writable({ write: (chunk: Buffer, _encoding, done) => { text += chunk.toString(); onText(text); done(); } });
  const still = (): boolean => true;
  return { stream: Object.assign(stream, { isTTY: true as const, cursorTo: still, moveCursor: still, clearLine: still }), text: () => text };
}

test('tsv on a terminal is shown, not obeyed; in a pipe it is as it was sent', async (t) => {
  const fake = await server(t, { [`GET ${GROUP}`]: { status: 200, body: { ...group, name: STEERING } } });
  const line = [...SHOW, '--query', 'name', '-o', 'tsv'];
  assert.equal((await runLine(line, fake)).stdout, `${STEERING}\n`);
  const [stdout, stderr] = [screen(), screen()];
  const code = await run(line, { stdin: Readable.from([]), stdout: stdout.stream, stderr: stderr.stream, env: { MINTMARK_HOME: fake.home }, commands: {} as never });
  assert.deepEqual([code, stdout.text()], [0, `${SHOWN}\n`]);
});

test('what a server waits for is shown, not obeyed', async () => {
  let seen: () => void = () => undefined;
  const all = new Promise<void>((resolve) => { seen = resolve; });
  const { stream, text } = screen((so) => { if (so.includes('(end)')) seen(); });
  const progress = createProgress(stream, () => undefined);
  await progress.during('Running', () => {
    progress.say(() => `${STEERING}(end)`, '');
    return all;
  });
  assert.ok(text().includes(`${SHOWN}(end)`), JSON.stringify(text()));
});

test('names in errors of this client are shown, not obeyed', async (t) => {
  const path = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c';
  const cluster = { id: path, name: STEERING, location: 'eastus', properties: { provisioningState: 'Failed', agentPoolProfiles: [{ name: STEERING }] } };
  const fake = await server(t, { [`GET ${path}`]: { status: 200, body: cluster } });
  const ours = ['-g', 'g', '-n', 'c'];
  assert.equal((await runLine(['aks', 'wait', ...ours, '--created'], fake)).stderr, `ERROR: The operation failed: 'provisioningState' of ${SHOWN} is 'Failed'.\n`);
  assert.equal((await runLine(['aks', 'scale', ...ours, '-c', '1', '--nodepool-name', 'x'], fake)).stderr, `ERROR: The cluster has no node pool 'x'. It has: ${SHOWN}.\n`);
});

test('a verdict is one line, in a pipe too', async (t) => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const answers: Record<string, Answer> = {};
  const fake = await server(t, answers);
  const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'k' }).setIssuer(fake.url).setSubject(STEERING).setAudience('A').setExpirationTime(new Date('2100-01-01')).sign(privateKey);
  answers['GET /jwks'] = { status: 200, body: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] } };
  const verdict = async (discovery: unknown): Promise<string> => {
    answers['GET /.well-known/openid-configuration'] = { status: 200, body: discovery };
    const { stdout, stderr } = await runLine(['token', 'verify', '--issuer', fake.url], { home: fake.home, input: token });
    return stdout + stderr;
  };
  const discovery = { issuer: fake.url, jwks_uri: `${fake.url}/jwks`, id_token_signing_alg_values_supported: ['ES256'] };
  assert.equal(await verdict(discovery), `verifies: ${SHOWN}, for A, until 2100-01-01T00:00:00.000Z, signed by key k\n`);
  assert.equal(await verdict({ ...discovery, issuer: STEERING }), `does not verify: the discovery document says that its issuer is '${SHOWN}'\n`);
  assert.equal(await verdict({ ...discovery, jwks_uri: `${fake.url}/${STEERING}` }), `ERROR: ${fake.url}/${SHOWN} answered 404 Not Found: there is no such issuer, or it is not published now.\n`);
});

test('the place of a fault, under --debug, is shown, not obeyed', async () => {
  const { stderr } = await runLine(['dev', '--debug'], { commands: { dev: async () => { throw new TypeError('a\u009B2J'); } } });
  assert.match(stderr, /TypeError: a\\u009b2J\n\s+at /);
  assert.ok(!stderr.includes('\u009B'));
});
