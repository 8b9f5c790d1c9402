/** What is signed in an envelope: the ring for a signer with the private half of its active key. Members that this version does not know are left out; another form is no ring. */
import { z } from 'zod';
import { type AlgorithmName, ALGORITHMS, type PublicMembers } from '../domain/algorithms.ts';
import { type DeletedSignerRing, RING_FORM, type SignerRing } from '../domain/ring-for-signer.ts';
import { keyId, publicKeyOf } from './generate.ts';

/** `privateKey`: PKCS #8, DER, base64. */
export type RingPayload = DeletedSignerRing | (Omit<SignerRing, 'active'> & { readonly active: { readonly kid: string; readonly privateKey: string } | null });

const time = z.iso.datetime();
const counter = z.int().min(0);
const text = z.string().min(1).max(1000);

const half = z.object({
  kid: text,
  algorithm: z.enum(Object.keys(ALGORITHMS) as AlgorithmName[]),
  publicMembers: z.partialRecord(z.enum(['n', 'e', 'crv', 'x', 'y']), z.string().max(2000)),
  expiresAt: time.nullable(),
});

const head = { typ: z.literal(RING_FORM), issuer: text, issuerId: text, signer: text, epoch: counter, version: counter, sentAt: time };

const ring = z.object({
  ...head, open: z.boolean(), gapSeconds: z.int().min(1), leaseSeconds: z.int().min(1).nullable(), updatedAt: time,
  keys: z.array(half.extend({ state: z.enum(['prepared', 'active', 'retired']) })).max(100),
  verifyOnly: z.array(half).max(100),
  active: z.object({ kid: text, privateKey: z.base64().max(20_000) }).nullable(),
});

const payload = z.union([z.object({ ...head, deleted: z.literal(true) }), ring]);

/** Null for anything that is not a ring in this form, every key with a public half that its kid is the hash of. */
export function parseRing(bytes: Uint8Array): RingPayload | null {
  const parsed = payload.safeParse(jsonOf(bytes));
  if (!parsed.success) return null;
  const keys = 'deleted' in parsed.data ? [] : [...parsed.data.keys, ...parsed.data.verifyOnly];
  const isWhole = new Set(keys.map(({ kid }) => kid)).size === keys.length && keys.every(isNamedByItself);
  return isWhole ? (parsed.data as RingPayload) : null;
}

function isNamedByItself({ kid, algorithm, publicMembers }: { readonly kid: string; readonly algorithm: AlgorithmName; readonly publicMembers: PublicMembers }): boolean {
  try {
    return keyId(publicKeyOf(algorithm, publicMembers)) === kid;
  } catch {
    return false;
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
