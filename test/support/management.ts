/**
 * The management API over the memory store with everything real behind it, without a port: for tests through the front
 * door. Two tenants, one subscription each, a principal for every role; the clock stands still until a test moves it.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyBaseLogger, InjectOptions, LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import { type Role, tenantScope } from '../../src/domain/principal.ts';
import type { RingSettings } from '../../src/domain/rotation-schedule.ts';
import type { RequestObserver } from '../../src/http/management/observer.ts';
import { createManagementServer, type ManagementConfig, type ManagementDeps } from '../../src/http/management/server.ts';
import { generateKey, type UnsealedKey } from '../../src/keys/generate.ts';
import { createKeyEncryptionKey } from '../../src/keys/key-encryption/file.ts';
import { createKeyPool } from '../../src/keys/pool.ts';
import { createSealer } from '../../src/keys/seal.ts';
import { hashSecret } from '../../src/keys/secrets.ts';
import { createTokenSigner } from '../../src/keys/sign.ts';
import { createAccess } from '../../src/service/access.ts';
import { createClusters } from '../../src/service/clusters.ts';
import { createEnrolledSigners } from '../../src/service/enrolled-signers.ts';
import { createEnrolmentCredentials } from '../../src/service/enrolment-credentials.ts';
import { createFederatedCredentials } from '../../src/service/federated-credentials.ts';
import { createFederation } from '../../src/service/federation.ts';
import type { ForeignIssuers } from '../../src/service/foreign-issuers.ts';
import { createIdentities } from '../../src/service/identities.ts';
import { createIssuers } from '../../src/service/issuers.ts';
import { createKeyImports } from '../../src/service/key-imports.ts';
import { createKeyRings } from '../../src/service/key-rings.ts';
import { createKubeconfigs } from '../../src/service/kubeconfigs.ts';
import { createNewKeys } from '../../src/service/new-keys.ts';
import { createOperations } from '../../src/service/operations.ts';
import { createPeople } from '../../src/service/people.ts';
import { createPublications } from '../../src/service/publications.ts';
import { createResourceGroups } from '../../src/service/resource-groups.ts';
import { createRingCommits } from '../../src/service/ring-commits.ts';
import { createRingSigningKeys } from '../../src/service/ring-signing-keys.ts';
import { createSigners } from '../../src/service/signers.ts';
import { createRoleAssignments } from '../../src/service/role-assignments.ts';
import { createTenants } from '../../src/service/tenants.ts';
import { createTokenKeys } from '../../src/service/token-keys.ts';
import type { ThrottleLimits } from '../../src/service/throttle.ts';
import { createTokens } from '../../src/service/tokens.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { RING_SETTINGS } from './rings.ts';

export const URL_BASE = 'https://localhost:8443';
export const TENANT = '11111111-1111-4111-8111-111111111111';
export const OTHER_TENANT = '22222222-2222-4222-8222-222222222222';
export const SUBSCRIPTION = '33333333-3333-4333-8333-333333333333';
export const OTHER_SUBSCRIPTION = '44444444-4444-4444-8444-444444444444';
export const SECRET = 'a secret of tests';
export const START = new Date('2026-01-02T03:04:05.000Z');
export const GROUP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/myGroup`;
export const CLUSTER = `${GROUP}/providers/Microsoft.ContainerService/managedClusters/myCluster`;

/** Who has which role where; `nobody` is a principal without one. */
const PRINCIPALS: readonly (readonly [string, string, Role | null, string])[] = [
  ['owner', TENANT, 'Owner', `/subscriptions/${SUBSCRIPTION}`],
  ['contributor', TENANT, 'Contributor', `/subscriptions/${SUBSCRIPTION}`],
  ['reader', TENANT, 'Reader', `/subscriptions/${SUBSCRIPTION}`],
  ['group-reader', TENANT, 'Reader', GROUP],
  ['nobody', TENANT, null, ''],
  ['tenant-owner', TENANT, 'Owner', tenantScope(TENANT)],
  ['stranger', OTHER_TENANT, 'Owner', tenantScope(OTHER_TENANT)],
  ['root', OTHER_TENANT, 'Owner', '/'],
];

const UNTHROTTLED: ThrottleLimits = { requestsPerAddress: 1e6, requestsPerPrincipal: 1e6, loginsPerAddress: 1e6, failedLogins: 1e6 };

/** Nobody is asked for documents unless a test says whom. */
const NO_FOREIGN_ISSUERS: ForeignIssuers = { key: () => Promise.reject(new Error('no issuer of others is asked here')) };

const folder = mkdtempSync(join(tmpdir(), 'mintmark-management-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const sealer = createSealer(await createKeyEncryptionKey(join(folder, 'key-encryption-key')));
const secretHash = await hashSecret(SECRET);

export interface ManagementWorld {
  readonly deps: ManagementDeps;
  readonly store: Store;
  /** Moves the clock on by seconds. */
  pass(seconds: number): void;
  /** Sends a request as a principal of `PRINCIPALS`; null sends no token. */
  as(principal: string | null, request: InjectOptions): Promise<LightMyRequestResponse>;
  /** As the owner: method, path below the host, body. */
  ask(method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH' | 'HEAD', url: string, payload?: object, headers?: Readonly<Record<string, string>>): Promise<LightMyRequestResponse>;
  /** An access token made without a login, which costs a tenth of a second of hashing. */
  bearer(principalId: string, tenantId: string): Promise<string>;
  readonly server: ReturnType<typeof createManagementServer>;
}

/** A world of its own, on the memory store unless told otherwise. `publish` false: no publisher confirms anything, so operations stay in progress. */
export async function openManagement(config: Partial<ManagementConfig> & { readonly openStore?: (clock: () => Date) => Promise<Store>; readonly generate?: () => Promise<UnsealedKey>; readonly publish?: boolean; readonly limits?: Partial<ThrottleLimits>; readonly rings?: Partial<RingSettings>; readonly logger?: FastifyBaseLogger; readonly observer?: RequestObserver; readonly ready?: () => Promise<boolean>; readonly foreignIssuers?: ForeignIssuers } = {}): Promise<ManagementWorld> {
  let now = START.getTime();
  const clock = (): Date => new Date(now);
  const store = await (config.openStore?.(clock) ?? openMemoryStore({ clock }));
  await populate(store);
  const deps = createServices(store, { publish: true, ready: async () => true, generate: () => generateKey(2048), foreignIssuers: NO_FOREIGN_ISSUERS, ...config, rings: { ...RING_SETTINGS, ...config.rings }, limits: { ...UNTHROTTLED, ...config.limits } });
  const server = createManagementServer(deps, { managementUrl: URL_BASE, configuredLocations: ['lab'], maxBodyBytes: 1024 * 1024, tokenIssue: true, ...config }, { ...(config.logger === undefined ? {} : { logger: config.logger }), ...(config.observer === undefined ? {} : { observer: config.observer }) });
  const tokens = new Map<string, string>();
  const tokenOf = async (clientId: string): Promise<string> => {
    const tenantId = PRINCIPALS.find(([id]) => id === clientId)![1];
    tokens.set(clientId, tokens.get(clientId) ?? (await deps.access.login({ tenantId, clientId, clientSecret: SECRET }, 'tests')).accessToken);
    return tokens.get(clientId)!;
  };
  const as: ManagementWorld['as'] = async (principal, request) => server.inject({
    ...request,
    headers: { ...request.headers, ...(principal === null ? {} : { authorization: `Bearer ${await tokenOf(principal)}` }) },
  });
  const tokenKeys = createTokenKeys(store, sealer);
  return {
    deps, store, server, as,
    bearer: async (principalId, tenantId) => (await tokenKeys.signer()).sign({ principalId, tenantId }, { issuer: deps.access.issuerOf(tenantId), audience: URL_BASE, jti: randomUUID(), now: clock() }),
    pass(seconds) {
      now += seconds * 1000;
      if (seconds > 1800) tokens.clear();
    },
    ask: (method, url, payload, headers = {}) => as('owner', { method, url, headers, ...(payload === undefined ? {} : { payload }) }),
  };
}

async function populate(store: Store): Promise<void> {
  await store.write(async (tx) => {
    for (const [tenantId, subscriptionId, name] of [[TENANT, SUBSCRIPTION, 'First'], [OTHER_TENANT, OTHER_SUBSCRIPTION, 'Second']] as const) {
      await tx.putTenant({ id: tenantId, displayName: name, createdAt: START });
      await tx.putSubscription({ id: subscriptionId, tenantId, displayName: name, createdAt: START });
    }
    for (const [id, tenantId, role, scope] of PRINCIPALS) {
      await tx.putPrincipal({ id, tenantId, displayName: id, secrets: [{ id: `${id}-secret`, hash: secretHash, createdAt: START, usedAt: START }], createdAt: START });
      if (role !== null) await tx.putRoleAssignment({ principalId: id, role, scope });
    }
  });
}

interface Conditions {
  readonly publish: boolean;
  readonly ready: () => Promise<boolean>;
  readonly limits: ThrottleLimits;
  readonly rings: RingSettings;
  readonly generate: () => Promise<UnsealedKey>;
  readonly foreignIssuers: ForeignIssuers;
}

function createServices(store: Store, { publish, ready, limits, rings: settings, generate, foreignIssuers }: Conditions): ManagementDeps {
  const signer = createTokenSigner(sealer, 10);
  const rings = createRingCommits(settings, (issuerId, kid) => signer.forget(issuerId, kid));
  const pool = createKeyPool({ size: 0, generate, onError: () => {} });
  const newKeys = createNewKeys(pool, sealer);
  const publications = createPublications(store, rings, async () => {
    if (publish) await store.write(async (tx) => tx.confirmPublication('test', await tx.lastChange()));
  }, pino({ level: 'silent' }));
  const issuers = createIssuers(store, newKeys, rings, { issuerUrlTemplate: 'https://{region}.oic.example.com/{tenantId}/{uuid}/', rotationPolicy: { rotateEvery: 30 * 86_400 } });
  const defaults = { location: 'eastus', configuredLocations: ['lab'] };
  const clusters = createClusters({ store, issuers, publications, defaults });
  return {
    clusters,
    access: createAccess({ store, sealer, federation: createFederation(store, foreignIssuers), managementUrl: URL_BASE, limits }),
    tenants: createTenants(store),
    people: createPeople(store),
    identities: createIdentities({ store, defaults }),
    federatedCredentials: createFederatedCredentials(store),
    roleAssignments: createRoleAssignments(store),
    kubeconfigs: createKubeconfigs(store, sealer, clusters),
    resourceGroups: createResourceGroups({ store, issuers, publications, defaults }),
    issuers,
    keyRings: createKeyRings({ store, newKeys, rings, publications, wakeRotator: () => {} }),
    keyImports: createKeyImports({ store, sealer, rings, publications, wakeRotator: () => {} }),
    tokens: createTokens(store, signer, 10),
    operations: createOperations(store, rings.settings),
    signers: createSigners({ store, enrolledSigners: createEnrolledSigners(rings), notices: { tell: () => {} }, wakeRotator: () => {} }),
    enrolmentCredentials: createEnrolmentCredentials({ store, keys: createRingSigningKeys(store, sealer), place: { url: 'https://signers.example', pin: () => 'ab'.repeat(32) } }),
    ready,
  };
}
