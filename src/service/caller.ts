/** Who asks: established by the edge from the access token, before any service is called. */
export interface Caller {
  /** The client id. */
  readonly principalId: string;
  readonly tenantId: string;
  /** `x-ms-client-request-id`: the same one within 24 hours is the same request. Null when the client sends none. */
  readonly clientRequestId: string | null;
}

/** How a caller is named in events and logs. */
export const actorOf = (caller: Caller): string => `principal:${caller.principalId}`;

/** The actor of what the server does by itself. */
export const ROTATOR = 'rotator';
