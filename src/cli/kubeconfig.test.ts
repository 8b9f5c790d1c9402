/** `cluster set-credentials`: what is sent, and which files are none. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { type FakeServer, fakeServer, runLine } from '../../test/support/command-line.ts';

const PATH = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c/providers/Mintmark.Oidc/kubeconfigs';
const TEXT = 'apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n';
let server: FakeServer;
const run = (...flags: readonly string[]) => runLine(['cluster', 'set-credentials', '-g', 'g', '-n', 'c', ...flags], { home: server.home });
const file = (text: string): string => {
  writeFileSync(join(server.home, 'kubeconfig'), text);
  return join(server.home, 'kubeconfig');
};

before(async () => { server = await fakeServer({ [`PUT ${PATH}/user`]: { status: 201, body: {} }, [`DELETE ${PATH}/admin`]: { status: 204 } }); });
after(() => server.close());

test('a kubeconfig is sent as it is, and taken away', async () => {
  assert.deepEqual(await run('--kubeconfig', file(TEXT)), { code: 0, stdout: '', stderr: '' });
  assert.deepEqual(await run('--remove', '--admin'), { code: 0, stdout: '', stderr: '' });
  assert.deepEqual(server.requests.map(({ method, url, body }) => [method, url.split('?')[0], body]), [
    ['PUT', `${PATH}/user`, JSON.stringify({ properties: { kubeconfig: TEXT } })],
    ['DELETE', `${PATH}/admin`, ''],
  ]);
});

test('what is no kubeconfig is not sent', async () => {
  const sent = server.requests.length;
  for (const text of ['', 'hello', 'kind: Config', TEXT.replace('Config', 'Pod'), '{', '\t: :']) {
    const { code, stderr } = await run('--kubeconfig', file(text));
    assert.deepEqual([code, /^ERROR: .* is no kubeconfig: /.test(stderr)], [1, true], text);
  }
  assert.match((await run('--kubeconfig', join(server.home, 'nothere'))).stderr, /^ERROR: The kubeconfig .* can not be read/);
  for (const flags of [[], ['--remove', '--kubeconfig', file(TEXT)]]) assert.deepEqual(await run(...flags), { code: 2, stdout: '', stderr: 'ERROR: Give either --kubeconfig FILE or --remove.\n' });
  assert.equal(server.requests.length, sent);
});
