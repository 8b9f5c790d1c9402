/**
 * What must be true of each cluster, by what was asked and what was answered.
 *
 * A request that was answered is in the store, once. One that was not is there whole or not at all. Nothing else is: each
 * commit that a person can cause is counted against the requests, so that a repeat or a restart never makes a second one.
 */
import assert from 'node:assert/strict';
import { resourceKey } from '../../src/domain/resource-id.ts';
import type { ChangeCause } from '../../src/domain/key-ring-change.ts';
import type { KeyState } from '../../src/domain/key-ring.ts';
import type { ManagedClusterBody, RotateReply } from '../../src/http/management/contract.ts';
import type { NumberedEvent } from '../../src/store/store.ts';
import { type ClusterApi, type HttpReply, success } from '../support/dev-api.ts';
import { type Deed, DEEDS } from './deeds.ts';
import type { LeftBehind, LeftIssuer } from './left-behind.ts';

export interface ClusterRecord {
  readonly name: string;
  /** Made anew at each login. */
  api: ClusterApi;
  state: 'absent' | 'there' | 'deleted';
  issuer: { readonly id: string; readonly url: string } | null;
  /** The highest version of the ring that was ever seen. */
  version: number;
  /** Kids that were not revoked when last looked at. */
  kids: readonly string[];
  events: readonly NumberedEvent[];
  /** How many commits there are, by what they were asked for. */
  readonly commits: Map<ChangeCause, number>;
  /** Kids that revocations named. */
  readonly named: Set<string>;
}

export const newRecord = (name: string, api: ClusterApi): ClusterRecord =>
  ({ name, api, state: 'absent', issuer: null, version: 0, kids: [], events: [], commits: new Map(), named: new Set() });

/** What became of a deed. */
export type Fate = 'acknowledged' | 'without a reply, and done' | 'without a reply, and not done' | 'refused';

export interface Outcome {
  readonly deed: Deed;
  /** Null when none came. */
  readonly reply: HttpReply | null;
}

/** Which states of a key a commit of each cause may revoke it from; none for all others. */
const MAY_REVOKE: Partial<Record<ChangeCause, readonly KeyState[]>> = {
  manual: ['retired'], force: ['retired'], revocation: ['prepared', 'active', 'retired'], emergency: ['prepared', 'active', 'retired'], deletion: ['prepared'],
};

/** Compares one outcome with what is in the store, and takes over what that says. */
export function reconcile({ deed, reply }: Outcome, left: LeftBehind): Fate {
  const { record, kind } = deed;
  const { cause } = DEEDS[kind];
  if (kind === 'revoke') record.named.add(deed.kid);
  if (reply !== null && reply.status >= 300) return refused(deed, reply);
  if (cause === null) return reply === null ? 'without a reply, and not done' : 'acknowledged';
  const before = record.commits.get(cause) ?? 0;
  const found = issuerOf(record, left);
  const more = (found === undefined ? 0 : commitsOf(found.events, cause)) - before;
  if (reply === null) assert.ok(more === 0 || more === 1, `${kind} of ${record.name} had no reply and was done ${more} times`);
  else assert.equal(more, claims(reply), `${kind} of ${record.name} was answered with ${reply.status} ${reply.text.slice(0, 300)}, and the store has ${more} commits of it`);
  record.commits.set(cause, before + more);
  if (more > 0 && kind === 'create') adopt(record, found!, reply);
  if (more > 0 && kind === 'delete') record.state = 'deleted';
  if (reply !== null) return 'acknowledged';
  return more > 0 ? 'without a reply, and done' : 'without a reply, and not done';
}

/** A record must be in the store as it was left; what is new in it must be by what was asked. */
export function assertRecord(record: ClusterRecord, left: LeftBehind): void {
  const { name, state, issuer } = record;
  const cluster = left.clusters.get(resourceKey(record.api.cluster));
  if (state === 'there') assert.equal(cluster?.issuerId, issuer?.id, `the cluster ${name} is lost, or has another issuer`);
  else assert.equal(cluster, undefined, `the cluster ${name} is ${state} and yet in the store`);
  const found = issuerOf(record, left);
  if (found === undefined) return assert.ok(state !== 'there', `the issuer of ${name} is lost`);
  assert.equal(found.issuer.url, issuer?.url, `the issuer URL of ${name} has changed`);
  assert.ok(found.ring.version >= record.version, `the ring of ${name} went back from version ${record.version} to ${found.ring.version}`);
  assert.deepEqual(found.events.slice(0, record.events.length), record.events, `the history of ${name} was rewritten`);
  assertAskedFor(record, found);
  Object.assign(record, { version: found.ring.version, events: found.events, kids: found.ring.keys.filter((key) => key.state !== 'revoked').map(({ kid }) => kid) });
}

function assertAskedFor({ name, commits, named, events }: ClusterRecord, found: LeftIssuer): void {
  for (const { cause } of Object.values(DEEDS)) if (cause !== null) assert.equal(commitsOf(found.events, cause), commits.get(cause) ?? 0, `the ring of ${name} has commits by ${cause} that nobody asked for, or lost some`);
  for (const { kid, cause, from } of found.events.slice(events.length).filter(({ kind }) => kind === 'revoked')) {
    assert.ok(from !== null && MAY_REVOKE[cause]?.includes(from), `the ${from} key ${kid} of ${name} was revoked by ${cause}`);
    if (cause === 'revocation') assert.ok(named.has(kid ?? ''), `the key ${kid} of ${name} was revoked, and no request named it`);
  }
}

/** The kids whose tokens have to fail. */
export const revokedKids = ({ events }: ClusterRecord): ReadonlySet<string> => new Set(events.filter(({ kind }) => kind === 'revoked').map(({ kid }) => kid ?? ''));

export function issuerOf({ issuer, api }: Pick<ClusterRecord, 'issuer' | 'api'>, left: LeftBehind): LeftIssuer | undefined {
  const id = issuer?.id ?? left.clusters.get(resourceKey(api.cluster))?.issuerId;
  return id === undefined || id === null ? undefined : left.issuers.get(id);
}

/** Commits that a person caused: what waited for its time is carried out by the rotator. */
const commitsOf = (events: readonly NumberedEvent[], cause: ChangeCause): number => new Set(events.filter((event) => event.cause === cause && event.actor.startsWith('principal:')).map(({ ringVersion }) => ringVersion)).size;

/** Whether a reply says that this very request changed the ring. */
function claims({ status, text }: HttpReply): number {
  if (status === 201) return 1;
  if (status !== 202) return 0;
  return text === '' || (JSON.parse(text) as RotateReply).outcome !== 'joined' ? 1 : 0;
}

function adopt(record: ClusterRecord, { issuer }: LeftIssuer, reply: HttpReply | null): void {
  record.state = 'there';
  record.issuer = { id: issuer.id, url: issuer.url };
  if (reply !== null) assert.equal(success<ManagedClusterBody>(reply).properties.oidcIssuerProfile.issuerURL, issuer.url, 'the issuer URL in the reply is another one than in the store');
}

/** What may be refused: a key that has ended meanwhile, and a token whose key was replaced, or its cluster deleted, while it was being signed. */
function refused({ kind, record }: Deed, { status, text }: HttpReply): Fate {
  const expected = (kind === 'revoke' && status === 404) || (kind === 'token' && (status === 503 || record.state !== 'there'));
  assert.ok(expected, `${kind} of ${record.name} was refused with ${status} ${text.slice(0, 500)}`);
  return 'refused';
}

/** Of a reply that names one. */
export const operationOf = (reply: HttpReply | null): string | undefined => (reply?.text.includes('operationId') === true ? (JSON.parse(reply.text) as RotateReply).operationId : undefined);

/** What a repeat has to say, by whether the store had the first one. */
export function assertRepeat({ kind, record }: Deed, done: boolean, { status, text }: HttpReply): void {
  const told = `${kind} of ${record.name}, which ${done ? 'was' : 'was not'} done when the server was killed, was repeated and answered with ${status} ${text.slice(0, 300)}`;
  if (kind === 'create') assert.equal(status, done ? 200 : 201, told);
  else if (kind === 'delete') assert.equal(status, done ? 204 : 202, told);
  else if (done) assert.equal((JSON.parse(text) as RotateReply).outcome, 'joined', told);
}
