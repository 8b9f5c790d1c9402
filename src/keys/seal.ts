/**
 * Seals private key material for rest: AES-256-GCM under a data key of its own, which a key-encryption key wraps.
 *
 * The associated data are tenant, issuer and kid, so that a sealed key opens only in the place that it was sealed
 * for. Layout of a sealed key, version 1: 0x4d 0x01 | id of the key-encryption key (16) | nonce (12) | length of the
 * wrapped data key (2) | wrapped data key | ciphertext | tag (16).
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { MintmarkError } from '../domain/errors.ts';

/** Where a sealed key belongs. Server keys use the tenant `server` and their purpose as issuer. */
export interface SealContext {
  readonly tenantId: string;
  readonly issuerId: string;
  readonly kid: string;
}

/** Wraps data keys. The implementations are in `key-encryption/`; some will ask a device or a service. */
export interface KeyEncryptionKey {
  /** 16 bytes that tell this key from others and nothing about it. */
  readonly id: Uint8Array;
  wrap(dataKey: Uint8Array, associated: Uint8Array): Promise<Uint8Array>;
  /** Rejects when `wrapped` is not what `wrap` gave for the same associated data. */
  unwrap(wrapped: Uint8Array, associated: Uint8Array): Promise<Uint8Array>;
}

export interface Sealer {
  seal(plain: Uint8Array, context: SealContext): Promise<Uint8Array>;
  /**
   * The plain bytes, which the caller overwrites after use.
   * @throws MintmarkError `WrongKeyEncryptionKey` when sealed under another; `SealBroken` for anything else that is wrong.
   */
  open(sealed: Uint8Array, context: SealContext): Promise<Uint8Array>;
}

const MAGIC = Buffer.from([0x4d, 0x01]);
const ID_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = MAGIC.length + ID_BYTES + NONCE_BYTES + 2;

export function createSealer(keyEncryptionKey: KeyEncryptionKey): Sealer {
  return {
    async seal(plain, context) {
      const [dataKey, nonce, associated] = [randomBytes(32), randomBytes(NONCE_BYTES), associatedData(context)];
      try {
        const wrapped = await keyEncryptionKey.wrap(dataKey, associated);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(wrapped.length);
        return Buffer.concat([MAGIC, keyEncryptionKey.id, nonce, length, wrapped, encrypt(dataKey, nonce, plain, associated)]);
      } finally {
        dataKey.fill(0);
      }
    },
    async open(sealed, context) {
      const { id, nonce, wrapped, encrypted } = parse(Buffer.from(sealed), context);
      if (!id.equals(keyEncryptionKey.id)) throw new MintmarkError('WrongKeyEncryptionKey', `The key '${context.kid}' is sealed under another key-encryption key (${id.toString('hex')}) than the one given (${Buffer.from(keyEncryptionKey.id).toString('hex')}).`);
      const associated = associatedData(context);
      const dataKey = Buffer.from(await keyEncryptionKey.unwrap(wrapped, associated).catch(() => broken(context)));
      try {
        return decrypt(dataKey, nonce, encrypted, associated, context);
      } finally {
        dataKey.fill(0);
      }
    },
  };
}

/** Each part with its length in front, so that no two contexts give the same bytes. */
export function associatedData({ tenantId, issuerId, kid }: SealContext): Buffer {
  return Buffer.concat(['mintmark seal 1', tenantId, issuerId, kid].flatMap((part) => {
    const bytes = Buffer.from(part, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  }));
}

/** AES-256-GCM; the tag is appended. */
export function encrypt(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, associated: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(associated);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Uint8Array, nonce: Uint8Array, encrypted: Buffer, associated: Uint8Array, context: SealContext): Buffer {
  try {
    return decryptOrThrow(key, nonce, encrypted, associated);
  } catch {
    return broken(context);
  }
}

/** The inverse of `encrypt`; throws node's own error when the tag does not fit. */
export function decryptOrThrow(key: Uint8Array, nonce: Uint8Array, encrypted: Uint8Array, associated: Uint8Array): Buffer {
  const body = encrypted.subarray(0, -TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(associated).setAuthTag(encrypted.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(body), decipher.final()]);
}

function parse(sealed: Buffer, context: SealContext): { id: Buffer; nonce: Buffer; wrapped: Buffer; encrypted: Buffer } {
  if (sealed.length < HEAD_BYTES || !sealed.subarray(0, MAGIC.length).equals(MAGIC)) broken(context);
  const wrappedEnd = HEAD_BYTES + sealed.readUInt16BE(HEAD_BYTES - 2);
  if (sealed.length <= wrappedEnd + TAG_BYTES) broken(context);
  const idEnd = MAGIC.length + ID_BYTES;
  return {
    id: sealed.subarray(MAGIC.length, idEnd),
    nonce: sealed.subarray(idEnd, idEnd + NONCE_BYTES),
    wrapped: sealed.subarray(HEAD_BYTES, wrappedEnd),
    encrypted: sealed.subarray(wrappedEnd),
  };
}

function broken({ issuerId, kid }: SealContext): never {
  throw new MintmarkError('SealBroken', `The sealed key '${kid}' of '${issuerId}' can not be opened: it was changed, cut short, or sealed for another place. Restore the store from a backup, or replace the key by an emergency rotation.`);
}
