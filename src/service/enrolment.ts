/**
 * How a machine becomes a signer: it brings a credential and its public keys, and proves that it has one private half.
 *
 * A one-time token is used up by the first pair of keys, which alone may repeat it until it has heard the answer. Leaves to
 * `enrolment-credentials.ts` how credentials come to be, to `signer-rings.ts` what a signer does from then on.
 */
import { randomUUID } from 'node:crypto';
import { isWithinCidrs } from '../domain/cidr.ts';
import { hasCome } from '../domain/durations.ts';
import { type EnrolmentKind, type EnrolmentToken, parseEnrolmentToken } from '../domain/enrolment-token.ts';
import { MintmarkError } from '../domain/errors.ts';
import type { Issuer } from '../domain/issuer.ts';
import { type EnrolmentCredential, leaseOf, type SignerMode, type SignerRecord } from '../domain/signer.ts';
import { verifyAssertion } from '../keys/assertion.ts';
import { type EcPublicJwk, publicKeyOfJwk, thumbprint } from '../keys/public-jwk.ts';
import { hasDigest } from '../keys/secrets.ts';
import type { Store, StoreReader, StoreWriter } from '../store/store.ts';
import type { EnrolledSigners } from './enrolled-signers.ts';
import type { RingSigningKeys } from './ring-signing-keys.ts';
import { jwkOf, type SignerRequest } from './signer-identity.ts';

/** What a machine brings. */
export interface EnrolmentBid {
  readonly token: string;
  /** Null where it does not say. */
  readonly name: string | null;
  readonly assertionKey: EcPublicJwk;
  readonly encryptionKey: EcPublicJwk;
  readonly mode: SignerMode;
}

export interface Enrolled {
  readonly signer: SignerRecord;
  readonly issuer: Issuer;
  /** Public half. */
  readonly ringSigningKey: EcPublicJwk;
}

export interface Enrolment {
  /** @throws MintmarkError `EnrolmentRefused`, `AssertionRefused`, `InvalidRequestContent`, `KeyRingClosed`. */
  enrol(request: SignerRequest, bid: EnrolmentBid): Promise<Enrolled>;
}

interface EnrolmentDeps {
  readonly store: Store;
  readonly enrolledSigners: EnrolledSigners;
  readonly keys: RingSigningKeys;
  /** The URL for signers. */
  readonly audience: string;
  readonly leaseSeconds: number | null;
  readonly wakeRotator: () => void;
}

/** Of one issuer; who was written off or deleted is not counted. */
const MOST_SIGNERS = 100;

export function createEnrolment(deps: EnrolmentDeps): Enrolment {
  const { store, keys, audience, wakeRotator } = deps;
  return {
    async enrol(request, bid) {
      const token = parseEnrolmentToken(bid.token);
      if (token === null) throw refusal('once', 'it is no enrolment token');
      assertKeys(bid);
      const taken = await verifyAssertion(request.authorization, bid.assertionKey, { subject: thumbprint(bid.assertionKey), audience }, request, store.now());
      const ringSigningKey = (await keys.current()).publicJwk;
      const enrolled = await store.write(async (tx) => {
        const made = await enrolIn(tx, deps, token, bid, request.address);
        if (!(await tx.rememberAssertion(made.signer.id, taken.jti, taken.endsAt))) throw new MintmarkError('AssertionRefused', 'The assertion of the signer was refused: it was used before.');
        return { ...made, ringSigningKey };
      });
      wakeRotator();
      return enrolled;
    },
  };
}

async function enrolIn(tx: StoreWriter, deps: EnrolmentDeps, token: EnrolmentToken, bid: EnrolmentBid, address: string): Promise<Omit<Enrolled, 'ringSigningKey'>> {
  const credential = await provenCredential(tx, token);
  const issuer = await assertOpenIssuer(tx, credential.issuerId);
  const pair = pairOf(bid.assertionKey, bid.encryptionKey);
  assertGood(credential, pair, address, tx.now);
  const all = await tx.signersOf(issuer.id);
  const known = all.find(({ assertionJwk, encryptionJwk }) => pairOf(jwkOf(assertionJwk), jwkOf(encryptionJwk)) === pair);
  if (known === undefined && credential.mostUses !== null && credential.uses >= credential.mostUses) throw refusal(credential.kind, 'it is used up');
  const signer = known === undefined ? await insert(tx, deps, credential, bid, all) : again(known, credential);
  // Who repeats is counted once. A one-time token is used up by the first machine, one that is known already too.
  if (known === undefined || (credential.kind === 'once' && credential.usedBy === null)) await tx.putEnrolmentCredential({ ...credential, uses: credential.uses + 1, usedBy: credential.kind === 'once' ? pair : null });
  return { signer, issuer };
}

/** Which credential it is, told nobody before its secret is proven. */
async function provenCredential(tx: StoreWriter, { id, kind, secret }: EnrolmentToken): Promise<EnrolmentCredential> {
  const credential = await tx.enrolmentCredential(id);
  if (!hasDigest(secret, credential?.secretHash ?? null) || credential === null || credential.kind !== kind) throw refusal(kind, 'this server does not know it; it may have been replaced by a later one, or be forgotten long after its end');
  return credential;
}

function assertGood({ kind, revokedAt, expiresAt, usedBy, cidrs }: EnrolmentCredential, pair: string, address: string, now: Date): void {
  if (revokedAt !== null) throw refusal(kind, 'it was revoked');
  if (expiresAt !== null && hasCome(expiresAt, now)) throw refusal(kind, `its end was ${expiresAt.toISOString()}`);
  if (kind === 'once' && usedBy !== null && usedBy !== pair) throw refusal(kind, 'it was used by another machine, or by this one with other keys. If that was not you, delete the signer that it made');
  if (cidrs.length > 0 && !isWithinCidrs(address, cidrs)) throw refusal(kind, `it may not be used from ${address}`);
}

/** A machine that asks again, with its own keys. */
function again(known: SignerRecord, { kind, name }: EnrolmentCredential): SignerRecord {
  if (known.deletedAt !== null) throw refusal(kind, `the signer '${known.name}' with these keys was deleted. Empty its state folder to enrol the machine as a new one`);
  if (name !== null && name !== known.name) throw refusal(kind, `it was made for '${name}', and the machine with these keys is enrolled as '${known.name}'`);
  return known;
}

async function insert(tx: StoreWriter, { enrolledSigners, leaseSeconds }: EnrolmentDeps, credential: EnrolmentCredential, bid: EnrolmentBid, all: readonly SignerRecord[]): Promise<SignerRecord> {
  const name = credential.name ?? bid.name;
  if (name === null) throw new MintmarkError('InvalidRequestContent', "The token is for no name, and the machine says none that a signer can have: say one ('mintmark signer enroll --signer NAME').", { target: 'name' });
  const enrolled = all.filter(({ writtenOffAt }) => writtenOffAt === null);
  const namesakes = enrolled.filter((signer) => signer.name === name);
  const former = namesakes.filter((signer) => givesWay(signer, credential));
  if (enrolled.length - former.length >= MOST_SIGNERS) throw new MintmarkError('OperationNotAllowed', `The cluster has ${MOST_SIGNERS} signers already. Write off, or delete, those that are gone.`);
  for (const { id } of former) await enrolledSigners.writeOff(tx, id);
  // Those of them that live ask within a minute, and stay.
  if (credential.replacesByName) for (const { id } of namesakes.filter((signer) => !former.includes(signer))) await enrolledSigners.replace(tx, id);
  return enrolledSigners.enrol(tx, credential.issuerId, {
    id: randomUUID(), name, mode: bid.mode, assertionJwk: { ...bid.assertionKey }, encryptionJwk: { ...bid.encryptionKey }, createdBy: credential.createdBy, leaseSeconds: leaseOf(bid.mode, leaseSeconds),
  });
}

/**
 * Whether a signer gives its name to who enrols with the credential. A token for the name is an Owner's word that it is
 * gone. Else only one that was never given a ring does, since whoever has one may sign on, cut off, until its lease ends.
 */
const givesWay = (former: SignerRecord, { name }: EnrolmentCredential): boolean => name !== null || former.kids.length === 0;

/** The signers that are enrolled under this name, the one that was seen last first. */
export const enrolledAs = async (tx: StoreReader, issuerId: string, name: string): Promise<readonly SignerRecord[]> =>
  (await tx.signersOf(issuerId)).filter((signer) => signer.name === name && signer.writtenOffAt === null).toSorted((a, b) => b.lastContactAt.getTime() - a.lastContactAt.getTime());

/** The issuer, which was not deleted. @throws MintmarkError `KeyRingClosed`. */
export async function assertOpenIssuer(tx: StoreReader, issuerId: string): Promise<Issuer> {
  const [issuer, ring] = [await tx.issuer(issuerId), await tx.keyRing(issuerId)];
  if (issuer === null || ring === null) throw new MintmarkError('StoreCorrupt', `The issuer ${issuerId} is not in the store.`);
  if (!ring.open) throw new MintmarkError('KeyRingClosed', 'The issuer was deleted with its cluster; no signer can be enrolled for it.');
  return issuer;
}

function assertKeys({ assertionKey, encryptionKey }: EnrolmentBid): void {
  if (publicKeyOfJwk(assertionKey) === null) throw new MintmarkError('InvalidRequestContent', 'The key for assertions is no point of P-256.', { target: 'assertionKey' });
  if (publicKeyOfJwk(encryptionKey) === null) throw new MintmarkError('InvalidRequestContent', 'The key for encryption is no point of P-256.', { target: 'encryptionKey' });
  if (thumbprint(assertionKey) === thumbprint(encryptionKey)) throw new MintmarkError('InvalidRequestContent', 'The keys for assertions and for encryption have to be two.', { target: 'encryptionKey' });
}

const pairOf = (...keys: readonly EcPublicJwk[]): string => keys.map(thumbprint).join('.');

const WORDS = { once: ['enrolment token', 'create'], join: ['join credential', 'create-join-credential'] } as const satisfies Record<EnrolmentKind, readonly [what: string, command: string]>;

function refusal(kind: EnrolmentKind, why: string): MintmarkError {
  const [what, command] = WORDS[kind];
  return new MintmarkError('EnrolmentRefused', `The ${what} was refused: ${why}. 'mintmark signer ${command}' makes another.`);
}
