/** The services of key rings on a store in memory, with one cluster, keys in name only, and a clock that is set by hand. */
import { pino } from 'pino';
import type { KeyRing } from '../../src/domain/key-ring.ts';
import type { RingChange } from '../../src/domain/key-ring-change.ts';
import type { RingSettings } from '../../src/domain/rotation-schedule.ts';
import type { Resource } from '../../src/domain/resource.ts';
import type { TokenSigner } from '../../src/keys/sign.ts';
import type { Caller } from '../../src/service/caller.ts';
import { createEnrolledSigners } from '../../src/service/enrolled-signers.ts';
import { createIssuers } from '../../src/service/issuers.ts';
import { createKeyRings } from '../../src/service/key-rings.ts';
import type { NewKeys } from '../../src/service/new-keys.ts';
import { createOperations } from '../../src/service/operations.ts';
import { createPublications } from '../../src/service/publications.ts';
import { createRingCommits } from '../../src/service/ring-commits.ts';
import { createRotator } from '../../src/service/rotator.ts';
import { createTokens } from '../../src/service/tokens.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import { at, newKey, RING_SETTINGS, START } from './rings.ts';

export const SILENT = pino({ level: 'silent' });
export const GAP = RING_SETTINGS.publicationGapSeconds;
export const caller = (clientRequestId: string | null = null): Caller => ({ principalId: 'ada', tenantId: 'tenant', clientRequestId });

const CLUSTER_ID = '/subscriptions/sub/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c';

/** `patience`: milliseconds for which a request waits for its publication. */
export async function services(settings: Partial<RingSettings> = {}, patience?: number) {
  let seconds = 0;
  let made = 0;
  const settled: (RingChange | null)[] = [];
  const forgotten: string[] = [];
  const signerForgot: string[] = [];
  const hooks = { catchUp: async (): Promise<void> => undefined, make: async (): Promise<void> => undefined, sign: async (): Promise<void> => undefined };
  const now = (): Date => at(seconds);
  const store = openMemoryStore({ clock: now });
  const newKeys: NewKeys = {
    make: async (count) => {
      await hooks.make();
      return { keys: Array.from({ length: count }, () => newKey((made += 1))), settle: (change) => void settled.push(change) };
    },
  };
  const signer: TokenSigner = {
    // As one that has not opened the key yet.
    sign: async ({ kid }, payload, sealed) => {
      await sealed();
      await hooks.sign();
      return `${kid}.${payload}`;
    },
    forget: (_, kid) => void signerForgot.push(kid),
  };
  const rings = createRingCommits({ ...RING_SETTINGS, ...settings }, (_, kid) => void forgotten.push(kid));
  const publications = createPublications(store, rings, async () => {
    await hooks.catchUp();
    await store.write(async (tx) => tx.confirmPublication('here', await tx.lastChange()));
  }, SILENT, patience);
  const issuers = createIssuers(store, newKeys, rings, { issuerUrlTemplate: 'https://{region}.oic.example.com/{tenantId}/{uuid}/', rotationPolicy: { rotateEvery: 2 * 86_400 } });
  const born = await issuers.conceive({ tenantId: 'tenant', subscriptionId: 'sub', clusterId: CLUSTER_ID.toLowerCase(), region: 'eastus' });
  await store.write((tx) => issuers.insert(tx, born, 'principal:ada'));
  await publications.settle();
  const cluster: Resource = { id: CLUSTER_ID, type: 'Microsoft.ContainerService/managedClusters', name: 'c', tenantId: 'tenant', subscriptionId: 'sub', location: 'eastus', tags: {}, envelope: {}, properties: {}, issuerId: born.issuer.id, version: 1, createdAt: START, updatedAt: START };
  return {
    store, rings, signers: createEnrolledSigners(rings), publications, issuers, cluster, hooks, settled, forgotten, signerForgot, issuerId: born.issuer.id,
    keyRings: createKeyRings({ store, newKeys, rings, publications, wakeRotator: () => undefined }),
    operations: createOperations(store, rings.settings),
    tokens: createTokens(store, signer, 10),
    rotator: createRotator({ store, clock: { now, wait: async () => undefined }, newKeys, rings, publications, log: SILENT }),
    pass: (length: number): void => void (seconds += length),
    ring: async (): Promise<KeyRing> => (await store.read((tx) => tx.keyRing(born.issuer.id)))!,
  };
}
