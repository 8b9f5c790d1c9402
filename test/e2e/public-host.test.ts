/**
 * The thread of the public host in the real program: documents are served while the rest of the server waits for its disk, and a
 * thread that dies takes the server with it, with the reason as the last word.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ClusterApi, exchange, logIn } from '../support/dev-api.ts';
import { DevHome, eventually, isFree, ROOT, type Running } from '../support/dev-server.ts';
import { ServeFolder, serving } from '../support/serve-folder.ts';

const preloaded = (file: string): string => `NODE_OPTIONS=--import=${pathToFileURL(join(ROOT, 'test/support', file)).href}`;

/** `mintmark dev` in an environment that has these variables too. */
const startIn = (home: DevHome, ...environment: readonly string[]): Promise<Running> => home.run('env', [...environment, 'bin/mintmark', 'dev', ...home.flags()]).up();

const waiting = await DevHome.make();

test('while a commit waits for the disk, documents are served, from memory and from the store', async () => {
  const hold = join(dirname(waiting.dir), 'hold');
  const server = await startIn(waiting, preloaded('disk-that-waits.ts'), `TEST_HOLD=${hold}`);
  const accessToken = await logIn(waiting);
  const [warm, cold, late] = await Promise.all(['warm', 'cold', 'late'].map((name) => ClusterApi.open(waiting, { name, accessToken })));
  const create = async (api: ClusterApi): Promise<number> => (await api.send('PUT', api.cluster, { properties: { oidcIssuerProfile: { enabled: true } } })).status;
  for (const api of [warm!, cold!]) assert.equal(await create(api), 201);
  const urls = await Promise.all([warm!, cold!].map(async (api) => (await api.show()).issuerURL));
  const get = async (url: string): Promise<number> => (await exchange(waiting, 'GET', url)).status;
  assert.equal(await get(`${urls[0]}openid/v1/jwks`), 200);

  await writeFile(hold, '');
  const created = create(late!);
  await eventually('a commit waits', () => existsSync(`${hold}.held`) || undefined);
  const asked = ['openid/v1/jwks', '.well-known/openid-configuration'].flatMap((document) => urls.map((url) => `${url}${document}`));
  const probes = ['healthz', 'readyz', 'nothing'].map((path) => `https://localhost:${waiting.issuerPort}/${path}`);
  const statuses = await Promise.all([...asked, ...probes].map(get));
  assert.deepEqual([statuses, await Promise.race([created, 'it still waits'])], [[200, 200, 200, 200, 200, 200, 404], 'it still waits']);

  await rm(hold);
  assert.equal(await created, 201);
  assert.equal(await get(`${(await late!.show()).issuerURL}openid/v1/jwks`), 200, 'what was created is served when that is answered');
  assert.equal((await server.end('SIGTERM')).code, 0);
});

/** How it dies → what is said of it. */
const DEATHS: Readonly<Record<string, RegExp>> = {
  error: /^The thread of the public host has ended by itself: died of an error\.$/,
  rejection: /^The thread of the public host has ended by itself: died of a rejection\.$/,
  exit: /^The thread of the public host has ended by itself: its exit code is 0\.$/,
  memory: /^The thread of the public host has ended by itself: Worker terminated due to reaching memory limit: JS heap out of memory\.$/,
};

/** Lets the thread die, and sees that the server has ended for that. */
async function dies(server: Running, file: string, death: string): Promise<void> {
  await writeFile(`${file}.part`, death);
  await rename(`${file}.part`, file);
  const { code, signal, stderr } = await server.ended;
  const { level, msg, err } = JSON.parse(stderr.trimEnd().split('\n').at(-1)!) as { level: number; msg: string; err: { type: string; message: string; stack: string } };
  assert.deepEqual([code, signal, level, msg, err.type], [1, null, 60, 'the server ends: it can not go on', 'MintmarkError'], stderr);
  assert.match(err.message, DEATHS[death]!);
  if (death !== 'exit') assert.match(err.stack, /\ncaused by: Error.*\n +at /, 'where it happened');
}

const mortal = await DevHome.make();

describe('a public host that dies ends the server, with the reason as its last word and the exit code 1', () => {
  for (const death of Object.keys(DEATHS)) {
    it(`mintmark dev: ${death}`, async () => {
      const file = join(dirname(mortal.dir), `death-by-${death}`);
      const heap = death === 'memory' ? ' --max-old-space-size=128' : '';
      await dies(await startIn(mortal, `${preloaded('thread-that-dies.ts')}${heap}`, `TEST_DEATH=${file}`), file, death);
      assert.deepEqual([await isFree(mortal.issuerPort), await isFree(mortal.managementPort)], [true, true]);
    });
  }

  it('and the next start finds all as it was', async () => {
    const server = await mortal.start();
    assert.equal((await (await ClusterApi.open(mortal)).jwks()).keys.length, 2);
    assert.equal((await server.end('SIGTERM')).code, 0);
  });

  it('mintmark serve', async (t) => {
    const folder = await ServeFolder.make();
    t.after(() => folder.remove());
    const [name, value] = preloaded('thread-that-dies.ts').split(/=(.*)/s);
    const file = folder.path('death');
    await dies(await serving(folder.runIn({ [name!]: value, TEST_DEATH: file }, folder.line())), file, 'error');
  });
});
