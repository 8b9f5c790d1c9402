/**
 * Who asks and what they may do: login with a client secret, verification of access tokens, roles.
 *
 * Roles and subscriptions are read from the store at each request. The signing key of access tokens is made at first use
 * and kept, sealed, in the store, so that tokens stay good over a restart; any replica may make it, the first one counts.
 */
import { randomUUID } from 'node:crypto';
import { MintmarkError } from '../domain/errors.ts';
import { type Action, assertAllowed, type RoleAssignment, type Subscription, type Tenant } from '../domain/principal.ts';
import { isWithin, subscriptionScope } from '../domain/resource-id.ts';
import {
  ACCESS_TOKEN_LIFE, ACCESS_TOKEN_PURPOSE, type AccessTokenKey, type AccessTokenSigner, type AccessTokenVerifier, type Bearer, createAccessTokenVerifier,
  makeAccessTokenKey, openAccessTokenSigner,
} from '../keys/access-token.ts';
import type { Sealer } from '../keys/seal.ts';
import { NOBODYS_HASH, verifySecret } from '../keys/secrets.ts';
import type { Store } from '../store/store.ts';

export interface Credentials {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface Access {
  /** @throws MintmarkError `InvalidClient`, `TooManyRequests`. */
  login(credentials: Credentials): Promise<{ readonly accessToken: string; readonly expiresInSeconds: number }>;
  /** The bearer of a token. @throws MintmarkError `AuthenticationFailed`. */
  authenticate(token: string): Promise<Bearer>;
  /** The public halves of the keys that access tokens are verified with. */
  verificationKeys(): Promise<readonly Readonly<Record<string, string>>[]>;
  /** What a tenant's access tokens have as `iss`. */
  issuerOf(tenantId: string): string;
  /** @throws MintmarkError `InvalidRequest`. */
  tenant(id: string): Promise<Tenant>;
  /** A subscription of the bearer's tenant. @throws MintmarkError `SubscriptionNotFound`. */
  subscription(bearer: Bearer, id: string): Promise<Subscription>;
  /** The subscriptions in which, above which or below which the bearer has a role. */
  visibleSubscriptions(bearer: Bearer): Promise<readonly Subscription[]>;
  /** @throws MintmarkError `AuthorizationFailed`. */
  authorize(bearer: Bearer, action: Action, resourceId: string): Promise<void>;
}

interface AccessDeps {
  readonly store: Store;
  readonly sealer: Sealer;
  /** Base of `iss`, and the `aud` of all access tokens. */
  readonly managementUrl: string;
}

/** Secrets that are hashed at once, each with 32 MiB, and logins that may wait for their turn. */
const HASHING = { most: 2, waiting: 100 } as const;

export function createAccess({ store, sealer, managementUrl }: AccessDeps): Access {
  const tokenKeys = createTokenKeys(store, sealer);
  const inTurn = createTurns(HASHING.most, HASHING.waiting);
  const issuerOf = (tenantId: string): string => `${managementUrl}/${tenantId}/v2.0`;
  return {
    async login(credentials) {
      const bearer = await inTurn(() => checkSecret(store, credentials));
      const { signer } = await tokenKeys.current();
      const accessToken = await signer.sign(bearer, { issuer: issuerOf(bearer.tenantId), audience: managementUrl, jti: randomUUID(), now: store.now() });
      return { accessToken, expiresInSeconds: ACCESS_TOKEN_LIFE };
    },
    authenticate: async (token) => (await tokenKeys.current()).verifier.verify(token, { issuerOf, audience: managementUrl, now: store.now() }),
    verificationKeys: async () => (await tokenKeys.current()).keys.map(({ publicJwk }) => publicJwk),
    issuerOf,
    async tenant(id) {
      const tenant = await store.read((tx) => tx.tenant(id));
      if (tenant === null) throw new MintmarkError('InvalidRequest', `AADSTS90002: Tenant '${id.slice(0, 80)}' not found. A tenant here is one of this Mintmark server, not of Entra ID.`);
      return tenant;
    },
    async subscription(bearer, id) {
      const { found, assignments } = await store.read(async (tx) => ({ found: await tx.subscription(id), assignments: await tx.roleAssignments(bearer.principalId) }));
      if (found === null || found.tenantId !== bearer.tenantId || !isVisible(found, assignments)) throw new MintmarkError('SubscriptionNotFound', `The subscription '${id.slice(0, 80)}' could not be found.`);
      return found;
    },
    visibleSubscriptions: (bearer) => store.read(async (tx) => {
      const [all, assignments] = [await tx.subscriptions(bearer.tenantId), await tx.roleAssignments(bearer.principalId)];
      return all.filter((subscription) => isVisible(subscription, assignments));
    }),
    async authorize({ principalId }, action, resourceId) {
      assertAllowed(principalId, await store.read((tx) => tx.roleAssignments(principalId)), action, resourceId);
    },
  };
}

function isVisible({ id }: Subscription, assignments: readonly RoleAssignment[]): boolean {
  return assignments.some(({ scope }) => isWithin(subscriptionScope(id), scope) || isWithin(scope, subscriptionScope(id)));
}

/** An unknown client costs the same work as a known one, so that its absence can not be told from the time. */
async function checkSecret(store: Store, { tenantId, clientId, clientSecret }: Credentials): Promise<Bearer> {
  const principal = await store.read((tx) => tx.principal(clientId));
  const mine = principal !== null && principal.tenantId === tenantId ? principal : null;
  for (const hash of mine?.secretHashes ?? [NOBODYS_HASH]) {
    if (await verifySecret(clientSecret, hash) && mine !== null) return { principalId: mine.id, tenantId };
  }
  throw new MintmarkError('InvalidClient', 'AADSTS7000215: Invalid client id or client secret. Check both, and that they belong to this tenant.');
}

interface TokenKeys {
  readonly keys: readonly AccessTokenKey[];
  readonly signer: AccessTokenSigner;
  readonly verifier: AccessTokenVerifier;
}

/** The keys in the store, opened once; made when there are none. A failure is not kept: the next request tries again. */
function createTokenKeys(store: Store, sealer: Sealer): { current(): Promise<TokenKeys> } {
  let opened: Promise<TokenKeys> | null = null;
  async function open(): Promise<TokenKeys> {
    const stored = await store.read((tx) => tx.serverKeys(ACCESS_TOKEN_PURPOSE));
    const keys = stored.length > 0 ? stored : await makeFirst(store, sealer);
    return { keys, signer: await openAccessTokenSigner(keys[0]!, sealer), verifier: createAccessTokenVerifier(keys) };
  }
  return {
    current() {
      opened ??= open().catch((error: unknown) => {
        opened = null;
        throw error;
      });
      return opened;
    },
  };
}

async function makeFirst(store: Store, sealer: Sealer): Promise<readonly AccessTokenKey[]> {
  const made = await makeAccessTokenKey(sealer);
  return store.write(async (tx) => {
    const stored = await tx.serverKeys(ACCESS_TOKEN_PURPOSE);
    if (stored.length > 0) return stored;
    await tx.putServerKey({ ...made, purpose: ACCESS_TOKEN_PURPOSE, createdAt: tx.now });
    return [made];
  });
}

/** Runs at most `most` works at once and lets `waiting` more wait. @throws MintmarkError `TooManyRequests`. */
function createTurns(most: number, waiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) {
      if (queue.length >= waiting) throw new MintmarkError('TooManyRequests', 'Too many logins are in progress. Try again in a moment.');
      await new Promise<void>((resolve) => void queue.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
