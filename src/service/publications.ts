/**
 * Brings commits to the outside: waits until the publishers serve them, then writes down what follows from that
 * (keys that count as published, operations that end).
 */
import type { Logger } from 'pino';
import { isMintmarkError } from '../domain/errors.ts';
import { confirmPublication } from '../domain/rotation.ts';
import type { Confirmation, Store } from '../store/store.ts';
import { ROTATOR } from './caller.ts';
import type { RingCommits } from './ring-commits.ts';

export interface Publications {
  /** Resolves when every commit so far is served by the publisher of this process and its consequences are written. */
  settle(): Promise<void>;
  /**
   * The same for a request whose commit is told as done without it: waits for ten seconds at most. What is left then goes on
   * by itself, and an operation stays in progress until it is done; if that fails, the rotator's next round does it.
   * @throws what `settle` throws within that time.
   */
  settleInTime(): Promise<void>;
}

/**
 * Milliseconds for which a request waits for a publisher. Far more than one takes that is well, and less than clients and
 * proxies wait for a reply: who has none asks again, and a second rotation revokes a key.
 */
const PATIENCE = 10_000;

/** How many rings or operations are looked at in one go. */
const BATCH = 200;
const WHY = { cause: 'publication', actor: ROTATOR, reason: 'every publisher serves a document with the key' } as const;

/** `catchUp` makes this process's publisher serve and confirm all commits so far. */
export function createPublications(store: Store, rings: RingCommits, catchUp: () => Promise<unknown>, log: Logger, patience = PATIENCE): Publications {
  async function settle(): Promise<void> {
    await catchUp();
    const confirmation = await store.read((tx) => tx.confirmation());
    if (confirmation === null) return;
    await confirmRings(store, rings, confirmation, log);
    await endOperations(store, confirmation);
  }

  return {
    settle,
    async settleInTime() {
      const settled = settle();
      const { promise: late, resolve } = Promise.withResolvers<'late'>();
      const timer = setTimeout(resolve, patience, 'late');
      const first = await Promise.race([settled, late]).finally(() => clearTimeout(timer));
      if (first !== 'late') return;
      log.warn('the public host does not serve a change yet; the request is answered, and the publication is still waited for');
      void settled.catch((err: unknown) => log.warn({ err }, 'a publication could not be waited for; the rotator looks again'));
    },
  };
}

async function confirmRings(store: Store, rings: RingCommits, confirmed: Confirmation, log: Logger): Promise<void> {
  for (;;) {
    const issuers = await store.read((tx) => tx.issuersAwaitingConfirmation(confirmed.change, BATCH));
    // At the same time, so that the store can commit them together.
    const whole = await Promise.all(issuers.map((issuerId) => confirmWhole(store, rings, issuerId, confirmed, log)));
    if (issuers.length < BATCH || !whole.includes(true)) return;
  }
}

/** False for a ring that is not whole in the store: it stays as it is, and stops no other. */
async function confirmWhole(store: Store, rings: RingCommits, issuerId: string, confirmed: Confirmation, log: Logger): Promise<boolean> {
  try {
    await confirmRing(store, rings, issuerId, confirmed);
    return true;
  } catch (err) {
    if (!isMintmarkError(err, 'StoreCorrupt')) throw err;
    log.error({ err, issuer: issuerId }, 'a key ring is not whole in the store; its publication is not written down');
    return false;
  }
}

/** A ring that has moved on since the confirmation waits for the next one. */
async function confirmRing(store: Store, rings: RingCommits, issuerId: string, confirmed: Confirmation): Promise<void> {
  await store.write(async (tx) => {
    const change = await tx.changeOf(issuerId);
    if (change === null || change > confirmed.change) return;
    await rings.commit(tx, issuerId, (ring, now) => confirmPublication(ring, ring.version, confirmed.at, now, WHY));
  });
}

async function endOperations(store: Store, confirmed: Confirmation): Promise<void> {
  for (;;) {
    const ended = await store.read((tx) => tx.operationsEndingBy(confirmed.change, BATCH));
    if (ended.length > 0) {
      await store.write(async (tx) => {
        for (const operation of ended) await tx.putOperation({ ...operation, status: 'Succeeded', endedAt: tx.now });
      });
    }
    if (ended.length < BATCH) return;
  }
}
