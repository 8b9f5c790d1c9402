/**
 * How often one may ask: token buckets in memory, by network address, by principal and by client id.
 *
 * A bucket holds `burst` tokens and gets `perSecond` new ones; who finds none is refused and told when to come back. The
 * number of buckets is bounded: the one not used for the longest gives way, which only forgives what it had counted.
 * Each process counts for itself. Addresses of IPv6 count by their network of 64 bits, which is one customer's.
 */
import QuickLRU from 'quick-lru';
import { MINUTE } from '../domain/durations.ts';
import { MintmarkError } from '../domain/errors.ts';

/** What one may do for long; four seconds' worth of it at once. */
export interface ThrottleLimits {
  /** A second, to the management API from one address, logged in or not. */
  readonly requestsPerAddress: number;
  /** A second. */
  readonly requestsPerPrincipal: number;
  /** A second. */
  readonly loginsPerAddress: number;
  /** A minute, with a wrong secret, for each client id; as many at once. */
  readonly failedLogins: number;
}

interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface Throttle {
  /** Each throws MintmarkError `TooManyRequests`. */
  request(address: string): void;
  principal(principalId: string): void;
  login(address: string): void;
  /** To be called before a secret is looked at; the attempt counts unless it is forgiven. */
  attempt(clientId: string): void;
  forgive(clientId: string): void;
}

const BURST_SECONDS = 4;
const DEFAULT_MOST_BUCKETS = 10_000;

export function createThrottle(limits: ThrottleLimits, now: () => Date, mostBuckets = DEFAULT_MOST_BUCKETS): Throttle {
  const make = (rate: Rate, whose: string): Buckets => new Buckets(rate, whose, now, mostBuckets);
  const each = (perSecond: number): Rate => ({ perSecond, burst: BURST_SECONDS * perSecond });
  const requests = make(each(limits.requestsPerAddress), 'requests from this address');
  const principals = make(each(limits.requestsPerPrincipal), 'requests of this principal');
  const logins = make(each(limits.loginsPerAddress), 'logins from this address');
  const failures = make({ perSecond: limits.failedLogins / MINUTE, burst: limits.failedLogins }, 'failed logins of this client');
  return {
    request: (address) => requests.take(networkOf(address)),
    principal: (principalId) => principals.take(principalId.toLowerCase()),
    login: (address) => logins.take(networkOf(address)),
    attempt: (clientId) => failures.take(clientId.toLowerCase()),
    forgive: (clientId) => failures.giveBack(clientId.toLowerCase()),
  };
}

interface Bucket {
  readonly tokens: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

class Buckets {
  readonly #rate: Rate;
  readonly #whose: string;
  readonly #now: () => Date;
  readonly #buckets: QuickLRU<string, Bucket>;

  constructor(rate: Rate, whose: string, now: () => Date, most: number) {
    [this.#rate, this.#whose, this.#now] = [rate, whose, now];
    this.#buckets = new QuickLRU({ maxSize: most });
  }

  take(key: string): void {
    const { tokens, at } = this.#level(key);
    if (tokens < 1) throw this.#refusal(tokens);
    this.#buckets.set(key, { tokens: tokens - 1, at });
  }

  giveBack(key: string): void {
    const { tokens, at } = this.#level(key);
    this.#buckets.set(key, { tokens: Math.min(this.#rate.burst, tokens + 1), at });
  }

  #level(key: string): Bucket {
    const [{ perSecond, burst }, now, found] = [this.#rate, this.#now().getTime(), this.#buckets.get(key)];
    return { tokens: found === undefined ? burst : Math.min(burst, found.tokens + (Math.max(0, now - found.at) / 1000) * perSecond), at: now };
  }

  #refusal(tokens: number): MintmarkError {
    const retryAfter = Math.max(1, Math.ceil((1 - tokens) / this.#rate.perSecond));
    return new MintmarkError('TooManyRequests', `There were too many ${this.#whose}. Try again in ${retryAfter} s.`, { retryAfter });
  }
}

/** An address of IPv4, also inside of one of IPv6, or the first 64 bits of one of IPv6 (RFC 4291, section 2.2). */
function networkOf(address: string): string {
  const ipv4 = /(?:^|:)(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (ipv4 !== undefined) return ipv4;
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::');
  const [before, behind] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== ''));
  const left = Math.max(0, tail === undefined ? 0 : 8 - before!.length - behind!.length);
  return [...before!, ...Array.from({ length: left }, () => '0'), ...behind!].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, '')).join(':');
}
