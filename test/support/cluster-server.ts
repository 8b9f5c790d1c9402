/** A server with one cluster and its issuer, as the command line asks it for attaching. */
import { createPublicKey } from 'node:crypto';
import type { TestContext } from 'node:test';
import { type Answers, fakeServer, type FakeServer } from './command-line.ts';
import { RING_KEY } from './control-plane-host.ts';

export const CLUSTER = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c';
export const ISSUER = `${CLUSTER}/providers/Mintmark.Oidc/issuers/default`;
export const URL_OF_ISSUER = 'https://i.example/u/';
/** The flags that name the cluster. */
export const OURS = ['-g', 'g', '-n', 'c'];
export const issuer = { id: ISSUER, properties: { issuerURL: URL_OF_ISSUER, jwksURI: `${URL_OF_ISSUER}openid/v1/jwks`, keys: [{ kid: RING_KEY.kid, state: 'active', algorithm: 'RS256', publicJwk: createPublicKey(RING_KEY.pem).export({ format: 'jwk' }) }] } };
export const cluster = (version: string) => ({ id: CLUSTER, location: 'eastus', tags: {}, properties: { kubernetesVersion: version, provisioningState: 'Succeeded', oidcIssuerProfile: { enabled: true, issuerURL: URL_OF_ISSUER } } });
const answers = (version: string, more: Answers = {}): Answers => ({ [`GET ${ISSUER}`]: { status: 200, body: issuer }, [`GET ${CLUSTER}`]: { status: 200, body: cluster(version) }, [`POST ${ISSUER}/importKey`]: { status: 200, body: { kid: 'k' } }, ...more });

export async function clusterServer(t: TestContext, version = '1.34', more: Answers = {}): Promise<FakeServer> {
  const fake = await fakeServer(answers(version, more));
  t.after(() => fake.close());
  return fake;
}
