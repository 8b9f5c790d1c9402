/**
 * Issuers: made with their cluster, closed with it, and shown with their ring.
 *
 * Leaves to `key-rings.ts` what changes a ring, to `clusters.ts` when an issuer is made.
 */
import { randomUUID } from 'node:crypto';
import { MintmarkError } from '../domain/errors.ts';
import { type Issuer, issuerPath, renderIssuerUrl } from '../domain/issuer.ts';
import type { KeyRing, RotationPolicy } from '../domain/key-ring.ts';
import type { NewKey } from '../domain/key-ring-change.ts';
import type { Resource } from '../domain/resource.ts';
import { birth, close } from '../domain/rotation.ts';
import { type NextActivation, nextActivation, nextStep, type RingSettings, type Step } from '../domain/rotation-schedule.ts';
import type { Listed, NumberedEvent, Page, Store, StoreWriter } from '../store/store.ts';
import type { NewKeys } from './new-keys.ts';
import type { RingCommits } from './ring-commits.ts';

/** What of a cluster leads to its issuer. */
export type IssuerHolder = Pick<Resource, 'id' | 'name' | 'issuerId'>;

/** An issuer that is ready to be inserted with its cluster. */
export interface NewIssuer {
  readonly issuer: Issuer;
  readonly keys: readonly [NewKey, NewKey];
  /** Returns its keys to the pool when it is not inserted. */
  giveBack(): void;
}

export interface IssuerView {
  readonly issuer: Issuer;
  readonly ring: KeyRing;
  readonly now: Date;
  /** What the rotator would do now. */
  readonly step: Step;
  /** When the prepared key takes over, by what is known now. */
  readonly nextActivation: NextActivation | null;
  readonly settings: RingSettings;
  /** kid → recorded tokens that have not ended. */
  readonly liveTokens: ReadonlyMap<string, number>;
}

export interface IssuerSettings {
  readonly issuerUrlTemplate: string;
  /** What a new issuer's rotation policy is. */
  readonly rotationPolicy: RotationPolicy;
}

export interface Issuers {
  /** Makes an issuer's id, URL and keys; outside of any transaction. */
  conceive(of: { readonly tenantId: string; readonly subscriptionId: string; readonly clusterId: string; readonly region: string }): Promise<NewIssuer>;
  /** Inserts it, in the transaction of its cluster. */
  insert(tx: StoreWriter, made: NewIssuer, actor: string): Promise<void>;
  /** Closes it, in the transaction that deletes its cluster (rule 14). */
  close(tx: StoreWriter, issuerId: string, actor: string): Promise<void>;
  /** @throws MintmarkError `IssuerNotEnabled` when the cluster has none. */
  view(cluster: IssuerHolder): Promise<IssuerView>;
  /** The member of the view of that name, for the cost of the ring alone. @throws MintmarkError `IssuerNotEnabled`. */
  nextActivation(cluster: IssuerHolder): Promise<NextActivation | null>;
  /** Newest first. */
  events(cluster: Resource, page: Page): Promise<Listed<NumberedEvent>>;
}

const EPOCH = 1;

export function createIssuers(store: Store, newKeys: NewKeys, rings: RingCommits, settings: IssuerSettings): Issuers {
  return {
    async conceive(of) {
      const id = randomUUID();
      const url = renderIssuerUrl(settings.issuerUrlTemplate, { region: of.region, tenantId: of.tenantId, uuid: id });
      const made = await newKeys.make(2, { tenantId: of.tenantId, issuerId: id });
      const issuer: Issuer = { ...of, id, url, path: issuerPath(url), mode: 'managed', createdAt: store.now(), deletedAt: null };
      return { issuer, keys: [made.keys[0]!, made.keys[1]!], giveBack: () => made.settle(null) };
    },
    async insert(tx, { issuer, keys }, actor) {
      await tx.insertIssuer({ ...issuer, createdAt: tx.now });
      const ring = { issuerId: issuer.id, epoch: EPOCH, policy: settings.rotationPolicy, gapSeconds: rings.settings.publicationGapSeconds };
      await rings.insert(tx, birth(ring, ...keys, tx.now, { cause: 'birth', actor, reason: 'the issuer was enabled' }));
    },
    async close(tx, issuerId, actor) {
      await rings.commit(tx, issuerId, (ring, now) => close(ring, now, { cause: 'deletion', actor, reason: 'its cluster was deleted' }));
      await tx.markIssuerDeleted(issuerId, tx.now);
    },
    view: (cluster) => viewIssuer(store, rings.settings, issuerIdOf(cluster)),
    nextActivation: (cluster) => store.read(async (tx) => {
      const issuerId = issuerIdOf(cluster);
      const ring = await tx.keyRing(issuerId);
      if (ring === null) throw notInStore(issuerId);
      return nextActivation(ring, rings.settings, store.now());
    }),
    events: (cluster, page) => store.read((tx) => tx.events(issuerIdOf(cluster), page)),
  };
}

/** The issuer that a cluster points to. @throws MintmarkError `IssuerNotEnabled`. */
export function issuerIdOf(cluster: IssuerHolder): string {
  if (cluster.issuerId !== null) return cluster.issuerId;
  throw new MintmarkError('IssuerNotEnabled', `The cluster '${cluster.name}' has no OIDC issuer. Enable it: az aks update --enable-oidc-issuer -g ${groupOf(cluster)} -n ${cluster.name}`);
}

async function viewIssuer(store: Store, settings: RingSettings, issuerId: string): Promise<IssuerView> {
  return store.read(async (tx) => {
    const now = store.now();
    const [issuer, ring, liveTokens] = [await tx.issuer(issuerId), await tx.keyRing(issuerId), await tx.liveTokens(issuerId, now)];
    if (issuer === null || ring === null) throw notInStore(issuerId);
    return { issuer, ring, now, step: nextStep(ring, settings, now), nextActivation: nextActivation(ring, settings, now), settings, liveTokens };
  });
}

const groupOf = (cluster: IssuerHolder): string => cluster.id.split('/')[4] ?? '';

const notInStore = (issuerId: string): MintmarkError => new MintmarkError('StoreCorrupt', `The issuer ${issuerId}, to which a cluster points, is not in the store.`);
