/** Issuers in random sequences: rotated, revoked, shown, listed, with tokens and operations; R3, R6, R8 and repeats of the same request. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { IssuerBody, IssuerSummaryBody, KeyEventBody, OperationBody, RotateReply, TokenReply } from '../../src/http/management/contract.ts';
import type { Layer, ModelCluster, ModelKey, ModelRing, Role } from './api-model.ts';
import { clusterAt, deed, FORBIDDEN, guard, INVALID_CONTENT, missingCluster, NEWCOMERS, often, pathOf, type Place, place, shown } from './api-places.ts';
import type { ApiRun, Reply } from './api-run.ts';

const ISSUER = '/providers/Mintmark.Oidc/issuers/default';
const issuerPath = (at: Place, rest = ''): string => pathOf(at, 'cluster', ISSUER) + rest;
const missingIssuer = (run: ApiRun, at: Place): Layer => [clusterAt(run, at)?.ring === null && [404, 'IssuerNotEnabled']];
const missing = (run: ApiRun, at: Place): readonly Layer[] => [missingCluster(run, at), missingIssuer(run, at)];

const requestId = fc.option(fc.constantFrom('r1', 'r2'), { freq: 2 });
const idHeader = (id: string | null): Readonly<Record<string, string>> => (id === null ? {} : { 'x-ms-client-request-id': id });

type Ringed = ModelCluster & { readonly ring: ModelRing };

interface Acted {
  readonly run: ApiRun;
  readonly at: Place;
  readonly cluster: Ringed;
  readonly reply: Reply;
  /** What makes two requests the same one. */
  readonly request: string | null;
  readonly kind: string;
}

/** What the ring made of it. `operation`: the one that it joined; null for one of its own. */
interface Effect {
  readonly outcome: RotateReply['outcome'];
  readonly revoked: readonly string[];
  readonly operation: string | null;
  readonly changed: boolean;
}

/** Holds a reply of rotate or revokeKey to what the model says, and keeps its operation. */
async function acted({ run, at, cluster, reply, request, kind }: Acted, effect: Effect): Promise<void> {
  const { model } = run;
  const { operationId, outcome, revoked, waiting } = reply.json<RotateReply>();
  assert.deepEqual([reply.status, outcome, revoked], [202, effect.outcome, effect.revoked]);
  if (effect.operation !== null) assert.equal(operationId, effect.operation, 'it joined that operation');
  else {
    model.firstSeen(`operation ${operationId}`);
    model.operations.set(operationId, { status: 'Succeeded', kind, resourceId: cluster.id, subscriptionId: at.subscription, revoked: [] });
  }
  const operation = model.operations.get(operationId)!;
  operation.revoked = [...new Set([...operation.revoked, ...effect.revoked])];
  if (effect.outcome === 'waiting') [operation.status, cluster.ring.pending] = ['InProgress', operationId];
  model.remember(request, operationId);
  assert.equal(waiting !== null, operation.status === 'InProgress');
  assert.equal(reply.headers['azure-asyncoperation'], `https://localhost:8443/subscriptions/${at.subscription}/providers/Microsoft.ContainerService/locations/${cluster.location}/operations/${operationId}`);
  await run.assertIssuer(cluster, cluster.ring, effect.changed);
}

const repeat = (run: ApiRun, operation: string): Effect => ({ outcome: 'joined', revoked: run.model.operations.get(operation)!.revoked, operation, changed: false });

/** A rotation that waited has come to its end. */
function endPending({ model }: ApiRun, ring: ModelRing): void {
  if (ring.pending !== null) model.operations.get(ring.pending)!.status = 'Succeeded';
  ring.pending = null;
}

function rotated(run: ApiRun, ring: ModelRing, force: boolean): Effect {
  const { pending } = ring;
  const { outcome, revoked } = run.model.rotate(ring, force);
  if (outcome === 'rotated') endPending(run, ring);
  return { outcome, revoked, operation: pending, changed: outcome !== 'joined' };
}

const rotateDeed = fc.record({ at: place, how: often(fc.constantFrom('aks' as const, 'plain' as const), fc.constantFrom('force' as const, 'emergency' as const)), id: requestId }).map(({ at, how, id }) =>
  deed(`rotate ${how} ${shown(at, 'cluster', 'group')} ${id ?? ''}`, async (run) => {
    const sent = how === 'aks' ? { path: pathOf(at, 'cluster', '/rotateServiceAccountSigningKeys') } : { path: issuerPath(at, '/rotate'), body: { force: how === 'force', emergency: how === 'emergency' } };
    const breaks = how === 'force' || how === 'emergency';
    const reply = await run.ask({ who: at.who, method: 'POST', ...sent, headers: idHeader(id) }, ...guard(run, at, 'Contributor', 'cluster'), breaks ? needs(run, at, 'Owner') : [], ...missing(run, at));
    if (reply === null) return;
    const cluster = clusterAt(run, at) as Ringed;
    const request = id === null ? null : [at.who, cluster.ring.issuerId, breaks ? how : 'rotate', id].join();
    const former = run.model.repeated(request);
    const done = { run, at, cluster, reply, request: former === null ? request : null, kind: 'rotate' };
    if (former !== null) return acted(done, repeat(run, former));
    if (how !== 'emergency') return acted(done, rotated(run, cluster.ring, how === 'force'));
    const revoked = run.model.emergency(cluster.ring);
    endPending(run, cluster.ring);
    return acted(done, { outcome: 'rotated', revoked, operation: null, changed: true });
  }));

/** For what the path alone does not ask enough for. */
const needs = (run: ApiRun, at: Place, least: Role): Layer => [guard(run, at, least, 'cluster').at(-1)!.some((one) => one !== false) && FORBIDDEN];

const revokeDeed = fc.record({ at: place, which: fc.nat(9), force: fc.boolean(), id: requestId }).map(({ at, which, force, id }) =>
  deed(`revoke ${which} ${shown(at, 'cluster', 'group')} ${force ? 'force' : ''} ${id ?? ''}`, async (run) => {
    const cluster = clusterAt(run, at);
    const keys: readonly ModelKey[] = cluster?.ring?.keys ?? [];
    const key = keys.at(which === 9 ? keys.length : -1 - (which % Math.max(1, keys.length)));
    const kid = key?.kid ?? 'no-such-key';
    const request = id === null ? null : [at.who, cluster?.ring?.issuerId, 'revoke', kid, force, id].join();
    const former = run.model.repeated(request);
    const reply = await run.ask({ who: at.who, method: 'POST', path: issuerPath(at, '/revokeKey'), body: { kid, force }, headers: idHeader(id) },
      ...guard(run, at, 'Owner', 'cluster'), ...missing(run, at), former !== null ? [] : [key === undefined && [404, 'KeyNotFound'], key?.state === 'active' && !force && [409, 'KeyIsActive']]);
    if (reply === null) return;
    const done = { run, at, cluster: cluster as Ringed, reply, request: former === null ? request : null, kind: 'revokeKey' };
    if (former !== null) return acted(done, repeat(run, former));
    const changed = key!.state !== 'revoked';
    if (key!.state === 'active') endPending(run, done.cluster.ring);
    run.model.revokeKey(done.cluster.ring, kid);
    return acted(done, { outcome: 'revoked', revoked: [kid], operation: null, changed });
  }));

const DAY = 86_400;

const policyDeed = fc.record({ at: place, every: often(fc.constantFrom<number | null>(null, 2 * DAY, 30 * DAY, 365 * DAY), fc.constantFrom<number | null>(2 * DAY - 1, 365 * DAY + 1, 200_000.5, -1)) }).map(({ at, every }) =>
  deed(`policy ${every} ${shown(at, 'cluster', 'group')}`, async (run) => {
    const wrong = every !== null && (!Number.isInteger(every) || every < 2 * DAY || every > 365 * DAY);
    const reply = await run.ask({ who: at.who, method: 'PUT', path: issuerPath(at, '/rotationPolicy'), body: { properties: { rotateEverySeconds: every } } }, ...guard(run, at, 'Contributor', 'cluster'), ...missing(run, at), [wrong && [400, 'InvalidRotationPolicy']]);
    if (reply === null) return;
    const { ring, ...cluster } = clusterAt(run, at) as Ringed;
    const changed = ring.rotateEvery !== every;
    ring.rotateEvery = every;
    assert.deepEqual(reply.json<IssuerBody>().properties, { rotateEverySeconds: every });
    await run.assertIssuer({ ...cluster, ring }, ring, changed);
  }));

/** R8: ten minutes at least, a day at most, longer is shortened. */
const tokenDeed = fc.record({ at: place, life: fc.constantFrom<number | null>(null, 600, 3600, DAY, DAY + 1, 599, 600.5, -1), name: often(fc.constantFrom('app', 'a.b-c'), fc.constantFrom('App', 'a:b', '')), audiences: fc.constantFrom<readonly string[] | null>(null, [], ['one'], ['one', 'two'], ['']) }).map(({ at, life, name, audiences }) =>
  deed(`token ${life} ${name} ${JSON.stringify(audiences)} ${shown(at, 'cluster', 'group')}`, async (run) => {
    const wrong = (life !== null && (!Number.isInteger(life) || life < 600)) || !/^[a-z][-a-z.]*$/.test(name) || (audiences ?? []).includes('');
    const body = { metadata: { namespace: 'default', name }, spec: { audiences, expirationSeconds: life } };
    const reply = await run.ask({ who: at.who, method: 'POST', path: issuerPath(at, '/issueToken'), body }, ...guard(run, at, 'Owner', 'cluster'), ...missing(run, at), [wrong && [400, 'InvalidTokenRequest']]);
    if (reply === null) return;
    const { ring } = clusterAt(run, at) as Ringed;
    const [header, claims] = reply.json<TokenReply>().status.token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>) as [Record<string, unknown>, Record<string, unknown>];
    const [iat, granted] = [Math.floor(run.model.now / 1000), Math.min(life ?? 3600, DAY)];
    const active = ring.keys.find(({ state }) => state === 'active')!;
    assert.deepEqual([header['kid'], claims['iss'], claims['sub'], claims['aud'], claims['iat'], claims['exp']],
      [active.kid, ring.issuerURL, `system:serviceaccount:default:${name}`, audiences === null || audiences.length === 0 ? [ring.issuerURL] : audiences, iat, iat + granted]);
    assert.equal(String(reply.headers['warning'] ?? '').includes('shortened'), life !== null && life > DAY);
    active.tokens.push((iat + granted) * 1000);
  }));

const readDeed = place.map((at) => deed(`GET issuer ${shown(at, 'cluster', 'group')}`, async (run) => {
  const layers = [...guard(run, at, 'Reader', 'cluster'), ...missing(run, at)];
  const ring = clusterAt(run, at)?.ring;
  const reply = await run.ask({ who: at.who, method: 'GET', path: issuerPath(at) }, ...layers);
  if (reply !== null) assert.deepEqual([reply.json<IssuerBody>().properties.issuerURL, reply.json<IssuerBody>().eTag], [ring!.issuerURL, ring!.eTag]);
  const [kid, state] = [ring?.keys[0]?.kid ?? 'none', ring?.keys[0]?.state];
  const key = await run.ask({ who: at.who, method: 'GET', path: issuerPath(at, `/keys/${kid}`) }, ...layers);
  if (key !== null) assert.deepEqual([key.json<{ kid: string }>().kid, key.json<{ state: string }>().state], [kid, state]);
  await run.ask({ who: at.who, method: 'GET', path: issuerPath(at, `/keys/${kid.slice(1)}`) }, ...layers, [[404, 'KeyNotFound']]);
  await run.ask({ who: at.who, method: 'GET', path: issuerPath(at, '/keys') }, ...layers);
  await run.ask({ who: at.who, method: 'GET', path: issuerPath(at, '/rotationPolicy') }, ...layers);
}));

/** The history has no gap, and tells of no key that was never there. */
const eventsDeed = fc.record({ at: place, top: fc.constantFrom(1, 3, 100) }).map(({ at, top }) => deed(`events ${shown(at, 'cluster', 'group')} by ${top}`, async (run) => {
  const events = await run.all<KeyEventBody>({ who: at.who, path: issuerPath(at, '/events') }, top, ...guard(run, at, 'Reader', 'cluster'), ...missing(run, at));
  if (events === null) return;
  const { ring } = clusterAt(run, at) as Ringed;
  assert.deepEqual(events.map(({ number }) => number), Array.from(events, (_, index) => events.length - index));
  for (const [kind, state] of [['activated', 'active'], ['retired', 'retired'], ['revoked', 'revoked']] as const) {
    const told: ReadonlySet<string | null> = new Set(events.filter(({ to }) => to === state).map(({ kid }) => kid));
    for (const key of ring.keys.filter((one) => one.state === state)) assert.ok(told.has(key.kid), `the history tells that ${key.kid} was ${kind}`);
  }
  assert.deepEqual(new Set(events.map(({ kid }) => kid).filter((kid) => kid !== null)), new Set(ring.keys.map(({ kid }) => kid)));
}));

const FILTERS = { '': () => true, "location eq 'East US'": (cluster: ModelCluster) => cluster.location === 'eastus', "resourceGroup eq 'MYGROUP'": (cluster: ModelCluster) => cluster.group.toLowerCase() === 'mygroup' } as const;

const listDeed = fc.record({ at: place, filter: fc.constantFrom(...(Object.keys(FILTERS) as (keyof typeof FILTERS)[])), order: fc.constantFrom('', 'name desc', 'nextRotationAt'), top: fc.constantFrom(1, 100) }).map(({ at, filter, order, top }) =>
  deed(`list issuers ${shown(at)} ${filter} ${order} by ${top}`, async (run) => {
    const query = new URLSearchParams({ ...(filter === '' ? {} : { $filter: filter }), ...(order === '' ? {} : { $orderby: order }) }).toString();
    // A page of a filtered list may be empty and not the last.
    const listed = await run.all<IssuerSummaryBody>({ who: at.who, path: `${pathOf(at, 'subscription', '/providers/Mintmark.Oidc/issuers')}?${query}` }, filter.startsWith('location') ? 100 : top, ...guard(run, at, 'Reader', 'subscription'));
    if (listed === null) return;
    const expected = [...run.model.clusters.values()].filter((cluster) => cluster.subscriptionId === at.subscription && cluster.ring !== null && FILTERS[filter](cluster));
    assert.deepEqual(listed.map(({ properties }) => properties.issuerURL).toSorted(), expected.map(({ ring }) => ring!.issuerURL).toSorted());
    const names = listed.map(({ properties }) => properties.clusterName.toLowerCase());
    if (order === 'name desc') assert.deepEqual(names, names.toSorted().toReversed());
  }));

/** Half of them by those who have a role in a part of the subscription only. */
const asker = fc.oneof(place, fc.tuple(place, fc.constantFrom('group-reader', 'group-reader', ...NEWCOMERS)).map(([at, who]) => ({ ...at, who })));

const operationDeed = fc.record({ at: asker, which: fc.nat(8), form: fc.constantFrom('operations' as const, 'operationresults' as const) }).map(({ at, which, form }) =>
  deed(`GET ${form} ${which} ${shown(at)}`, async (run) => {
    const { operations } = run.model;
    const [id = 'none', operation] = [...operations].at(which % (operations.size + 1)) ?? [];
    const hidden = operation === undefined || at.who === null || operation.subscriptionId !== at.subscription || !run.model.may(at.who, 'Reader', operation.resourceId, run.tenantOf(at.who));
    const path = pathOf(at, 'subscription', `/providers/Microsoft.ContainerService/locations/eastus/${form}/`) + id;
    const reply = await run.ask({ who: at.who, method: 'GET', path }, ...guard(run, at, 'Reader', 'subscription').slice(0, 2), [hidden && [404, 'OperationNotFound']], [form === 'operationresults' && operation?.status === 'Canceled' && [409, 'OperationNotAllowed']]);
    if (reply === null) return;
    if (form === 'operationresults') return assert.equal(reply.status, operation!.status === 'InProgress' ? 202 : 204);
    const { status, properties } = reply.json<OperationBody>();
    assert.deepEqual([status, properties.kind, properties.revoked, properties.waiting !== null], [operation!.status, operation!.kind, operation!.revoked, operation!.status === 'InProgress']);
  }));

const passDeed = fc.constantFrom(1, 250, 600, 7200, 86_400).map((seconds) => deed(`${seconds} s pass`, async (run) => run.pass(seconds * 1000)));

const badRotate = fc.record({ at: place, body: fc.constantFrom<unknown>({ force: 'yes' }, [], 'x', { emergency: 1 }) }).map(({ at, body }) => deed(`rotate ${JSON.stringify(body)} ${shown(at, 'cluster', 'group')}`, async (run) => {
  await run.ask({ who: at.who, method: 'POST', path: issuerPath(at, '/rotate'), body }, ...guard(run, at, 'Contributor', 'cluster'), [INVALID_CONTENT]);
}));

export const ISSUER_DEEDS = [
  { weight: 10, arbitrary: rotateDeed }, { weight: 5, arbitrary: revokeDeed }, { weight: 3, arbitrary: policyDeed }, { weight: 5, arbitrary: tokenDeed }, { weight: 2, arbitrary: readDeed },
  { weight: 2, arbitrary: eventsDeed }, { weight: 2, arbitrary: listDeed }, { weight: 5, arbitrary: operationDeed }, { weight: 6, arbitrary: passDeed }, { weight: 1, arbitrary: badRotate },
] as const;
