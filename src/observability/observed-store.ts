/**
 * A store that is watched: how long each transaction takes, and what was committed to key rings and to what is known of signers.
 *
 * Every commit of every service passes here, the rotator's too, so nothing can change a ring unseen. A transaction may
 * be run again or fail: what it did is told once, after it was committed.
 */
import type { RingChange } from '../domain/key-ring-change.ts';
import type { IssuedToken } from '../domain/service-account-token.ts';
import type { SignerRecord } from '../domain/signer.ts';
import type { RingUpdate, Store, StoreWriter } from '../store/store.ts';

/** What became of a signer. Contacts and acknowledgements, which come all the time, are not among it. */
export interface SignerChange {
  readonly what: 'enrolled' | 'enrolledAnew' | 'writtenOff' | 'deleted';
  readonly signer: SignerRecord;
}

/** What one transaction brought about. */
export interface Committed {
  readonly changes: readonly RingChange[];
  readonly tokens: readonly IssuedToken[];
  readonly signers: readonly SignerChange[];
}

type Watched = { readonly [Kind in keyof Committed]: Committed[Kind][number][] };

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
      let what: Watched = { changes: [], tokens: [], signers: [] };
      const result = await timed(observer, 'write', () => store.write((tx) => {
        what = { changes: [], tokens: [], signers: [] };
        return work(watchedWriter(tx, what));
      }));
      if (what.changes.length + what.tokens.length + what.signers.length > 0) observer.committed(what);
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

/** Writes down what `tx` writes to rings and signers and which tokens it records. */
const watchedWriter = (tx: StoreWriter, { changes, tokens, signers }: Watched): StoreWriter => ({
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
  async putSigner(signer) {
    const what = await changeOf(tx, signer);
    await tx.putSigner(signer);
    if (what !== null) signers.push({ what, signer });
  },
});

/** What a record says that the one before it did not. Only one that may say such a thing costs a look at that. */
async function changeOf(tx: StoreWriter, { id, enrolledAt, writtenOffAt, deletedAt }: SignerRecord): Promise<SignerChange['what'] | null> {
  if (writtenOffAt === null && deletedAt === null && enrolledAt.getTime() !== tx.now.getTime()) return null;
  const former = await tx.signer(id);
  if (former === null) return 'enrolled';
  if (former.deletedAt === null && deletedAt !== null) return 'deleted';
  if (former.writtenOffAt === null) return writtenOffAt === null ? null : 'writtenOff';
  return writtenOffAt === null ? 'enrolledAnew' : null;
}
