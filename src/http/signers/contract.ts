/**
 * What signers and the server say to each other: `/signer/v1/`, on a listener of its own.
 *
 * Every request bears an assertion of the signer (`keys/assertion.ts`). Signers import the types of this file only.
 */
import { z } from 'zod';
import { SIGNER_MODES } from '../../domain/signer.ts';
import { SIGNER_NAME } from '../../domain/signer-name.ts';

export const SIGNER_PATHS = { enroll: '/signer/v1/enroll', ring: '/signer/v1/ring', acknowledge: '/signer/v1/acknowledge' } as const;

/** Seconds for which a request for a ring may wait at most. */
export const LONGEST_POLL = 50;

const ecPublicJwk = z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string().length(43), y: z.string().length(43) });

/** The assertion is by `assertionKey`; its `iss` and `sub` are the thumbprint of that key. */
export const enrollRequest = z.strictObject({
  /** As `signer create` or `signer create-join-credential` printed it. */
  token: z.string().min(1).max(2000),
  /** Of the host; ignored where the token was made for a name. */
  name: z.string().regex(SIGNER_NAME).optional(),
  assertionKey: ecPublicJwk,
  encryptionKey: ecPublicJwk,
  /** How its API server signs. With key files there is no lease: nothing stops an API server that has its key in a file. */
  mode: z.enum(SIGNER_MODES).default('external'),
});

export const enrollReply = z.object({
  signerId: z.string(),
  name: z.string(),
  issuerId: z.string(),
  issuerURL: z.string(),
  /** Its thumbprint has to be the one in the token. */
  ringSigningKey: ecPublicJwk,
  /** For how long the signer asks each request for a ring to wait. */
  pollSeconds: z.int(),
});

const counter = z.string().regex(/^\d{1,15}$/).transform(Number);

/** With `User-Agent: mintmark/VERSION` people see which version the signer runs. Nothing is decided by it. */
export const ringQuery = z.strictObject({
  /** Of the ring that the signer has; 0 and 0 when it has none. */
  epoch: counter,
  version: counter,
  /** Seconds to wait for a later one. */
  wait: counter.pipe(z.number().max(LONGEST_POLL)).default(0),
  /** The signer's clock (RFC 3339). */
  clock: z.iso.datetime().optional(),
  /** Seconds of the lease of the ring that the signer has, or `off`: when the server has another by now, it sends the ring again. */
  lease: z.union([z.literal('off').transform(() => null), counter]).optional(),
  /**
   * `1`: it refused the ring that it was given last and goes on with the one that it has; its own log says why. It looks at
   * what it gets for this and takes nothing of it. If that is good, it asks again without, and takes the answer to that.
   * So this is no contact: no lease counts from it, `mode` and `lease` change nothing, and one that was written off gets a ring
   * without the private half, which is enough to look at.
   */
  refused: z.literal('1').optional(),
  /** As at the enrolment, where it has changed since. */
  mode: z.enum(SIGNER_MODES).optional(),
});

/** 200. 204 without a body: nothing later within `wait` seconds. The lease counts from when the answered request was sent. */
export const ringReply = z.object({
  /** For `openRing`. */
  ring: z.string(),
});

/** 204. What the API server beside the signer does now: it would verify with every key of this ring (rule 5). */
export const acknowledgeRequest = z.strictObject({
  epoch: z.int().min(0),
  version: z.int().min(0),
  /** The kid that tokens are signed with; null in a closed ring. */
  keyInUse: z.string().max(100).nullable(),
  mode: z.enum(SIGNER_MODES),
  /** The lease in that ring. */
  leaseSeconds: z.int().min(1).nullable(),
});

/** Every refusal. `AssertionRefused` also stands for a signer that the server does not know. */
export const signerErrorBody = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

export type EnrollRequest = z.input<typeof enrollRequest>;
export type EnrollReply = z.output<typeof enrollReply>;
export type RingReply = z.output<typeof ringReply>;
export type AcknowledgeRequest = z.input<typeof acknowledgeRequest>;
export type SignerErrorBody = z.output<typeof signerErrorBody>;
