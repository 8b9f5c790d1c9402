/**
 * docs/operations.md, Install, and the unit of the server against the program and each other: the configuration that the page
 * shows is one that nothing is wrong with, and the unit runs it with the folders, the rights and the time that it needs.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readLine } from '../src/cli/command-tree.ts';
import { FAMILIES } from '../src/cli/families.ts';
import { type ConfigFlags, examineConfig } from '../src/config/load-config.ts';
import { certificateFor } from './support/serve-folder.ts';

const ROOT = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const page = read('docs/operations.md');
const unit = read('examples/systemd/mintmark.service');
/** What a line of the unit says; empty where it is not there. */
const said = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
const CONFIGURATION = /^## Install$[^]*?^```yaml\n([^]*?)^```$/m.exec(page)![1]!;
/** Where the page puts the configuration and what lies beside it. */
const FOLDER = '/etc/mintmark';
const NAMES = { management: 'mintmark.example.com', issuer: '*.oic.example.com', signers: 'mintmark.example.com' };
const examine = (file: string, ...set: readonly string[]) => examineConfig({ config: file, set }, {}, new Date());

/** A folder that stands for the root of a machine on which everything was done that comes before `config check`. */
async function machine(t: TestContext): Promise<{ readonly root: string; readonly file: string }> {
  const root = mkdtempSync(join(tmpdir(), 'mintmark-install-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const folder of [FOLDER, `/var/lib/${said('StateDirectory')}`, `/var/log/${said('LogsDirectory')}`]) mkdirSync(join(root, folder), { recursive: true });
  const put = (name: string, text: string, mode = 0o640): void => writeFileSync(join(root, FOLDER, name), text, { mode });
  put('key-encryption-key', Buffer.alloc(32).toString('base64'), 0o600);
  for (const [listener, name] of Object.entries(NAMES)) {
    const { certificate, privateKey } = await certificateFor(name);
    put(`${listener}.pem`, certificate);
    put(`${listener}-key.pem`, privateKey);
  }
  put('mintmark.yaml', CONFIGURATION.replaceAll(/\/(?=etc\/|var\/)/g, `${root}/`));
  return { root, file: join(root, FOLDER, 'mintmark.yaml') };
}

test('nothing is wrong with the configuration of the page, once everything is where the page and the unit put it', async (t) => {
  const { file } = await machine(t);
  const { faults, fileFaults } = await examine(file);
  assert.deepEqual([faults, fileFaults], [[], []]);
  assert.deepEqual((await examine(file, 'store.file=/nowhere/mintmark.db')).fileFaults.map(({ about }) => about), ['store.file'], 'a fault would be found');
});

test('the page installs every file that its configuration names', async (t) => {
  const { root, file } = await machine(t);
  const named = Object.entries((await examine(file)).values).filter(([path, value]) => /[fF]ile$/.test(path) && typeof value === 'string').map(([, value]) => `/${relative(root, String(value))}`);
  const installed = new RegExp(`^install -m 0640 -g mintmark (.*) ${FOLDER}/$`, 'm').exec(page)![1]!.split(' ').map((name) => `${FOLDER}/${name}`);
  assert.deepEqual(named.filter((path) => path.startsWith(FOLDER)).toSorted(), [`${FOLDER}/key-encryption-key`, ...installed].toSorted());
  assert.deepEqual(named.filter((path) => !path.startsWith(FOLDER)).map(dirname).toSorted(), [`/var/lib/${said('StateDirectory')}`, `/var/log/${said('LogsDirectory')}`]);
});

test('the unit runs the program and the configuration that the page installs, as the user that it makes', async () => {
  const [program, ...words] = said('ExecStart').split(' ');
  const chosen = await readLine(FAMILIES, words, () => undefined);
  const { config } = chosen!.options as ConfigFlags;
  assert.deepEqual([words[0], config], ['serve', `${FOLDER}/mintmark.yaml`]);
  assert.ok(page.includes(` ${program}\n`), 'the page links the program there');
  assert.match(page, new RegExp(`^useradd .* ${said('User')}$`, 'm'));
});

test('the unit gives the server time to stop, its ports and nothing more, no core file, and another start', async (t) => {
  const { values } = await examine((await machine(t)).file);
  assert.ok(Number(said('TimeoutStopSec')) > values.stopWithin!, `${said('TimeoutStopSec')} s is more than ${values.stopWithin} s`);
  const ports = (['management', 'issuer', 'signers', 'metrics'] as const).map((name) => values[`${name}.listen`]!.port);
  const capability = ports.some((port) => port < 1024) ? 'CAP_NET_BIND_SERVICE' : '';
  assert.deepEqual(['AmbientCapabilities', 'CapabilityBoundingSet', 'NoNewPrivileges', 'LimitCORE', 'LimitNICE', 'Restart', 'MemoryDenyWriteExecute'].map(said), [capability, capability, 'yes', '0', '-5', 'always', '']);
});
