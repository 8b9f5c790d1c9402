/**
 * The issuers that are in memory, by request path and by id, at most so many of them.
 *
 * When it is full, the issuer that was added first and not asked for since gives way ("second chance"), so a request for
 * what is here costs one look-up and moves nothing.
 */
import type { Clock } from './clock.ts';
import type { DocumentName, PublishedDocument, PublishedIssuer } from './published-documents.ts';

interface Place {
  readonly issuer: PublishedIssuer;
  readonly name: DocumentName;
}

export class DocumentMemory {
  evictions = 0;
  readonly #limit: number;
  readonly #issuers = new Map<string, PublishedIssuer>();
  readonly #places = new Map<string, Place>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#issuers.size;
  }

  has(issuerId: string): boolean {
    return this.#issuers.has(issuerId);
  }

  /** The document at a request path; null when its issuer is gone; undefined when nothing is known of the path. */
  document(path: string, clock: Clock): PublishedDocument | null | undefined {
    const place = this.#places.get(path);
    return place?.issuer.document(place.name, clock);
  }

  /** Takes in an issuer, unless what is here is of the same commit or a later one. */
  add(issuer: PublishedIssuer): void {
    const old = this.#issuers.get(issuer.id);
    if (old !== undefined && !issuer.isNewerThan(old)) return;
    if (old !== undefined) issuer.used = old.used;
    this.#issuers.set(issuer.id, issuer);
    for (const name of ['discovery', 'jwks'] as const) this.#places.set(issuer.paths[name], { issuer, name });
    if (this.#issuers.size > this.#limit) this.#evict(issuer);
  }

  remove(issuerId: string): void {
    const issuer = this.#issuers.get(issuerId);
    if (issuer === undefined) return;
    this.#issuers.delete(issuerId);
    for (const path of Object.values(issuer.paths)) this.#places.delete(path);
  }

  /** One issuer gives way; not the newest, which is being asked for. Ends after one round at most, which takes back every `used`. */
  #evict(newest: PublishedIssuer): void {
    for (const candidate of this.#issuers.values()) {
      if (!candidate.used && candidate !== newest) {
        this.remove(candidate.id);
        this.evictions += 1;
        return;
      }
      candidate.used = false;
      this.#issuers.delete(candidate.id);
      this.#issuers.set(candidate.id, candidate);
    }
  }
}
