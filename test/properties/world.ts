/**
 * A small world for properties: the real services on a store, time that is moved by hand, publishers that can stall,
 * relying parties that keep a document for as long as they may, or twice as long, and signers with their API servers.
 *
 * Only three things are not real: time, the making of keys and the mathematics of signing (a token names its key).
 */
import assert from 'node:assert/strict';
import { freezeAt } from '../../src/domain/freeze-windows.ts';
import type { KeyRing } from '../../src/domain/key-ring.ts';
import { maxAge, publishedKeys } from '../../src/domain/key-ring.ts';
import type { Resource } from '../../src/domain/resource.ts';
import { importSigningKey, importVerifyOnly } from '../../src/domain/imported-key.ts';
import { nextStep, type RingSettings } from '../../src/domain/rotation-schedule.ts';
import type { TokenClaims } from '../../src/domain/service-account-token.ts';
import type { TokenSigner } from '../../src/keys/sign.ts';
import type { Caller } from '../../src/service/caller.ts';
import { createEnrolledSigners, type EnrolledSigners } from '../../src/service/enrolled-signers.ts';
import { createIssuers } from '../../src/service/issuers.ts';
import { createKeyRings, type RotateHow, type RotationResult } from '../../src/service/key-rings.ts';
import type { NewKeys } from '../../src/service/new-keys.ts';
import { createPublications } from '../../src/service/publications.ts';
import { createRingCommits } from '../../src/service/ring-commits.ts';
import { adoptRingSettings } from '../../src/service/ring-settings.ts';
import { createRotator } from '../../src/service/rotator.ts';
import { createTokens } from '../../src/service/tokens.ts';
import type { Store } from '../../src/store/store.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import { newKey, RING_SETTINGS, START } from '../support/rings.ts';
import { Fleet } from './fleet.ts';
import { pino } from 'pino';

export interface Token {
  readonly kid: string;
  readonly claims: Pick<TokenClaims, 'exp'>;
}

interface HeldDocument {
  readonly kids: ReadonlySet<string>;
  readonly until: number;
}

const SILENT = pino({ level: 'silent' });
const SUBSCRIPTION = '/subscriptions/sub';
const PUBLISHERS = ['east', 'west'] as const;
type PublisherName = (typeof PUBLISHERS)[number];

/** A back end, by the clock that it is given. */
export type OpenStore = (options: { readonly clock: () => Date }) => Store | Promise<Store>;

export class World {
  /** Milliseconds of true time; the store's clock may be off by `skew`. */
  time = START.getTime();
  skew = 0;
  /** Opened by `begin`. */
  store!: Store;
  readonly tokens: Token[] = [];
  /** Kids whose tokens may fail, because someone asked for something that breaks them and it was named. */
  readonly excused = new Set<string>();
  /** Kids that were ever revoked. */
  readonly revoked = new Set<string>();
  /** Kids that a rotation by hand has revoked, or will once nobody signs with them. */
  readonly named = new Set<string>();
  readonly operations = new Set<string>();
  readonly fleet = new Fleet(this);
  stalled = new Set<PublisherName>();
  /** False once the store's clock was set: then only relying parties that honour max-age are promised anything. */
  isSteady = true;
  settings = RING_SETTINGS;
  /** Runs while a token is being signed. */
  duringSign: (() => Promise<void>) | null = null;
  #services!: ReturnType<World['compose']>;
  #cluster!: Resource;
  #made = 0;
  readonly #served = new Map<PublisherName, KeyRing>();
  /** relying party → document; the even ones honour max-age, the odd ones keep it twice as long. */
  readonly #held: (HeldDocument | null)[] = [null, null, null, null];

  storeTime(): Date {
    return new Date(this.time + this.skew);
  }

  /** Begins with one cluster and its issuer. */
  static async begin(gapSeconds: number, rotateEvery: number | null, openStore: OpenStore = openMemoryStore): Promise<World> {
    const world = new World();
    world.store = await openStore({ clock: () => world.storeTime() });
    world.settings = { ...RING_SETTINGS, publicationGapSeconds: gapSeconds };
    world.#services = world.compose(rotateEvery);
    const { issuers } = world.#services;
    const id = `${SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c`;
    const made = await issuers.conceive({ tenantId: 'tenant', subscriptionId: 'sub', clusterId: id, region: 'eastus' });
    world.#cluster = { id, type: 'Microsoft.ContainerService/managedClusters', name: 'c', tenantId: 'tenant', subscriptionId: 'sub', location: 'eastus', tags: {}, envelope: {}, properties: {}, issuerId: made.issuer.id, version: 1, createdAt: START, updatedAt: START };
    await world.store.write((tx) => issuers.insert(tx, made, 'principal:ada'));
    await world.#services.publications.settle();
    return world;
  }

  /** The same store under a new process with another configuration. */
  async restart(changed: Partial<RingSettings>): Promise<void> {
    this.settings = { ...this.settings, ...changed };
    // What a new issuer would rotate by is of no interest: there is only the one.
    this.#services = this.compose(null);
    await adoptRingSettings(this.store, this.settings);
  }

  async ring(): Promise<KeyRing> {
    const ring = await this.store.read((tx) => tx.keyRing(this.#cluster.issuerId!));
    assert.ok(ring);
    return ring;
  }

  async runRotator(): Promise<void> {
    const before = await this.ring();
    await this.#services.rotator.runDue();
    const after = await this.ring();
    assert.equal(nextStep(after, this.settings, this.store.now()).do, 'wait', 'the rotator left nothing undone');
    await this.#services.publications.settle();
    await assertNotShortened(before, await this.ring(), this.storeTime());
    await this.assertFrozen(before.version);
  }

  /** Since that version no key rotated by itself in a freeze window. */
  private async assertFrozen(version: number): Promise<void> {
    const { items } = await this.store.read((tx) => tx.events(this.#cluster.issuerId!, { limit: 100 }));
    for (const { ringVersion, kind, cause, at } of items) {
      if (ringVersion > version && kind === 'activated' && cause === 'automatic') assert.equal(freezeAt(this.settings.freezeWindows, at), null, `a key rotated by itself at ${at.toISOString()}`);
    }
  }

  async rotate(how: RotateHow, requestId: string | null = null): Promise<RotationResult> {
    const before = await this.ring();
    const result = await this.#services.keyRings.rotate(caller(requestId), this.#cluster, how);
    this.operations.add(result.operation.id);
    const rotated = await this.ring();
    const mayRevoke = this.settings.secondRotation === 'allow' || how.force || how.emergency || how.revokePrevious === true;
    if (!mayRevoke) await assertNotShortened(before, rotated, this.storeTime());
    if (how.force || how.emergency) this.excuse(activeKid(rotated));
    const leaving = [...result.revoked, ...(rotated.pending?.revokes ?? [])];
    if (how.force || how.emergency) this.named.clear();
    else for (const kid of leaving) if (stateOf(before, kid) !== 'revoked') this.named.add(kid);
    if (!how.emergency) assert.ok(result.revoked.every((kid) => stateOf(before, kid) !== 'active'), 'a rotation revokes what was retired, never what signs');
    for (const kid of leaving) this.excuse(kid);
    return result;
  }

  /** Revokes the key at an index of the list, with force. */
  async revoke(index: number): Promise<void> {
    const ring = await this.ring();
    const keys = [...ring.keys, ...ring.verifyOnly.map((key) => ({ ...key, state: 'verifies only' as const }))];
    const key = keys[index % keys.length]!;
    const result = await this.#services.keyRings.revokeKey(caller(null), this.#cluster, key.kid, true);
    this.operations.add(result.operation.id);
    this.excuse(key.kid);
    this.named.delete(key.kid);
    this.revoked.add(key.kid);
    if (key.state === 'active') this.excuse(activeKid(await this.ring()));
  }

  async issueToken(expirationSeconds: number): Promise<void> {
    const { token } = await this.#services.tokens.issue(this.#cluster, { serviceAccount: { namespace: 'default', name: 'web' }, audiences: [], expirationSeconds });
    const issued = JSON.parse(token) as Token;
    assert.notEqual(stateOf(await this.ring(), issued.kid), 'revoked', 'a token of a revoked key was given out');
    this.tokens.push(issued);
  }

  setClock(secondsOff: number): void {
    this.skew = secondsOff * 1000;
    this.isSteady = false;
  }

  excuse(kid: string): void {
    this.excused.add(kid);
  }

  async settle(): Promise<void> {
    await this.#services.publications.settle();
  }

  /** Every token that has not ended verifies at every relying party, unless its key was broken by request. */
  async assertTokensVerify(): Promise<void> {
    for (const token of this.tokens) {
      if (token.claims.exp * 1000 <= this.time || this.excused.has(token.kid)) continue;
      const parties = this.isSteady ? [0, 1, 2, 3] : [0, 2];
      parties.forEach((party) => assert.ok(this.documentOf(party).has(token.kid), `relying party ${party} refuses a token of ${token.kid} that ends at ${token.claims.exp}, at ${this.time / 1000}`));
    }
    await this.fleet.assertTokensVerify(this.tokens.filter(({ kid }) => !this.excused.has(kid)));
  }

  get issuerId(): string {
    return this.#cluster.issuerId!;
  }

  get signers(): EnrolledSigners {
    return this.#services.signers;
  }

  async importKey(name: string, sign: boolean, verifyForSeconds: number | null): Promise<void> {
    const why = { cause: 'import', actor: 'principal:ada', reason: 'a key was imported' } as const;
    const key = newKey(name);
    await this.store.write(async (tx) => {
      const wasRevoked = await tx.isRevoked(this.issuerId, key.kid);
      await this.#services.rings.commit(tx, this.issuerId, (ring, now) => (sign
        ? importSigningKey(ring, key, wasRevoked, now, why)
        : importVerifyOnly(ring, key, verifyForSeconds === null ? null : new Date(now.getTime() + verifyForSeconds * 1000), wasRevoked, now, why)));
    });
  }

  /** As the deletion of the cluster does it. */
  async close(): Promise<void> {
    await this.store.write((tx) => this.#services.issuers.close(tx, this.issuerId, 'principal:ada'));
  }

  private documentOf(party: number): ReadonlySet<string> {
    const held = this.#held[party];
    if (held !== null && held !== undefined && this.time < held.until) return held.kids;
    const ring = this.#served.get(PUBLISHERS[party < 2 ? 0 : 1])!;
    const kids = new Set(publishedKeys(ring, this.storeTime()).map(({ kid }) => kid));
    this.#held[party] = { kids, until: this.time + maxAge(ring) * 1000 * (party % 2 === 0 ? 1 : 2) };
    return kids;
  }

  private async catchUp(): Promise<void> {
    for (const name of PUBLISHERS) {
      if (this.stalled.has(name)) continue;
      const { ring, change } = await this.store.read(async (tx) => ({ ring: this.#cluster === undefined ? null : await tx.keyRing(this.#cluster.issuerId!), change: await tx.lastChange() }));
      if (ring !== null) this.#served.set(name, ring);
      await this.store.write((tx) => tx.confirmPublication(name, change));
    }
  }

  private compose(rotateEvery: number | null) {
    const { store } = this;
    const newKeys: NewKeys = { make: async (count) => ({ keys: Array.from({ length: count }, () => newKey((this.#made += 1))), settle: () => undefined }) };
    const signer: TokenSigner = {
      sign: async ({ kid }, payload) => {
        await this.duringSign?.();
        return JSON.stringify({ kid, claims: JSON.parse(payload) as TokenClaims });
      },
      forget: () => undefined,
    };
    const rings = createRingCommits(this.settings, () => undefined);
    const publications = createPublications(store, rings, () => this.catchUp(), SILENT);
    const settings = { issuerUrlTemplate: 'https://{region}.oic.example.com/{tenantId}/{uuid}/', rotationPolicy: { rotateEvery } };
    return {
      rings,
      signers: createEnrolledSigners(rings),
      issuers: createIssuers(store, newKeys, rings, settings),
      keyRings: createKeyRings({ store, newKeys, rings, publications, wakeRotator: () => undefined }),
      rotator: createRotator({ store, clock: { now: () => this.storeTime(), wait: async () => undefined }, newKeys, rings, publications, log: SILENT }),
      tokens: createTokens(store, signer, 10),
      publications,
    };
  }
}

const caller = (clientRequestId: string | null): Caller => ({ principalId: 'ada', tenantId: 'tenant', clientRequestId });
const activeKid = (ring: KeyRing): string => ring.keys.find((key) => key.state === 'active')!.kid;
const stateOf = (ring: KeyRing, kid: string): string | undefined => ring.keys.find((key) => key.kid === kid)?.state;

/** What acts by itself never takes a key out of the JWKS before its end, and never moves an end that was set. The end of a key that has none yet may be long past. */
async function assertNotShortened(before: KeyRing, later: KeyRing, now: Date): Promise<void> {
  const left = new Set(publishedKeys(later, now).map(({ kid }) => kid));
  for (const key of publishedKeys(before, now).filter(({ state, expiresAt }) => state !== 'retired' || expiresAt !== null)) {
    assert.ok(left.has(key.kid), `the rotator took ${key.kid} out of the JWKS before its end`);
    const same = later.keys.find(({ kid }) => kid === key.kid);
    if (key.expiresAt !== null) assert.deepEqual(same?.expiresAt, key.expiresAt);
  }
}
