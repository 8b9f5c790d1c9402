/**
 * Who asks and what they may do: login with a client secret or the token of another issuer, verification of access tokens, roles, how often.
 *
 * Roles, tenants and subscriptions are read from the store at each request. Leaves to `token-keys.ts` the keys of
 * access tokens, to `throttle.ts` the counting, to `federation.ts` what tokens of others prove, to `tenants.ts` and `people.ts` the changes of who there is.
 */
import { randomUUID } from 'node:crypto';
import { isMintmarkError, MintmarkError } from '../domain/errors.ts';
import type { FederatedCredential } from '../domain/federated-credential.ts';
import { type Action, assertAllowed, MOST_SECRETS, type Principal, type RoleAssignment, SERVER_SCOPE, type Subscription, type Tenant, tenantScope } from '../domain/principal.ts';
import { isWithin, subscriptionScope } from '../domain/resource-id.ts';
import { ACCESS_TOKEN_LIFE, type Bearer } from '../keys/access-token.ts';
import type { Sealer } from '../keys/seal.ts';
import { NOBODYS_HASH, verifySecret } from '../keys/secrets.ts';
import type { Store, StoreReader } from '../store/store.ts';
import type { AssertionCredentials, Federation, Proven } from './federation.ts';
import { createThrottle, type ThrottleLimits } from './throttle.ts';
import { createTokenKeys } from './token-keys.ts';
import { createTurns } from './turns.ts';

export interface SecretCredentials {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

type Anywhere<T> = Omit<T, 'tenantId'> & { readonly tenantId: string | null };
export type LoginCredentials = Anywhere<SecretCredentials> | Anywhere<AssertionCredentials>;

export interface Login {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  /** The credential that the token of another issuer matched; null for a login with a secret. */
  readonly provenBy: FederatedCredential | null;
}

export interface Access {
  /** Counts a request from a network address. @throws MintmarkError `TooManyRequests`. */
  admit(address: string): void;
  /** `tenantId` null: the client's own. @throws MintmarkError `InvalidClient`, `InvalidClientAssertion`, `ForeignIssuerUnavailable`, `TooManyRequests`. */
  login(credentials: LoginCredentials, address: string): Promise<Login>;
  /** The bearer of a token. @throws MintmarkError `AuthenticationFailed`, `TooManyRequests`. */
  authenticate(token: string): Promise<Bearer>;
  /** The public halves of the keys that access tokens are verified with. */
  verificationKeys(): Promise<readonly Readonly<Record<string, string>>[]>;
  /** What a tenant's access tokens have as `iss`. */
  issuerOf(tenantId: string): string;
  /** A tenant to log in at. @throws MintmarkError `InvalidRequest`. */
  tenant(id: string): Promise<Tenant>;
  /** A tenant that the bearer manages things in: its own if it has a role there, any with a role for the whole server. @throws MintmarkError `TenantNotFound`. */
  visibleTenant(bearer: Bearer, id: string): Promise<Tenant>;
  /** A subscription of the bearer's tenant; with `needed`, one where it may do that. @throws MintmarkError `SubscriptionNotFound`, `AuthorizationFailed`, and what `needed.on` throws. */
  subscription(bearer: Bearer, id: string, needed: NeededInSubscription | null): Promise<Subscription>;
  /** The subscriptions of the bearer's tenant in which, above which or below which the bearer has a role. */
  visibleSubscriptions(bearer: Bearer): Promise<readonly Subscription[]>;
  /** `tenantId`: where `resourceId` is; the bearer's own tenant when left out. @throws MintmarkError `AuthorizationFailed`. */
  authorize(bearer: Bearer, action: Action, resourceId: string, tenantId?: string): Promise<void>;
}

/** An action on something in a subscription. */
interface NeededInSubscription {
  readonly action: Action;
  /** The resource, by the subscription's id in its own spelling. */
  readonly on: (subscriptionId: string) => string;
}

interface AccessDeps {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly federation: Federation;
  /** Base of `iss`, and the `aud` of all access tokens. */
  readonly managementUrl: string;
  readonly limits: ThrottleLimits;
}

/** Secrets that are hashed at once, each with 32 MiB, and logins that may wait for their turn. */
const HASHING = { most: 2, waiting: 100 } as const;

export function createAccess({ store, sealer, federation, managementUrl, limits }: AccessDeps): Access {
  const tokenKeys = createTokenKeys(store, sealer);
  const throttle = createThrottle(limits, () => store.now());
  const inTurn = createTurns(HASHING.most, HASHING.waiting);
  const issuerOf = (tenantId: string): string => `${managementUrl}/${tenantId}/v2.0`;

  /** A wrong secret counts; whatever else goes wrong does not. */
  async function check(credentials: SecretCredentials): Promise<Bearer> {
    const client = `${credentials.tenantId}/${credentials.clientId}`;
    throttle.attempt(client);
    const bearer = await inTurn(() => checkSecret(store, credentials)).catch((error: unknown) => {
      throttle.forgive(client);
      throw error;
    });
    if (bearer === null) throw new MintmarkError('InvalidClient', 'AADSTS7000215: Invalid client id or client secret. Check both, and that they belong to this tenant.');
    throttle.forgive(client);
    return bearer;
  }

  /** A bad assertion counts for the client at this address alone: nothing can be guessed, and nobody is to keep a workload out that is elsewhere. */
  async function checkAssertion(credentials: AssertionCredentials, address: string): Promise<Proven> {
    const client = `assertion/${credentials.tenantId}/${credentials.clientId}/${address}`;
    throttle.attempt(client);
    try {
      const proven = await federation.verify(credentials);
      throttle.forgive(client);
      return proven;
    } catch (error) {
      if (!isMintmarkError(error, 'InvalidClientAssertion')) throttle.forgive(client);
      throw error;
    }
  }

  return {
    admit: (address) => throttle.request(address),
    async login(credentials, address) {
      throttle.login(address);
      const tenantId = credentials.tenantId ?? (await store.read((tx) => tenantOfClient(tx, credentials.clientId)));
      const { bearer, by } = 'assertion' in credentials ? await checkAssertion({ ...credentials, tenantId }, address) : { bearer: await check({ ...credentials, tenantId }), by: null };
      const signer = await tokenKeys.signer();
      const accessToken = await signer.sign(bearer, { issuer: issuerOf(bearer.tenantId), audience: managementUrl, jti: randomUUID(), now: store.now() });
      return { accessToken, expiresInSeconds: ACCESS_TOKEN_LIFE, provenBy: by };
    },
    async authenticate(token) {
      const bearer = await (await tokenKeys.verifier()).verify(token, { issuerOf, audience: managementUrl, now: store.now() });
      throttle.principal(bearer.principalId);
      if (bearer.managedIdentity !== undefined && !(await federation.isCurrent(bearer))) throw new MintmarkError('AuthenticationFailed', 'The access token was refused: its managed identity was deleted or disabled. Log in again.');
      return bearer;
    },
    verificationKeys: () => tokenKeys.published(),
    issuerOf,
    async tenant(id) {
      const tenant = await store.read((tx) => tx.tenant(id));
      if (tenant === null) throw new MintmarkError('InvalidRequest', `AADSTS90002: Tenant '${id.slice(0, 80)}' not found. A tenant here is one of this Mintmark server, not of Entra ID.`);
      return tenant;
    },
    visibleTenant: (bearer, id) => store.read((tx) => visibleTenant(tx, bearer, id)),
    async subscription(bearer, id, needed) {
      const { found, assignments } = await store.read(async (tx) => ({ found: await tx.subscription(id), assignments: await tx.roleAssignments(bearer.principalId) }));
      if (found === null || found.tenantId !== bearer.tenantId || !isVisible(found, assignments)) throw new MintmarkError('SubscriptionNotFound', `The subscription '${id.slice(0, 80)}' could not be found.`);
      if (needed !== null) assertAllowed(bearer.principalId, assignments, needed.action, needed.on(found.id), found.tenantId);
      return found;
    },
    visibleSubscriptions: (bearer) => store.read(async (tx) => {
      const [all, assignments] = [await tx.subscriptions(bearer.tenantId), await tx.roleAssignments(bearer.principalId)];
      return all.filter((subscription) => isVisible(subscription, assignments));
    }),
    async authorize({ principalId, tenantId: own }, action, resourceId, tenantId = own) {
      assertAllowed(principalId, await store.read((tx) => tx.roleAssignments(principalId)), action, resourceId, tenantId);
    },
  };
}

export function isVisible({ id, tenantId }: Subscription, assignments: readonly RoleAssignment[]): boolean {
  return assignments.some(({ scope }) => isWithin(subscriptionScope(id), scope) || isWithin(scope, subscriptionScope(id)) || isWithin(tenantScope(tenantId), scope));
}

/** Its own for who has a role there, any for who has one for the whole server. */
export const isVisibleTenant = ({ id }: Tenant, bearer: Bearer, assignments: readonly RoleAssignment[]): boolean =>
  assignments.some(({ scope }) => id === bearer.tenantId || scope === SERVER_SCOPE);

async function visibleTenant(tx: StoreReader, bearer: Bearer, id: string): Promise<Tenant> {
  const [tenant, assignments] = [await tx.tenant(id), await tx.roleAssignments(bearer.principalId)];
  if (tenant !== null && isVisibleTenant(tenant, bearer, assignments)) return tenant;
  throw new MintmarkError('TenantNotFound', `The tenant '${id.slice(0, 80)}' could not be found. A tenant here is one of this Mintmark server, not of Entra ID.`);
}

/** Where a client id is known; empty, which is the id of no tenant, where it is not. */
async function tenantOfClient(tx: StoreReader, clientId: string): Promise<string> {
  const known = (await tx.principal(clientId)) ?? (await tx.identityByClientId(clientId));
  return known?.tenantId ?? '';
}

/** Null for a wrong secret. An unknown client costs the same work as a known one, so that its absence can not be told from the time. */
async function checkSecret(store: Store, { tenantId, clientId, clientSecret }: SecretCredentials): Promise<Bearer | null> {
  const principal = await store.read((tx) => tx.principal(clientId));
  const mine = principal !== null && principal.tenantId === tenantId ? principal : null;
  for (const { secretId, hash } of hashesToTry(mine)) {
    if (!(await verifySecret(clientSecret, hash)) || mine === null || secretId === null) continue;
    await markUsed(store, mine, secretId);
    return { principalId: mine.id, tenantId };
  }
  return null;
}

/** As many for every client, known or not, whatever secrets it has; the newest first. */
export const hashesToTry = (principal: Principal | null): readonly { readonly secretId: string | null; readonly hash: string }[] =>
  Array.from({ length: MOST_SECRETS }, (_, index) => {
    const secret = principal?.secrets.at(-1 - index);
    return secret === undefined ? { secretId: null, hash: NOBODYS_HASH } : { secretId: secret.id, hash: secret.hash };
  });

/** Writes down the first use of a secret: one that was used is not replaced by a repeated request. */
async function markUsed(store: Store, { id, secrets }: Principal, secretId: string): Promise<void> {
  if (secrets.some((secret) => secret.id === secretId && secret.usedAt !== null)) return;
  await store.write(async (tx) => {
    const fresh = await tx.principal(id);
    if (fresh !== null) await tx.putPrincipal({ ...fresh, secrets: fresh.secrets.map((secret) => (secret.id === secretId ? { ...secret, usedAt: tx.now } : secret)) });
  });
}
