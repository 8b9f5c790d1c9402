/** What every resource of the management API has in common, whatever its type. */

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

export const isJsonObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What a PUT makes of what is stored: absent and null mean keep, objects are merged member by member, everything else
 * is replaced. (Clients send back only the members that their version knows.)
 */
export function merge(stored: JsonObject, given: JsonObject): JsonObject {
  const changes = Object.entries(given).filter(([, value]) => value !== null).map(([member, value]) => {
    const old = Object.hasOwn(stored, member) ? stored[member] : undefined;
    return [member, isJsonObject(value) ? merge(isJsonObject(old) ? old : {}, value) : value] as const;
  });
  return { ...stored, ...Object.fromEntries(changes) };
}
