/** What `admin` says once it has made an Owner. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLine } from '../../test/support/command-line.ts';

const OWNER = { tenantId: 'T', subscriptionId: 'S', clientId: 'C', clientSecret: 'X' };

test('the line that logs the Owner in has the URL of the server, where it is known', async () => {
  for (const [managementUrl, shown] of [['https://mintmark.example.com:8443', 'https://mintmark.example.com:8443'], [null, 'URL']] as const) {
    const made = async () => ({ ...OWNER, managementUrl });
    for (const line of [['admin', 'bootstrap'], ['admin', 'reset-owner']]) {
      const { stdout } = await runLine(line, { commands: { bootstrap: made, resetOwner: made } });
      assert.ok(stdout.includes(`\n  mintmark login --server ${shown} --tenant T --client-id C --secret-file FILE\n`), stdout);
      assert.match(stdout, /add --ca-file/);
      assert.deepEqual(Object.keys(JSON.parse((await runLine([...line, '-o', 'json'], { commands: { bootstrap: made, resetOwner: made } })).stdout) as object).includes('managementUrl'), false);
    }
  }
});
