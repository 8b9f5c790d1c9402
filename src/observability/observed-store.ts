/**
 * A store that is watched: how long each transaction takes, and what was committed to key rings.
 *
 * Every commit of every service passes here, the rotator's too, so nothing can change a ring unseen. A transaction may
 * be run again or fail: what it did is told once, after it was committed.
 */
import type { RingChange } from '../domain/key-ring-change.ts';
import type { IssuedToken } from '../domain/service-account-token.ts';
import type { RingUpdate, Store, StoreWriter } from '../store/store.ts';

/** What one transaction brought about. */
export interface Committed {
  readonly changes: readonly RingChange[];
  readonly tokens: readonly IssuedToken[];
}

/** None of these may throw. */
export interface StoreObserver {
  transaction(kind: 'read' | 'write', seconds: number, result: 'done' | 'failed'): void;
  committed(what: Committed): void;
}

export function observeStore(store: Store, observer: StoreObserver): Store {
  return {
    now: () => store.now(),
    close: () => store.close(),
    read: (work) => timed(observer, 'read', () => store.read(work)),
    async write(work) {
      let what: Committed = { changes: [], tokens: [] };
      const result = await timed(observer, 'write', () => store.write((tx) => {
        const [changes, tokens]: [RingChange[], IssuedToken[]] = [[], []];
        what = { changes, tokens };
        return work(watchedWriter(tx, changes, tokens));
      }));
      if (what.changes.length + what.tokens.length > 0) observer.committed(what);
      return result;
    },
  };
}

async function timed<T>(observer: StoreObserver, kind: 'read' | 'write', work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  let result: 'done' | 'failed' = 'failed';
  try {
    const value = await work();
    result = 'done';
    return value;
  } finally {
    observer.transaction(kind, (performance.now() - begun) / 1000, result);
  }
}

/** Writes down what `tx` writes to rings and which tokens it records. */
const watchedWriter = (tx: StoreWriter, changes: RingChange[], tokens: IssuedToken[]): StoreWriter => ({
  ...tx,
  async insertKeyRing(update) {
    const number = await tx.insertKeyRing(update);
    changes.push(update.change);
    return number;
  },
  async updateKeyRing(issuerId, decide) {
    let update: RingUpdate | null = null;
    const after = await tx.updateKeyRing(issuerId, (ring, now) => (update = decide(ring, now)));
    if (update !== null) changes.push((update as RingUpdate).change);
    return after;
  },
  async recordToken(token, ringVersion) {
    const recorded = await tx.recordToken(token, ringVersion);
    if (recorded) tokens.push(token);
    return recorded;
  },
});
