/** An issuer with its key ring as the wire shows it: the keys, the calendar, and why nothing happens now. */
import { DISCOVERY_SUFFIX, JWKS_SUFFIX } from '../../domain/issuer.ts';
import { publishedJwk } from '../../domain/jwks.ts';
import { activatableAt, type KeyRing, keysIn, maxAge, type SigningKey } from '../../domain/key-ring.ts';
import { freezeWindowText } from '../../domain/freeze-windows.ts';
import { earliest } from '../../domain/durations.ts';
import { resourceGroupOf } from '../../domain/resource-id.ts';
import type { Resource } from '../../domain/resource.ts';
import { activationWaitsFor, type NextActivation } from '../../domain/rotation-schedule.ts';
import { revokedByRotation } from '../../domain/rotation.ts';
import type { IssuerView } from '../../service/issuers.ts';
import type { Waiting } from '../../service/key-rings.ts';
import type { NumberedEvent } from '../../store/store.ts';
import type { IssuerBody, IssuerSummaryBody, KeyBody, KeyEventBody, RotationPolicyBody } from './contract.ts';

const ISSUER_TYPE = 'Mintmark.Oidc/issuers';

const orNull = (at: Date | null): string | null => at?.toISOString() ?? null;

export function waitingBody(waiting: Waiting | null) {
  if (waiting === null) return null;
  const { reason, until, signers } = waiting;
  return { reason, until: orNull(until), ...(signers === undefined ? {} : { signers: signers.map(({ name, since, refusesSince }) => ({ name, since: since.toISOString(), ...(refusesSince === null ? {} : { refusesSince: refusesSince.toISOString() }) })) }) };
}

/** Of a deleted issuer there is no body: its cluster is gone, so nothing points to it. */
export function issuerBody(cluster: Resource, view: IssuerView): IssuerBody {
  const { issuer, ring, liveTokens, step, settings } = view;
  return {
    id: issuerId(cluster), name: 'default', type: ISSUER_TYPE, eTag: eTagOf(ring),
    properties: {
      issuerURL: issuer.url, discoveryURL: `${issuer.url}${DISCOVERY_SUFFIX}`, jwksURI: `${issuer.url}${JWKS_SUFFIX}`,
      issuerId: issuer.id, mode: issuer.mode, createdAt: issuer.createdAt.toISOString(), ringVersion: ring.version,
      rotationPolicy: { rotateEverySeconds: ring.policy.rotateEvery }, publicationGapSeconds: ring.gap.seconds, maxAgeSeconds: maxAge(ring),
      freezeWindows: settings.freezeWindows.map(freezeWindowText), secondRotation: settings.secondRotation,
      keys: keyBodies(view),
      verifyOnlyKeys: ring.verifyOnly.map(({ kid, algorithm, importedAt, importedBy, expiresAt }) => ({ kid, algorithm, importedAt: importedAt.toISOString(), importedBy, expiresAt: orNull(expiresAt) })),
      calendar: calendarOf(view),
      waiting: step.do === 'wait' ? waitingBody(step) : null,
      pendingRotation: pendingRotation(ring),
      rotationWouldRevoke: revokedByRotation(ring).map((kid) => ({ kid, liveTokens: liveTokens.get(kid) ?? 0 })),
    },
  };
}

function pendingRotation({ pending }: KeyRing): IssuerBody['properties']['pendingRotation'] {
  if (pending === null) return null;
  const { operationId, requestedAt, requestedBy, revokes } = pending;
  return { operationId, requestedAt: requestedAt.toISOString(), requestedBy, revokes: [...revokes] };
}

export const keyBodies = ({ ring, liveTokens }: IssuerView): KeyBody[] => ring.keys.map((key) => keyBody(key, liveTokens.get(key.kid) ?? 0));

function keyBody(key: SigningKey, liveTokens: number): KeyBody {
  return {
    kid: key.kid, algorithm: key.algorithm, state: key.state, origin: key.origin, published: key.published, createdAt: key.createdAt.toISOString(),
    publishedAt: orNull(key.publishedAt), activatedAt: orNull(key.activatedAt), retiredAt: orNull(key.retiredAt), revokedAt: orNull(key.revokedAt),
    expiresAt: orNull(key.expiresAt), liveTokens, publicJwk: { ...publishedJwk(key) },
  };
}

function calendarOf({ ring, nextActivation }: IssuerView): IssuerBody['properties']['calendar'] {
  const [active, prepared] = [keysIn(ring, 'active')[0], keysIn(ring, 'prepared')[0]];
  return {
    activeSince: (active?.activatedAt ?? ring.createdAt).toISOString(),
    preparedPublishedAt: orNull(prepared?.publishedAt ?? null),
    preparedReadyAt: prepared === undefined ? null : orNull(activatableAt(ring)),
    nextRotationAt: orNull(nextActivation?.at ?? null),
    nextRotationCause: nextRotationCause(ring, nextActivation),
    nextRotationWaitsFor: activationWaitsFor(ring),
    nextRotationFrozenSince: orNull(nextActivation?.frozenSince ?? null),
    nextRemovalAt: orNull(earliest(...keysIn(ring, 'retired').map((key) => key.expiresAt))),
  };
}

function nextRotationCause(ring: KeyRing, nextActivation: NextActivation | null): 'manual' | 'automatic' | null {
  if (ring.pending?.activates === true) return 'manual';
  return nextActivation === null ? null : 'automatic';
}

/** What of a cluster is in the row of its issuer. */
export type ListedCluster = Pick<Resource, 'id' | 'name' | 'location' | 'issuerId'>;

export function issuerSummaryBody(cluster: ListedCluster, { issuer, ring, nextActivation }: IssuerView): IssuerSummaryBody {
  const active = keysIn(ring, 'active')[0];
  return {
    id: issuerId(cluster), name: 'default', type: ISSUER_TYPE, eTag: eTagOf(ring),
    properties: {
      clusterId: cluster.id, clusterName: cluster.name, resourceGroup: resourceGroupOf(cluster.id), location: cluster.location, issuerURL: issuer.url,
      activeKid: active?.kid ?? '', activeSince: (active?.activatedAt ?? ring.createdAt).toISOString(), nextRotationAt: orNull(nextActivation?.at ?? null), nextRotationWaitsFor: activationWaitsFor(ring),
      keyCount: ring.keys.filter(({ state }) => state !== 'revoked').length, rotationPending: ring.pending !== null,
    },
  };
}

export const rotationPolicyBody = (cluster: Resource, { ring }: IssuerView): RotationPolicyBody => ({
  id: `${issuerId(cluster)}/rotationPolicy`, name: 'rotationPolicy', type: `${ISSUER_TYPE}/rotationPolicy`, eTag: eTagOf(ring),
  properties: { rotateEverySeconds: ring.policy.rotateEvery },
});

export const keyEventBody = (event: NumberedEvent): KeyEventBody => ({ ...event, at: event.at.toISOString() });

const issuerId = (cluster: Pick<Resource, 'id'>): string => `${cluster.id}/providers/${ISSUER_TYPE}/default`;

/** (epoch, version) is never repeated, also after a restore. */
const eTagOf = ({ epoch, version }: KeyRing): string => `${epoch}-${version}`;
