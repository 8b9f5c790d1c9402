/**
 * What a server says after it was killed and started again: over the management API, and to a relying party that knows
 * the public documents only. Compared with what the store had when the former one died.
 */
import assert from 'node:assert/strict';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import type { IssuerBody, KeyEventBody, ManagedClusterBody, OperationBody } from '../../src/http/management/contract.ts';
import { exchange, success } from '../support/dev-api.ts';
import { eventually } from '../support/dev-server.ts';
import { type ClusterRecord, revokedKids } from './model.ts';
import type { Place } from '../support/place.ts';

/** A token that was given out. */
export interface GivenToken {
  readonly token: string;
  readonly kid: string;
  /** Seconds since 1970. */
  readonly ends: number;
  readonly record: ClusterRecord;
}

export function givenToken(token: string, record: ClusterRecord): GivenToken {
  return { token, kid: String(decodeProtectedHeader(token).kid), ends: Number(decodeJwt(token).exp), record };
}

/** The cluster is served as it was: its URL, the history of its keys, and a JWKS of just those that verify. */
export async function assertServed(place: Place, record: ClusterRecord, tokens: readonly GivenToken[]): Promise<void> {
  const { api, name, issuer, version } = record;
  const { properties } = success<ManagedClusterBody>(await api.send('GET', api.cluster));
  assert.equal(properties.oidcIssuerProfile.issuerURL, issuer?.url, `the server gives ${name} another issuer URL`);
  const shown = await eventually(`the JWKS of ${name} has the keys of its ring`, () => agreed(place, record));
  assert.ok(shown.ringVersion >= version, `the server has version ${shown.ringVersion} of the ring of ${name}, and had ${version}`);
  record.version = shown.ringVersion;
  assertHistory(record, success<{ value: readonly KeyEventBody[] }>(await api.send('GET', `${api.issuer}/events`)).value);
  for (const { kid, liveTokens } of shown.keys) {
    const given = tokens.filter((token) => token.record === record && token.kid === kid && token.ends * 1000 > place.now().getTime()).length;
    assert.ok(liveTokens >= given, `the server knows of ${liveTokens} tokens of ${kid} and gave out ${given}`);
  }
}

/** What is shown, if the JWKS has just its keys; undefined while the ring changes between the two. */
async function agreed(place: Place, { api, issuer }: ClusterRecord): Promise<IssuerBody['properties'] | undefined> {
  const shown = await api.show();
  const published = shown.keys.filter(({ state, expiresAt }) => state !== 'revoked' && (expiresAt === null || Date.parse(expiresAt) > place.now().getTime()));
  const kids = (await jwksOf(place, issuer?.url ?? ''))?.keys.map(({ kid }) => kid);
  return kids !== undefined && kids.toSorted().join() === published.map(({ kid }) => kid).toSorted().join() ? shown : undefined;
}

/** The newest page of events, newest first, says of those that the store had what the store said. */
function assertHistory({ name, events }: ClusterRecord, page: readonly KeyEventBody[]): void {
  for (const { number, ringVersion, kind, kid, cause, actor } of page) {
    const known = events[number - 1];
    if (known !== undefined) assert.deepEqual({ ringVersion, kind, kid, cause, actor }, { ringVersion: known.ringVersion, kind: known.kind, kid: known.kid, cause: known.cause, actor: known.actor }, `event ${number} of ${name} is told differently`);
  }
}

/** By way of the discovery document; null when the issuer has no documents any more. */
async function jwksOf(place: Place, issuerUrl: string): Promise<JSONWebKeySet | null> {
  const discovery = await exchange(place, 'GET', `${issuerUrl}.well-known/openid-configuration`);
  if (discovery.status === 404) return null;
  const { issuer, jwks_uri } = success<{ issuer: string; jwks_uri: string }>(discovery);
  assert.equal(issuer, issuerUrl);
  const jwks = await exchange(place, 'GET', jwks_uri);
  return jwks.status === 404 ? null : success<JSONWebKeySet>(jwks);
}

/** Every token that has not ended verifies, unless its key was revoked by request: then it fails. Gives those that go on to count. */
export async function verifyTokens(place: Place, tokens: readonly GivenToken[]): Promise<{ readonly living: readonly GivenToken[]; readonly verified: number; readonly failed: number }> {
  const living: GivenToken[] = [];
  let failed = 0;
  for (const [record, given] of Map.groupBy(tokens, (token) => token.record)) {
    const [jwks, revoked] = [await jwksOf(place, record.issuer!.url), revokedKids(record)];
    for (const one of given) {
      if (one.ends * 1000 <= place.now().getTime() + 1000) continue;
      const verdict = await verdictOf(place, one, jwks);
      assert.equal(verdict, revoked.has(one.kid) ? 'ERR_JWKS_NO_MATCHING_KEY' : 'verifies', `a token of ${one.kid} of ${record.name}, which ends in ${Math.round(one.ends - place.now().getTime() / 1000)} s`);
      if (verdict === 'verifies') living.push(one);
      else failed += 1;
    }
  }
  return { living, verified: living.length, failed };
}

async function verdictOf(place: Place, { token, record }: GivenToken, jwks: JSONWebKeySet | null): Promise<string> {
  const options = { issuer: record.issuer!.url, currentDate: place.now(), clockTolerance: 1, algorithms: ['RS256'] };
  return jwtVerify(token, createLocalJWKSet(jwks ?? { keys: [] }), options).then(() => 'verifies', (error: { code: string }) => error.code);
}

/** An operation that a reply named. */
export interface NamedOperation {
  readonly id: string;
  readonly record: ClusterRecord;
}

/** It is still known; gives its status. */
export async function statusOf({ id, record }: NamedOperation): Promise<OperationBody['status']> {
  const { status } = await record.api.operation(id);
  assert.ok(status !== 'Failed', `the operation ${id} of ${record.name} failed`);
  if (status === 'Canceled') assert.equal(record.state, 'deleted', `the operation ${id} of ${record.name} was cancelled, and its cluster is there`);
  return status;
}

export async function assertEnds(operation: NamedOperation): Promise<void> {
  await eventually(`the operation ${operation.id} of ${operation.record.name} ends`, async () => ((await statusOf(operation)) === 'InProgress' ? undefined : true));
}
