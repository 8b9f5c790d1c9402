/** The network address that a request came from. */
import type { FastifyRequest } from 'fastify';

/** Node no longer knows the address of a connection that has ended, and a request can begin after its connection did: all those count as one client. */
const GONE = 'gone';

export const clientAddress = ({ ip }: FastifyRequest): string => (ip as string | undefined) ?? GONE;
