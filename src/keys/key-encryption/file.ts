/** A key-encryption key in a file: 32 random bytes as base64, readable by its owner only. */
import { createHmac, randomBytes } from 'node:crypto';
import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { MintmarkError } from '../../domain/errors.ts';
import { decryptOrThrow, encrypt, type KeyEncryptionKey } from '../seal.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;

/**
 * Reads the key.
 * @throws MintmarkError `InvalidConfiguration` when the file is missing, readable by others, or holds no such key.
 */
export async function readKeyEncryptionKey(file: string): Promise<KeyEncryptionKey> {
  const text = await readPrivate(file);
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_BYTES || key.toString('base64') !== text.trim()) throw invalid(`The key-encryption key file ${file} does not hold 32 bytes as base64.`);
  return keyEncryptionKeyOf(key);
}

/** Makes a new key file, 0600, whole or not at all and through to the disk; refuses to replace one. */
export async function createKeyEncryptionKey(file: string): Promise<KeyEncryptionKey> {
  const key = randomBytes(KEY_BYTES);
  const part = `${file}.part`;
  await rm(part, { force: true });
  const handle = await open(part, 'wx', 0o600);
  try {
    await handle.writeFile(`${key.toString('base64')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  // A link, unlike a renaming, fails where there is a file already.
  await link(part, file);
  await rm(part);
  return keyEncryptionKeyOf(key);
}

function keyEncryptionKeyOf(key: Buffer): KeyEncryptionKey {
  return {
    id: createHmac('sha256', key).update('mintmark key-encryption key id').digest().subarray(0, 16),
    wrap: async (dataKey, associated) => {
      const nonce = randomBytes(NONCE_BYTES);
      return Buffer.concat([nonce, encrypt(key, nonce, dataKey, associated)]);
    },
    unwrap: async (wrapped, associated) => decryptOrThrow(key, wrapped.subarray(0, NONCE_BYTES), wrapped.subarray(NONCE_BYTES), associated),
  };
}

async function readPrivate(file: string): Promise<string> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) throw invalid(`The key-encryption key file ${file} can be read by others than its owner: run chmod 600 ${file}.`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof MintmarkError) throw error;
    throw new MintmarkError('InvalidConfiguration', unreadable(file, error as NodeJS.ErrnoException), { cause: error });
  }
}

/** A store that has keys opens with the key of before alone; one that is new needs its first. */
function unreadable(file: string, { code, message }: NodeJS.ErrnoException): string {
  if (code !== 'ENOENT') return `The key-encryption key file ${file} can not be read: ${message}. Without it no sealed key opens.`;
  return `The key-encryption key file ${file} is not there. If the store has keys already, restore the file from your backup: nothing else opens them. For a new store, make one: (umask 077; head -c 32 /dev/urandom | base64 > ${file}), and keep a copy in another place.`;
}

function invalid(message: string): MintmarkError {
  return new MintmarkError('InvalidConfiguration', message);
}
