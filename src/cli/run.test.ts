/** The command line as a whole, without a server. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { MintmarkError } from '../domain/errors.ts';
import type { DevFlags } from './session.ts';
import { runLine } from '../../test/support/command-line.ts';

function homeWith(t: TestContext, profile: string | null): string {
  const home = mkdtempSync(join(tmpdir(), 'mintmark-run-'));
  t.after(() => rmSync(home, { recursive: true }));
  if (profile !== null) writeFileSync(join(home, 'profile.json'), profile);
  return home;
}

const whole = { endpoint: 'https://localhost:1/', tenantId: 't', subscriptionId: 's', clientId: 'c', clientSecret: 'x' };

test('the version, of a line or of a command', async () => {
  assert.match((await runLine(['--version'])).stdout, /^mintmark \d+\.\d+\.\d+\nnode     \d+\./);
  assert.equal((await runLine(['-v'])).code, 0);
  const { stdout } = await runLine(['version', '-o', 'json']);
  assert.deepEqual(Object.keys(JSON.parse(stdout) as object), ['mintmark', 'node']);
});

test('a profile that is missing, broken or not whole says what to do', async (t) => {
  const rows: readonly (readonly [string | null, RegExp])[] = [
    [null, /^ERROR: Not logged in: there is no profile at .*profile\.json\. Start a server with 'mintmark dev', log in to one with 'mintmark login', or set MINTMARK_HOME/],
    ['{', /^ERROR: The profile .* is not JSON\./],
    ['{"endpoint":"https://localhost"}', /^ERROR: The profile .* lacks tenantId, subscriptionId, clientId, clientSecret\./],
    [JSON.stringify({ ...whole, endpoint: 'http://localhost' }), /^ERROR: The endpoint 'http:\/\/localhost' in .* is no https URL\./],
    [JSON.stringify({ ...whole, caFile: 'none.pem' }), /^ERROR: The certificate authority .*none\.pem, which the profile names, can not be read/],
  ];
  for (const [profile, error] of rows) {
    const ran = await runLine(['aks', 'list'], { home: homeWith(t, profile) });
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, error);
  }
});

test('a server that is not there', async (t) => {
  const listener = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => { listener.once('listening', resolve); });
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => { listener.close(resolve); });
  const home = homeWith(t, JSON.stringify({ ...whole, endpoint: `https://127.0.0.1:${port}` }));
  const refused = (advice: string) => ({ code: 1, stdout: '', stderr: `ERROR: No connection to https://127.0.0.1:${port}: nothing listens there. ${advice}\n` });
  assert.deepEqual(await runLine(['aks', 'list'], { home }), refused(`Check that the server runs, and that it is the one of the profile in ${home}.`));
  writeFileSync(join(home, 'mintmark.db'), '');
  assert.deepEqual(await runLine(['aks', 'list'], { home }), refused("Start the server ('mintmark dev'), or set MINTMARK_HOME to the home of the one that runs."));
});

test('dev gets its flags and gives its exit code', async () => {
  const given: DevFlags[] = [];
  const dev = async (flags: DevFlags): Promise<number> => given.push(flags) + 6;
  assert.equal((await runLine(['dev'], { home: '/h', commands: { dev } })).code, 7);
  await runLine(['dev', '--home', 'x', '--management-port', '0', '--issuer-port', '65535', '--signers-port', '3', '--metrics-port', '9100', '--listen', '::', '--clock-file', 'f'], { commands: { dev } });
  assert.deepEqual(given, [
    { home: '/h', managementPort: 8443, issuerPort: 9443, signersPort: 9444, metricsPort: undefined, listen: '127.0.0.1', clockFile: undefined },
    { home: 'x', managementPort: 0, issuerPort: 65535, signersPort: 3, metricsPort: 9100, listen: '::', clockFile: 'f' },
  ]);
});

test('a refusal of dev has its code; anything unforeseen is said to be one, with its place under --debug', async () => {
  const refused = await runLine(['dev'], { commands: { dev: async () => { throw new MintmarkError('AddressInUse', 'Port 8443 is taken.'); } } });
  assert.deepEqual([refused.code, refused.stderr], [1, 'ERROR: (AddressInUse) Port 8443 is taken.\n']);
  const broken = async (): Promise<number> => { throw new TypeError('a fault'); };
  const quiet = await runLine(['dev'], { commands: { dev: broken } });
  assert.deepEqual([quiet.code, quiet.stderr], [1, 'ERROR: Mintmark failed in a way that it did not foresee: a fault. Add --debug to see where.\n']);
  assert.match((await runLine(['dev', '--debug'], { commands: { dev: broken } })).stderr, /TypeError: a fault\n\s+at /);
});
