/**
 * What the management API has to do, as plain maps: which resources there are, who may do what, and what becomes of keys.
 *
 * To be read as a specification. It knows neither the server's code nor its store; what it can not foretell (ids, kids,
 * eTags) it takes from the first reply and holds every later one to. Times are in milliseconds. Refusals come in layers:
 * of the first layer in which something is wrong, any refusal is right; what lies in later layers must not show.
 */
import assert from 'node:assert/strict';

/** HTTP status and error code. */
export type Refusal = readonly [status: number, code: string];
export type Layer = readonly (Refusal | false)[];

/** The first layer that refuses. */
export const refusalsOf = (layers: readonly Layer[]): readonly Refusal[] =>
  layers.map((layer) => layer.filter((one) => one !== false)).find((layer) => layer.length > 0) ?? [];

export type Role = 'Owner' | 'Contributor' | 'Reader';
export interface Grant {
  readonly role: Role;
  readonly scope: string;
}

const RANK = { Reader: 1, Contributor: 2, Owner: 3 } as const;

export const within = (id: string, scope: string): boolean =>
  scope === '/' || id.toLowerCase() === scope.toLowerCase() || id.toLowerCase().startsWith(`${scope.toLowerCase()}/`);

export const tenantScope = (tenantId: string): string => `/providers/Mintmark.Admin/tenants/${tenantId}`;
export const subscriptionScope = (subscriptionId: string): string => `/subscriptions/${subscriptionId}`;

export interface ModelPrincipal {
  readonly tenantId: string;
  displayName: string;
  roles: readonly Grant[];
  secrets: readonly string[];
}

export interface ModelResource {
  /** In the spelling in which it was created. */
  readonly id: string;
  readonly name: string;
  readonly location: string;
  tags: Readonly<Record<string, string>>;
  eTag: string;
}

export interface ModelCluster extends ModelResource {
  readonly subscriptionId: string;
  readonly group: string;
  version: string;
  pools: string;
  ring: ModelRing | null;
}

export interface ModelKey {
  /** Null until it is seen for the first time. */
  kid: string | null;
  state: 'prepared' | 'active' | 'retired' | 'revoked';
  /** From when on it may sign. */
  readyAt: number;
  /** When recorded tokens of it end. */
  readonly tokens: number[];
}

/** All keys of one issuer, in the order in which they were made. */
export interface ModelRing {
  /** R3: never changes. */
  readonly issuerURL: string;
  readonly issuerId: string;
  keys: ModelKey[];
  rotateEvery: number | null;
  /** The operation of a rotation that waits. */
  pending: string | null;
  /** Changes exactly when the ring does. */
  eTag: string;
}

export interface ModelOperation {
  status: 'InProgress' | 'Succeeded' | 'Canceled';
  readonly kind: string;
  readonly resourceId: string;
  readonly subscriptionId: string;
  revoked: readonly string[];
}

const DAY_MS = 86_400_000;

export class ApiModel {
  now: number;
  /** Seconds for which a key is published before it signs. */
  readonly gap: number;
  readonly tenants = new Map<string, string>();
  readonly subscriptions = new Map<string, { readonly tenantId: string; displayName: string }>();
  readonly principals = new Map<string, ModelPrincipal>();
  /** By their ids in lower case: R11. */
  readonly groups = new Map<string, ModelResource>();
  readonly clusters = new Map<string, ModelCluster>();
  readonly operations = new Map<string, ModelOperation>();
  readonly #requests = new Map<string, { readonly operationId: string; readonly at: number }>();
  readonly #everUsed = new Set<string>();

  constructor(now: number, gap: number) {
    [this.now, this.gap] = [now, gap];
  }

  /** Something that may be seen once only, such as the uuid of an issuer (R3). */
  firstSeen(what: string): void {
    assert.ok(!this.#everUsed.has(what), `${what} is used again`);
    this.#everUsed.add(what);
  }

  rolesOf(who: string): readonly Grant[] {
    return this.principals.get(who)?.roles ?? [];
  }

  /** A role counts at its scope and for everything below it; one at a tenant for every subscription in it. */
  may(who: string, least: Role, id: string, tenantId: string): boolean {
    const places = id === '/' ? [id] : [id, tenantScope(tenantId)];
    return this.rolesOf(who).some(({ role, scope }) => RANK[role] >= RANK[least] && places.some((place) => within(place, scope)));
  }

  /** A subscription shows itself to who has a role in it, above it or anywhere below it, in its own tenant. */
  sees(who: string, tenantOfWho: string, subscriptionId: string): boolean {
    const subscription = this.subscriptions.get(subscriptionId.toLowerCase());
    const scope = subscriptionScope(subscriptionId);
    return subscription !== undefined && subscription.tenantId === tenantOfWho
      && this.rolesOf(who).some((grant) => within(scope, grant.scope) || within(grant.scope, scope) || within(tenantScope(subscription.tenantId), grant.scope));
  }

  /** A tenant shows itself to its own principals that have a role, and to who has one for the whole server. */
  seesTenant(who: string, tenantOfWho: string, tenantId: string): boolean {
    return this.tenants.has(tenantId) && this.rolesOf(who).some(({ scope }) => scope === '/' || tenantId === tenantOfWho);
  }

  /** Owners of the whole server that can log in: never less than one. */
  mightyOwners(without?: string): number {
    return [...this.principals].filter(([id, { roles, secrets }]) => id !== without && secrets.length > 0 && roles.some(({ role, scope }) => role === 'Owner' && scope === '/')).length;
  }

  /** R1: a new ring has a key that signs and one that may do so at any time. */
  birth(issuerURL: string, issuerId: string): ModelRing {
    this.firstSeen(issuerId);
    return { issuerURL, issuerId, keys: [this.#newKey('active', this.now), this.#newKey('prepared', this.now)], rotateEvery: 30 * 86_400, pending: null, eTag: '' };
  }

  #newKey(state: ModelKey['state'], readyAt: number): ModelKey {
    return { kid: null, state, readyAt, tokens: [] };
  }

  #in(ring: ModelRing, state: ModelKey['state']): readonly ModelKey[] {
    return ring.keys.filter((key) => key.state === state);
  }

  kidsIn(ring: ModelRing, state: ModelKey['state']): readonly string[] {
    return this.#in(ring, state).map(({ kid }) => kid!);
  }

  /** R6: who is retired is revoked, then the prepared key signs, at once if it has been public for long enough. */
  rotate(ring: ModelRing, force: boolean): { readonly outcome: 'rotated' | 'waiting' | 'joined'; readonly revoked: readonly string[] } {
    const ready = force || this.#in(ring, 'prepared')[0]!.readyAt <= this.now;
    if (ring.pending !== null && !ready) return { outcome: 'joined', revoked: [] };
    const revoked = this.kidsIn(ring, 'retired');
    this.#revoke(ring, revoked);
    if (!ready) return { outcome: 'waiting', revoked };
    for (const key of this.#in(ring, 'active')) key.state = 'retired';
    this.#promote(ring);
    return { outcome: 'rotated', revoked };
  }

  /** Every key is revoked, and two new ones begin. */
  emergency(ring: ModelRing): readonly string[] {
    const revoked = ring.keys.filter(({ state }) => state !== 'revoked').map(({ kid }) => kid!);
    this.#revoke(ring, revoked);
    ring.keys.push(this.#newKey('active', this.now), this.#newKey('prepared', this.#readyAt()));
    return revoked;
  }

  /** One key is out at once; a prepared or active one has a successor. */
  revokeKey(ring: ModelRing, kid: string): void {
    const state = ring.keys.find((key) => key.kid === kid)!.state;
    this.#revoke(ring, [kid]);
    if (state === 'prepared') ring.keys.push(this.#newKey('prepared', this.#readyAt()));
    if (state === 'active') this.#promote(ring);
  }

  #promote(ring: ModelRing): void {
    for (const key of this.#in(ring, 'prepared')) key.state = 'active';
    ring.keys.push(this.#newKey('prepared', this.#readyAt()));
  }

  #readyAt(): number {
    return this.now + this.gap * 1000;
  }

  #revoke(ring: ModelRing, kids: readonly string[]): void {
    for (const key of ring.keys) if (key.kid !== null && kids.includes(key.kid)) key.state = 'revoked';
  }

  /** R2, R11: with its cluster an issuer is gone, whatever waited for it is cancelled. */
  removeCluster(key: string): void {
    const pending = this.clusters.get(key)!.ring?.pending ?? null;
    if (pending !== null) this.operations.get(pending)!.status = 'Canceled';
    this.clusters.delete(key);
  }

  /** The operation that this very request made within the last 24 hours. */
  repeated(request: string | null): string | null {
    const found = request === null ? undefined : this.#requests.get(request);
    return found === undefined || this.now - found.at >= DAY_MS ? null : found.operationId;
  }

  remember(request: string | null, operationId: string): void {
    if (request !== null) this.#requests.set(request, { operationId, at: this.now });
  }
}
