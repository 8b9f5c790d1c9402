/** The Azure SDK against `mintmark serve` where one may not ask as often as it does: it waits as it is told to, and no call fails. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, it } from 'node:test';
import { azureSdk } from '../support/azure-sdk.ts';
import { eventually } from '../support/dev-server.ts';
import { authority, ServeFolder } from '../support/serve-folder.ts';

/** A second; four times as many at once. */
const MAY_ASK = 5;
const ASKS = Array.from({ length: 8 * MAY_ASK }, () => 'apps');
const folder = await ServeFolder.make({ settings: `throttle: { requestsPerPrincipal: ${MAY_ASK} }\n` });
after(() => folder.remove());

it('more requests than one may make at once are all made', async () => {
  await writeFile(folder.path('ca.pem'), authority.certificate);
  const { code, stdout, stderr } = await folder.run('admin', 'bootstrap', '--config', folder.path('mintmark.yaml'), '--output', 'json').ended;
  assert.equal(code, 0, stderr);
  const owner = JSON.parse(stdout) as { readonly tenantId: string; readonly subscriptionId: string; readonly clientId: string; readonly clientSecret: string };
  const server = await folder.serve();
  const { clients, bySecret } = await azureSdk({ ...owner, endpoint: `https://localhost:${folder.management}`, caFile: folder.path('ca.pem') });
  const { groups } = clients(bySecret(), { maxRetries: 20 });
  await groups.createOrUpdate('apps', { location: 'eastus' });
  await eventually('some were refused at first', async () => {
    // All of them have to end before the server does, or they would go on asking for it.
    const ended = await Promise.allSettled(ASKS.map((name) => groups.get(name)));
    assert.deepEqual(ended.map((one) => (one.status === 'fulfilled' ? one.value.name : String(one.reason))), ASKS);
    return server.stderr.includes('"code":"TooManyRequests"') || undefined;
  });
  assert.equal((await server.end('SIGTERM')).code, 0);
});
