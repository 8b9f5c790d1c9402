/** How a signer is, in one word, for lists and metrics. */
import { after, hasCome } from './durations.ts';
import type { KeyRing } from './key-ring.ts';
import { type EnrolledSigner, lastSeenAt, SILENT_AFTER, type SignerRecord } from './signer.ts';

/**
 * `current`: it has acknowledged the ring as it is. `behind`: it asks, and has yet to acknowledge. `refusing`: it asks, and
 * can not take what it is given. `silent`: it has not asked for minutes, though one that runs asks all the time. `writtenOff`: nothing waits for it. `deleted`: for good.
 */
export const SIGNER_STATES = ['current', 'behind', 'refusing', 'silent', 'writtenOff', 'deleted'] as const;
export type SignerState = (typeof SIGNER_STATES)[number];

/** From when on who has not asked is silent. */
export const silentSince = (now: Date): Date => after(now, -SILENT_AFTER);

/** First match counts. */
export function signerState(signer: Pick<SignerRecord, 'deletedAt'> & EnrolledSigner, ring: Pick<KeyRing, 'epoch' | 'version'>, silent: Date): SignerState {
  if (signer.deletedAt !== null) return 'deleted';
  if (signer.writtenOffAt !== null) return 'writtenOff';
  if (hasCome(lastSeenAt(signer), silent)) return 'silent';
  if (signer.refusal !== null && !hasCome(signer.refusal.lastAt, silent)) return 'refusing';
  return signer.acked?.epoch === ring.epoch && signer.acked.version >= ring.version ? 'current' : 'behind';
}
