/** `signer run` on the command line: who may open the socket, and what is refused before anything starts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLine } from '../../test/support/command-line.ts';
import type { SignerRunFlags } from './session.ts';

async function signerRun(...flags: readonly string[]): Promise<{ readonly code: number; readonly stderr: string; readonly started: SignerRunFlags | null }> {
  let started: SignerRunFlags | null = null;
  const { code, stderr } = await runLine(['signer', 'run', '--state-dir', '/s', ...flags], { commands: { signerRun: async (given) => { started = given; return 0; } } });
  return { code, stderr, started };
}

test('the socket, its owner, group and mode are as the flags say', async () => {
  const { started } = await signerRun('--socket', '/run/x/s.sock', '--socket-mode', '0660', '--socket-owner', '0', '--socket-group', '1234');
  assert.deepEqual(started?.socket, { path: '/run/x/s.sock', mode: 0o660, uid: 0, gid: 1234 });
  assert.deepEqual((await signerRun()).started?.socket, { path: '/run/mintmark/signer.sock', mode: undefined, uid: undefined, gid: undefined });
  assert.equal((await signerRun('--socket-mode', '640')).started?.socket.mode, 0o640);
});

test('no mode gives the socket to everyone', async () => {
  for (const mode of ['0666', '0604', '777', '0661', '1660', '660x', '0o660', '']) {
    const { code, stderr, started } = await signerRun('--socket-mode', mode);
    assert.deepEqual([code, started, stderr.includes(`argument --socket-mode: '${mode}' is no mode such as 0660; it gives nothing to others, who could have any token signed.`)], [2, null, true], `${mode}: ${stderr}`);
  }
});

test('flags that the mode has no use for are refused', async () => {
  for (const [flag, value] of [['--socket', '/s'], ['--socket-mode', '0660'], ['--socket-owner', '0'], ['--socket-group', '0']] as const) {
    const { code, stderr, started } = await signerRun('--mode', 'key-files', flag, value);
    assert.deepEqual([code, started, stderr], [2, null, `ERROR: ${flag} has no meaning with --mode key-files.\n`]);
  }
  for (const flags of [['--key-folder', '/k'], ['--kubeconfig', '/k'], ['--prove-with', 'a/b'], ['--allow-restart'], ['--manifest', '/m'], ['--keep-auto-extension']]) {
    const { code, stderr, started } = await signerRun(...flags);
    assert.deepEqual([code, started, stderr], [2, null, `ERROR: ${flags[0]} has no meaning with --mode external.\n`]);
  }
});

test('health is on the address that is said, in either family; on none otherwise', async () => {
  const health = async (...flags: readonly string[]) => (await signerRun(...flags)).started?.health;
  assert.deepEqual([await health(), await health('--health-listen', '127.0.0.1:9465'), await health('--health-listen', '[::1]:9465')], [null, { host: '127.0.0.1', port: 9465 }, { host: '::1', port: 9465 }]);
  for (const wrong of ['9465', '127.0.0.1', '127.0.0.1:x', '127.0.0.1:70000']) assert.equal((await signerRun('--health-listen', wrong)).code, 2, wrong);
});
