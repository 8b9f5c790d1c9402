/** Long-running operations on the wire: where they are polled, and what a poll says. */
import type { ErrorDetail } from '../../domain/errors.ts';
import type { Operation } from '../../domain/operation.ts';
import { subscriptionScope } from '../../domain/resource-id.ts';
import type { Waiting } from '../../service/key-rings.ts';
import type { OperationBody } from './contract.ts';
import { waitingBody } from './issuer-body.ts';

/** Seconds to the next poll. Azure's clients wait for 30 where a reply does not say. */
export const RETRY_AFTER = { 'retry-after': '1' } as const;

const path = (kind: 'operations' | 'operationresults', location: string, { subscriptionId, id }: Operation): string =>
  `${subscriptionScope(subscriptionId)}/providers/Microsoft.ContainerService/locations/${encodeURIComponent(location)}/${kind}/${id}`;

/** The headers of a 202: absolute URLs on the configured host, whatever `Host` says. */
export const pollingHeaders = (managementUrl: string, location: string, operation: Operation) => ({
  'azure-asyncoperation': `${managementUrl}${path('operations', location, operation)}`,
  'location': `${managementUrl}${path('operationresults', location, operation)}`,
  ...RETRY_AFTER,
});

/** What is told of one that was cancelled: nothing else cancels. */
export const CANCELLED = { code: 'OperationNotAllowed', message: 'The operation was cancelled, because its issuer was deleted.' } as const satisfies ErrorDetail;

export function operationBody(location: string, operation: Operation, waiting: Waiting | null): OperationBody {
  const { endedAt } = operation;
  const error: ErrorDetail | null = operation.error ?? (operation.status === 'Canceled' ? CANCELLED : null);
  return {
    id: path('operations', location, operation), name: operation.id, status: operation.status, startTime: operation.startedAt.toISOString(),
    ...(endedAt === null ? {} : { endTime: endedAt.toISOString() }),
    ...(error === null ? {} : { error: { code: error.code, message: error.message, ...(error.target === undefined ? {} : { target: error.target }) } }),
    properties: { kind: operation.kind, revoked: [...operation.result.revoked], waiting: waitingBody(waiting) },
  };
}
