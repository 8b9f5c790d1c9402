/**
 * A workload that has no secret: it tells which clusters a resource group has, and what it may ask is what its identity may.
 *
 *   GET /groups/NAME   200 and the clusters with their issuer URLs; otherwise the status and the error of the management API
 *
 * Who it is comes from the four variables of azure-workload-identity, which the SDK reads by itself (AZURE_CLIENT_ID,
 * AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST); whom it asks from MINTMARK_ENDPOINT and
 * MINTMARK_SUBSCRIPTION; the authority of a private certificate from NODE_EXTRA_CA_CERTS. It listens at HOST and PORT.
 */
import { createServer } from 'node:http';
import { ContainerServiceClient } from '@azure/arm-containerservice';
import { WorkloadIdentityCredential } from '@azure/identity';

const { MINTMARK_ENDPOINT: endpoint, MINTMARK_SUBSCRIPTION: subscription, HOST = '127.0.0.1', PORT = '8080' } = process.env;

// One for the whole life of the program: it keeps the access token, and reads the token file again when it needs another.
// Without the option it would ask Microsoft first whether the authority is one of theirs.
const credential = new WorkloadIdentityCredential({ disableInstanceDiscovery: true });
const { managedClusters } = new ContainerServiceClient(credential, subscription, { endpoint, credentials: { scopes: [`${endpoint}/.default`] } });

async function clustersOf(group) {
  const clusters = [];
  for await (const { name, oidcIssuerProfile } of managedClusters.listByResourceGroup(group)) clusters.push({ name, issuerUrl: oidcIssuerProfile?.issuerURL });
  return clusters;
}

/** Status and body for a path. */
async function answer(path) {
  const [, group] = /^\/groups\/([\w.-]+)$/.exec(path) ?? [];
  if (group === undefined) return [404, { error: 'NotFound', message: 'Ask for /groups/NAME.' }];
  try {
    return [200, await clustersOf(group)];
  } catch (error) {
    // What the management API refused has its status; a failed login, or no answer, has none.
    return [error.statusCode ?? 502, { error: error.code ?? error.name, message: error.message }];
  }
}

const server = createServer(async ({ url }, response) => {
  const [status, body] = await answer(url);
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
});
server.listen(Number(PORT), HOST, () => process.stdout.write(`listening on http://${HOST}:${server.address().port}\n`));
process.once('SIGTERM', () => server.close());
