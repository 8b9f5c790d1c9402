/**
 * Fills a store through the project's own code: people, groups, clusters, issuers with key rings. A few key pairs are shared
 * by all rings, since making two for each takes an hour; each is sealed for its own issuer.
 */
import { randomUUID } from 'node:crypto';
import { createCluster } from '../src/domain/managed-cluster.ts';
import { DAY } from '../src/domain/durations.ts';
import { JWKS_SUFFIX } from '../src/domain/issuer.ts';
import { managedClusterId, resourceGroupId, resourceKey, subscriptionScope } from '../src/domain/resource-id.ts';
import type { RingSettings } from '../src/domain/rotation-schedule.ts';
import { createResourceGroup } from '../src/domain/resource-group.ts';
import { generateKey, type UnsealedKey } from '../src/keys/generate.ts';
import { makeClientSecret } from '../src/service/client-secrets.ts';
import { createIssuers, type Issuers } from '../src/service/issuers.ts';
import type { NewKeys } from '../src/service/new-keys.ts';
import { createRingCommits } from '../src/service/ring-commits.ts';
import { createTokenKeys } from '../src/service/token-keys.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import type { Store } from '../src/store/store.ts';
import type { Place } from './server.ts';

export interface Seed {
  readonly issuers: number;
  /** Owners of the subscription, each with an access token. */
  readonly principals: number;
  /** When everything was made: now, unless said. */
  readonly bornAt?: Date;
}

export interface SeededIssuer {
  /** Path of its JWKS on the public host. */
  readonly jwks: string;
  /** Path of its cluster in the management API. */
  readonly cluster: string;
}

export interface Seeded {
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** The first principal's, whose id is `clientId`. */
  readonly clientSecret: string;
  readonly clientId: string;
  /** One of each principal, good for an hour. */
  readonly accessTokens: readonly string[];
  readonly issuers: readonly SeededIssuer[];
}

const SHARED_PAIRS = 8;
const IN_ONE_TRANSACTION = 500;
const IN_ONE_GROUP = 1000;
const LOCATION = 'eastus';
/** As `serve` has them when nobody says. */
const SETTINGS: RingSettings = { publicationGapSeconds: 600, freezeWindows: [], secondRotation: 'allow' };
const ROTATE_EVERY = 30 * DAY;

interface Owner {
  readonly tenantId: string;
  readonly subscriptionId: string;
}

export async function seed(place: Place, { issuers: count, principals, bornAt = new Date() }: Seed): Promise<Seeded> {
  const store = await openSqliteStore({ file: place.storeFile, clock: () => bornAt });
  try {
    const owner: Owner = { tenantId: randomUUID(), subscriptionId: randomUUID() };
    const people = await seedPeople(store, place, owner, principals);
    const issuers: SeededIssuer[] = [];
    const make = createIssuers(store, await sharedKeys(place), createRingCommits(SETTINGS, () => undefined), { issuerUrlTemplate: place.issuerUrlTemplate, rotationPolicy: { rotateEvery: ROTATE_EVERY } });
    for (let from = 0; from < count; from += IN_ONE_TRANSACTION) issuers.push(...(await seedClusters(store, make, owner, from, Math.min(count, from + IN_ONE_TRANSACTION))));
    return { ...owner, ...people, issuers };
  } finally {
    await store.close();
  }
}

async function seedPeople(store: Store, { sealer, management }: Place, { tenantId, subscriptionId }: Owner, count: number) {
  const ids = Array.from({ length: count }, () => randomUUID());
  const { clientSecret, stored } = await makeClientSecret();
  await store.write(async (tx) => {
    const createdAt = tx.now;
    await tx.putTenant({ id: tenantId, displayName: 'bench', createdAt });
    await tx.putSubscription({ id: subscriptionId, tenantId, displayName: 'bench', createdAt });
    for (const id of ids) {
      await tx.putPrincipal({ id, tenantId, displayName: 'bench', secrets: [stored(createdAt)], createdAt });
      await tx.putRoleAssignment({ principalId: id, role: 'Owner', scope: subscriptionScope(subscriptionId) });
    }
  });
  const signer = await createTokenKeys(store, sealer).signer();
  const token = { issuer: `${management.url}/${tenantId}/v2.0`, audience: management.url, jti: randomUUID(), now: new Date() };
  const accessTokens = await Promise.all(ids.map((principalId) => signer.sign({ principalId, tenantId }, token)));
  return { clientId: ids[0]!, clientSecret, accessTokens };
}

/** Keys that many rings share; no ring has the same one twice. */
async function sharedKeys({ sealer }: Place): Promise<NewKeys> {
  const pairs: readonly UnsealedKey[] = await Promise.all(Array.from({ length: SHARED_PAIRS }, () => generateKey(2048)));
  let given = 0;
  return {
    async make(wanted, owner) {
      const keys = Array.from({ length: wanted }, () => pairs[(given += 1) % SHARED_PAIRS]!);
      return { keys: await Promise.all(keys.map((key) => key.sealFor(sealer, owner))), settle: () => undefined };
    },
  };
}

/** The clusters from one number to another, a thousand in a group. */
async function seedClusters(store: Store, issuers: Issuers, owner: Owner, from: number, to: number): Promise<readonly SeededIssuer[]> {
  const names = Array.from({ length: to - from }, (_, index) => ({ group: `group-${Math.floor((from + index) / IN_ONE_GROUP)}`, name: `cluster-${String(from + index).padStart(6, '0')}` }));
  const made = await Promise.all(names.map(async ({ group, name }) => {
    const id = managedClusterId(owner.subscriptionId, group, name);
    return { group, name, id, born: await issuers.conceive({ ...owner, clusterId: resourceKey(id), region: LOCATION }) };
  }));
  await store.write(async (tx) => {
    for (const { group, name, born } of made) {
      if ((await tx.resource(resourceGroupId(owner.subscriptionId, group))) === null) await tx.putResource(createResourceGroup({}, { ...owner, name: group }, { location: LOCATION, configuredLocations: [] }, tx.now));
      await issuers.insert(tx, born, 'bench');
      const kubeletIdentity = { objectId: randomUUID(), clientId: randomUUID(), resourceId: name };
      const { cluster } = createCluster({ properties: {} }, { ...owner, resourceGroup: group, name, kubeletIdentity }, { location: LOCATION, configuredLocations: [] }, tx.now);
      await tx.putResource({ ...cluster, issuerId: born.issuer.id });
    }
  });
  return made.map(({ id, born }) => ({ cluster: id, jwks: `${born.issuer.path}${JWKS_SUFFIX}` }));
}
