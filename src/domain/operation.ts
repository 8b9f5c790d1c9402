/** A request that may take longer than its reply: kept, so that it survives restarts, until seven days after its end. */
import type { ErrorDetail } from './errors.ts';

export type OperationStatus = 'InProgress' | 'Succeeded' | 'Failed' | 'Canceled';

export interface Operation {
  readonly id: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** The resource that it works on. */
  readonly resourceId: string;
  readonly issuerId: string | null;
  readonly kind: 'rotate' | 'revokeKey' | 'deleteCluster' | 'deleteResourceGroup';
  readonly status: OperationStatus;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly error: ErrorDetail | null;
  /** The change of documents that every publisher has to confirm before it ends; null while it waits for a key. */
  readonly endsWithChange: number | null;
  /** What it did, for people: kids revoked, among others. */
  readonly result: { readonly revoked: readonly string[] };
}

/** How long an ended operation is kept, and for how long a repeated request id is the same operation (hours). */
export const OPERATION_DAYS = 7;
export const REPEAT_HOURS = 24;
