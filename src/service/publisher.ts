/**
 * The reader half of the product: gives the public documents of every issuer, as bytes from memory.
 *
 * Gets read access to issuers and rings, and the right to write its own confirmation. Follows the store's changes:
 * renders anew what it holds, and only then confirms the change (rule 4: a confirmed change is what everyone is served
 * from now on). Never sees a private key. Leaves HTTP to `http/public`, and what follows from a confirmation to
 * `publications.ts`.
 */
import type { Logger } from 'pino';
import { isMintmarkError, MintmarkError } from '../domain/errors.ts';
import type { DocumentChange, DocumentReader, StoreWriter } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { DocumentMemory } from './document-memory.ts';
import { FollowLoop } from './follow-loop.ts';
import { issuerIdIn, type PublishedDocument, PublishedIssuer } from './published-documents.ts';

export type { DocumentName, PublishedDocument } from './published-documents.ts';

/** What the publisher needs of a `Store`. */
export interface DocumentSource {
  read<T>(work: (tx: DocumentReader) => Promise<T>): Promise<T>;
  write<T>(work: (tx: Pick<StoreWriter, 'confirmPublication'>) => Promise<T>): Promise<T>;
}

export interface PublisherConfig {
  /** By which its confirmations are known: no two publishers of one store share a name. */
  readonly name: string;
  /** Issuers whose documents are kept in memory, at least 1. */
  readonly maxIssuersInMemory: number;
}

/** `unavailable`: it can not be known now whether there is such a document; ask again. */
export type Answer = PublishedDocument | 'not found' | 'unavailable';

/** What happened since the start, and how things are: for metrics. */
export interface PublisherCounts {
  readonly loads: number;
  readonly failedLoads: number;
  readonly refusedLoads: number;
  readonly evictions: number;
  readonly failedRounds: number;
  readonly issuersInMemory: number;
  readonly issuersKnown: number;
  /** The store's change up to which documents are confirmed; -1 while there is none. */
  readonly confirmedChange: number;
}

type Loaded = PublishedIssuer | 'not found' | 'unavailable';

/** Issuers that are being loaded at the same time; a request for one more is told to come again. */
const MOST_LOADS = 64;
/** Milliseconds for which an issuer that could not be loaded is not tried again. */
const RETRY_AFTER = 1000;
const BATCH = 500;

export class Publisher {
  readonly #source: DocumentSource;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #config: PublisherConfig;
  readonly #memory: DocumentMemory;
  readonly #loop: FollowLoop;
  /** Ids of all issuers that may have documents: asking for any other costs no query. */
  readonly #known = new Set<string>();
  readonly #loading = new Map<string, Promise<Loaded>>();
  /** Issuers that changed while they were being loaded, so what was read may be old. */
  readonly #overtaken = new Set<string>();
  /** Issuers that could not be loaded, and when to try again. */
  readonly #failed = new Map<string, number>();
  readonly #counts = { loads: 0, failedLoads: 0, refusedLoads: 0, failedRounds: 0 };
  #seen: number | null = null;
  #confirmed: number | null = null;
  /** Whether the last round succeeded, so that an id that is not known stands for no issuer. */
  #upToDate = false;
  #round: Promise<number> | null = null;
  #nextRound: Promise<number> | null = null;

  constructor(source: DocumentSource, clock: Clock, log: Logger, config: PublisherConfig) {
    this.#source = source;
    this.#clock = clock;
    this.#log = log;
    this.#config = config;
    this.#memory = new DocumentMemory(config.maxIssuersInMemory);
    this.#loop = new FollowLoop(() => this.catchUp(), clock, log, 'the publisher');
  }

  /** Follows the store until `stop`; does not throw. */
  start(): void {
    this.#loop.start();
  }

  /** The store may have changed: look now. */
  poke(): void {
    this.#loop.poke();
  }

  /** Stops following; what is in memory is still served. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /**
   * Whether it has caught up with the store once and said so there. Until then it serves nothing: rotations wait only
   * for publishers that the store knows.
   */
  get ready(): boolean {
    return this.#confirmed !== null;
  }

  get counts(): PublisherCounts {
    return { ...this.#counts, evictions: this.#memory.evictions, issuersInMemory: this.#memory.size, issuersKnown: this.#known.size, confirmedChange: this.#confirmed ?? -1 };
  }

  /** The document at a request path, compared byte for byte. At once for what is in memory; the promise never rejects. */
  lookup(path: string): Answer | Promise<Answer> {
    const document = this.#memory.document(path, this.#clock);
    return document === undefined ? this.#lookFurther(path) : (document ?? 'not found');
  }

  /**
   * One round that begins after this call: serves every change that the store has by then, and confirms it.
   * Resolves with the number of the change that is confirmed.
   * @throws what the store throws; what is in memory goes on being served.
   */
  catchUp(): Promise<number> {
    this.#nextRound ??= this.#afterThisRound();
    return this.#nextRound;
  }

  async #afterThisRound(): Promise<number> {
    await this.#round?.catch(() => undefined);
    this.#nextRound = null;
    this.#round = this.#follow();
    return this.#round;
  }

  async #follow(): Promise<number> {
    try {
      const seen = this.#seen === null ? await this.#readAll() : await this.#readChanges(this.#seen);
      if (seen !== this.#confirmed) await this.#source.write((tx) => tx.confirmPublication(this.#config.name, seen));
      this.#confirmed = seen;
      this.#upToDate = true;
      return seen;
    } catch (error) {
      this.#upToDate = false;
      this.#counts.failedRounds += 1;
      throw error;
    }
  }

  async #readAll(): Promise<number> {
    const { change, ids } = await this.#source.read(async (tx) => ({ change: await tx.lastChange(), ids: await tx.issuerIds() }));
    for (const id of ids) this.#known.add(id);
    this.#seen = change;
    return change;
  }

  async #readChanges(since: number): Promise<number> {
    let seen = since;
    for (;;) {
      const changes = await this.#source.read((tx) => tx.changesSince(seen, BATCH));
      await this.#renew(changes);
      seen = changes.at(-1)?.change ?? seen;
      this.#seen = seen;
      if (changes.length < BATCH) return seen;
    }
  }

  /**
   * Renders anew what changed, of the issuers in memory only; each from a view of its own, so with what has changed since
   * as well. A load in flight may have an older view: it has to read again. Requests are answered after each issuer: a few
   * in one go would be what the slowest of them wait for.
   */
  async #renew(changes: readonly DocumentChange[]): Promise<void> {
    for (const { issuerId } of changes) {
      this.#known.add(issuerId);
      this.#failed.delete(issuerId);
      if (this.#loading.has(issuerId)) this.#overtaken.add(issuerId);
    }
    for (const { issuerId } of changes) {
      if (!this.#memory.has(issuerId)) continue;
      this.#keep(issuerId, await this.#source.read((tx) => this.#read(tx, issuerId)));
      await new Promise(setImmediate);
    }
  }

  #lookFurther(path: string): Answer | Promise<Answer> {
    const id = issuerIdIn(path);
    if (id === null) return 'not found';
    if (!this.ready) return 'unavailable';
    // The issuer is here, so another path than its own is wrong, in its tenant, its region or a letter's case.
    if (this.#memory.has(id)) return 'not found';
    if (!this.#known.has(id)) return this.#upToDate ? 'not found' : 'unavailable';
    return this.#load(id).then((loaded) => (typeof loaded === 'string' ? loaded : this.#answer(loaded, path)));
  }

  #answer(issuer: PublishedIssuer, path: string): Answer {
    const name = issuer.nameAt(path);
    return (name === null ? null : issuer.document(name, this.#clock)) ?? 'not found';
  }

  #load(id: string): Promise<Loaded> {
    const loading = this.#loading.get(id);
    if (loading !== undefined) return loading;
    if (this.#loading.size >= MOST_LOADS || (this.#failed.get(id) ?? 0) > this.#clock.now().getTime()) {
      this.#counts.refusedLoads += 1;
      return Promise.resolve('unavailable');
    }
    const started = this.#loadNow(id);
    this.#loading.set(id, started);
    return started;
  }

  async #loadNow(id: string): Promise<Loaded> {
    this.#counts.loads += 1;
    let loaded: Loaded;
    try {
      do {
        this.#overtaken.delete(id);
        loaded = await this.#source.read((tx) => this.#read(tx, id));
      } while (this.#overtaken.has(id));
    } catch (err) {
      this.#log.error({ err, issuer: id }, 'the documents of an issuer could not be loaded; it is answered with 503');
      loaded = 'unavailable';
    }
    this.#loading.delete(id);
    this.#overtaken.delete(id);
    this.#keep(id, loaded);
    return loaded;
  }

  /**
   * A record that is not whole makes its issuer unavailable, and no other: what was served of it before may hold a key
   * that is revoked. A failure of the store itself is thrown: what was served before is still the best there is.
   */
  async #read(tx: DocumentReader, id: string): Promise<Loaded> {
    try {
      const issuer = await tx.issuer(id);
      if (issuer === null) return 'not found';
      const ring = await tx.keyRing(id);
      if (ring !== null) return new PublishedIssuer(issuer, ring, this.#clock.now());
      if (issuer.deletedAt !== null) return 'not found';
      throw new MintmarkError('StoreCorrupt', `The issuer ${id} has no key ring.`);
    } catch (err) {
      if (!isMintmarkError(err, 'StoreCorrupt')) throw err;
      this.#log.error({ err, issuer: id }, 'an issuer is not whole in the store; it is answered with 503');
      return 'unavailable';
    }
  }

  #keep(id: string, loaded: Loaded): void {
    this.#failed.delete(id);
    if (loaded instanceof PublishedIssuer) return this.#memory.add(loaded);
    this.#memory.remove(id);
    if (loaded === 'not found') this.#known.delete(id);
    else this.#fail(id);
  }

  #fail(id: string): void {
    this.#counts.failedLoads += 1;
    this.#failed.set(id, this.#clock.now().getTime() + RETRY_AFTER);
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > this.#config.maxIssuersInMemory && oldest !== undefined) this.#failed.delete(oldest);
  }
}
