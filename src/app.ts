/**
 * The composition root: the only file that constructs services and servers and wires them.
 *
 * Gets a resolved configuration and what is outside of it (store, sealer, clock, log, certificates). Gives an `App`
 * that starts and stops as a whole. Leaves to `dev/` and `main.ts` where those come from.
 */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Config, Listener } from './config/config.ts';
import { isUnderTemplate } from './domain/issuer.ts';
import type { RingSettings } from './domain/rotation-schedule.ts';
import { createGuardedFetch } from './fetch/guarded-fetch.ts';
import { outboundProxy } from './fetch/outbound-proxy.ts';
import { cutConnections, listen, listenerUrl, listenError, listensAt, type PemPair, pemOf, setCertificate, type Tls } from './http/listening.ts';
import { createManagementServer } from './http/management/server.ts';
import { closeGracefully } from './http/public/server.ts';
import { createSignersServer } from './http/signers/server.ts';
import { pinOf } from './keys/certificate-pin.ts';
import { createKeyGenerator } from './keys/generator.ts';
import { createKeyPool } from './keys/pool.ts';
import type { Sealer } from './keys/seal.ts';
import { createTokenSigner } from './keys/sign.ts';
import type { AuditSink } from './observability/audit-trail.ts';
import { createObservability, type Observability } from './observability/observability.ts';
import { createHostThread, type HostThread, type LoadedThread } from './public-host/host-thread.ts';
import type { ThreadData } from './public-host/protocol.ts';
import { createAccess } from './service/access.ts';
import type { Clock } from './service/clock.ts';
import { createClusters } from './service/clusters.ts';
import { createEnrolledSigners } from './service/enrolled-signers.ts';
import { createEnrolment } from './service/enrolment.ts';
import { createEnrolmentCredentials } from './service/enrolment-credentials.ts';
import { createFederatedCredentials } from './service/federated-credentials.ts';
import { createFederation } from './service/federation.ts';
import { createForeignIssuers } from './service/foreign-issuers.ts';
import { createIdentities } from './service/identities.ts';
import { createIssuers } from './service/issuers.ts';
import { createKeyImports } from './service/key-imports.ts';
import { createKeyRings } from './service/key-rings.ts';
import { createKubeconfigs } from './service/kubeconfigs.ts';
import { createNewKeys } from './service/new-keys.ts';
import { createOperations } from './service/operations.ts';
import { createPeople } from './service/people.ts';
import { createPublications } from './service/publications.ts';
import { createResourceGroups } from './service/resource-groups.ts';
import { createRingCommits } from './service/ring-commits.ts';
import { createRingNotices } from './service/ring-notices.ts';
import { adoptRingSettings } from './service/ring-settings.ts';
import { createRingSigningKeys } from './service/ring-signing-keys.ts';
import { createRoleAssignments } from './service/role-assignments.ts';
import { createRotator } from './service/rotator.ts';
import { createSignerRings } from './service/signer-rings.ts';
import { createSigners } from './service/signers.ts';
import { createTenants } from './service/tenants.ts';
import { createThrottle } from './service/throttle.ts';
import { createTokens } from './service/tokens.ts';
import type { Store } from './store/store.ts';

/** What an app stands on. */
export interface Ground {
  readonly store: Store;
  /** Where the thread of the public host finds the same store and the same clock; and the thread, where it was loaded ahead. */
  readonly publicHost: Pick<ThreadData, 'storeFile' | 'clockFile'> & { readonly thread?: LoadedThread };
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Lines of the log that could not be written. */
  readonly lostLogLines: () => number;
  readonly audit: AuditSink;
  /** How other machines are asked: authorities beside the system's (PEM), and the environment that names a proxy. */
  readonly outbound: { readonly ca: string | null; readonly env: NodeJS.ProcessEnv };
  /** Told that a part has ended without which the app must not go on. */
  readonly lost: (error: Error) => void;
}

/** What each listener serves with. */
export interface ListenerTls {
  readonly management: Tls;
  readonly issuer: Tls;
  readonly signers: Tls;
}

export type App = ReturnType<typeof createApp>;

/** Everything of one server process, constructed and not started. */
export function createApp(config: Config, ground: Ground, tls: ListenerTls) {
  const { log } = ground;
  const observability = createObservability(ground.store, ground.audit, log);
  const { store } = observability;
  const publicHost = createPublicHostThread(config, { ...ground, store }, tls.issuer);
  const services = createServices(config, { ...ground, store }, observability, tls.signers, publicHost);
  const management = createManagementServer({ ...services, ready: () => isReady(publicHost, store) }, config, { logger: log, observer: observability.requests, ...httpsOf(tls.management) });
  const signers = createSignersHost(config, services, observability, log, tls.signers);
  const metrics = config.metrics === null ? null : { server: observability.metricsServer({ publicHost, pool: services.pool, freezeWindows: config.freezeWindows, openPolls: services.ringNotices.waiting, lostLogLines: ground.lostLogLines }), at: config.metrics };

  return {
    services,
    /** Listens on its ports, publishes, and rotates. @throws MintmarkError `AddressInUse`. */
    async start(): Promise<void> {
      await adoptRingSettings(store, ringSettingsOf(config));
      log.info(listensAt(WHO.issuer, listenerUrl(config.issuer, await publicHost.start(), tls.issuer)));
      await services.publications.settle();
      services.rotator.start();
      await signers?.start();
      await listenFastify(management, config.management, WHO.management);
      if (metrics !== null) log.info(listensAt(WHO.metrics, listenerUrl(metrics.at, await listen(metrics.server, metrics.at), null)));
    },
    /** New connections get this certificate; those that are open go on. */
    async renewTls(listener: keyof ListenerTls, pair: PemPair): Promise<void> {
      if (listener === 'issuer') await publicHost.renewTls(pair);
      else if (listener === 'signers') signers?.renewTls(pair);
      else setCertificate(management.server, pair);
    },
    /** Finishes what is in flight on all ports, at most for the configured time; signers that wait are answered at once. The store is left open. */
    async stop(): Promise<void> {
      await Promise.all([closeFastify(management, config.stopWithin), signers?.stop(), services.rotator.stop(), publicHost.close()]);
      await publicHost.stop();
      if (metrics !== null) await closeGracefully(metrics.server, 0);
      services.pool.stop();
      await services.generator.stop();
    },
  };
}

/** The listeners as the log names them. */
const WHO = { issuer: 'the public documents are served', management: 'the management API listens', signers: 'signers are served', metrics: 'metrics are served' } as const;

const ringSettingsOf = ({ publicationGap, freezeWindows, secondRotation }: Config): RingSettings => ({ publicationGapSeconds: publicationGap, freezeWindows, secondRotation });

/** The public host on a thread of its own: it reads the store itself, and what it writes is written here. */
function createPublicHostThread({ issuer, stopWithin, publishedIssuers }: Config, { store, publicHost, log, lost }: Ground, tls: Tls): HostThread {
  const { thread, ...place } = publicHost;
  const data = { ...place, listen: issuer, stopWithin, publishedIssuers, tls, logLevel: log.level };
  return createHostThread(data, { confirm: (publisher, change) => store.write((tx) => tx.confirmPublication(publisher, change)), log, lost }, thread);
}

/** The listener for signers; null where there is none. */
function createSignersHost({ signers, throttle, stopWithin }: Config, services: Pick<ReturnType<typeof createServices>, 'enrolment' | 'signerRings' | 'ringNotices' | 'pin'>, { store, signerRequests }: Observability, log: Logger, tls: Tls) {
  const { enrolment, signerRings, ringNotices, pin } = services;
  if (signers === null || enrolment === null || signerRings === null) return null;
  const server = createSignersServer({ enrolment, signerRings, throttle: createThrottle(throttle, () => store.now()) }, { logger: log, observer: signerRequests, behindProxy: signers.behindProxy, ...httpsOf(tls) });
  return {
    async start(): Promise<void> {
      ringNotices.start();
      await listenFastify(server, signers.listen, WHO.signers);
    },
    renewTls(pair: PemPair): void {
      pin.current = pinOf(pair.certificate);
      setCertificate(server.server, pair);
    },
    async stop(): Promise<void> {
      await Promise.all([closeFastify(server, stopWithin), ringNotices.stop()]);
    },
  };
}

const httpsOf = (tls: Tls): { readonly https?: ReturnType<typeof pemOf> } => (tls === null ? {} : { https: pemOf(tls) });

function createServices(config: Config, { store, sealer, clock, log, outbound }: Ground, { stepFailed }: Observability, signersTls: Tls, publicHost: Pick<HostThread, 'catchUp'>) {
  const generator = createKeyGenerator();
  const pool = createKeyPool({ size: config.keyPoolSize, generate: () => generator.generate(config.rsaBits), onError: (err) => log.error({ err }, 'a key could not be made ahead') });
  const signer = createTokenSigner(sealer, config.openedKeys);
  const newKeys = createNewKeys(pool, sealer);
  const rings = createRingCommits(ringSettingsOf(config), signer.forget);
  const ringNotices = createRingNotices(store, clock, log);
  const publications = createPublications(store, rings, () => {
    ringNotices.look();
    return publicHost.catchUp();
  }, log);
  const issuers = createIssuers(store, newKeys, rings, { issuerUrlTemplate: config.issuerUrlTemplate, rotationPolicy: { rotateEvery: config.rotateEvery } });
  const rotator = createRotator({ store, clock, newKeys, rings, publications, log, onFailure: stepFailed });
  const signerDeps = { store, rings, sealer, clock, enrolledSigners: createEnrolledSigners(rings), keys: createRingSigningKeys(store, sealer), notices: ringNotices, wakeRotator: rotator.wake, leaseSeconds: config.signerLease };
  const pin = { current: signersTls === null ? null : pinOf(signersTls.certificate) };
  const place = config.signers === null ? null : { url: config.signers.url, pin: () => pin.current };
  const fetch = createGuardedFetch({ ...config.federation, ca: outbound.ca, proxy: outboundProxy(outbound.env) });
  const isOurs = (url: string): boolean => isUnderTemplate(config.issuerUrlTemplate, url) || new URL(url).origin === config.managementUrl;
  const federation = createFederation(store, createForeignIssuers({ fetch, isOurs, now: () => store.now() }));
  const defaults = { location: config.defaultLocation, configuredLocations: config.configuredLocations };
  const clusters = createClusters({ store, issuers, publications, defaults });
  return {
    clusters, pool, generator, publications, issuers, rotator, ringNotices, pin,
    keyRings: createKeyRings({ store, newKeys, rings, publications, wakeRotator: rotator.wake }),
    keyImports: createKeyImports({ ...signerDeps, publications }),
    tokens: createTokens(store, signer, config.openedKeys),
    operations: createOperations(store, rings.settings),
    kubeconfigs: createKubeconfigs(store, sealer, clusters),
    resourceGroups: createResourceGroups({ store, issuers, publications, defaults }),
    signers: createSigners(signerDeps),
    enrolmentCredentials: createEnrolmentCredentials({ ...signerDeps, place }),
    enrolment: place === null ? null : createEnrolment({ ...signerDeps, audience: place.url }),
    signerRings: place === null ? null : createSignerRings({ ...signerDeps, audience: place.url }),
    access: createAccess({ store, sealer, federation, managementUrl: config.managementUrl, limits: config.throttle }),
    tenants: createTenants(store),
    people: createPeople(store),
    identities: createIdentities({ store, defaults }),
    federatedCredentials: createFederatedCredentials(store),
    roleAssignments: createRoleAssignments(store),
  };
}

/** Whether requests can be served: the documents are published and the store answers. */
async function isReady({ ready }: HostThread, store: Store): Promise<boolean> {
  return ready && store.read((tx) => tx.lastChange()).then(() => true, () => false);
}

async function listenFastify(server: FastifyInstance, address: Listener, who: string): Promise<void> {
  const { host, port } = address;
  try {
    await server.listen({ host, port, listenTextResolver: (url) => listensAt(who, url) });
  } catch (error) {
    throw listenError(error, address);
  }
}

/** What is in flight is finished, at most for so many seconds. */
async function closeFastify(server: FastifyInstance, seconds: number): Promise<void> {
  const force = setTimeout(() => cutConnections(server.server), seconds * 1000);
  await server.close();
  clearTimeout(force);
}
