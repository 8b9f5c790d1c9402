/** Resource groups: what clusters are put into and deleted with. */
import { MintmarkError } from './errors.ts';
import { knownLocation } from './locations.ts';
import { bounded } from './resource-bounds.ts';
import { assertResourceName, RESOURCE_GROUP_TYPE, resourceGroupId } from './resource-id.ts';
import type { Resource } from './resource.ts';

export interface ResourceGroupRequest {
  readonly location?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** A new group. Without a location it is in the default one. @throws MintmarkError for a bad name, location or tag. */
export function createResourceGroup(
  request: ResourceGroupRequest,
  place: { readonly tenantId: string; readonly subscriptionId: string; readonly name: string },
  defaults: { readonly location: string; readonly configuredLocations: readonly string[] },
  now: Date,
): Resource {
  const name = assertResourceName(RESOURCE_GROUP_TYPE, place.name);
  const location = knownLocation(request.location ?? defaults.location, defaults.configuredLocations);
  const id = resourceGroupId(place.subscriptionId, name);
  return bounded({ ...place, id, type: RESOURCE_GROUP_TYPE, name, location, tags: request.tags ?? {}, envelope: {}, properties: {}, issuerId: null, version: 1, createdAt: now, updatedAt: now });
}

/** An update by PUT: tags are replaced when given. @throws MintmarkError `LocationCanNotChange`, `InvalidRequestContent`. */
export function updateResourceGroup(stored: Resource, request: ResourceGroupRequest, configuredLocations: readonly string[], now: Date): Resource {
  const location = request.location === undefined ? stored.location : knownLocation(request.location, [...configuredLocations, stored.location]);
  if (location !== stored.location) throw new MintmarkError('LocationCanNotChange', `The resource group '${stored.name}' is in ${stored.location} and can not move to ${location}.`, { target: 'location' });
  return bounded({ ...stored, tags: request.tags ?? stored.tags, version: stored.version + 1, updatedAt: now });
}
