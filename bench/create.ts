/**
 * How long it takes to create a cluster with its issuer over the API of the shipped server, one after another, its pool of keys
 * warm: from the request to the reply, as a client sees it. See README.md.
 */
import { parseArgs } from 'node:util';
import { rawRequest, startLoad } from './load-process.ts';
import { makePlace, startServer } from './server.ts';
import { seed } from './seed.ts';
import { median, printTable, quantile } from './statistics.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } });
/** Two keys for each cluster, of the eight that the pool has when nobody says. */
const IN_ONE_ROUND = 3;
/** To make six keys takes a fraction of that. */
const POOL_FILLS_MS = 1500;

const place = await makePlace();
const load = startLoad({ urgent: true });
try {
  const { accessTokens: [token], issuers } = await seed(place, { issuers: 1, principals: 1 });
  const server = await startServer(place, issuers[0]!.jwks);
  try {
    const milliseconds: number[] = [];
    const groupOf = issuers[0]!.cluster.replace(/\/[^/]+$/, '');
    for (let round = -1; round < Number(values.rounds); round += 1) {
      const requests = Array.from({ length: IN_ONE_ROUND }, (_, index) => rawRequest('PUT', `${groupOf}/round-${round + 1}-${index}?api-version=2025-03-01`, { token: token!, body: { location: 'eastus', properties: { oidcIssuerProfile: { enabled: true } } } }));
      await load.connect({ port: place.management.port, ca: place.ca, clients: [{ requests }] });
      await new Promise((resolve) => setTimeout(resolve, POOL_FILLS_MS));
      const each = await load.burst({ seconds: 10, once: true }, 201);
      if (round >= 0) milliseconds.push(...each.milliseconds);
    }
    printTable(['', 'median', 'p95', 'longest', 'reach'], [[`create a cluster with its issuer, in ms (${milliseconds.length} times)`, median(milliseconds).toFixed(1), quantile(milliseconds, 0.95).toFixed(1), Math.max(...milliseconds).toFixed(1), 'median ≤ 15']]);
  } finally {
    await server.stop();
  }
} finally {
  load.end();
  place.remove();
}
