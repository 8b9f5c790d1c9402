/**
 * Service-account tokens from the server itself: for `dev`, for trying a relying party, and where no signer runs.
 *
 * A token leaves only when its record was committed under the very ring version that it was signed with (rule 6):
 * a rotation in between makes it be signed again, so no token outlives its key. So a ring need not be read for each token:
 * what is remembered of one that has moved on costs a second signature, and nothing else.
 */
import { randomUUID } from 'node:crypto';
import QuickLRU from 'quick-lru';
import { MintmarkError } from '../domain/errors.ts';
import { type KeyRing, type SigningKey, theKey } from '../domain/key-ring.ts';
import type { Issuer } from '../domain/issuer.ts';
import type { Resource } from '../domain/resource.ts';
import { type IssuedToken, type ServiceAccount, tokenClaims, type TokenClaims, type TokenRequest } from '../domain/service-account-token.ts';
import type { TokenSigner } from '../keys/sign.ts';
import type { Store } from '../store/store.ts';
import { derivedUuid } from './derived-uuid.ts';
import { issuerIdOf } from './issuers.ts';

export interface IssuedResult {
  readonly token: string;
  readonly claims: TokenClaims;
  /** Where less was given than was asked for. */
  readonly warning: string | null;
}

export interface Tokens {
  /** @throws MintmarkError `InvalidTokenRequest`, `IssuerNotEnabled`. */
  issue(cluster: Resource, request: TokenRequest): Promise<IssuedResult>;
}

/** How often a token is signed again because its ring moved on; rings move a few times a day. */
const MOST_ATTEMPTS = 5;

/** What the tokens of an issuer are made with, since a version of its ring. */
interface Signing {
  readonly issuer: Issuer;
  readonly active: SigningKey;
  readonly ringVersion: number;
}

/** `mostRemembered`: issuers of which it is remembered what signs. */
export function createTokens(store: Store, signer: TokenSigner, mostRemembered: number): Tokens {
  const remembered = new QuickLRU<string, Signing>({ maxSize: mostRemembered });

  async function signingOf(issuerId: string): Promise<Signing> {
    const known = remembered.get(issuerId);
    if (known !== undefined) return known;
    const { issuer, ring } = await read(store, issuerId);
    const signing = { issuer, active: theKey(ring, 'active'), ringVersion: ring.version };
    remembered.set(issuerId, signing);
    return signing;
  }

  async function attempt(issuerId: string, request: TokenRequest): Promise<IssuedResult | null> {
    const { issuer, active, ringVersion } = await signingOf(issuerId);
    const { claims, warning } = tokenClaims(request, { issuerUrl: issuer.url, jti: randomUUID(), serviceAccountUid: uidOf(issuerId, request.serviceAccount), now: store.now() });
    const token = await signer.sign({ ...active, tenantId: issuer.tenantId, issuerId }, JSON.stringify(claims), () => sealedHalf(store, issuerId, active.kid)).catch(nullIfDestroyed);
    const recorded = token !== null && (await store.write((tx) => tx.recordToken(recordOf(claims, issuerId, active.kid), ringVersion)));
    if (recorded) return { token, claims, warning };
    // The ring has moved on: what was opened for this signature may be destroyed in the store by now.
    remembered.delete(issuerId);
    signer.forget(issuerId, active.kid);
    return null;
  }

  return {
    async issue(cluster, request) {
      const issuerId = issuerIdOf(cluster);
      for (let attempts = 0; attempts < MOST_ATTEMPTS; attempts += 1) {
        const issued = await attempt(issuerId, request);
        if (issued !== null) return issued;
      }
      throw new MintmarkError('StoreBusy', 'The key ring changed each time that the token was signed. Ask again.');
    },
  };
}

async function read(store: Store, issuerId: string): Promise<{ issuer: Issuer; ring: KeyRing }> {
  const [issuer, ring] = await store.read(async (tx) => [await tx.issuer(issuerId), await tx.keyRing(issuerId)] as const);
  if (issuer === null || ring === null) throw new MintmarkError('StoreCorrupt', `The issuer ${issuerId}, to which a cluster points, is not in the store.`);
  return { issuer, ring };
}

/** The private half that was to sign is in the store no more: the ring has moved on. */
class Destroyed extends Error {}

async function sealedHalf(store: Store, issuerId: string, kid: string): Promise<Uint8Array> {
  const sealed = await store.read((tx) => tx.sealedKey(issuerId, kid));
  if (sealed === null) throw new Destroyed();
  return sealed;
}

function nullIfDestroyed(error: unknown): null {
  if (error instanceof Destroyed) return null;
  throw error;
}

function recordOf(claims: TokenClaims, issuerId: string, kid: string): IssuedToken {
  return { jti: claims.jti, issuerId, kid, subject: claims.sub, audiences: claims.aud, issuedAt: new Date(claims.iat * 1000), expiresAt: new Date(claims.exp * 1000) };
}

/** Mintmark knows no service accounts, so their uid is made from their name: the same one each time. */
const uidOf = (issuerId: string, { namespace, name }: ServiceAccount): string => derivedUuid(issuerId, namespace, name);
