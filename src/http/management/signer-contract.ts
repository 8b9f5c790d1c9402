/** The wire form of signers, of what lets machines enrol, and of imported keys; beside `contract.ts`, with the same rules. */
import { z } from 'zod';
import { TEN_YEARS } from '../../domain/lengths-of-time.ts';
import { SIGNER_NAME } from '../../domain/signer-name.ts';

const time = z.iso.datetime();
const envelope = { id: z.string(), name: z.string(), type: z.string() };

export const signer = z.object({
  ...envelope,
  properties: z.object({
    signerId: z.string(),
    /** `current`, `behind`, `refusing`, `silent`: enrolled. `writtenOff`, `deleted`: nothing waits for it. */
    state: z.enum(['current', 'behind', 'refusing', 'silent', 'writtenOff', 'deleted']),
    mode: z.enum(['external', 'keyFiles']),
    enrolledAt: time,
    createdBy: z.string(),
    /** When it last asked for its ring, but for requests that say that it refuses it: its lease runs from here. */
    lastContactAt: time,
    /** Since when it can not take the ring that it is given; null while it can. */
    refusesRingSince: time.nullable(),
    /** When it last said so. */
    lastRefusedAt: time.nullable(),
    /** How far its clock is ahead of the server's; null while it has not said. */
    clockOffsetMilliseconds: z.int().nullable(),
    /** The version of Mintmark that it runs; null while it has not said. */
    mintmarkVersion: z.string().nullable(),
    /** The version of the key ring that it uses; null until the first. */
    acknowledgedVersion: z.int().nullable(),
    acknowledgedAt: time.nullable(),
    /** The version of the key ring that there is. */
    ringVersion: z.int(),
    /** The kid that it says it signs with. */
    keyInUse: z.string().nullable(),
    /** The longest lease that it may hold; null is for ever. */
    leaseSeconds: z.int().nullable(),
    /** When another machine enrolled in its place; two minutes later it is written off, unless it asks again. */
    replacedAt: time.nullable(),
    /** When it is written off unless it asks again; null: never, or already. */
    leaseEndsAt: time.nullable(),
    writtenOffAt: time.nullable(),
    deletedAt: time.nullable(),
    /** Of a deleted signer: the kids whose private half it had and that still verify. */
    debt: z.array(z.string()),
  }),
});
export type SignerBody = z.infer<typeof signer>;

const signerName = z.string().regex(SIGNER_NAME, 'has lower-case letters, digits, dots and hyphens, and begins and ends with a letter or digit');

export const createSignerRequest = z.object({ name: signerName.nullish(), expiresInSeconds: z.int().min(60).max(3600).nullish() });
/** Told once. */
export const createSignerReply = z.object({
  token: z.string(), name: z.string().nullable(), expiresAt: time,
  /** Of the signers that are enrolled under the name the one that was seen last; all are written off when another machine enrols with the token. */
  replaces: z.object({ name: z.string(), lastContactAt: time }).nullable(),
});
export type CreateSignerReply = z.infer<typeof createSignerReply>;

export const joinCredential = z.object({
  ...envelope,
  properties: z.object({
    createdAt: time, createdBy: z.string(), expiresAt: time.nullable(), maxUses: z.int().nullable(), uses: z.int(), cidrs: z.array(z.string()), replaceByName: z.boolean(), revokedAt: time.nullable(),
  }),
});
export type JoinCredentialBody = z.infer<typeof joinCredential>;

export const createJoinCredentialRequest = z.object({
  expiresInSeconds: z.int().min(60).max(TEN_YEARS).nullish(), maxUses: z.int().min(1).max(1_000_000).nullish(), cidrs: z.array(z.string().max(64)).max(32).nullish(),
  /** Who enrols with it under the name of a signer that is not heard of any more takes its place: true when left out. */
  replaceByName: z.boolean().nullish(),
});
/** Told once. */
export const createJoinCredentialReply = z.object({ token: z.string(), credential: joinCredential });
export type CreateJoinCredentialReply = z.infer<typeof createJoinCredentialReply>;

export const writeOffSignerRequest = z.object({ name: z.string().min(1).max(253) });

const pem = z.string().min(1).max(20_000);
/** One of the two halves. `publicKey`: to verify only, for `verifyForSeconds` or forever. `privateKey` with `sign`: to sign next. */
export const importKeyRequest = z.object({
  publicKey: pem.optional(), privateKey: pem.optional(), sign: z.boolean().optional(), verifyForSeconds: z.int().min(60).max(TEN_YEARS).optional(), forever: z.boolean().optional(),
});
export const importKeyReply = z.object({ kid: z.string(), algorithm: z.string(), as: z.enum(['verifyOnly', 'prepared']), expiresAt: time.nullable(), revoked: z.array(z.string()) });
export type ImportKeyReply = z.infer<typeof importKeyReply>;
