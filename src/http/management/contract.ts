/**
 * The wire form of the management API, as zod schemas: the one place that server, OpenAPI document, command line and
 * console know it from. The command line imports only its types.
 *
 * Names on the wire are Azure Resource Manager's (`issuerURL`). Requests are read leniently: unknown and read-only
 * members have no effect. Times are RFC 3339 in UTC; lengths of time are whole seconds.
 */
import { z } from 'zod';
import { SECOND_ROTATION } from '../../domain/rotation-schedule.ts';
import type { Json, JsonObject } from '../../domain/resource.ts';

const json: z.ZodType<Json> = z.any();
const jsonObject: z.ZodType<JsonObject> = z.record(z.string(), json);
const time = z.iso.datetime();
export const orNull = <T extends z.ZodType>(schema: T) => schema.nullable();
export const tags = z.record(z.string().max(512), z.string().max(256));

export const errorBody = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    target: z.string().optional(),
    details: z.array(z.object({ code: z.string(), message: z.string(), target: z.string().optional() })).optional(),
  }),
});
export type ErrorBody = z.infer<typeof errorBody>;

/** Members that every resource has. */
export const envelope = { id: z.string(), name: z.string(), type: z.string(), eTag: z.string().optional() };

export const resourceGroupRequest = z.object({ location: orNull(z.string().max(80)).optional(), tags: orNull(tags).optional() });
export const resourceGroup = z.object({ ...envelope, location: z.string(), tags, properties: z.object({ provisioningState: z.string() }) });
export type ResourceGroupBody = z.infer<typeof resourceGroup>;

export const managedClusterRequest = z.object({
  location: orNull(z.string().max(80)).optional(),
  tags: orNull(tags).optional(),
  identity: orNull(jsonObject).optional(),
  sku: orNull(jsonObject).optional(),
  properties: orNull(jsonObject).optional(),
});
export const managedCluster = z.object({
  ...envelope,
  location: z.string(),
  tags,
  identity: jsonObject.optional(),
  sku: jsonObject,
  properties: z.looseObject({
    provisioningState: z.string(),
    kubernetesVersion: z.string(),
    currentKubernetesVersion: z.string(),
    fqdn: z.string(),
    oidcIssuerProfile: z.object({ enabled: z.boolean(), issuerURL: z.string().optional() }),
    servicePrincipalProfile: jsonObject,
    agentPoolProfiles: z.array(jsonObject),
    networkProfile: jsonObject,
  }),
});
export type ManagedClusterBody = z.infer<typeof managedCluster>;

export const key = z.object({
  kid: z.string(),
  algorithm: z.string(),
  state: z.enum(['prepared', 'active', 'retired', 'revoked']),
  origin: z.enum(['generated', 'imported']),
  published: z.boolean(),
  createdAt: time,
  publishedAt: orNull(time),
  activatedAt: orNull(time),
  retiredAt: orNull(time),
  revokedAt: orNull(time),
  /** When its last token has ended; null while it may sign, here or at a signer that has not acknowledged its retirement. */
  expiresAt: orNull(time),
  /** Recorded tokens of this key that have not ended. */
  liveTokens: z.int(),
  publicJwk: z.record(z.string(), z.string()),
});
export type KeyBody = z.infer<typeof key>;

/** Why nothing happens now, and until when at the soonest. */
export const waiting = z.object({
  reason: z.string(),
  until: orNull(time),
  /**
   * Which signers are waited for, and since when each is silent; `refusesSince`, where it asks and can not take the ring that it
   * is given. Absent where it is not for signers.
   */
  signers: z.array(z.object({ name: z.string(), since: time, refusesSince: time.optional() })).optional(),
});

export const issuer = z.object({
  ...envelope,
  properties: z.object({
    issuerURL: z.string(),
    discoveryURL: z.string(),
    jwksURI: z.string(),
    issuerId: z.string(),
    mode: z.enum(['managed']),
    createdAt: time,
    ringVersion: z.int(),
    rotationPolicy: z.object({ rotateEverySeconds: orNull(z.int()) }),
    publicationGapSeconds: z.int(),
    maxAgeSeconds: z.int(),
    /** When no key rotates by itself, such as `Fri 18:00-Mon 06:00`; UTC. */
    freezeWindows: z.array(z.string()),
    /** Whether a rotation by hand may revoke a retired key unasked. */
    secondRotation: z.enum(SECOND_ROTATION),
    keys: z.array(key),
    /** Imported public keys, with which the cluster's API servers verify; they are not in the JWKS. */
    verifyOnlyKeys: z.array(z.object({ kid: z.string(), algorithm: z.string(), importedAt: time, importedBy: z.string(), expiresAt: orNull(time) })),
    calendar: z.object({
      /** Since when the active key signs. */
      activeSince: time,
      /** When the prepared key was published everywhere. */
      preparedPublishedAt: orNull(time),
      /** From when on it may sign. */
      preparedReadyAt: orNull(time),
      /** When it takes over, by what is known now; null when that is not known, and when rotation is off. */
      nextRotationAt: orNull(time),
      /** Why it is not known; null when it is, and when rotation is off. */
      nextRotationWaitsFor: orNull(z.enum(['signers', 'publication'])),
      nextRotationCause: orNull(z.enum(['manual', 'automatic'])),
      /** When it would take over if no freeze window held it back; null when none does. */
      nextRotationFrozenSince: orNull(time),
      /** When the next retired key leaves the JWKS. */
      nextRemovalAt: orNull(time),
    }),
    waiting: orNull(waiting),
    /** `revokes`: the kids that it revokes once every signer has acknowledged that they sign no more. */
    pendingRotation: orNull(z.object({ operationId: z.string(), requestedAt: time, requestedBy: z.string(), revokes: z.array(z.string()) })),
    /** What a rotation by hand would revoke if it were asked now. */
    rotationWouldRevoke: z.array(z.object({ kid: z.string(), liveTokens: z.int() })),
  }),
});
export type IssuerBody = z.infer<typeof issuer>;

/** PATCH of a resource group or a managed cluster: the tags, all of them. */
export const tagsRequest = z.object({ tags: orNull(tags).optional() });

export const location = z.object({ id: z.string(), name: z.string(), displayName: z.string(), type: z.literal('Region'), regionalDisplayName: z.string(), metadata: jsonObject });

/** What `az resource` asks for to find the api-versions of a resource type. */
export const provider = z.object({
  id: z.string(), namespace: z.string(), registrationState: z.literal('Registered'),
  resourceTypes: z.array(z.object({ resourceType: z.string(), locations: z.array(z.string()), apiVersions: z.array(z.string()) })),
});

export const agentPool = z.object({ ...envelope, properties: jsonObject });

const upgrades = z.array(z.object({ kubernetesVersion: z.string(), isPreview: z.boolean() }));
const upgradable = z.object({ name: z.string(), kubernetesVersion: z.string(), osType: z.string(), upgrades });
export const upgradeProfile = z.object({ ...envelope, properties: z.object({ controlPlaneProfile: upgradable, agentPoolProfiles: z.array(upgradable) }) });

export const health = z.object({ status: z.enum(['ok', 'not ready']) });

/** One row of the list of all issuers of a subscription. */
export const issuerSummary = z.object({
  ...envelope,
  properties: z.object({
    clusterId: z.string(), clusterName: z.string(), resourceGroup: z.string(), location: z.string(),
    issuerURL: z.string(), activeKid: z.string(), activeSince: time, nextRotationAt: orNull(time), nextRotationWaitsFor: orNull(z.enum(['signers', 'publication'])), keyCount: z.int(), rotationPending: z.boolean(),
  }),
});
export type IssuerSummaryBody = z.infer<typeof issuerSummary>;

export const rotationPolicy = z.object({ ...envelope, properties: z.object({ rotateEverySeconds: orNull(z.int()) }) });
export type RotationPolicyBody = z.infer<typeof rotationPolicy>;
export const rotationPolicyRequest = z.object({ properties: z.object({ rotateEverySeconds: orNull(z.number()) }) });

export const keyEvent = z.object({
  number: z.int(), at: time, ringVersion: z.int(), kind: z.string(), kid: orNull(z.string()), from: orNull(z.string()), to: orNull(z.string()),
  cause: z.string(), actor: z.string(), reason: z.string(),
});
export type KeyEventBody = z.infer<typeof keyEvent>;

export const rotateRequest = z.object({ force: z.boolean().optional(), emergency: z.boolean().optional(), revokePrevious: z.boolean().optional() });
/** The reply to rotate and revokeKey, beside the headers of the long-running operation. */
export const rotateReply = z.object({
  operationId: z.string(),
  outcome: z.enum(['rotated', 'waiting', 'joined', 'revoked']),
  revoked: z.array(z.string()),
  waiting: orNull(waiting),
});
export type RotateReply = z.infer<typeof rotateReply>;

export const revokeKeyRequest = z.object({ kid: z.string().min(1).max(1024), force: z.boolean().optional() });

/** TokenRequest of authentication.k8s.io/v1; `metadata` names the service account. */
export const tokenRequest = z.object({
  apiVersion: z.literal('authentication.k8s.io/v1').optional(),
  kind: z.literal('TokenRequest').optional(),
  metadata: z.object({ namespace: z.string(), name: z.string() }),
  spec: z.object({ audiences: orNull(z.array(z.string())).optional(), expirationSeconds: orNull(z.number()).optional() }).optional(),
});
export const tokenReply = z.object({
  apiVersion: z.literal('authentication.k8s.io/v1'),
  kind: z.literal('TokenRequest'),
  metadata: z.object({ namespace: z.string(), name: z.string() }),
  spec: z.object({ audiences: z.array(z.string()), expirationSeconds: z.int() }),
  status: z.object({ token: z.string(), expirationTimestamp: time }),
});
export type TokenReply = z.infer<typeof tokenReply>;

/** ARM's asynchronous-operation resource. */
export const operation = z.object({
  id: z.string(),
  name: z.string(),
  status: z.enum(['InProgress', 'Succeeded', 'Failed', 'Canceled']),
  startTime: time,
  endTime: time.optional(),
  error: z.object({ code: z.string(), message: z.string(), target: z.string().optional() }).optional(),
  /** What it did and, while it is in progress, what it waits for. */
  properties: z.object({ kind: z.string(), revoked: z.array(z.string()), waiting: orNull(waiting) }),
});
export type OperationBody = z.infer<typeof operation>;

export const subscription = z.object({
  id: z.string(), subscriptionId: z.string(), tenantId: z.string(), displayName: z.string(), state: z.literal('Enabled'), managedByTenants: z.array(jsonObject),
});

const displayName = z.string().regex(/^[^\p{Cc}]{1,128}$/u, 'has 1 to 128 characters, none of them a control character');

/** A tenant of this server, or a subscription as its tenant's Owners manage it. */
export const named = z.object({ ...envelope, properties: z.object({ displayName: z.string(), createdAt: time }) });
export type NamedBody = z.infer<typeof named>;
export const namedRequest = z.object({ properties: z.object({ displayName }) });

export const role = z.enum(['Owner', 'Contributor', 'Reader']);
const roleAssignment = z.object({ role, scope: z.string().min(1).max(1024) });

export const principal = z.object({
  ...envelope,
  properties: z.object({
    clientId: z.string(),
    tenantId: z.string(),
    displayName: z.string(),
    createdAt: time,
    roleAssignments: z.array(z.object({ role, scope: z.string() })),
    /** Never the secrets themselves. */
    secrets: z.array(z.object({ secretId: z.string(), createdAt: time, /** When it first logged in. */ firstUsedAt: orNull(time) })),
  }),
});
export type PrincipalBody = z.infer<typeof principal>;
export const principalRequest = z.object({ properties: z.object({ displayName, roleAssignments: z.array(roleAssignment).max(20) }) });

export const kubeconfigRequest = z.object({ properties: z.object({ kubeconfig: z.string() }) });
export const kubeconfig = z.object(envelope);
export const kubeconfigsReply = z.object({ kubeconfigs: z.array(z.object({ name: z.string(), value: z.string() })) });

export const resetSecretRequest = z.object({ append: z.boolean().optional() });
/** The only place where a secret is told. */
export const secretReply = z.object({ clientId: z.string(), tenantId: z.string(), secretId: z.string(), clientSecret: z.string(), createdAt: time });
export type SecretReply = z.infer<typeof secretReply>;

/** A page of a list. */
export const listOf = <T extends z.ZodType>(item: T) => z.object({ value: z.array(item), nextLink: z.string().optional() });

export const loginReply = z.object({ token_type: z.literal('Bearer'), expires_in: z.int(), access_token: z.string() });
export type LoginReply = z.infer<typeof loginReply>;
/** RFC 6749, section 5.2; `error_codes` and `trace_id` as Entra ID adds them. */
export const loginError = z.object({ error: z.string(), error_description: z.string(), error_codes: z.array(z.int()).optional(), trace_id: z.string() });

/** RFC 8414, section 2, as far as Azure's clients need it. `authorization_endpoint` is required by them and leads nowhere. */
export const loginDiscovery = z.object({
  issuer: z.string(), authorization_endpoint: z.string(), token_endpoint: z.string(), jwks_uri: z.string(),
  response_types_supported: z.array(z.string()), grant_types_supported: z.array(z.string()), subject_types_supported: z.array(z.string()),
  id_token_signing_alg_values_supported: z.array(z.string()), token_endpoint_auth_methods_supported: z.array(z.string()),
  token_endpoint_auth_signing_alg_values_supported: z.array(z.string()),
});
export const loginKeys = z.object({ keys: z.array(z.record(z.string(), z.string())) });
