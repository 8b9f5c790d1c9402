/**
 * What the server has for signers, everything real behind it, on a port of this machine; and a signer that follows the
 * protocol from the other side. The clock stands still until a test moves it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { MintmarkError } from '../../src/domain/errors.ts';
import type { RingPoint } from '../../src/domain/ring-for-signer.ts';
import type { Resource } from '../../src/domain/resource.ts';
import type { RequestObserver } from '../../src/http/management/observer.ts';
import { type EnrollReply, type RingReply, SIGNER_PATHS } from '../../src/http/signers/contract.ts';
import { createSignersServer } from '../../src/http/signers/server.ts';
import { makeAssertion } from '../../src/keys/assertion.ts';
import { generateKey } from '../../src/keys/generate.ts';
import { createKeyEncryptionKey } from '../../src/keys/key-encryption/file.ts';
import { createKeyPool } from '../../src/keys/pool.ts';
import { thumbprint } from '../../src/keys/public-jwk.ts';
import { type OpenedRing, openRing } from '../../src/keys/ring-envelope.ts';
import { createSealer } from '../../src/keys/seal.ts';
import { SignerKeys } from '../../src/keys/signer-keys.ts';
import type { Clock } from '../../src/service/clock.ts';
import { createEnrolledSigners } from '../../src/service/enrolled-signers.ts';
import { createEnrolment } from '../../src/service/enrolment.ts';
import { createEnrolmentCredentials, type SignersPlace } from '../../src/service/enrolment-credentials.ts';
import { createIssuers } from '../../src/service/issuers.ts';
import { createKeyRings } from '../../src/service/key-rings.ts';
import { createNewKeys } from '../../src/service/new-keys.ts';
import { createPublications } from '../../src/service/publications.ts';
import { createRingCommits } from '../../src/service/ring-commits.ts';
import { createRingNotices } from '../../src/service/ring-notices.ts';
import { createRingSigningKeys } from '../../src/service/ring-signing-keys.ts';
import { createRotator } from '../../src/service/rotator.ts';
import { createSignerRings } from '../../src/service/signer-rings.ts';
import { createSigners } from '../../src/service/signers.ts';
import { createThrottle, type ThrottleLimits } from '../../src/service/throttle.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { at, RING_SETTINGS } from './rings.ts';
import { SILENT } from './services.ts';

export const AUDIENCE = 'https://signers.example';
export const LEASE = 14 * 86_400;
export const ADA = { principalId: 'ada', tenantId: 'tenant', clientRequestId: null } as const;

const folder = mkdtempSync(join(tmpdir(), 'mintmark-signers-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const sealer = createSealer(await createKeyEncryptionKey(join(folder, 'key-encryption-key')));
const UNTHROTTLED: ThrottleLimits = { requestsPerAddress: 1e6, requestsPerPrincipal: 1e6, loginsPerAddress: 1e6, failedLogins: 1e6 };

/** A clock that is moved by hand; who waits by it is woken when the time has come. */
export function handClock() {
  let seconds = 0;
  const waits = new Set<() => void>();
  const clock: Clock = {
    now: () => at(seconds),
    wait: (until, wake) => new Promise((resolve) => {
      const look = (): void => { if (wake.aborted || (until !== null && until <= clock.now())) done(); };
      const done = (): void => {
        waits.delete(look);
        wake.removeEventListener('abort', done);
        resolve();
      };
      waits.add(look);
      wake.addEventListener('abort', done);
      look();
    }),
  };
  return {
    clock,
    pass(by: number): void {
      seconds += by;
      for (const look of Array.from(waits)) look();
    },
    waiting: () => waits.size,
  };
}

export interface SignersWorldOptions {
  readonly store?: (clock: () => Date) => Store | Promise<Store>;
  readonly limits?: Partial<ThrottleLimits>;
  readonly leaseSeconds?: number | null;
  readonly observer?: RequestObserver;
  readonly logger?: FastifyBaseLogger;
  readonly behindProxy?: boolean;
  /** Where signers reach it, when that is not the listener itself. */
  readonly place?: SignersPlace;
}

export type SignersWorld = Awaited<ReturnType<typeof openSigners>>;

/** A world with one cluster `c`, whose listener for signers is up. `close` ends it. */
export async function openSigners(options: SignersWorldOptions = {}) {
  const place = options.place ?? { url: AUDIENCE, pin: () => null };
  const { clock, pass, waiting } = handClock();
  const store = (await options.store?.(clock.now)) ?? openMemoryStore({ clock: clock.now });
  const rings = createRingCommits(RING_SETTINGS, () => undefined);
  const newKeys = createNewKeys(createKeyPool({ size: 0, generate: () => generateKey(2048), onError: () => undefined }), sealer);
  const notices = createRingNotices(store, clock, SILENT);
  const publications = createPublications(store, rings, async () => {
    notices.look();
    await store.write(async (tx) => tx.confirmPublication('here', await tx.lastChange()));
  }, SILENT);
  const rotator = createRotator({ store, clock, newKeys, rings, publications, log: SILENT });
  const issuers = createIssuers(store, newKeys, rings, { issuerUrlTemplate: 'https://{region}.oic.example.com/{tenantId}/{uuid}/', rotationPolicy: { rotateEvery: null } });
  const deps = { store, rings, sealer, clock, enrolledSigners: createEnrolledSigners(rings), keys: createRingSigningKeys(store, sealer), notices, wakeRotator: () => rotator.wake(), audience: place.url, leaseSeconds: options.leaseSeconds === undefined ? LEASE : options.leaseSeconds };
  const services = {
    enrolment: createEnrolment(deps), signerRings: createSignerRings(deps), signers: createSigners(deps),
    credentials: createEnrolmentCredentials({ ...deps, place }),
    keyRings: createKeyRings({ store, newKeys, rings, publications, wakeRotator: () => rotator.wake() }),
  };
  const bearCluster = async (name: string): Promise<Resource> => {
    const id = `/subscriptions/sub/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/${name}`;
    const born = await issuers.conceive({ tenantId: 'tenant', subscriptionId: 'sub', clusterId: id.toLowerCase(), region: 'eastus' });
    await store.write((tx) => issuers.insert(tx, born, 'principal:ada'));
    await publications.settle();
    return { id, type: 'Microsoft.ContainerService/managedClusters', name, tenantId: 'tenant', subscriptionId: 'sub', location: 'eastus', tags: {}, envelope: {}, properties: {}, issuerId: born.issuer.id, version: 1, createdAt: clock.now(), updatedAt: clock.now() };
  };
  const cluster = await bearCluster('c');
  const throttle = createThrottle({ ...UNTHROTTLED, ...options.limits }, clock.now);
  const server = createSignersServer({ ...services, throttle }, options);
  notices.start();
  const base = await listen(server);
  const others: ReturnType<typeof createSignersServer>[] = [];
  return {
    ...services, store, notices, rotator, rings, publications, clock, pass, waiting, cluster, bearCluster, server, base, issuers,
    token: async (name: string | null = 'cp-1') => (await services.credentials.createToken(ADA, cluster, { name, expiresIn: null })).token,
    /** A signer that is enrolled under the name. */
    async signer(name = 'cp-1'): Promise<TestSigner> {
      const signer = new TestSigner(base, clock.now);
      await signer.enrol((await services.credentials.createToken(ADA, cluster, { name, expiresIn: null })).token);
      return signer;
    },
    /** As a server that was started again with another `signers.lease`: one more listener on the same store; its address. */
    async withLease(leaseSeconds: number | null): Promise<string> {
      const changed = { ...deps, leaseSeconds };
      const other = createSignersServer({ ...services, enrolment: createEnrolment(changed), signerRings: createSignerRings(changed), throttle }, options);
      others.push(other);
      return listen(other);
    },
    async close(): Promise<void> {
      await Promise.all([...[server, ...others].map((listener) => listener.close()), notices.stop()]);
      await store.close();
    },
  };
}

/** On a free port; the address. */
async function listen(server: ReturnType<typeof createSignersServer>): Promise<string> {
  await server.listen({ host: '127.0.0.1', port: 0 });
  return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
}

/** Of a server that is not the one of `openSigners`. */
interface Outside {
  readonly ca?: string;
  readonly audience?: string;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** A machine that is not enrolled yet, with keys of its own or with these. */
export const machine = ({ base, clock }: SignersWorld, keys?: SignerKeys): TestSigner => new TestSigner(base, clock.now, keys);

/** A join credential without limits but for these. */
export const joining = async ({ credentials, cluster }: SignersWorld, limits: object = {}): Promise<string> =>
  (await credentials.createJoinCredential(ADA, cluster, { expiresIn: null, mostUses: null, cidrs: [], replacesByName: false, ...limits })).token;

/** Of those that are enrolled, as often as they are. */
export const signerNames = async ({ signers, cluster }: SignersWorld): Promise<readonly string[]> =>
  (await signers.list(cluster)).filter(({ signer }) => signer.writtenOffAt === null).map(({ signer }) => signer.name);

/** A signer as the server sees it: keys, assertions, and the ring that it has. */
export class TestSigner {
  readonly keys: SignerKeys;
  readonly #base: string;
  readonly #now: () => Date;
  readonly #outside: Outside;
  enrolled: EnrollReply | null = null;
  has: RingPoint = { epoch: 0, version: 0 };

  constructor(base: string, now: () => Date, keys = SignerKeys.generate(), outside: Outside = {}) {
    [this.#base, this.#now, this.keys, this.#outside] = [base, now, keys, outside];
  }

  /** Sends a request, with an assertion for it unless another is given. */
  async send(method: string, target: string, body?: object, how: { readonly authorization?: string; readonly signal?: AbortSignal; readonly headers?: Record<string, string> } = {}): Promise<Reply> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const authorization = how.authorization ?? (await this.assertion(method, target, text));
    const headers = { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }), ...how.headers };
    return new Promise((resolve, reject) => {
      const url = `${this.#base}${target}`;
      const options = { method, headers, ...(this.#outside.ca === undefined ? {} : { ca: this.#outside.ca }), ...(how.signal === undefined ? {} : { signal: how.signal }) };
      const sent = (url.startsWith('https:') ? requestTls : request)(url, options, (reply) => {
        const chunks: Buffer[] = [];
        reply.on('error', reject).on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
          const answer = Buffer.concat(chunks).toString('utf8');
          resolve({ status: reply.statusCode ?? 0, body: answer === '' ? null : (JSON.parse(answer) as unknown) });
        });
      });
      sent.on('error', reject).end(text);
    });
  }

  assertion(method: string, target: string, body = ''): Promise<string> {
    const subject = this.enrolled?.signerId ?? thumbprint(this.keys.assertionJwk);
    return makeAssertion(this.keys, { subject, audience: this.#outside.audience ?? AUDIENCE }, { method, target, body: Buffer.from(body) }, this.#now());
  }

  bid(token: string, more: object = {}): object {
    return { token, assertionKey: this.keys.assertionJwk, encryptionKey: this.keys.encryptionJwk, ...more };
  }

  /** @throws MintmarkError `InternalError` with the refusal. */
  async enrol(token: string, more: object = {}): Promise<EnrollReply> {
    const { status, body } = await this.send('POST', SIGNER_PATHS.enroll, this.bid(token, more));
    if (status !== 200) throw new MintmarkError('InternalError', `${status} ${JSON.stringify(body)}`);
    return (this.enrolled = body as EnrollReply);
  }

  target(wait = 0, more: Readonly<Record<string, string>> = {}): string {
    return `${SIGNER_PATHS.ring}?${new URLSearchParams({ epoch: String(this.has.epoch), version: String(this.has.version), wait: String(wait), clock: this.#now().toISOString(), ...more })}`;
  }

  /** The next ring, opened and from now on had; null for none. */
  async ring(wait = 0, more: Readonly<Record<string, string>> = {}): Promise<OpenedRing | null> {
    const { status, body } = await this.send('GET', this.target(wait, more));
    if (status === 204) return null;
    if (status !== 200) throw new MintmarkError('InternalError', `${status} ${JSON.stringify(body)}`);
    return this.open(body as RingReply);
  }

  async open({ ring }: RingReply): Promise<OpenedRing> {
    const { issuerId, issuerURL, signerId, ringSigningKey } = this.enrolled!;
    const opened = await openRing(ring, this.keys, { issuerId, issuer: issuerURL, signer: signerId, ringSigningKey, atLeast: this.has });
    this.has = { epoch: opened.ring.epoch, version: opened.ring.version };
    return opened;
  }

  acknowledge(more: object = {}): Promise<Reply> {
    return this.send('POST', SIGNER_PATHS.acknowledge, { ...this.has, keyInUse: null, mode: 'external', leaseSeconds: LEASE, ...more });
  }
}
