/**
 * The documents of one issuer as bytes, ready to be sent: rendered once from a ring, then served until a commit
 * replaces them. What happens by time alone (a key leaves, the issuer is gone) is rendered ahead, as a timetable.
 *
 * Leaves to `publisher.ts`: when to render, and for whom to keep it; to the HTTP edge: how a reply looks.
 */
import { createHash } from 'node:crypto';
import { type Documents, documentTimetable } from '../domain/discovery.ts';
import { MintmarkError } from '../domain/errors.ts';
import { DISCOVERY_SUFFIX, type Issuer, JWKS_SUFFIX } from '../domain/issuer.ts';
import type { KeyRing } from '../domain/key-ring.ts';
import type { Clock } from './clock.ts';

const SUFFIXES = { discovery: DISCOVERY_SUFFIX, jwks: JWKS_SUFFIX } as const;

export type DocumentName = keyof typeof SUFFIXES;

const DOCUMENT_NAMES = Object.keys(SUFFIXES) as readonly DocumentName[];

/** One document for one stretch of time. */
export interface PublishedDocument {
  readonly name: DocumentName;
  readonly body: Buffer;
  /** Strong (RFC 9110, section 8.8.1): a hash of the bytes, quotes included. */
  readonly etag: string;
  /** Seconds for which a copy may be kept. */
  readonly maxAge: number;
}

/** Both documents of an issuer from one instant to the next. */
interface Stretch extends Readonly<Record<DocumentName, PublishedDocument>> {
  /** Milliseconds since 1970; null when only a commit ends it. */
  readonly until: number | null;
}

const ISSUER_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The id of the issuer whose document could be at a request path, byte for byte: the path ends in a document's suffix,
 * and what stands before it ends in `/{uuid}/`, as every issuer URL does. Null when no issuer can have that path.
 */
export function issuerIdIn(path: string): string | null {
  const suffix = DOCUMENT_NAMES.map((name) => `/${SUFFIXES[name]}`).find((end) => path.endsWith(end));
  if (suffix === undefined) return null;
  const issuerPath = path.slice(0, -suffix.length);
  const id = issuerPath.slice(issuerPath.lastIndexOf('/') + 1);
  return ISSUER_ID.test(id) ? id : null;
}

/** An issuer's documents in memory. The stretches only go forward, also where the clock does not. */
export class PublishedIssuer {
  readonly id: string;
  /** Both request paths. */
  readonly paths: Readonly<Record<DocumentName, string>>;
  /** Set at each request, taken back by whoever looks for something to evict. */
  used = true;
  readonly #epoch: number;
  readonly #version: number;
  readonly #stretches: readonly Stretch[];
  #current = 0;

  /** @throws MintmarkError `StoreCorrupt` when the ring can not be rendered. */
  constructor(issuer: Issuer, ring: KeyRing, now: Date) {
    this.id = issuer.id;
    this.paths = { discovery: `${issuer.path}${DISCOVERY_SUFFIX}`, jwks: `${issuer.path}${JWKS_SUFFIX}` };
    this.#epoch = ring.epoch;
    this.#version = ring.version;
    this.#stretches = render(issuer, ring, now);
  }

  /** What is served now; null when the last token has ended and the issuer is gone. Asks the clock only if time matters. */
  document(name: DocumentName, clock: Clock): PublishedDocument | null {
    this.used = true;
    let stretch = this.#stretches[this.#current];
    while (stretch !== undefined && stretch.until !== null && stretch.until <= clock.now().getTime()) {
      this.#current += 1;
      stretch = this.#stretches[this.#current];
    }
    return stretch === undefined ? null : stretch[name];
  }

  /** Which of its documents has this path, byte for byte. */
  nameAt(path: string): DocumentName | null {
    return DOCUMENT_NAMES.find((name) => this.paths[name] === path) ?? null;
  }

  /** Whether this was rendered from a later commit than `other`. */
  isNewerThan(other: PublishedIssuer): boolean {
    return this.#epoch === other.#epoch ? this.#version > other.#version : this.#epoch > other.#epoch;
  }
}

function render(issuer: Issuer, ring: KeyRing, now: Date): readonly Stretch[] {
  try {
    return documentTimetable(issuer, ring, now).map(stretchOf);
  } catch (cause) {
    throw new MintmarkError('StoreCorrupt', `The key ring of issuer ${issuer.id} (version ${ring.version}) can not be published.`, { cause });
  }
}

function stretchOf({ discovery, jwks, maxAge, until }: Documents): Stretch {
  return { discovery: publish('discovery', discovery, maxAge), jwks: publish('jwks', jwks, maxAge), until: until?.getTime() ?? null };
}

function publish(name: DocumentName, content: object, maxAge: number): PublishedDocument {
  const body = Buffer.from(JSON.stringify(content));
  return { name, body, etag: `"${createHash('sha256').update(body).digest('base64url')}"`, maxAge };
}
