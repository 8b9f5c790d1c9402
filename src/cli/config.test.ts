/** `serve`, `config show` and `config check` on the command line: what they hand over, and what they print. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLine } from '../../test/support/command-line.ts';
import type { ConfigFlags, ExaminedConfig } from './session.ts';

const SETTINGS: ExaminedConfig['settings'] = [
  { setting: 'store.file', value: '/m.db', from: 'm.yaml' },
  { setting: 'locations', value: ['attic', 'cellar'], from: '--set' },
  { setting: 'audit.file', value: null, from: 'default' },
];
const FAULT = { about: 'management.url', problem: 'is missing: say it.' };
const FILE_FAULT = { about: 'keyEncryptionKey.file', problem: 'is refused: no.' };

const examined = (change: Partial<ExaminedConfig>) => ({ commands: { examineConfig: async () => ({ settings: SETTINGS, faults: [], fileFaults: [], ...change }) } });

test('serve gets its flags and gives its exit code', async () => {
  const seen: ConfigFlags[] = [];
  const serve = async (flags: ConfigFlags): Promise<number> => { seen.push(flags); return 7; };
  assert.equal((await runLine(['serve'], { commands: { serve } })).code, 7);
  await runLine(['serve', '--config', 'm.yaml', '--set', 'a=b=c', '--set', 'd=e'], { commands: { serve } });
  assert.deepEqual(seen, [{ config: undefined, set: [] }, { config: 'm.yaml', set: ['a=b=c', 'd=e'] }]);
});

test('config show prints every setting with its origin', async () => {
  const shown = await runLine(['config', 'show'], examined({ fileFaults: [FILE_FAULT] }));
  assert.deepEqual([shown.code, JSON.parse(shown.stdout), shown.stderr], [0, SETTINGS, '']);
  const yaml = await runLine(['config', 'show', '-o', 'yaml', '--query', "[?from!='default']"], examined({}));
  assert.equal(yaml.stdout, '- from: m.yaml\n  setting: store.file\n  value: /m.db\n- from: --set\n  setting: locations\n  value:\n  - attic\n  - cellar\n');
  assert.match((await runLine(['config', 'show', '-o', 'table'], examined({}))).stdout, /^Setting +Value +From\n[- ]+\nstore\.file +\/m\.db +m\.yaml\nlocations +attic, cellar +--set\n/);
});

test('config show prints what there is, and what is wrong beside it', async () => {
  const shown = await runLine(['config', 'show'], examined({ faults: [FAULT] }));
  assert.deepEqual([shown.code, JSON.parse(shown.stdout), shown.stderr], [1, SETTINGS, 'ERROR: management.url is missing: say it.\n']);
});

test('config check says what is wrong with settings and files, or that nothing is', async () => {
  const good = await runLine(['config', 'check'], examined({}));
  assert.deepEqual(good, { code: 0, stdout: 'Nothing is wrong with the configuration and its files.\n', stderr: '' });
  const bad = examined({ faults: [FAULT], fileFaults: [FILE_FAULT] });
  assert.deepEqual(await runLine(['config', 'check'], bad), { code: 1, stdout: 'management.url is missing: say it.\nkeyEncryptionKey.file is refused: no.\n', stderr: '' });
  const json = await runLine(['config', 'check', '-o', 'json'], bad);
  assert.deepEqual([json.code, JSON.parse(json.stdout)], [1, [FAULT, FILE_FAULT]]);
});
