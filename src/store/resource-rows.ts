/** Resources, issuers and operations as rows, and back. Nothing that is read is trusted: see `columns.ts`. */
import type { Insertable } from 'kysely';
import { ERROR_CATALOGUE, type ErrorCode, type ErrorDetail } from '../domain/errors.ts';
import type { Issuer } from '../domain/issuer.ts';
import { identityIds } from '../domain/managed-identity.ts';
import type { Operation, OperationStatus } from '../domain/operation.ts';
import type { JsonObject, Resource } from '../domain/resource.ts';
import { MANAGED_IDENTITY_TYPE, resourceKey } from '../domain/resource-id.ts';
import { Columns, ms, msOrNull, object, textRecord, texts } from './columns.ts';
import type { IssuerRow, OperationRow, ResourceRow } from './sql-tables.ts';

const MODES = ['managed'] as const satisfies readonly Issuer['mode'][];
/** The compiler asks for a line here when the domain gets another kind or status. */
const KINDS = Object.keys({ rotate: true, revokeKey: true, deleteCluster: true, deleteResourceGroup: true } satisfies Record<Operation['kind'], true>) as readonly Operation['kind'][];
const STATUSES = Object.keys({ InProgress: true, Succeeded: true, Failed: true, Canceled: true } satisfies Record<OperationStatus, true>) as readonly OperationStatus[];

export const resourceRow = (resource: Resource): Insertable<ResourceRow> => ({
  key: resourceKey(resource.id), id: resource.id, type: resource.type, name: resource.name, tenant_id: resource.tenantId,
  subscription_id: resource.subscriptionId, location: resource.location, tags: JSON.stringify(resource.tags),
  envelope: JSON.stringify(resource.envelope), properties: JSON.stringify(resource.properties), issuer_id: resource.issuerId,
  version: resource.version, created_at: ms(resource.createdAt), updated_at: ms(resource.updatedAt),
  ...identityKeys(resource),
});

function identityKeys(resource: Resource): Pick<ResourceRow, 'client_key' | 'principal_key'> {
  if (resource.type !== MANAGED_IDENTITY_TYPE) return { client_key: null, principal_key: null };
  const { clientId, principalId } = identityIds(resource);
  return { client_key: resourceKey(clientId), principal_key: resourceKey(principalId) };
}

export function resourceOf(row: ResourceRow): Resource {
  const column = new Columns(row, `the resource ${row.id}`);
  return {
    id: column.text('id'), type: column.text('type'), name: column.text('name'), tenantId: column.text('tenant_id'),
    subscriptionId: column.text('subscription_id'), location: column.text('location'), tags: column.json('tags', textRecord),
    envelope: column.json('envelope', jsonObject), properties: column.json('properties', jsonObject), issuerId: column.textOrNull('issuer_id'),
    version: column.integer('version'), createdAt: column.date('created_at'), updatedAt: column.date('updated_at'),
  };
}

export const issuerRow = (issuer: Issuer): Insertable<IssuerRow> => ({
  id: issuer.id, tenant_id: issuer.tenantId, subscription_id: issuer.subscriptionId, cluster_id: issuer.clusterId, url: issuer.url,
  path: issuer.path, region: issuer.region, mode: issuer.mode, created_at: ms(issuer.createdAt), deleted_at: msOrNull(issuer.deletedAt),
});

export function issuerOf(row: IssuerRow): Issuer {
  const column = new Columns(row, `the issuer ${row.id}`);
  return {
    id: column.text('id'), tenantId: column.text('tenant_id'), subscriptionId: column.text('subscription_id'), clusterId: column.text('cluster_id'),
    url: column.text('url'), path: column.text('path'), region: column.text('region'), mode: column.oneOf('mode', MODES),
    createdAt: column.date('created_at'), deletedAt: column.dateOrNull('deleted_at'),
  };
}

export const operationRow = (operation: Operation): Insertable<OperationRow> => ({
  id: operation.id, tenant_id: operation.tenantId, subscription_id: operation.subscriptionId, resource_id: operation.resourceId,
  issuer_id: operation.issuerId, kind: operation.kind, status: operation.status, started_at: ms(operation.startedAt), ended_at: msOrNull(operation.endedAt),
  error: operation.error === null ? null : JSON.stringify(operation.error), ends_with_change: operation.endsWithChange, result: JSON.stringify(operation.result),
});

export function operationOf(row: OperationRow): Operation {
  const column = new Columns(row, `the operation ${row.id}`);
  return {
    id: column.text('id'), tenantId: column.text('tenant_id'), subscriptionId: column.text('subscription_id'), resourceId: column.text('resource_id'),
    issuerId: column.textOrNull('issuer_id'), kind: column.oneOf('kind', KINDS), status: column.oneOf('status', STATUSES),
    startedAt: column.date('started_at'), endedAt: column.dateOrNull('ended_at'), error: column.isNull('error') ? null : column.json('error', errorDetail),
    endsWithChange: column.integerOrNull('ends_with_change'), result: column.json('result', operationResult),
  };
}

const jsonObject = (value: unknown): JsonObject | undefined => object(value) as JsonObject | undefined;

function errorDetail(value: unknown): ErrorDetail | undefined {
  const { code, message, target } = textRecord(value) ?? {};
  if (code === undefined || message === undefined || !Object.hasOwn(ERROR_CATALOGUE, code)) return undefined;
  return { code: code as ErrorCode, message, ...(target === undefined ? {} : { target }) };
}

function operationResult(value: unknown): Operation['result'] | undefined {
  const revoked = texts(object(value)?.['revoked']);
  return revoked === undefined ? undefined : { revoked };
}
