/**
 * What happens to the record of a signer, inside the transaction of whoever carries it out, and when the rotator has to
 * look at its ring because of that.
 *
 * The moves themselves are `domain/signer.ts`. Leaves to its callers: who may ask for it, to give out the ring, and to
 * wake the rotator once the transaction is committed.
 */
import { MintmarkError } from '../domain/errors.ts';
import type { KeyRing } from '../domain/key-ring.ts';
import { acknowledge, contactSigner, deleteSigner, enrolSigner, type NewSigner, refuseRing, replaceSigner, type SaidBySigner, type SignerRecord, writeOff } from '../domain/signer.ts';
import type { StoreWriter } from '../store/store.ts';
import type { RingCommits } from './ring-commits.ts';

export interface EnrolledSigners {
  /** Before anything is given to it (rule 5). @throws MintmarkError `KeyRingClosed`. */
  enrol(tx: StoreWriter, issuerId: string, signer: NewSigner): Promise<SignerRecord>;
  /**
   * The signer asks for its ring: writes that down and gives the ring that it may have now, to be given out only when the
   * transaction is committed. Null for a signer that is not known. One that was deleted gets no ring: it is told so.
   */
  contact(tx: StoreWriter, signerId: string, clockOffsetMs: number | null): Promise<{ readonly signer: SignerRecord; readonly ring: KeyRing } | null>;
  /** The same for one that refused its ring and only looks at what it would be given: no contact, and no enrolment (rule 12). */
  look(tx: StoreWriter, signerId: string, clockOffsetMs: number | null): Promise<{ readonly signer: SignerRecord; readonly ring: KeyRing } | null>;
  /** Null for a signer that is not known. @throws MintmarkError `InvalidRequestContent` for a version that its ring never had. */
  acknowledge(tx: StoreWriter, signerId: string, said: SaidBySigner): Promise<SignerRecord | null>;
  /** From now on nobody waits for it, until it asks for its ring again (rule 12). Null for a signer that is not known. */
  writeOff(tx: StoreWriter, signerId: string): Promise<SignerRecord | null>;
  /** Another machine has enrolled under its name: it is written off when it is not heard of any more. Null for a signer that is not known. */
  replace(tx: StoreWriter, signerId: string): Promise<SignerRecord | null>;
  /** Writes it off for good (rule 12). Null for a signer that is not known. */
  remove(tx: StoreWriter, signerId: string): Promise<SignerRecord | null>;
}

export function createEnrolledSigners(rings: RingCommits): EnrolledSigners {
  /** Writes what `move` makes of the record; where the ring has to wait differently for it, the rotator's next look moves. */
  async function change(tx: StoreWriter, signerId: string, move: (signer: SignerRecord, ring: KeyRing) => SignerRecord) {
    const signer = await tx.signer(signerId);
    if (signer === null) return null;
    const ring = await ringOf(tx, signer.issuerId);
    const moved = move(signer, ring);
    if (moved !== signer) await tx.putSigner(moved);
    if (moved.acked !== signer.acked || moved.writtenOffAt !== signer.writtenOffAt || moved.replacedAt !== signer.replacedAt) await rings.look(tx, signer.issuerId);
    return { signer: moved, ring };
  }

  return {
    async enrol(tx, issuerId, signer) {
      const record = enrolSigner(await ringOf(tx, issuerId), signer, tx.now);
      await tx.putSigner(record);
      await rings.look(tx, issuerId);
      return record;
    },
    contact: (tx, signerId, clockOffsetMs) => change(tx, signerId, (signer, ring) => contactSigner(signer, ring, clockOffsetMs, tx.now)),
    look: (tx, signerId, clockOffsetMs) => change(tx, signerId, (signer, ring) => refuseRing(signer, ring, clockOffsetMs, tx.now)),
    acknowledge: async (tx, signerId, said) => (await change(tx, signerId, (signer, ring) => acknowledge(signer, ring, said, tx.now)))?.signer ?? null,
    writeOff: async (tx, signerId) => (await change(tx, signerId, (signer) => writeOff(signer, tx.now)))?.signer ?? null,
    replace: async (tx, signerId) => (await change(tx, signerId, (signer) => replaceSigner(signer, tx.now)))?.signer ?? null,
    remove: async (tx, signerId) => (await change(tx, signerId, (signer, ring) => deleteSigner(signer, ring, tx.now)))?.signer ?? null,
  };
}

async function ringOf(tx: StoreWriter, issuerId: string): Promise<KeyRing> {
  const ring = await tx.keyRing(issuerId);
  if (ring === null) throw new MintmarkError('StoreCorrupt', `The key ring of issuer ${issuerId} is not in the store.`);
  return ring;
}
