/**
 * Signers as people see them: which there are and how each is, and what ends one: a write-off, or deletion.
 *
 * Leaves to `signer-rings.ts` what signers themselves ask for, to the rotator what follows from an end (rule 12).
 */
import { MintmarkError } from '../domain/errors.ts';
import type { KeyRing } from '../domain/key-ring.ts';
import type { Resource } from '../domain/resource.ts';
import { debtOf, type SignerRecord } from '../domain/signer.ts';
import { type SignerState, signerState, silentSince } from '../domain/signer-state.ts';
import type { Store, StoreReader } from '../store/store.ts';
import type { EnrolledSigners } from './enrolled-signers.ts';
import { enrolledAs } from './enrolment.ts';
import { issuerIdOf } from './issuers.ts';
import type { RingNotices } from './ring-notices.ts';

export interface SignerView {
  readonly signer: SignerRecord;
  readonly state: SignerState;
  /** Of a deleted one: the kids whose private half it had and that still verify. */
  readonly debt: readonly string[];
  readonly ring: KeyRing;
}

export interface Signers {
  /** By name. */
  list(cluster: Resource): Promise<readonly SignerView[]>;
  /** By name or id; of several with one name the one that is enrolled, the latest. @throws MintmarkError `ResourceNotFound`. */
  get(cluster: Resource, name: string): Promise<SignerView>;
  /** It is gone: nothing waits for it any longer. If it comes back it is enrolled anew. @throws MintmarkError `ResourceNotFound`; `OperationNotAllowed` for a name that several are enrolled under. */
  writeOff(cluster: Resource, name: string): Promise<SignerView>;
  /** A write-off for good: it is told to wipe its ring. @throws MintmarkError as `writeOff`. */
  remove(cluster: Resource, name: string): Promise<SignerView>;
}

interface SignersDeps {
  readonly store: Store;
  readonly enrolledSigners: EnrolledSigners;
  readonly notices: Pick<RingNotices, 'tell'>;
  readonly wakeRotator: () => void;
}

export function createSigners({ store, enrolledSigners, notices, wakeRotator }: SignersDeps): Signers {
  /** What waited for it need not wait any longer, and it is told if it asks. */
  async function end(cluster: Resource, name: string, how: 'writeOff' | 'remove'): Promise<SignerView> {
    const issuerId = issuerIdOf(cluster);
    const view = await store.write(async (tx) => {
      const found = await findOne(tx, issuerId, name);
      const ended = (await enrolledSigners[how](tx, found.id)) ?? found;
      return viewOf(ended, await ringOf(tx, issuerId), tx.now);
    });
    wakeRotator();
    notices.tell(issuerId);
    return view;
  }

  return {
    list: (cluster) => store.read(async (tx) => {
      const [issuerId, now] = [issuerIdOf(cluster), store.now()];
      const ring = await ringOf(tx, issuerId);
      return (await tx.signersOf(issuerId)).map((signer) => viewOf(signer, ring, now));
    }),
    get: (cluster, name) => store.read(async (tx) => viewOf(await find(tx, issuerIdOf(cluster), name), await ringOf(tx, issuerIdOf(cluster)), store.now())),
    writeOff: (cluster, name) => end(cluster, name, 'writeOff'),
    remove: (cluster, name) => end(cluster, name, 'remove'),
  };
}

const viewOf = (signer: SignerRecord, ring: KeyRing, now: Date): SignerView => ({ signer, ring, state: signerState(signer, ring, silentSince(now)), debt: debtOf(signer, ring, now) });

async function find(tx: StoreReader, issuerId: string, name: string): Promise<SignerRecord> {
  const found = (await tx.signersOf(issuerId)).filter((signer) => signer.name === name || signer.id === name).toSorted(byLiveliness)[0];
  if (found === undefined) throw new MintmarkError('ResourceNotFound', `The cluster has no signer '${name.slice(0, 80)}'.`);
  return found;
}

/** The one that is meant, where something is to end. @throws MintmarkError also `OperationNotAllowed` where the name could mean several. */
async function findOne(tx: StoreReader, issuerId: string, name: string): Promise<SignerRecord> {
  const enrolled = await enrolledAs(tx, issuerId, name);
  if (enrolled.length < 2) return find(tx, issuerId, name);
  const each = enrolled.map(({ id, lastContactAt }) => `${id} (last in contact ${lastContactAt.toISOString()})`).join(', ');
  throw new MintmarkError('OperationNotAllowed', `${enrolled.length} signers are enrolled as '${name.slice(0, 80)}': ${each}. Nothing was changed. Say which one is meant by its id in the place of the name.`, { target: 'name' });
}

const byLiveliness = (a: SignerRecord, b: SignerRecord): number => rank(a) - rank(b) || b.enrolledAt.getTime() - a.enrolledAt.getTime();

const rank = ({ writtenOffAt, deletedAt }: SignerRecord): number => (deletedAt === null ? 0 : 1) + (writtenOffAt === null ? 0 : 1);

async function ringOf(tx: StoreReader, issuerId: string): Promise<KeyRing> {
  const ring = await tx.keyRing(issuerId);
  if (ring === null) throw new MintmarkError('StoreCorrupt', `The key ring of issuer ${issuerId}, which has signers, is not in the store.`);
  return ring;
}
