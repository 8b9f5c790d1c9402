/**
 * Secrets of which only a hash is kept: of client secrets, which people may choose, by scrypt (RFC 7914); of those with 256
 * random bits, which nobody can guess, by SHA-256. All are compared in constant time.
 *
 * The hashed form is `scrypt$N$r$p$salt$hash`, salt and hash in base64url, so that the cost can be raised later and old
 * hashes still be read.
 */
import { createHash, randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from 'node:crypto';
import { MintmarkError } from '../domain/errors.ts';

/** Work of a new hash: 32 MiB and some 80 ms, off the event loop. */
const COST = { N: 2 ** 15, r: 8, p: 1 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** More than this much memory is refused, whatever a stored hash asks for. */
const MOST_MEMORY = 256 * 1024 * 1024;

const FORM = /^scrypt\$(\d{1,8})\$(\d{1,2})\$(\d{1,2})\$([\w-]{16,128})\$([\w-]{43})$/;

/** A new secret, of 256 random bits but for those of base64url that begin with a hyphen: a command line would take such a one for an option. */
export function newSecret(): string {
  const secret = randomBytes(32).toString('base64url');
  return secret.startsWith('-') ? newSecret() : secret;
}

/** SHA-256, hex, of a secret that `newSecret` made. */
export const digestOf = (secret: string): string => createHash('sha256').update(secret, 'utf8').digest('hex');

/** Whether the digest is that of the secret. Null stands for nobody's digest, for the same work where there is none. */
export function hasDigest(secret: string, digest: string | null): boolean {
  const isEqual = timingSafeEqual(Buffer.from(digestOf(secret), 'hex'), Buffer.from(digest ?? NOBODYS_DIGEST, 'hex'));
  return isEqual && digest !== null;
}

const NOBODYS_DIGEST = '0'.repeat(2 * HASH_BYTES);

/** The hash of a new secret, under a salt of its own. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(secret, salt, COST);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/**
 * Whether `secret` is the one that was hashed.
 * @throws MintmarkError `StoreCorrupt` when the hash is not in the form that `hashSecret` writes.
 */
export async function verifySecret(secret: string, hashed: string): Promise<boolean> {
  const [, N, r, p, salt, hash] = FORM.exec(hashed) ?? [];
  if (N === undefined || salt === undefined || hash === undefined) throw unreadable();
  const derived = await derive(secret, Buffer.from(salt, 'base64url'), { N: Number(N), r: Number(r), p: Number(p) });
  return timingSafeEqual(derived, Buffer.from(hash, 'base64url'));
}

/** A hash that no secret has, for the same work where there is no principal. */
export const NOBODYS_HASH = ['scrypt', COST.N, COST.r, COST.p, 'A'.repeat(22), 'A'.repeat(43)].join('$');

function derive(secret: string, salt: Buffer, cost: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    try {
      scrypt(secret.normalize('NFC'), salt, HASH_BYTES, { ...cost, maxmem: MOST_MEMORY }, (error, derived) => (error === null ? resolve(derived) : reject(error)));
    } catch {
      reject(unreadable());
    }
  });
}

function unreadable(): MintmarkError {
  return new MintmarkError('StoreCorrupt', "A principal's secret hash is not in the form that Mintmark writes. Reset the secret of that principal.");
}
