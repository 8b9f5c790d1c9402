/**
 * The requests that are in flight when a server is killed: a table of what is asked, when that makes sense, and what it
 * leaves in the events of the ring when it is carried out.
 */
import type { ChangeCause } from '../../src/domain/key-ring-change.ts';
import type { RotateReply } from '../../src/http/management/contract.ts';
import type { HttpReply, Sent } from '../support/dev-api.ts';
import type { ClusterRecord } from './model.ts';
import type { Random } from './random.ts';

export type DeedKind = 'create' | 'rotate' | 'rotate twice at once' | 'force' | 'emergency' | 'revoke' | 'delete' | 'token';

export interface Deed {
  readonly kind: DeedKind;
  readonly record: ClusterRecord;
  readonly requestId: string;
  /** Of a revocation: which key. */
  readonly kid: string;
}

interface Row {
  /** How often it is chosen, against the others. */
  readonly weight: number;
  readonly wants: ClusterRecord['state'];
  /** What the events of its commit bear; null where it commits nothing to a ring. */
  readonly cause: ChangeCause | null;
  send(deed: Deed, sent: Sent): Promise<HttpReply>;
}

const rotating = (body: object): Row['send'] => ({ record: { api } }, sent) => api.send('POST', `${api.issuer}/rotate`, body, sent);
const rotate: Row['send'] = ({ record: { api } }, sent) => api.send('POST', `${api.cluster}/rotateServiceAccountSigningKeys`, undefined, sent);

export const DEEDS: Readonly<Record<DeedKind, Row>> = {
  create: { weight: 3, wants: 'absent', cause: 'birth', send: ({ record: { api } }, sent) => api.send('PUT', api.cluster, { properties: { oidcIssuerProfile: { enabled: true } } }, sent) },
  rotate: { weight: 5, wants: 'there', cause: 'manual', send: rotate },
  'rotate twice at once': { weight: 2, wants: 'there', cause: 'manual', send: twice(rotate) },
  force: { weight: 3, wants: 'there', cause: 'force', send: rotating({ force: true }) },
  emergency: { weight: 1, wants: 'there', cause: 'emergency', send: rotating({ emergency: true }) },
  revoke: { weight: 3, wants: 'there', cause: 'revocation', send: ({ record: { api }, kid }, sent) => api.send('POST', `${api.issuer}/revokeKey`, { kid, force: true }, sent) },
  delete: { weight: 1, wants: 'there', cause: 'deletion', send: ({ record: { api } }, sent) => api.send('DELETE', api.cluster, undefined, sent) },
  token: { weight: 6, wants: 'there', cause: null, send: ({ record: { api } }, sent) => api.send('POST', `${api.issuer}/issueToken`, { metadata: { namespace: 'default', name: 'app' }, spec: { expirationSeconds: 86_400 } }, sent) },
};

export const DEED_KINDS = Object.keys(DEEDS) as readonly DeedKind[];

/** Two of the same request side by side: one reply stands for both, that of the one which did it if that came. */
function twice(send: Row['send']): Row['send'] {
  return async (deed, sent) => {
    const replies = (await Promise.allSettled([send(deed, sent), send(deed, sent)])).filter((one) => one.status === 'fulfilled').map(({ value }) => value);
    const did = replies.find(({ status, text }) => status === 202 && (JSON.parse(text) as RotateReply).outcome !== 'joined');
    // One that only joined says that the other was carried out, and not how: that is found out like that of a request without a reply.
    const refused = replies.find(({ status }) => status !== 202);
    const reply = did ?? refused;
    if (reply === undefined) throw new Error('no reply came');
    return reply;
  };
}

/** Sends it; null when no reply came. */
export const sendDeed = (deed: Deed, sent: Sent = {}): Promise<HttpReply | null> =>
  DEEDS[deed.kind].send(deed, { ...sent, headers: { 'x-ms-client-request-id': deed.requestId } }).catch(() => null);

/** A deed of this kind on this cluster. */
export function newDeed(kind: DeedKind, record: ClusterRecord, random: Random): Deed {
  const kids = kind === 'revoke' ? record.kids : [];
  return { kind, record, requestId: crypto.randomUUID(), kid: kids.length === 0 ? '' : random.pick(kids) };
}

/** Clusters that are there at the same time. */
const MOST_CLUSTERS = 6;

/** One to three that change a ring, each another one, of which `fresh` may be created; and up to two tokens. */
export function chooseDeeds(records: readonly ClusterRecord[], fresh: ClusterRecord, random: Random): readonly Deed[] {
  const there = records.filter(({ state }) => state === 'there');
  const free = new Set([...there, ...(there.length < MOST_CLUSTERS ? [fresh] : [])]);
  const deeds: Deed[] = [];
  for (let wanted = 1 + random.integerBelow(3); wanted > 0 && free.size > 0; wanted -= 1) {
    const kinds = DEED_KINDS.filter((kind) => [...free].some(({ state }) => state === DEEDS[kind].wants));
    const kind = random.weighted(Object.fromEntries(kinds.map((one) => [one, DEEDS[one].weight])) as Record<DeedKind, number>);
    const record = random.pick([...free].filter(({ state }) => state === DEEDS[kind].wants));
    free.delete(record);
    deeds.push(newDeed(kind, record, random));
  }
  const tokens = there.length === 0 ? 0 : random.integerBelow(3);
  return [...deeds, ...Array.from({ length: tokens }, () => newDeed('token', random.pick(there), random))];
}
