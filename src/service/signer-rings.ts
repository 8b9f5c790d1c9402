/**
 * What signers ask for: the ring, as soon as it is later than the one that they have; and what they say: that they use it.
 *
 * A ring is given only after a transaction that writes down the contact, enrols anew whoever was written off, and counts
 * the active key among those that the signer had (rules 5, 6 and 12). Leaves to `enrolment.ts` how signers come to be, to
 * the domain what each of these does to a record.
 */
import { after, hasCome } from '../domain/durations.ts';
import { MintmarkError } from '../domain/errors.ts';
import type { Issuer } from '../domain/issuer.ts';
import type { KeyRing } from '../domain/key-ring.ts';
import { isLater, ringForDeletedSigner, ringForSigner, type RingPoint } from '../domain/ring-for-signer.ts';
import { leaseOf, longerLease, type SaidBySigner, type SignerMode, type SignerRecord, takesRings } from '../domain/signer.ts';
import { type RingToSeal, sealRing } from '../keys/ring-envelope.ts';
import type { Sealer } from '../keys/seal.ts';
import type { Store, StoreReader, StoreWriter } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { EnrolledSigners } from './enrolled-signers.ts';
import type { RingCommits } from './ring-commits.ts';
import type { RingNotices } from './ring-notices.ts';
import type { RingSigningKeys } from './ring-signing-keys.ts';
import { admitSigner, type IdentifiedSigner, identifySigner, jwkOf, type SignerRequest } from './signer-identity.ts';

/** What a signer has, and for how long it waits for something later. */
export interface RingWanted {
  readonly has: RingPoint;
  /** Of the ring that it has, in seconds; null is for ever, undefined that it does not say. */
  readonly leaseSeconds: number | null | undefined;
  /** Undefined: the one that is known of it. */
  readonly mode: SignerMode | undefined;
  /** Its clock, where it says. */
  readonly clock: Date | null;
  /** The version of Mintmark that it runs, where it says. */
  readonly program: string | null;
  /** Seconds. */
  readonly wait: number;
  /** It refused what it was given last, and only looks whether it could take what there is now. */
  readonly refused: boolean;
}

/** `leaseSeconds`: of the ring that is acknowledged. */
export type SaidAndHeld = SaidBySigner & { readonly leaseSeconds: number | null };

export interface SignerRings {
  /**
   * The envelope of a ring that is later than the one the signer has, of the same one with another lease, or of its
   * deletion; of an earlier one where there is no other, which it will refuse. Null when there is none within the wait, when `poll` is aborted, and when the signer asks again meanwhile,
   * which aborts `poll`: so each signer waits once at a time.
   * @throws MintmarkError `AssertionRefused`.
   */
  next(request: SignerRequest, wanted: RingWanted, poll: AbortController): Promise<string | null>;
  /** @throws MintmarkError `AssertionRefused`; `InvalidRequestContent` for a version that the ring never had. */
  acknowledge(request: SignerRequest, said: SaidAndHeld): Promise<void>;
}

interface SignerRingsDeps {
  readonly store: Store;
  readonly enrolledSigners: EnrolledSigners;
  readonly rings: Pick<RingCommits, 'look'>;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly keys: RingSigningKeys;
  readonly notices: RingNotices;
  readonly wakeRotator: () => void;
  /** The URL for signers. */
  readonly audience: string;
  readonly leaseSeconds: number | null;
}

export function createSignerRings({ store, enrolledSigners, rings, sealer, clock, keys, notices, wakeRotator, audience, leaseSeconds }: SignerRingsDeps): SignerRings {
  const polls = new Map<string, AbortController>();

  /** Gives what the signer is to get, if anything, once it is written down that it asked. */
  async function asked(tx: StoreWriter, id: string, wanted: RingWanted): Promise<RingToSeal | null> {
    const clockOffset = wanted.clock === null ? null : wanted.clock.getTime() - tx.now.getTime();
    return (wanted.refused || (await isAhead(tx, id, wanted)) ? look : contact)(tx, id, wanted, clockOffset);
  }

  /** Nothing is made of what such a signer says of itself, since it takes nothing. One that is ahead has to see that, or it would take this server for its own. */
  async function look(tx: StoreWriter, id: string, wanted: RingWanted, clockOffset: number | null): Promise<RingToSeal | null> {
    const { signer, ring } = (await enrolledSigners.look(tx, id, clockOffset)) ?? unknown();
    return isNews(signer, ring, wanted, leaseSeconds) ? ringToSeal(tx, signer, ring, leaseSeconds) : null;
  }

  async function contact(tx: StoreWriter, id: string, wanted: RingWanted, clockOffset: number | null): Promise<RingToSeal | null> {
    const found = (await enrolledSigners.contact(tx, id, clockOffset)) ?? unknown();
    const isGiven = isNews(withMode(found.signer, wanted), found.ring, wanted, leaseSeconds);
    const signer = withProgram(withMode(isGiven ? found.signer : takesRings(found.signer), wanted), wanted);
    // Before it is given a lease: the longest that it may hold.
    const held = isGiven ? longerLease(signer.leaseSeconds, leaseOf(signer.mode, leaseSeconds)) : signer.leaseSeconds;
    if (signer.deletedAt === null && (signer !== found.signer || held !== signer.leaseSeconds)) await tx.putSigner({ ...signer, leaseSeconds: held });
    return isGiven ? ringToSeal(tx, signer, found.ring, leaseSeconds) : null;
  }

  async function ifNews({ id }: SignerRecord, wanted: RingWanted): Promise<RingToSeal | null> {
    const isDue = await store.read(async (tx) => {
      const signer = await tx.signer(id);
      return signer === null || isNews(withMode(signer, wanted), await ringOf(tx, signer), wanted, leaseSeconds);
    });
    return isDue ? store.write((tx) => asked(tx, id, wanted)) : null;
  }

  /** It listens before it looks, so that nothing falls in between. */
  async function firstNews(who: IdentifiedSigner, wanted: RingWanted, poll: AbortSignal): Promise<RingToSeal | null> {
    const until = after(clock.now(), wanted.wait);
    for (let isFirst = true; ; isFirst = false) {
      const notice = notices.listen(who.signer.issuerId, poll);
      try {
        const given = await (isFirst ? store.write(async (tx) => asked(tx, await admitSigner(tx, who), wanted)) : ifNews(who.signer, wanted));
        if (given !== null || poll.aborted || hasCome(until, clock.now())) return given;
        await clock.wait(until, notice.signal);
      } finally {
        notice.end();
      }
    }
  }

  return {
    async next(request, wanted, poll) {
      const who = await identifySigner(store, request, audience);
      const { id } = who.signer;
      polls.get(id)?.abort();
      polls.set(id, poll);
      try {
        const given = await firstNews(who, wanted, poll.signal);
        return given === null ? null : await sealRing(given, await keys.current(), sealer);
      } finally {
        if (polls.get(id) === poll) polls.delete(id);
        // One that was written off is enrolled anew, and its lease runs again.
        if (who.signer.writtenOffAt !== null) wakeRotator();
      }
    },
    async acknowledge(request, said) {
      const who = await identifySigner(store, request, audience);
      await store.write(async (tx) => {
        const signer = await enrolledSigners.acknowledge(tx, await admitSigner(tx, who), said);
        const lease = leaseOf(said.mode, leaseSeconds);
        // The lease that it holds from now on, once it says so; until then the longest that it was given.
        const held = said.mode === 'keyFiles' || said.leaseSeconds === lease ? lease : (signer?.leaseSeconds ?? null);
        if (signer === null || held === signer.leaseSeconds) return;
        await tx.putSigner({ ...signer, leaseSeconds: held });
        await rings.look(tx, signer.issuerId);
      });
      wakeRotator();
    },
  };
}

/** Whether it has a later ring than there is here: this is an old copy of its server, which it has to refuse. */
async function isAhead(tx: StoreReader, id: string, { has }: RingWanted): Promise<boolean> {
  const signer = await tx.signer(id);
  return signer !== null && isLater(has, await ringOf(tx, signer));
}

/** What is to be told: its deletion, a later ring or that there is none but an earlier one, or another lease. */
const isNews = ({ deletedAt, mode }: SignerRecord, ring: KeyRing, wanted: RingWanted, leaseSeconds: number | null): boolean =>
  deletedAt !== null || isLater(ring, wanted.has) || isLater(wanted.has, ring) || (wanted.leaseSeconds !== undefined && wanted.leaseSeconds !== leaseOf(mode, leaseSeconds));

/** One that has changed to key files has no lease from now on, before it is given anything. The way back is its acknowledgement. */
function withMode(signer: SignerRecord, { mode = signer.mode }: RingWanted): SignerRecord {
  if (mode === signer.mode) return signer;
  return { ...signer, mode, leaseSeconds: mode === 'keyFiles' ? null : signer.leaseSeconds };
}

const withProgram = (signer: SignerRecord, { program }: RingWanted): SignerRecord => (program === null || program === signer.program ? signer : { ...signer, program });

async function ringToSeal(tx: StoreWriter, signer: SignerRecord, ring: KeyRing, leaseSeconds: number | null): Promise<RingToSeal> {
  const issuer = await issuerOf(tx, signer);
  const [address, to] = [{ issuer: issuer.url, signer: signer.id }, jwkOf(signer.encryptionJwk)];
  if (signer.deletedAt !== null) return { ring: ringForDeletedSigner(ring, address, tx.now), to, activeHalf: null };
  const whole = ringForSigner(ring, { ...address, leaseSeconds: leaseOf(signer.mode, leaseSeconds) }, tx.now);
  // One that looks after it was written off is given nothing before it is enrolled anew (rule 12).
  const sent = signer.writtenOffAt === null ? whole : { ...whole, active: null };
  const sealed = sent.active === null ? null : await tx.sealedKey(ring.issuerId, sent.active.kid);
  return { ring: sent, to, activeHalf: sealed === null ? null : { sealed, tenantId: issuer.tenantId } };
}

async function ringOf(tx: StoreReader, { issuerId }: SignerRecord): Promise<KeyRing> {
  const ring = await tx.keyRing(issuerId);
  if (ring === null) throw new MintmarkError('StoreCorrupt', `The key ring of issuer ${issuerId}, which has signers, is not in the store.`);
  return ring;
}

async function issuerOf(tx: StoreReader, { issuerId }: SignerRecord): Promise<Issuer> {
  const issuer = await tx.issuer(issuerId);
  if (issuer === null) throw new MintmarkError('StoreCorrupt', `The issuer ${issuerId}, which has signers, is not in the store.`);
  return issuer;
}

function unknown(): never {
  throw new MintmarkError('AssertionRefused', 'The assertion of the signer was refused: this server does not know the signer any more.');
}
