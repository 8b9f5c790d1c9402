/**
 * Signers: what is known of each process that signs beside an API server, and what becomes of that record.
 *
 * Owns: the record and its moves (enrolled, in contact, acknowledging, written off, deleted), the lease, and the debt
 * that a deleted signer leaves. Leaves to `acknowledgement.ts` what a ring makes of its signers: none of these moves is
 * a commit of the ring, or acknowledging would never end (rules 5 and 12 of docs/decisions/0002-key-ring-rules.md).
 */
import { after, DAY, earliest, hasCome, latest, MARGIN, MINUTE } from './durations.ts';
import { MintmarkError } from './errors.ts';
import { type KeyRing, publishedKeys, type SigningKey, theKey } from './key-ring.ts';

/** That the API server beside a signer verifies with every key of this version of the ring, said at `at` by the store's clock. */
export interface Acknowledgement {
  readonly epoch: number;
  readonly version: number;
  readonly at: Date;
}

/** That a signer can not take the ring that it is given and goes on with the one that it has; by the store's clock. */
export interface Refusal {
  readonly since: Date;
  /** When it last said so. */
  readonly lastAt: Date;
}

/** What a ring has to know of one signer. */
export interface EnrolledSigner {
  /** A uuid, never used again. */
  readonly id: string;
  readonly name: string;
  /** The version that the ring had when the signer was enrolled, or enrolled anew; it never had an older one since. */
  readonly enrolledIn: number;
  readonly enrolledAt: Date;
  /** The highest that it has said; null until the first. */
  readonly acked: Acknowledgement | null;
  /** When it last asked for its ring and may have taken the answer, or was enrolled: its lease runs from here. */
  readonly lastContactAt: Date;
  /** Null while it takes what it is given. */
  readonly refusal: Refusal | null;
  /** For how many seconds after a contact it may sign, the longest of what it was told and may go by; null: for ever. */
  readonly leaseSeconds: number | null;
  /** When another machine enrolled under its name with an Owner's word that it then takes its place; null once the signer was heard of after that. */
  readonly replacedAt: Date | null;
  /** From when on nobody waits for it; null while it is enrolled. */
  readonly writtenOffAt: Date | null;
}

/** `external`: its API server asks it for signatures. `keyFiles`: its API server signs with files that it writes. */
export type SignerMode = 'external' | 'keyFiles';

export const SIGNER_MODES = ['external', 'keyFiles'] as const satisfies readonly SignerMode[];

/** All that is known of a signer. */
export interface SignerRecord extends EnrolledSigner {
  readonly issuerId: string;
  readonly mode: SignerMode;
  /** Public JWKs of the keys that it made for itself: with one it signs its requests, for the other its ring is encrypted. */
  readonly assertionJwk: Readonly<Record<string, string>>;
  readonly encryptionJwk: Readonly<Record<string, string>>;
  /** How far its clock is ahead of the store's, in milliseconds; null while it has not said. */
  readonly clockOffsetMs: number | null;
  /** The version of Mintmark that it runs; null while it has not said. */
  readonly program: string | null;
  /** The kid that it says it signs with. */
  readonly keyInUse: string | null;
  /** Every kid whose private half it was given and that was in the JWKS when it was last looked at, the latest last. */
  readonly kids: readonly string[];
  readonly deletedAt: Date | null;
  /** Who made the credential that it enrolled with. */
  readonly createdBy: string;
}

/** What lets a machine enrol: a token for one, or a credential for a fleet. Only the hash of its secret is kept. */
export interface EnrolmentCredential {
  readonly id: string;
  readonly issuerId: string;
  readonly kind: 'once' | 'join';
  /** SHA-256 of 256 random bits, hex. */
  readonly secretHash: string;
  /** The name that the signer gets; null where it brings its own. */
  readonly name: string | null;
  readonly createdAt: Date;
  readonly createdBy: string;
  /** Null: no end. */
  readonly expiresAt: Date | null;
  /** Null: no bound. */
  readonly mostUses: number | null;
  readonly uses: number;
  /** From where it may be used; none stands for anywhere. */
  readonly cidrs: readonly string[];
  readonly revokedAt: Date | null;
  /** The thumbprints of the two public keys that have consumed a one-time token: those alone may repeat it. */
  readonly usedBy: string | null;
  /** Of a join credential: who enrols with it takes the place of one of its name that is not heard of any more. An Owner's word. */
  readonly replacesByName: boolean;
}

/** The longer of two leases: what a signer may go by while it is not known which of them it has. */
export const longerLease = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : Math.max(a, b));

/** For how many days the record of a signer that was written off or deleted is kept at least, so that it can be told. */
export const GONE_SIGNER_DAYS = 90;
/** For how long a one-time token, and a credential that has ended, are remembered after that, in days. */
export const ENDED_CREDENTIAL_DAYS = 7;

/** The lease of a signer where `configured` is set: none with key files, since nothing stops an API server that has its key in a file. */
export const leaseOf = (mode: SignerMode, configured: number | null): number | null => (mode === 'keyFiles' ? null : configured);

/** What a signer brings when it enrols. */
export type NewSigner = Pick<SignerRecord, 'id' | 'name' | 'mode' | 'assertionJwk' | 'encryptionJwk' | 'leaseSeconds' | 'createdBy'>;

/**
 * A signer from before its first ring on: the commit of this record comes before anything is given to it (rule 5).
 * @throws MintmarkError `KeyRingClosed`.
 */
export function enrolSigner(ring: KeyRing, signer: NewSigner, now: Date): SignerRecord {
  if (!ring.open) throw new MintmarkError('KeyRingClosed', `The issuer ${ring.issuerId} was deleted; no signer can be enrolled for it.`);
  return { ...signer, issuerId: ring.issuerId, enrolledIn: ring.version, enrolledAt: now, acked: null, lastContactAt: now, refusal: null, replacedAt: null, writtenOffAt: null, clockOffsetMs: null, program: null, keyInUse: null, kids: [], deletedAt: null };
}

/**
 * The signer asks for its ring and is about to be given it as it is now: its lease begins anew, one that was written off
 * is enrolled anew, and the active key counts among those that it had (rule 12). A closed ring holds no private half,
 * and nothing waits for anyone on it. A deleted signer stays as it is: it is told so.
 */
export function contactSigner(signer: SignerRecord, ring: KeyRing, clockOffsetMs: number | null, now: Date): SignerRecord {
  if (signer.deletedAt !== null) return signer;
  const seen: SignerRecord = { ...signer, lastContactAt: now, replacedAt: null, clockOffsetMs };
  if (!ring.open) return seen;
  const enrolled = signer.writtenOffAt === null ? seen : { ...seen, enrolledIn: ring.version, enrolledAt: now, writtenOffAt: null };
  return withActiveKid(enrolled, ring, now);
}

/** It is given the private half of the active key; a closed ring has none. */
function withActiveKid(signer: SignerRecord, ring: KeyRing, now: Date): SignerRecord {
  if (!ring.open) return signer;
  const active = theKey(ring, 'active').kid;
  return { ...signer, kids: [...kidsInJwks(signer, ring, now).filter((kid) => kid !== active), active] };
}

/**
 * The signer refused its ring and looks at the one that there is now, without taking it: it asks once more like everyone else before
 * it does. So this is no contact. Neither its own lease nor the one that the server counts begins anew, and one that was
 * written off stays so and is shown no private half. That which another is shown counts among those that it had, whatever it makes of it.
 */
export function refuseRing(signer: SignerRecord, ring: KeyRing, clockOffsetMs: number | null, now: Date): SignerRecord {
  if (signer.deletedAt !== null) return signer;
  const refusing: SignerRecord = { ...signer, clockOffsetMs, replacedAt: null, refusal: { since: signer.refusal?.since ?? now, lastAt: now } };
  return signer.writtenOffAt === null ? withActiveKid(refusing, ring, now) : refusing;
}

/** The signer has the ring that there is. */
export const takesRings = (signer: SignerRecord): SignerRecord => (signer.refusal === null ? signer : { ...signer, refusal: null });

/** When the signer was last heard of. */
export const lastSeenAt = ({ lastContactAt, refusal }: Pick<EnrolledSigner, 'lastContactAt' | 'refusal'>): Date => latest(lastContactAt, refusal?.lastAt ?? null) ?? lastContactAt;

/** What a signer says of itself with an acknowledgement. */
export interface SaidBySigner {
  readonly epoch: number;
  readonly version: number;
  readonly keyInUse: string | null;
  readonly mode: SignerMode;
}

/**
 * Writes down an acknowledgement. One of a former epoch, or older than what it has said before, is no news of versions.
 * It is no contact: a signer's lease runs from when it asked for its ring.
 * @throws MintmarkError `InvalidRequestContent` for a version that the ring never had.
 */
export function acknowledge(signer: SignerRecord, ring: KeyRing, { epoch, version, keyInUse, mode }: SaidBySigner, now: Date): SignerRecord {
  if (epoch > ring.epoch || (epoch === ring.epoch && version > ring.version)) {
    throw new MintmarkError('InvalidRequestContent', `The signer '${signer.name}' acknowledges version ${version} of epoch ${epoch}, which its key ring has not reached. It may follow another server.`, { target: 'version' });
  }
  const isNews = signer.acked === null || signer.acked.epoch < epoch || (signer.acked.epoch === epoch && signer.acked.version < version);
  return { ...signer, keyInUse, mode, acked: isNews ? { epoch, version, at: now } : signer.acked };
}

/** The signer is gone: from `at` on nobody waits for it. The first time counts. */
export const writeOff = <S extends EnrolledSigner>(signer: S, at: Date): S => (signer.writtenOffAt === null ? { ...signer, writtenOffAt: at } : signer);

/** Another machine is there under its name. Whether it is gone shows when it does not ask any more: one that runs asks within a minute. */
export const replaceSigner = (signer: SignerRecord, now: Date): SignerRecord => (signer.writtenOffAt === null ? { ...signer, replacedAt: signer.replacedAt ?? now } : signer);

/** A write-off for good, which leaves a debt: the keys that it had (rule 12). */
export const deleteSigner = (signer: SignerRecord, ring: KeyRing, now: Date): SignerRecord =>
  signer.deletedAt === null ? { ...writeOff(signer, now), deletedAt: now, kids: kidsInJwks(signer, ring, now) } : signer;

/** The kids whose private half a deleted signer had and that still verify: what it may have leaked. Empty for all others. */
export const debtOf = (signer: SignerRecord, ring: KeyRing | null, now: Date): readonly string[] =>
  signer.deletedAt === null || ring === null ? [] : kidsInJwks(signer, ring, now);

/** Whether the record of a signer can go: it was written off long ago, and no key that it had verifies any more. */
export const isForgotten = (signer: SignerRecord, ring: KeyRing | null, now: Date): boolean =>
  signer.writtenOffAt !== null && hasCome(after(signer.writtenOffAt, GONE_SIGNER_DAYS * DAY), now) && (ring === null || kidsInJwks(signer, ring, now).length === 0);

/** When the server takes a signer as written off, unless it comes back: it has stopped to sign a margin before, by any clock that is allowed. Null: never. */
export const leaseEnds = ({ lastContactAt, writtenOffAt, leaseSeconds }: EnrolledSigner): Date | null =>
  writtenOffAt !== null || leaseSeconds === null ? null : after(lastContactAt, leaseSeconds + MARGIN);

/** Seconds without a request, each of which waits for less than one minute, after which a signer is called silent. */
export const SILENT_AFTER = 2 * MINUTE;

/** When the server writes a signer off by itself: at the end of its lease, or when it was replaced and is silent since. Null: never. */
export const goneAt = (signer: EnrolledSigner): Date | null =>
  earliest(leaseEnds(signer), signer.writtenOffAt !== null || signer.replacedAt === null ? null : after(signer.replacedAt, SILENT_AFTER));

/**
 * The signer as one that is gone at `now`. By its lease it was gone when that ended, since it has stopped to sign before.
 * One that was replaced may have signed until now, if it lives, so it is written off as of now. Not yet gone: as it is.
 */
export function writeOffGone(signer: SignerRecord, now: Date): SignerRecord {
  const ended = leaseEnds(signer);
  if (ended !== null && hasCome(ended, now)) return writeOff(signer, ended);
  const gone = goneAt(signer);
  return gone !== null && hasCome(gone, now) ? writeOff(signer, now) : signer;
}

/** The part of a record that a ring has to know. */
export const enrolledPart = ({ id, name, enrolledIn, enrolledAt, acked, lastContactAt, refusal, leaseSeconds, replacedAt, writtenOffAt }: EnrolledSigner): EnrolledSigner =>
  ({ id, name, enrolledIn, enrolledAt, acked, lastContactAt, refusal, leaseSeconds, replacedAt, writtenOffAt });

/** Since when write-offs count for a ring with these keys: the first retirement whose end is not set (rule 8). Null: none does. */
export const writeOffsCountSince = (keys: readonly SigningKey[]): Date | null =>
  earliest(...keys.filter((key) => key.state === 'retired' && key.expiresAt === null).map((key) => key.retiredAt));

/** Whether a ring with these keys has to know of the signer: it is enrolled, or its write-off still counts. */
export function concerns(signer: EnrolledSigner, keys: readonly SigningKey[]): boolean {
  const since = writeOffsCountSince(keys);
  return signer.writtenOffAt === null || (since !== null && hasCome(since, signer.writtenOffAt));
}

function kidsInJwks({ kids }: SignerRecord, ring: KeyRing, now: Date): readonly string[] {
  const listed = new Set(publishedKeys(ring, now).map(({ kid }) => kid));
  return kids.filter((kid) => listed.has(kid));
}
