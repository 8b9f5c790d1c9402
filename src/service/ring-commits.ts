/**
 * The one way in which services change a key ring: the domain's transition, the rotator's next wake-up, and the fate
 * of the operation that waited on the ring, in one transaction.
 */
import type { KeyRing } from '../domain/key-ring.ts';
import type { RingChange } from '../domain/key-ring-change.ts';
import type { Operation } from '../domain/operation.ts';
import { type RingSettings, wakeAt } from '../domain/rotation-schedule.ts';
import type { StoreWriter } from '../store/store.ts';

export interface RingCommit {
  /** The ring as it is after the transaction. */
  readonly ring: KeyRing;
  /** Null when nothing was changed. */
  readonly made: RingChange | null;
  /** The number of the ring's last document change. */
  readonly change: number;
}

export interface RingCommits {
  readonly settings: RingSettings;
  /** Writes a newborn ring. */
  insert(tx: StoreWriter, change: RingChange): Promise<void>;
  /**
   * Lets `decide` look at the fresh ring and commits what it returns. The operation of a rotation that waited is told
   * what this commit revoked for it; where nothing is left to wait for it gets its end: with this commit's publication, or
   * cancelled where the ring was closed. Null when there is no such ring.
   */
  commit(tx: StoreWriter, issuerId: string, decide: (ring: KeyRing, now: Date) => RingChange | null): Promise<RingCommit | null>;
  /** A signer of the ring has changed, which is no commit: sets when the rotator has to look at the ring next. */
  look(tx: StoreWriter, issuerId: string): Promise<void>;
}

/** `forget` is told of each key whose private half a commit destroys; being told too early does no harm. */
export function createRingCommits(settings: RingSettings, forget: (issuerId: string, kid: string) => void): RingCommits {
  const update = (change: RingChange) => ({ change, wakeAt: wakeAt(change.ring, settings, change.ring.updatedAt) });
  return {
    settings,
    insert: async (tx, change) => void (await tx.insertKeyRing(update(change))),
    async commit(tx, issuerId, decide) {
      const seen: { before: KeyRing | null; made: RingChange | null } = { before: null, made: null };
      const after = await tx.updateKeyRing(issuerId, (ring, now) => {
        seen.before = ring;
        seen.made = decide(ring, now);
        return seen.made === null ? null : update(seen.made);
      });
      if (after === null) return null;
      for (const { kid, to } of seen.made?.events ?? []) if (kid !== null && (to === 'retired' || to === 'revoked')) forget(issuerId, kid);
      await tellOperation(tx, seen.before, after);
      return { ...after, made: seen.made };
    },
    async look(tx, issuerId) {
      const ring = await tx.keyRing(issuerId);
      if (ring !== null) await tx.setWakeAt(issuerId, wakeAt(ring, settings, tx.now));
    },
  };
}

async function tellOperation(tx: StoreWriter, before: KeyRing | null, after: { readonly ring: KeyRing; readonly change: number }): Promise<void> {
  if (before === null || before.pending === null || after.ring.pending === before.pending) return;
  const operation = await tx.operation(before.pending.operationId);
  if (operation === null) return;
  const gone = before.pending.revokes.filter((kid) => after.ring.keys.some((key) => key.kid === kid && key.state === 'revoked'));
  const told: Operation = { ...operation, result: { revoked: [...new Set([...operation.result.revoked, ...gone])] } };
  if (after.ring.pending !== null) await tx.putOperation(told);
  else if (after.ring.open) await tx.putOperation({ ...told, endsWithChange: after.change });
  else await tx.putOperation({ ...told, status: 'Canceled', endedAt: tx.now });
}
