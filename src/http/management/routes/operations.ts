/** Long-running operations: the status resource, and the result that `Location` points to. */
import { isMintmarkError, MintmarkError } from '../../../domain/errors.ts';
import type { Access } from '../../../service/access.ts';
import type { Caller } from '../../../service/caller.ts';
import type { Operations } from '../../../service/operations.ts';
import { operation as operationSchema } from '../contract.ts';
import { CANCELLED, operationBody, pollingHeaders, RETRY_AFTER } from '../operation-body.ts';
import { SUBSCRIPTION } from '../paths.ts';
import { type Asked, type Route, route } from '../route.ts';

const LOCATION = `${SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/:location` as const;
const URL = `${LOCATION}/operations/:operation` as const;

export function operationRoutes(operations: Operations, access: Access, managementUrl: string): readonly Route[] {
  /**
   * Whoever may read the resource may read what is done to it; the path does not name it, so it is asked here. To all
   * others an operation that exists answers as one that does not.
   */
  async function find({ caller, subscription, params }: Asked<typeof URL>) {
    const found = await operations.find(params.operation);
    if (found !== null && found.operation.subscriptionId === subscription.id && await mayRead(access, caller, found.operation.resourceId)) return found;
    throw new MintmarkError('OperationNotFound', `There is no operation '${params.operation.slice(0, 80)}' in this subscription that you may see, or it ended more than seven days ago.`);
  }
  return [
    route({
      method: 'GET', url: URL, access: { action: 'resource/read', on: 'any part' }, summary: 'Shows how far an operation is.', replies: { 200: operationSchema },
      async handle(asked) {
        const { operation, waiting } = await find(asked);
        return { status: 200, headers: operation.status === 'InProgress' ? RETRY_AFTER : {}, body: operationBody(asked.params.location, operation, waiting) };
      },
    }),
    route({
      method: 'GET', url: `${LOCATION}/operationresults/:operation`, access: { action: 'resource/read', on: 'any part' }, summary: 'The result of an operation: 202 while it is in progress, then 204.', replies: { 202: null, 204: null },
      async handle(asked) {
        const { operation } = await find(asked);
        if (operation.status === 'InProgress') return { status: 202, headers: pollingHeaders(managementUrl, asked.params.location, operation) };
        if (operation.status === 'Succeeded') return { status: 204 };
        const { code, message } = operation.error ?? CANCELLED;
        throw new MintmarkError(code, message);
      },
    }),
  ];
}

async function mayRead(access: Access, caller: Caller, resourceId: string): Promise<boolean> {
  try {
    await access.authorize(caller, 'resource/read', resourceId);
    return true;
  } catch (error) {
    if (isMintmarkError(error, 'AuthorizationFailed')) return false;
    throw error;
  }
}
