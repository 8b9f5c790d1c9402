/** How many requests were answered, by what was asked for and with which status: for metrics. */
import type { DocumentName } from '../../service/publisher.ts';

/** `other`: probes, and paths that are no document's. */
export type RequestKind = DocumentName | 'other';

export type RequestCounts = Readonly<Record<RequestKind, Record<number, number>>>;

const NONE = { 200: 0, 304: 0, 404: 0, 405: 0, 500: 0, 503: 0 } as const;

export const newRequestCounts = (): RequestCounts => ({ discovery: { ...NONE }, jwks: { ...NONE }, other: { ...NONE } });
