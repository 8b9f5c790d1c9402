/**
 * User-assigned managed identities: made, changed, shown and deleted with all that hangs on them.
 *
 * With an identity go its federated credentials and its roles, in one transaction; its access tokens end with it, since
 * `access.ts` looks for the identity at each request. Leaves the rules to `domain/managed-identity.ts`.
 */
import { randomUUID } from 'node:crypto';
import { MintmarkError } from '../domain/errors.ts';
import { createIdentity, identityIds, type IdentityPlace, type IdentityRequest, updateIdentity } from '../domain/managed-identity.ts';
import { FEDERATED_CREDENTIAL_TYPE, MANAGED_IDENTITY_TYPE, managedIdentityId, resourceGroupId } from '../domain/resource-id.ts';
import { assertPrecondition, changes, type Precondition, type Resource, retag } from '../domain/resource.ts';
import type { Listed, Page, Store, StoreReader, StoreWriter } from '../store/store.ts';

/** Where an identity is, as the request spells it. */
export type IdentityAddress = IdentityPlace;

export interface Identities {
  /** @throws MintmarkError `ResourceGroupNotFound`, `PreconditionFailed`, and what the domain refuses. */
  put(at: IdentityAddress, request: IdentityRequest, precondition: Precondition): Promise<{ readonly identity: Resource; readonly created: boolean }>;
  /** @throws MintmarkError `ResourceNotFound`, `PreconditionFailed`. */
  setTags(at: IdentityAddress, tags: Readonly<Record<string, string>>, precondition: Precondition): Promise<Resource>;
  /** @throws MintmarkError `ResourceNotFound`. */
  get(at: IdentityAddress): Promise<Resource>;
  /** The identities at or below a scope, by id. */
  list(scope: string, page: Page): Promise<Listed<Resource>>;
  /** False when there is no such identity. @throws MintmarkError `PreconditionFailed`. */
  remove(at: IdentityAddress, precondition: Precondition): Promise<boolean>;
}

interface IdentityDeps {
  readonly store: Store;
  readonly defaults: { readonly configuredLocations: readonly string[] };
}

export function createIdentities({ store, defaults }: IdentityDeps): Identities {
  return {
    put: (at, request, precondition) => store.write((tx) => putIdentity(tx, at, request, precondition, defaults.configuredLocations)),
    setTags: (at, tags, precondition) => store.write(async (tx) => {
      const stored = await existingIdentity(tx, at);
      assertPrecondition(precondition, stored);
      return written(tx, stored, retag(stored, tags, tx.now));
    }),
    get: (at) => store.read((tx) => existingIdentity(tx, at)),
    list: (scope, page) => store.read((tx) => tx.resources({ type: MANAGED_IDENTITY_TYPE, scope }, page)),
    remove: (at, precondition) => store.write(async (tx) => {
      const stored = await tx.resource(idOf(at));
      assertPrecondition(precondition, stored);
      if (stored !== null) await removeIdentity(tx, stored);
      return stored !== null;
    }),
  };
}

async function putIdentity(tx: StoreWriter, at: IdentityAddress, request: IdentityRequest, precondition: Precondition, configuredLocations: readonly string[]): Promise<{ readonly identity: Resource; readonly created: boolean }> {
  const group = await existingGroup(tx, at);
  const stored = await tx.resource(idOf(at));
  assertPrecondition(precondition, stored);
  if (stored !== null) return { identity: await written(tx, stored, updateIdentity(stored, request, configuredLocations, tx.now)), created: false };
  const ids = { principalId: randomUUID(), clientId: randomUUID() };
  const defaults = { location: group.location, configuredLocations: [...configuredLocations, group.location] };
  const identity = createIdentity(request, { ...at, resourceGroup: group.name }, ids, defaults, tx.now);
  await tx.putResource(identity);
  return { identity, created: true };
}

/** What is stored now; a change that changes nothing leaves the version as it is. */
async function written(tx: StoreWriter, stored: Resource, next: Resource): Promise<Resource> {
  if (!changes(stored, next)) return stored;
  await tx.putResource(next);
  return next;
}

/** Deletes an identity, its credentials and its roles, inside the caller's transaction. */
export async function removeIdentity(tx: StoreWriter, identity: Resource): Promise<void> {
  for (const { id } of await credentialsOf(tx, identity)) await tx.deleteResource(id);
  await tx.deleteRoleAssignments(identityIds(identity).principalId);
  await tx.deleteRoleAssignmentsWithin(identity.id);
  await tx.deleteResource(identity.id);
}

/** All its federated credentials, by name. */
export async function credentialsOf(tx: StoreReader, identity: Resource): Promise<readonly Resource[]> {
  return (await tx.resources({ type: FEDERATED_CREDENTIAL_TYPE, scope: identity.id }, { limit: 1000 })).items;
}

const idOf = ({ subscriptionId, resourceGroup, name }: IdentityAddress): string => managedIdentityId(subscriptionId, resourceGroup, name);

/** @throws MintmarkError `ResourceNotFound`, `ResourceGroupNotFound`. */
export async function existingIdentity(tx: StoreReader, at: IdentityAddress): Promise<Resource> {
  const stored = await tx.resource(idOf(at));
  if (stored !== null) return stored;
  const group = await existingGroup(tx, at);
  throw new MintmarkError('ResourceNotFound', `The managed identity '${at.name}' under resource group '${group.name}' was not found. Create it: az identity create --resource-group ${group.name} --name ${at.name}`);
}

async function existingGroup(tx: StoreReader, { subscriptionId, resourceGroup }: IdentityAddress): Promise<Resource> {
  const group = await tx.resource(resourceGroupId(subscriptionId, resourceGroup));
  if (group === null) throw new MintmarkError('ResourceGroupNotFound', `Resource group '${resourceGroup}' could not be found. Create it: az group create --name ${resourceGroup}`);
  return group;
}
