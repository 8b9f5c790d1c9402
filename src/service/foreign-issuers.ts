/**
 * Keys of issuers that are not of this server: from their discovery document and JWKS (OpenID Connect Discovery 1.0,
 * section 4), fetched when they are needed and kept for as long as their headers say, within bounds.
 *
 * A key that is not known is looked for again, but not more often than every half minute; a failure is remembered as
 * long. What is no longer fresh is not used, whatever happened to its issuer. An issuer under our own addresses is never
 * fetched. Leaves to `fetch/guarded-fetch.ts` which machines may be asked at all.
 */
import QuickLRU from 'quick-lru';
import { ALGORITHMS, type PublicMembers } from '../domain/algorithms.ts';
import { type ClientAssertion, refusedAssertion, shown } from '../domain/client-assertion.ts';
import { DAY, MINUTE } from '../domain/durations.ts';
import { MintmarkError } from '../domain/errors.ts';
import { DISCOVERY_SUFFIX } from '../domain/issuer.ts';
import type { FetchedJson, GuardedFetch } from '../fetch/guarded-fetch.ts';

export interface ForeignIssuers {
  /** The key that an assertion names. @throws MintmarkError `ForeignIssuerUnavailable`; `InvalidClientAssertion` where the issuer has no such key. */
  key(issuer: string, wanted: Pick<ClientAssertion, 'kid' | 'algorithm'>): Promise<PublicMembers>;
}

interface ForeignIssuerDeps {
  readonly fetch: GuardedFetch;
  /** Whether a URL is under one of this server's own addresses. */
  readonly isOurs: (url: string) => boolean;
  readonly now: () => Date;
}

type Members = Readonly<Record<string, unknown>>;

interface Known {
  readonly keys: readonly Members[];
  /** Milliseconds since 1970. */
  readonly fetchedAt: number;
  readonly freshUntil: number;
}

interface Failed {
  readonly error: unknown;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** Seconds. */
const KEPT = { least: MINUTE, unsaid: 10 * MINUTE, most: DAY } as const;
const COOL_DOWN = 30;
/** Issuers that are remembered, and that are asked at the same time. */
const MOST_KNOWN = 1000;
const MOST_RUNNING = 64;
const MOST_KEYS = 100;

export const keyNotFound = (issuer: string, kid: string): MintmarkError =>
  refusedAssertion(7000272, `The signing key ${shown(kid)} was not found in the JWKS of the issuer ${shown(issuer)}. It may have been rotated out or revoked: get a fresh token.`);

const unavailable = (issuer: string, why: string): MintmarkError => new MintmarkError('ForeignIssuerUnavailable', `AADSTS90061: The request to the OIDC endpoint of the issuer ${shown(issuer)} failed: ${why}.`);

export function createForeignIssuers({ fetch, isOurs, now }: ForeignIssuerDeps): ForeignIssuers {
  const known = new QuickLRU<string, Known>({ maxSize: MOST_KNOWN });
  const failed = new QuickLRU<string, Failed>({ maxSize: MOST_KNOWN });
  const running = new Map<string, Promise<Known>>();
  const time = (): number => now().getTime();

  async function ask(issuer: string): Promise<Known> {
    try {
      if (isOurs(issuer)) throw unavailable(issuer, 'it would be one of this server, which has none of that URL');
      const loaded = await load(issuer, fetch, isOurs, time);
      known.set(issuer, loaded);
      failed.delete(issuer);
      return loaded;
    } catch (error) {
      failed.set(issuer, { error, until: time() + COOL_DOWN * 1000 });
      throw error;
    } finally {
      running.delete(issuer);
    }
  }

  /** One at a time of each issuer. */
  async function refresh(issuer: string): Promise<Known> {
    const asked = running.get(issuer);
    if (asked !== undefined) return asked;
    const failure = failed.get(issuer);
    if (failure !== undefined && failure.until > time()) throw failure.error;
    if (running.size >= MOST_RUNNING) throw unavailable(issuer, 'too many issuers are being asked at the moment');
    const asking = ask(issuer);
    running.set(issuer, asking);
    return asking;
  }

  return {
    async key(issuer, wanted) {
      const former = known.get(issuer);
      const current = former !== undefined && former.freshUntil > time() ? former : await refresh(issuer);
      const isOld = current.fetchedAt + COOL_DOWN * 1000 <= time();
      const found = pick(current.keys, wanted) ?? (isOld ? pick((await refresh(issuer)).keys, wanted) : null);
      if (found === null) throw keyNotFound(issuer, wanted.kid);
      return found;
    },
  };
}

/** Both documents, in the time of one. */
async function load(issuer: string, fetch: GuardedFetch, isOurs: (url: string) => boolean, time: () => number): Promise<Known> {
  const within = fetch.deadline();
  const get = (what: string, url: string): Promise<FetchedJson> => fetch.json(url, within).catch((error: Error) => {
    throw unavailable(issuer, `${what} ${error.message}`);
  });
  const { body: discovery } = await get('its discovery document', `${issuer.replace(/\/$/, '')}/${DISCOVERY_SUFFIX}`);
  const { issuer: says, jwks_uri: uri } = members(discovery);
  if (says !== issuer) throw unavailable(issuer, `its discovery document is that of ${typeof says === 'string' ? shown(says) : 'no issuer'}, and has to be of exactly this one`);
  if (typeof uri !== 'string' || uri.length > 2048 || !URL.canParse(uri) || isOurs(uri)) throw unavailable(issuer, "its discovery document has no 'jwks_uri' that can be asked");
  const { body: jwks, maxAge } = await get('its JWKS', uri);
  const { keys } = members(jwks);
  if (!Array.isArray(keys) || keys.length > MOST_KEYS) throw unavailable(issuer, `its JWKS has no list of at most ${MOST_KEYS} keys`);
  const fetchedAt = time();
  return { keys: keys.map(members), fetchedAt, freshUntil: fetchedAt + 1000 * Math.min(KEPT.most, Math.max(KEPT.least, maxAge ?? KEPT.unsaid)) };
}

const members = (value: unknown): Members => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {});

/** The public members of the one key of that kid that can verify with that algorithm; null where there is none, or more than one. */
function pick(keys: readonly Members[], { kid, algorithm }: Pick<ClientAssertion, 'kid' | 'algorithm'>): PublicMembers | null {
  const { keyType, publicMembers, ...row } = ALGORITHMS[algorithm];
  const fitting = keys.filter((key) => key.kid === kid && key.kty === keyType && (key.alg ?? algorithm) === algorithm && (key.use ?? 'sig') === 'sig'
    && ('curve' in row ? key.crv === row.curve : true) && (key.key_ops === undefined || (Array.isArray(key.key_ops) && key.key_ops.includes('verify'))));
  const found = fitting.length === 1 ? publicMembers.map((member) => [member, fitting[0]![member]] as const) : [];
  return found.length > 0 && found.every(([, value]) => typeof value === 'string') ? (Object.fromEntries(found) as PublicMembers) : null;
}
