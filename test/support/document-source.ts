/**
 * A store as the publisher sees it, for tests of the public host: in memory, counts what it is asked,
 * and fails or stands still on demand.
 */
import { type Issuer, issuerPath } from '../../src/domain/issuer.ts';
import type { KeyRing } from '../../src/domain/key-ring.ts';
import { type Clock, waitMs } from '../../src/service/clock.ts';
import type { DocumentSource } from '../../src/service/publisher.ts';
import { newRing, START } from './rings.ts';

const TENANT = '11111111-1111-4111-8111-111111111111';

type Reader = Parameters<Parameters<DocumentSource['read']>[0]>[0];

export class FixtureSource implements DocumentSource {
  readonly confirmed: { readonly publisher: string; readonly change: number }[] = [];
  /** Reads of issuers, that is loads; reads that only follow changes do not count. */
  issuerReads = 0;
  /** What every read and write throws. */
  failure: Error | null = null;
  /** What every write throws. */
  writeFailure: Error | null = null;
  /** What reading these rings throws. */
  readonly corrupt = new Map<string, Error>();
  /** When set, reads of issuers wait for it after they have read. */
  gate: Promise<void> | null = null;
  readonly #issuers = new Map<string, Issuer>();
  readonly #rings = new Map<string, KeyRing>();
  readonly #changes = new Map<string, number>();
  #last = 0;

  /** Writes down a commit; gives its change. */
  commit(issuer: Issuer, ring: KeyRing): number {
    this.#issuers.set(issuer.id, issuer);
    this.#rings.set(issuer.id, ring);
    this.#changes.set(issuer.id, ++this.#last);
    return this.#last;
  }

  forget(issuerId: string): void {
    this.#issuers.delete(issuerId);
    this.#rings.delete(issuerId);
    this.#changes.set(issuerId, ++this.#last);
  }

  async read<T>(work: (tx: Reader) => Promise<T>): Promise<T> {
    if (this.failure !== null) throw this.failure;
    return work(this.#reader());
  }

  async write<T>(work: (tx: { confirmPublication(publisher: string, change: number): Promise<void> }) => Promise<T>): Promise<T> {
    const failure = this.failure ?? this.writeFailure;
    if (failure !== null) throw failure;
    return work({ confirmPublication: async (publisher, change) => void this.confirmed.push({ publisher, change }) });
  }

  #reader(): Reader {
    return {
      issuer: async (id) => {
        this.issuerReads += 1;
        return this.#issuers.get(id) ?? null;
      },
      keyRing: async (id) => {
        const [failure, ring] = [this.corrupt.get(id), this.#rings.get(id) ?? null];
        await this.gate;
        if (failure !== undefined) throw failure;
        return ring;
      },
      issuerIds: async () => [...this.#issuers.keys()],
      lastChange: async () => this.#last,
      changesSince: async (since, limit) =>
        [...this.#changes].map(([issuerId, change]) => ({ issuerId, change })).filter(({ change }) => change > since)
          .toSorted((one, other) => one.change - other.change).slice(0, limit),
    };
  }
}

/** A clock that stands still until it is moved. Whoever waits is woken by its signal, or by `advance`. */
export class FixtureClock implements Clock {
  #now = START;
  #moved = new AbortController();

  now(): Date {
    return this.#now;
  }

  advance(seconds: number): void {
    this.#now = new Date(this.#now.getTime() + seconds * 1000);
    this.#moved.abort();
    this.#moved = new AbortController();
  }

  async wait(until: Date | null, wake: AbortSignal): Promise<void> {
    while (!wake.aborted && (until === null || this.#now < until)) await waitMs(60_000, AbortSignal.any([wake, this.#moved.signal]));
  }
}

/** The issuer with this number. */
export function anIssuer(number = 0): Issuer {
  const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  const url = `https://issuer.example.com/eastus/${TENANT}/${id}/`;
  return { id, tenantId: TENANT, subscriptionId: TENANT, clusterId: `/clusters/${number}`, url, path: issuerPath(url), region: 'eastus', mode: 'managed', createdAt: START, deletedAt: null };
}

/** Its ring as it is born at `START`: `1A 2P`. */
export const aRing = (issuer: Issuer): KeyRing => ({ ...newRing(), issuerId: issuer.id });
