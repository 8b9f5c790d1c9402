/** Tenants and subscriptions as the commands that manage them show them. */
import type { NamedBody } from '../../http/management/contract.ts';
import type { JsonObject } from '../output/json-value.ts';

export const namedOutput = (idMember: string, { id, name, properties }: NamedBody): JsonObject => ({ id, [idMember]: name, name: properties.displayName, createdAt: properties.createdAt });

export const namedRow = (idMember: string) => ({ name, [idMember]: id, createdAt }: JsonObject): JsonObject => ({ name: name!, [idMember]: id!, createdAt: createdAt! });
