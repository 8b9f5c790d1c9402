/** What every resource of the management API has in common, whatever its type. */
import { MintmarkError } from './errors.ts';
import { bounded } from './resource-bounds.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [member: string]: Json;
}

export interface Resource {
  /** In the spelling in which it was created. */
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly location: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Writable members beside `properties`, such as `identity` and `sku`. */
  readonly envelope: JsonObject;
  readonly properties: JsonObject;
  /** The issuer that it points to, if any. */
  readonly issuerId: string | null;
  /** Grows by one at every change; the eTag. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Changes with every change of the resource, and is another one for a resource that was deleted and made again. */
export const eTagOf = ({ version, createdAt }: Resource): string => `${version}-${createdAt.getTime().toString(36)}`;

/** An update by PATCH: the tags, all of them, and nothing else. @throws MintmarkError `InvalidRequestContent`. */
export const retag = (stored: Resource, tags: Readonly<Record<string, string>>, now: Date): Resource => bounded({ ...stored, tags, version: stored.version + 1, updatedAt: now });

/** Whether the update would change anything that is stored. */
export const changes = (stored: Resource, next: Resource): boolean =>
  JSON.stringify([stored.tags, stored.envelope, stored.properties, stored.issuerId]) !== JSON.stringify([next.tags, next.envelope, next.properties, next.issuerId]);

/** What a client says about the resource that it knows (RFC 9110, sections 13.1.1 and 13.1.2); null where it says nothing. */
export interface Precondition {
  readonly ifMatch: string | null;
  readonly ifNoneMatch: string | null;
}

/**
 * Checks what the client knows against what is stored (null: nothing).
 * @throws MintmarkError `PreconditionFailed`.
 */
export function assertPrecondition({ ifMatch, ifNoneMatch }: Precondition, stored: Resource | null): void {
  if (ifMatch !== null && !names(ifMatch, stored)) throw new MintmarkError('PreconditionFailed', `${spelled(stored)}, not one that If-Match names. Read it again and repeat the change.`, { target: 'If-Match' });
  if (ifNoneMatch !== null && names(ifNoneMatch, stored)) throw new MintmarkError('PreconditionFailed', `${spelled(stored)}, which If-None-Match rules out.`, { target: 'If-None-Match' });
}

/** Whether a list of entity tags, or `*`, names the resource. Azure's tools send the tag with and without quotes. */
function names(header: string, stored: Resource | null): boolean {
  if (stored === null) return false;
  const tags = header.split(',').map((tag) => tag.trim().replace(/^"(.*)"$/, '$1'));
  return tags.includes('*') || tags.includes(eTagOf(stored));
}

const spelled = (stored: Resource | null): string => (stored === null ? 'The resource does not exist, so it has no eTag' : `The eTag of '${stored.name}' is ${eTagOf(stored)}`);

export const isJsonObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What a PUT makes of what is stored: absent and null mean keep, objects are merged member by member, everything else
 * is replaced. (Clients send back only the members that their version knows.)
 */
export function merge(stored: JsonObject, given: JsonObject): JsonObject {
  const changed = Object.entries(given).filter(([, value]) => value !== null).map(([member, value]) => {
    const old = Object.hasOwn(stored, member) ? stored[member] : undefined;
    return [member, isJsonObject(value) ? merge(isJsonObject(old) ? old : {}, value) : value] as const;
  });
  return { ...stored, ...Object.fromEntries(changed) };
}
