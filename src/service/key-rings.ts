/**
 * The verbs on a key ring that people ask for: rotate, revoke, set the policy.
 *
 * The shell around `domain/rotation.ts`: make the keys, decide on the fresh ring inside the transaction, store the
 * operation in the same commit, publish. The rotator does the same for what is due by itself (`rotator.ts`).
 */
import { randomUUID } from 'node:crypto';
import { after, HOUR } from '../domain/durations.ts';
import { MintmarkError } from '../domain/errors.ts';
import { type KeyRing, keysIn, type RotationPolicy, type SigningKey } from '../domain/key-ring.ts';
import type { NewKey, RingChange, Why } from '../domain/key-ring-change.ts';
import { type Operation, REPEAT_HOURS } from '../domain/operation.ts';
import { resourceGroupOf } from '../domain/resource-id.ts';
import type { Resource } from '../domain/resource.ts';
import { brokenByRotation, emergency, requestRotation, revokeKey, setPolicy, switchesAtOnce } from '../domain/rotation.ts';
import { nextStep, type RingSettings, type SilentSigner } from '../domain/rotation-schedule.ts';
import { unaskedRevocation } from '../domain/second-rotation.ts';
import type { Store, StoreReader, StoreWriter } from '../store/store.ts';
import { actorOf, type Caller } from './caller.ts';
import { issuerIdOf } from './issuers.ts';
import type { NewKeys } from './new-keys.ts';
import type { Publications } from './publications.ts';
import type { RingCommits } from './ring-commits.ts';

export interface Waiting {
  readonly reason: string;
  readonly until: Date | null;
  /** Who is waited for, where that is a signer. */
  readonly signers?: readonly SilentSigner[];
}

export interface RotationResult {
  readonly operation: Operation;
  readonly outcome: 'rotated' | 'waiting' | 'joined' | 'revoked';
  readonly revoked: readonly string[];
  /** What the rotation waits for; null when it is done. */
  readonly waiting: Waiting | null;
}

export interface RotateHow {
  /** Do not wait until the prepared key is ready. */
  readonly force: boolean;
  /** Revoke every key and start again with two new ones. */
  readonly emergency: boolean;
  /** Revoke the retired keys, where the configuration wants that to be asked for; force and emergency ask for it too. */
  readonly revokePrevious?: boolean;
}

export interface KeyRings {
  /** @throws MintmarkError `RotationWouldRevoke`. */
  rotate(caller: Caller, cluster: Resource, how: RotateHow): Promise<RotationResult>;
  revokeKey(caller: Caller, cluster: Resource, kid: string, force: boolean): Promise<RotationResult>;
  setPolicy(caller: Caller, cluster: Resource, policy: RotationPolicy): Promise<void>;
}

/** What a verb decided on the fresh ring. */
interface Decision {
  readonly change: RingChange | null;
  readonly outcome: RotationResult['outcome'];
  readonly operationId: string;
  readonly revoked: readonly string[];
}

interface Verb {
  readonly action: string;
  readonly kind: Operation['kind'];
  /** Keys that it would revoke without having been told to; left out where it never does. */
  readonly unasked?: (ring: KeyRing, now: Date) => readonly SigningKey[];
  /** How many new keys `decide` would use now. */
  keysNeeded(ring: KeyRing, now: Date): number;
  decide(ring: KeyRing, keys: readonly NewKey[], operationId: string, now: Date): Decision;
}

export function createKeyRings(
  deps: { readonly store: Store; readonly newKeys: NewKeys; readonly rings: RingCommits; readonly publications: Publications; readonly wakeRotator: () => void },
): KeyRings {
  const { store, newKeys, rings, publications } = deps;

  async function perform(caller: Caller, cluster: Resource, verb: Verb): Promise<RotationResult> {
    const issuerId = issuerIdOf(cluster);
    for (;;) {
      const decision = await attempt(caller, cluster, issuerId, verb);
      if (decision === 'needs more keys') continue;
      deps.wakeRotator();
      await publications.settleInTime();
      return resultOf(issuerId, decision);
    }
  }

  /** Making keys is costly: first it is seen how many it takes, and more than that only when the ring has changed meanwhile. */
  async function attempt(caller: Caller, cluster: Resource, issuerId: string, verb: Verb): Promise<Decision | 'needs more keys'> {
    const outlook = await store.read(async (tx) => ({ ring: await tx.keyRing(issuerId), repeated: await repeatedOperation(tx, caller, cluster, verb.action, store.now()) }));
    const count = outlook.ring === null || outlook.repeated !== null ? 0 : verb.keysNeeded(outlook.ring, store.now());
    const made = await newKeys.make(count, { tenantId: cluster.tenantId, issuerId });
    let used: RingChange | null = null;
    try {
      const decision = await store.write((tx) => decideIn(tx, caller, cluster, issuerId, verb, made.keys));
      if (decision !== 'needs more keys') used = decision.change;
      return decision;
    } finally {
      made.settle(used);
    }
  }

  async function decideIn(tx: StoreWriter, caller: Caller, cluster: Resource, issuerId: string, verb: Verb, keys: readonly NewKey[]): Promise<Decision | 'needs more keys'> {
    const repeated = await repeatedOperation(tx, caller, cluster, verb.action, tx.now);
    if (repeated !== null) return { change: null, outcome: 'joined', operationId: repeated.id, revoked: repeated.result.revoked };
    if (verb.unasked !== undefined) await refuseUnasked(tx, cluster, issuerId, verb.unasked);
    const operationId = randomUUID();
    let decision: Decision | 'needs more keys' | undefined;
    const commit = await rings.commit(tx, issuerId, (ring, now) => {
      decision = verb.keysNeeded(ring, now) > keys.length ? 'needs more keys' : verb.decide(ring, keys, operationId, now);
      return decision === 'needs more keys' ? null : decision.change;
    });
    if (commit === null || decision === undefined) throw new MintmarkError('StoreCorrupt', `The key ring of issuer ${issuerId} is not in the store.`);
    if (decision !== 'needs more keys') await keepOperation(tx, caller, cluster, verb, decision, commit.change);
    return decision;
  }

  async function resultOf(issuerId: string, { operationId, outcome, revoked }: Decision): Promise<RotationResult> {
    const [operation, ring] = await store.read(async (tx) => [await tx.operation(operationId), await tx.keyRing(issuerId)] as const);
    if (operation === null || ring === null) throw new MintmarkError('StoreCorrupt', `The operation ${operationId} is not in the store.`);
    return { operation, outcome, revoked, waiting: whatOperationWaitsFor(operation, ring, rings.settings, store.now()) };
  }

  return {
    rotate: (caller, cluster, how) => perform(caller, cluster, how.emergency ? emergencyVerb(caller) : rotateVerb(caller, how, rings.settings)),
    revokeKey: (caller, cluster, kid, force) => perform(caller, cluster, revokeVerb(caller, kid, force)),
    async setPolicy(caller, cluster, policy) {
      const why: Why = { cause: 'configuration', actor: actorOf(caller), reason: 'the rotation policy was set' };
      await store.write((tx) => rings.commit(tx, issuerIdOf(cluster), (ring, now) => setPolicy(ring, policy, now, why)));
      deps.wakeRotator();
      await publications.settleInTime();
    },
  };
}

/** What an operation in progress waits for: its key, or the publishers. Null once it has ended. */
export function whatOperationWaitsFor(operation: Operation, ring: KeyRing | null, settings: RingSettings, now: Date): Waiting | null {
  if (operation.status !== 'InProgress') return null;
  if (operation.endsWithChange !== null || ring === null) return { reason: 'not confirmed by every publisher', until: null };
  const step = nextStep(ring, settings, now);
  if (step.do !== 'wait') return { reason: 'the rotator is about to act', until: now };
  const { do: _, ...waiting } = step;
  return waiting;
}

function rotateVerb(caller: Caller, { force, revokePrevious = false }: RotateHow, { secondRotation }: RingSettings): Verb {
  const why: Why = { cause: force ? 'force' : 'manual', actor: actorOf(caller), reason: force ? 'a forced rotation was asked for' : 'a rotation was asked for' };
  return {
    action: force ? 'rotate with force' : revokePrevious ? 'rotate and revoke' : 'rotate', kind: 'rotate',
    unasked: (ring, now) => (secondRotation === 'allow' || force || revokePrevious ? [] : brokenByRotation(ring, now)),
    keysNeeded: (ring, now) => (ring.open && switchesAtOnce(ring, force, now) ? 1 : 0),
    decide: (ring, keys, operationId, now) => requestRotation(ring, { operationId, force }, keys[0]!, now, why),
  };
}

function emergencyVerb(caller: Caller): Verb {
  const why: Why = { cause: 'emergency', actor: actorOf(caller), reason: 'an emergency rotation was asked for' };
  return {
    action: 'emergency', kind: 'rotate',
    keysNeeded: (ring) => (ring.open ? 2 : 0),
    decide: (ring, keys, operationId, now) => ({
      change: emergency(ring, keys[0]!, keys[1]!, now, why),
      outcome: 'rotated',
      operationId,
      revoked: ring.keys.filter((key) => key.state !== 'revoked').map(({ kid }) => kid),
    }),
  };
}

function revokeVerb(caller: Caller, kid: string, force: boolean): Verb {
  const why: Why = { cause: 'revocation', actor: actorOf(caller), reason: 'its revocation was asked for' };
  return {
    action: `revoke ${kid}${force ? ' with force' : ''}`, kind: 'revokeKey',
    keysNeeded: (ring) => (ring.keys.some((key) => key.kid === kid && (key.state === 'prepared' || (key.state === 'active' && force))) ? 1 : 0),
    decide: (ring, keys, operationId, now) => {
      const already = keysIn(ring, 'revoked').some((key) => key.kid === kid);
      return { change: already ? null : revokeKey(ring, kid, force, keys[0]!, now, why), outcome: 'revoked', operationId, revoked: [kid] };
    },
  };
}

/** In the transaction that would rotate, so what is named is what would be revoked. */
async function refuseUnasked(tx: StoreWriter, cluster: Resource, issuerId: string, unasked: NonNullable<Verb['unasked']>): Promise<void> {
  const ring = await tx.keyRing(issuerId);
  const keys = ring === null ? [] : unasked(ring, tx.now);
  if (keys.length > 0) throw unaskedRevocation(keys, await tx.liveTokens(issuerId, tx.now), `mintmark issuer rotate -g ${resourceGroupOf(cluster.id)} -n ${cluster.name}`);
}

async function repeatedOperation(tx: StoreReader, caller: Caller, cluster: Resource, action: string, now: Date): Promise<Operation | null> {
  const key = requestKey(caller, cluster, action);
  const id = key === null ? null : await tx.requestedOperation(key, after(now, -REPEAT_HOURS * HOUR));
  return id === null ? null : tx.operation(id);
}

async function keepOperation(tx: StoreWriter, caller: Caller, cluster: Resource, verb: Verb, decision: Decision, change: number): Promise<void> {
  const existing = await tx.operation(decision.operationId);
  const revoked = [...new Set([...(existing?.result.revoked ?? []), ...decision.revoked])];
  const operation: Operation = existing ?? {
    id: decision.operationId, tenantId: cluster.tenantId, subscriptionId: cluster.subscriptionId, resourceId: cluster.id, issuerId: cluster.issuerId,
    kind: verb.kind, status: 'InProgress', startedAt: tx.now, endedAt: null, error: null, endsWithChange: decision.outcome === 'waiting' ? null : change, result: { revoked },
  };
  await tx.putOperation({ ...operation, result: { revoked } });
  const key = requestKey(caller, cluster, verb.action);
  if (key !== null) await tx.rememberRequest(key, operation.id);
}

/**
 * The same principal, issuer, action and request id is the same request (rule 9: a repeat must not be a second rotation).
 * The issuer, not the cluster's path: a cluster that was deleted and created again is another one.
 */
function requestKey(caller: Caller, cluster: Resource, action: string): string | null {
  return caller.clientRequestId === null ? null : [caller.principalId, cluster.issuerId, action, caller.clientRequestId].join('\n');
}
