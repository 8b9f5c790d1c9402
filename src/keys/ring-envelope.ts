/**
 * The envelope in which a ring travels and rests: signed by the server (JWS, ES256), then encrypted to one signer (JWE,
 * ECDH-ES+A256KW, A256GCM).
 *
 * The active key's private half is in it, and is seen in this folder only: `sealRing` takes it sealed for rest, `openRing`
 * gives a `RingSigner`. Leaves to the callers when a ring is sent, stored and used.
 */
import { CompactEncrypt, compactVerify } from 'jose';
import { MintmarkError } from '../domain/errors.ts';
import { isDeletedSigner, isLater, pointText, type RingForSigner, type RingPoint, type SignerRing } from '../domain/ring-for-signer.ts';
import { type EcPublicJwk, publicKeyOfJwk, thumbprint } from './public-jwk.ts';
import { parseRing, type RingPayload } from './ring-payload.ts';
import { RingSigner } from './ring-signer.ts';
import { type RingSigningKey, SIGNED_RING_TYPE } from './ring-signing-key.ts';
import type { Sealer } from './seal.ts';
import { ENVELOPE_ALGORITHMS, type SignerKeys } from './signer-keys.ts';

const ENVELOPE_TYPE = 'mintmark-ring+jwe';
/** Bytes of the longest envelope that is looked at. */
const LARGEST = 1024 * 1024;

/** A ring on its way to a signer. */
export interface RingToSeal {
  readonly ring: RingForSigner;
  /** The signer's public key for encryption. */
  readonly to: EcPublicJwk;
  /** The private half of the active key, as it rests; null where the ring has no active key. */
  readonly activeHalf: { readonly sealed: Uint8Array; readonly tenantId: string } | null;
}

/** @throws MintmarkError `SealBroken`, `WrongKeyEncryptionKey`. */
export async function sealRing({ ring, to, activeHalf }: RingToSeal, by: RingSigningKey, sealer: Sealer): Promise<string> {
  const publicKey = publicKeyOfJwk(to);
  if (publicKey === null) throw new MintmarkError('StoreCorrupt', `The encryption key of the signer ${ring.signer} is no point of P-256.`);
  const plain = Buffer.from(JSON.stringify(await withPrivateHalf(ring, activeHalf, sealer)), 'utf8');
  const jws = Buffer.from(await by.sign(plain), 'ascii');
  plain.fill(0);
  try {
    const { keyManagement, content } = ENVELOPE_ALGORITHMS;
    return await new CompactEncrypt(jws).setProtectedHeader({ alg: keyManagement, enc: content, typ: ENVELOPE_TYPE, kid: thumbprint(to) }).encrypt(publicKey);
  } finally {
    jws.fill(0);
  }
}

async function withPrivateHalf(ring: RingForSigner, half: RingToSeal['activeHalf'], sealer: Sealer): Promise<RingPayload> {
  if (isDeletedSigner(ring)) return ring;
  if (ring.active === null) return { ...ring, active: null };
  if (half === null) throw new MintmarkError('StoreCorrupt', `The private half of the active key '${ring.active.kid}' of the issuer ${ring.issuerId} is not in the store.`);
  const plain = Buffer.from(await sealer.open(half.sealed, { tenantId: half.tenantId, issuerId: ring.issuerId, kid: ring.active.kid }));
  try {
    return { ...ring, active: { kid: ring.active.kid, privateKey: plain.toString('base64') } };
  } finally {
    plain.fill(0);
  }
}

/** Whose ring a signer takes. */
export interface ExpectedRing {
  readonly issuerId: string;
  /** Null at the first ring: the signer then pins what it says. */
  readonly issuer: string | null;
  /** The signer's id. */
  readonly signer: string;
  /** Public half of the key that was pinned at the enrolment. */
  readonly ringSigningKey: EcPublicJwk;
  /** A ring before this one is refused; null takes any. */
  readonly atLeast: RingPoint | null;
}

export interface OpenedRing {
  readonly ring: RingForSigner;
  /** Signs with the active key, which has signed and verified a probe. Null where nothing may be signed: the ring is closed, or the signer was deleted. */
  readonly signer: RingSigner | null;
}

/**
 * Opens an envelope as its signer.
 * @throws MintmarkError `RingRefused`, saying why and nothing of what is in it: not encrypted to these keys, not by the
 * pinned key, for another issuer or signer, earlier than `atLeast`, malformed, or with a private half that is not the active key's.
 */
export async function openRing(jwe: string, keys: SignerKeys, expected: ExpectedRing): Promise<OpenedRing> {
  const payload = await expectedPayload(jwe, keys, expected);
  if (isDeletedSigner(payload)) return { ring: payload, signer: null };
  const { active, ...rest } = payload;
  return { ring: { ...rest, active: active === null ? null : { kid: active.kid } }, signer: await signerOf(rest, active) };
}

/**
 * Looks at an envelope of which nothing is taken: whether its signer could take it. The private half may be left out, as it
 * is for one that was written off. @throws MintmarkError `RingRefused` as `openRing` does.
 */
export async function lookAtRing(jwe: string, keys: SignerKeys, expected: ExpectedRing): Promise<void> {
  const payload = await expectedPayload(jwe, keys, expected);
  if (!isDeletedSigner(payload) && payload.active !== null) await signerOf(payload, payload.active);
}

async function expectedPayload(jwe: string, keys: SignerKeys, expected: ExpectedRing): Promise<RingPayload> {
  const payload = parseRing(await verifiedPayload(await decrypted(jwe, keys), expected.ringSigningKey));
  if (payload === null) throw refusal('it is not in a form that this version of Mintmark knows');
  assertExpected(payload, expected);
  return payload;
}

async function decrypted(jwe: string, keys: SignerKeys): Promise<Uint8Array> {
  if (jwe.length > LARGEST) throw refusal(`it is larger than ${LARGEST} bytes`);
  const { plaintext, protectedHeader } = await keys.decrypt(jwe).catch(() => { throw refusal('it is not encrypted to this signer, or was changed'); });
  const { typ, kid, zip } = protectedHeader;
  if (typ !== ENVELOPE_TYPE || kid !== thumbprint(keys.encryptionJwk) || zip !== undefined) throw refusal('its envelope is of another kind');
  return plaintext;
}

async function verifiedPayload(jws: Uint8Array, pinned: EcPublicJwk): Promise<Uint8Array> {
  const key = publicKeyOfJwk(pinned);
  if (key === null) throw refusal('the key that was pinned at the enrolment can not be read');
  const { payload, protectedHeader } = await compactVerify(jws, key, { algorithms: ['ES256'] }).catch(() => { throw refusal('it is not signed by the key of the server that this signer enrolled with'); });
  if (protectedHeader.typ !== SIGNED_RING_TYPE || protectedHeader.kid !== thumbprint(pinned)) throw refusal('it is signed as something else than a ring');
  return payload;
}

function assertExpected(ring: RingPayload, { issuerId, issuer, signer, atLeast }: ExpectedRing): void {
  if (ring.issuerId !== issuerId || (issuer !== null && ring.issuer !== issuer)) throw refusal('it is of another issuer');
  if (ring.signer !== signer) throw refusal('it is for another signer');
  if (atLeast !== null && isLater(atLeast, ring)) throw refusal(`it is version ${pointText(ring)}, and this signer has seen ${pointText(atLeast)} already`);
}

async function signerOf({ keys, open }: Omit<SignerRing, 'active'>, active: { readonly kid: string; readonly privateKey: string } | null): Promise<RingSigner | null> {
  if (active === null && !open) return null;
  const listed = keys.filter(({ state }) => state === 'active');
  const [key] = listed;
  if (active === null || !open || key === undefined || listed.length !== 1 || key.kid !== active.kid) throw refusal('its active key is not the one that it lists');
  const signer = await RingSigner.open(key, Buffer.from(active.privateKey, 'base64'));
  if (signer === null) throw refusal('the private half in it is not that of the active key');
  return signer;
}

const refusal = (why: string): MintmarkError => new MintmarkError('RingRefused', `A ring was refused: ${why}.`);
