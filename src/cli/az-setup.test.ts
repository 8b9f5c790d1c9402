/** What `az-setup` prints, and what it says without an Azure CLI. What it does with one: `test/e2e/azure-cli.test.ts`. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runLine } from '../../test/support/command-line.ts';

const home = mkdtempSync(join(tmpdir(), "mintmark's home "));
after(() => rmSync(home, { recursive: true }));
const PROFILE = { endpoint: 'https://localhost:8443', tenantId: 'tenant-1', subscriptionId: 's', clientId: 'client-1', clientSecret: 'hidden-secret' };

const put = (members: object): void => {
  writeFileSync(join(home, 'ca.pem'), 'an authority');
  writeFileSync(join(home, 'profile.json'), JSON.stringify({ ...PROFILE, ...members }, null, 2));
};
const quoted = (file: string): string => `'${join(home, file).replaceAll("'", String.raw`'\''`)}'`;

test('the text for the shell: quoted, and without the secret', async () => {
  put({ caFile: 'ca.pem' });
  const { code, stdout, stderr } = await runLine(['az-setup'], { home });
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(stdout.split('\n'), [
    `export AZURE_CONFIG_DIR=${quoted('azure-cli')}`,
    `export REQUESTS_CA_BUNDLE=${quoted('ca.pem')}`,
    'export AZURE_CORE_COLLECT_TELEMETRY=0',
    'if command az cloud show --name mintmark > /dev/null 2>&1',
    'then command az cloud update --name mintmark --endpoint-resource-manager https://localhost:8443 --endpoint-active-directory https://localhost:8443/adfs --endpoint-active-directory-resource-id https://localhost:8443',
    'else command az cloud register --name mintmark --endpoint-resource-manager https://localhost:8443',
    'fi',
    'command az cloud set --name mintmark',
    String.raw`command az login --service-principal --username client-1 --tenant tenant-1 --password="$(sed -n 's/.*"clientSecret": "\(.*\)".*/\1/p' ${quoted('profile.json')})"`,
    '',
  ]);
});

test('an authority of the system needs no variable; the names are data too', async () => {
  put({});
  const { stdout } = await runLine(['az-setup', '-o', 'json'], { home });
  assert.deepEqual(JSON.parse(stdout), { cloud: 'mintmark', environment: { AZURE_CONFIG_DIR: join(home, 'azure-cli'), AZURE_CORE_COLLECT_TELEMETRY: '0' } });
});

test('--run without an Azure CLI says what to do, and leaves no secret behind', async () => {
  put({});
  const { code, stdout, stderr } = await runLine(['az-setup', '--run'], { home, env: { PATH: home } });
  assert.deepEqual([code, stdout, stderr], [1, '', "ERROR: There is no Azure CLI on the PATH ('az'). On Debian and Ubuntu: apt-get install azure-cli. Or use Mintmark's own command line, which has the same commands.\n"]);
  assert.deepEqual(readdirSync(join(home, 'azure-cli')), []);
});
