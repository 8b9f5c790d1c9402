/**
 * One run of a random sequence: the server, the model beside it, and the one way in which a request is sent and judged.
 *
 * Owns: sending through the front door or over a socket, the judgement that holds for every reply (documented, no 5xx,
 * refused as foretold), and the checks of whole resources. Leaves to the deeds what a request does to the model.
 */
import assert from 'node:assert/strict';
import type { IssuerBody, ManagedClusterBody, ResourceGroupBody } from '../../src/http/management/contract.ts';
import { GROUP, type ManagementWorld, OTHER_SUBSCRIPTION, OTHER_TENANT, START, SUBSCRIPTION, TENANT, URL_BASE } from '../support/management.ts';
import type { ReplyContract, SeenReply } from '../support/reply-contract.ts';
import { ApiModel, type Layer, type ModelCluster, type ModelResource, type ModelRing, refusalsOf, type Role, subscriptionScope, tenantScope } from './api-model.ts';

export type Method = 'GET' | 'HEAD' | 'PUT' | 'PATCH' | 'POST' | 'DELETE' | 'OPTIONS';

export interface Sent {
  /** Who asks; null sends no access token. */
  readonly who: string | null;
  readonly method: Method;
  readonly path: string;
  readonly body?: unknown;
  /** The body as bytes, in place of JSON. */
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Reply extends SeenReply {
  json<Body>(): Body;
}

export type Send = (request: { readonly method: Method; readonly path: string; readonly headers: Readonly<Record<string, string>>; readonly body: string | undefined }) => Promise<SeenReply>;

/** Who there is at the start of each run. */
const ACTORS: readonly (readonly [string, string, Role | null, string])[] = [
  ['owner', TENANT, 'Owner', subscriptionScope(SUBSCRIPTION)], ['contributor', TENANT, 'Contributor', subscriptionScope(SUBSCRIPTION)], ['reader', TENANT, 'Reader', subscriptionScope(SUBSCRIPTION)],
  ['group-reader', TENANT, 'Reader', GROUP], ['nobody', TENANT, null, ''], ['tenant-owner', TENANT, 'Owner', tenantScope(TENANT)],
  ['stranger', OTHER_TENANT, 'Owner', tenantScope(OTHER_TENANT)], ['root', OTHER_TENANT, 'Owner', '/'],
];

const HOUR_MS = 3_600_000;
/** More than the items of any list of a run. */
const MOST_PAGES = 500;

export class ApiRun {
  readonly model = new ApiModel(START.getTime(), 600);
  readonly #world: ManagementWorld;
  readonly #contract: ReplyContract;
  readonly #send: Send;
  readonly #tokens = new Map<string, { readonly token: string; readonly tenantId: string; readonly at: number }>();

  constructor(world: ManagementWorld, contract: ReplyContract, send: Send) {
    [this.#world, this.#contract, this.#send] = [world, contract, send];
    const { tenants, subscriptions, principals } = this.model;
    for (const [tenant, subscription, displayName] of [[TENANT, SUBSCRIPTION, 'First'], [OTHER_TENANT, OTHER_SUBSCRIPTION, 'Second']] as const) {
      tenants.set(tenant, displayName);
      subscriptions.set(subscription, { tenantId: tenant, displayName });
    }
    for (const [id, tenantId, role, scope] of ACTORS) principals.set(id, { tenantId, displayName: id, roles: role === null ? [] : [{ role, scope }], secrets: [`${id}-secret`] });
  }

  /** The tenant that a principal's access token is for, whether or not there is such a principal. */
  tenantOf(who: string): string {
    return this.model.principals.get(who)?.tenantId ?? ACTORS.find(([id]) => id === who)?.[1] ?? TENANT;
  }

  pass(milliseconds: number): void {
    this.#world.pass(milliseconds / 1000);
    this.model.now += milliseconds;
  }

  /** Sends a request. Null when it was refused, as the layers say it had to be; else the reply of its success. */
  async ask(sent: Sent, ...layers: readonly Layer[]): Promise<Reply | null> {
    const reply = await this.send(sent);
    const allowed = refusalsOf(layers);
    const what = `${sent.who ?? 'anonymous'}: ${sent.method} ${sent.path} → ${reply.status} ${reply.text.slice(0, 300)}`;
    if (allowed.length === 0) assert.ok(reply.status < 300, `${what}: should have succeeded`);
    else assert.ok(allowed.some(([status, code]) => reply.status === status && (sent.method === 'HEAD' || code === errorCode(reply))), `${what}: should have been ${allowed.join(' or ')}`);
    return allowed.length === 0 ? reply : null;
  }

  /** Sends a request and holds the reply to what is true of every one. */
  async send({ who, method, path, body, raw, headers = {} }: Sent): Promise<Reply> {
    // No two requests are at the same time.
    this.pass(7);
    const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const authorization = who === null ? {} : { authorization: `Bearer ${await this.#tokenOf(who)}` };
    const reply = await this.#send({ method, path, headers: { ...authorization, ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, body: text });
    assert.ok(reply.status < 500, `${method} ${path} → ${reply.status} ${reply.text}`);
    this.#contract.assertValid(method, path, reply);
    return { ...reply, json: <Body>() => JSON.parse(reply.text) as Body };
  }

  /** All items of a list, page by page as its `nextLink`s say. */
  async all<Item>(sent: Omit<Sent, 'method'>, top: number, ...layers: readonly Layer[]): Promise<readonly Item[] | null> {
    const items: Item[] = [];
    let pages = 0;
    for (let path: string | undefined = `${sent.path}${sent.path.includes('?') ? '&' : '?'}$top=${top}`; path !== undefined;) {
      const reply: Reply | null = await this.ask({ ...sent, method: 'GET', path }, ...layers);
      if (reply === null) return null;
      const { value, nextLink } = reply.json<{ value: Item[]; nextLink?: string }>();
      assert.ok(value.length <= top && (pages += 1) <= MOST_PAGES, 'a page is no longer than asked for, and the list has an end');
      items.push(...value);
      if (nextLink !== undefined) assert.ok(nextLink.startsWith(`${URL_BASE}/`), nextLink);
      path = nextLink?.slice(URL_BASE.length);
    }
    return items;
  }

  async #tokenOf(who: string): Promise<string> {
    const [held, tenantId] = [this.#tokens.get(who), this.tenantOf(who)];
    if (held?.tenantId === tenantId && this.model.now - held.at < HOUR_MS / 2) return held.token;
    const token = await this.#world.bearer(who, tenantId);
    this.#tokens.set(who, { token, tenantId, at: this.model.now });
    return token;
  }

  /** Who can always read a subscription. */
  witness(subscriptionId: string): string {
    return this.model.subscriptions.get(subscriptionId)!.tenantId === TENANT ? 'tenant-owner' : 'stranger';
  }

  /** A resource as it has to be; its eTag is a new one exactly when it was changed. */
  assertResource(body: ResourceGroupBody | ManagedClusterBody, resource: ModelResource, changed: boolean): void {
    const { id, name, location, tags, eTag } = body;
    assert.deepEqual({ id, name, location, tags }, { id: resource.id, name: resource.name, location: resource.location, tags: resource.tags });
    if (changed) this.model.firstSeen(`eTag ${resource.id.toLowerCase()} ${eTag}`);
    else assert.equal(eTag, resource.eTag, 'nothing changed, so the eTag is the same');
    resource.eTag = eTag!;
  }

  assertCluster(body: ManagedClusterBody, cluster: ModelCluster, changed: boolean): void {
    this.assertResource(body, cluster, changed);
    const { kubernetesVersion, oidcIssuerProfile, agentPoolProfiles } = body.properties;
    assert.deepEqual(
      { kubernetesVersion, oidcIssuerProfile, pools: poolsOf(agentPoolProfiles) },
      { kubernetesVersion: cluster.version, oidcIssuerProfile: cluster.ring === null ? { enabled: false } : { enabled: true, issuerURL: cluster.ring.issuerURL }, pools: cluster.pools },
    );
  }

  /** Reads the issuer and holds it to the ring: every key in its state, and new ones exactly where they had to come. */
  async assertIssuer(cluster: ModelCluster, ring: ModelRing, changed: boolean): Promise<void> {
    const reply = await this.ask({ who: this.witness(cluster.subscriptionId), method: 'GET', path: `${cluster.id}/providers/Mintmark.Oidc/issuers/default` });
    const { eTag, properties } = reply!.json<IssuerBody>();
    assert.deepEqual(properties.keys.map(({ state }) => state), ring.keys.map(({ state }) => state));
    for (const [at, key] of ring.keys.entries()) {
      const { kid } = properties.keys[at]!;
      if (key.kid === null) this.model.firstSeen(`key ${ring.issuerId} ${kid}`);
      else assert.equal(kid, key.kid);
      key.kid = kid;
    }
    assert.deepEqual(properties.keys.map(({ liveTokens }) => liveTokens), ring.keys.map(({ tokens }) => tokens.filter((end) => end > this.model.now).length));
    assert.deepEqual([properties.issuerURL, properties.issuerId, properties.rotationPolicy.rotateEverySeconds, properties.pendingRotation?.operationId ?? null], [ring.issuerURL, ring.issuerId, ring.rotateEvery, ring.pending]);
    assert.deepEqual(properties.rotationWouldRevoke.map(({ kid }) => kid), this.model.kidsIn(ring, 'retired'));
    if (changed) this.model.firstSeen(`eTag ${ring.issuerId} ${eTag}`);
    else assert.equal(eTag, ring.eTag, 'nothing changed, so the eTag is the same');
    ring.eTag = eTag!;
  }
}

export const poolsOf = (pools: readonly object[]): string => pools.map((pool) => { const { name, count } = pool as { name?: string; count?: number }; return `${name}:${count}`; }).join(' ');

const errorCode = ({ text }: SeenReply): string => (JSON.parse(text) as { error: { code: string } }).error.code;
