/**
 * User-assigned managed identities: principals without a secret, as resources. Whoever shows a token that one of their
 * federated credentials names logs in as them.
 *
 * Owns: what one consists of, and what can change. Leaves to `federated-credential.ts` who may log in as one, to
 * `principal.ts` what its roles allow. Its ids are made by the caller, once.
 */
import { MintmarkError } from './errors.ts';
import { knownLocation } from './locations.ts';
import { bounded } from './resource-bounds.ts';
import { assertResourceName, MANAGED_IDENTITY_TYPE, managedIdentityId } from './resource-id.ts';
import type { Resource } from './resource.ts';

export interface IdentityRequest {
  readonly location?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** False: nobody can log in as it, and its access tokens are refused. */
  readonly accountEnabled?: boolean | undefined;
}

/** Both random, never changed, never used again. */
export interface IdentityIds {
  /** What roles are given to. */
  readonly principalId: string;
  /** What it logs in with. */
  readonly clientId: string;
}

export interface IdentityPlace {
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly name: string;
}

interface Defaults {
  readonly location: string;
  readonly configuredLocations: readonly string[];
}

/** A new identity, enabled unless it is asked for otherwise. @throws MintmarkError for a bad name, location or tag. */
export function createIdentity(request: IdentityRequest, place: IdentityPlace, ids: IdentityIds, defaults: Defaults, now: Date): Resource {
  const { tenantId, subscriptionId, resourceGroup } = place;
  const name = assertResourceName(MANAGED_IDENTITY_TYPE, place.name);
  const location = knownLocation(request.location ?? defaults.location, defaults.configuredLocations);
  return bounded({
    id: managedIdentityId(subscriptionId, resourceGroup, name), type: MANAGED_IDENTITY_TYPE, name, tenantId, subscriptionId, location, tags: request.tags ?? {}, envelope: {},
    properties: { principalId: ids.principalId, clientId: ids.clientId, accountEnabled: request.accountEnabled ?? true }, issuerId: null, version: 1, createdAt: now, updatedAt: now,
  });
}

/** An update by PUT: what is absent is kept. @throws MintmarkError `LocationCanNotChange`, `InvalidRequestContent`. */
export function updateIdentity(stored: Resource, request: IdentityRequest, configuredLocations: readonly string[], now: Date): Resource {
  const location = request.location === undefined ? stored.location : knownLocation(request.location, [...configuredLocations, stored.location]);
  if (location !== stored.location) throw new MintmarkError('LocationCanNotChange', `The identity '${stored.name}' is in ${stored.location} and can not move to ${location}.`, { target: 'location' });
  const properties = { ...stored.properties, accountEnabled: request.accountEnabled ?? isEnabled(stored) };
  return bounded({ ...stored, tags: request.tags ?? stored.tags, properties, version: stored.version + 1, updatedAt: now });
}

/** @throws MintmarkError `StoreCorrupt`. */
export function identityIds({ id, properties: { principalId, clientId } }: Resource): IdentityIds {
  if (typeof principalId === 'string' && typeof clientId === 'string') return { principalId, clientId };
  throw new MintmarkError('StoreCorrupt', `The record of the identity ${id} in the store is damaged: it lacks its ids. Restore it from a backup.`);
}

export const isEnabled = ({ properties }: Resource): boolean => properties.accountEnabled === true;
