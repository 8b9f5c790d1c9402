/** Makes secrets to log in with: the text for the one who asked, the hash for the store. */
import { randomUUID } from 'node:crypto';
import type { ClientSecret } from '../domain/principal.ts';
import { hashSecret, newSecret } from '../keys/secrets.ts';

export interface MadeSecret {
  /** Told once, kept nowhere. */
  readonly clientSecret: string;
  /** What is stored of it. */
  stored(now: Date): ClientSecret;
}

/** To be called outside of transactions: to hash takes some 80 ms. */
export async function makeClientSecret(): Promise<MadeSecret> {
  const clientSecret = newSecret();
  const [id, hash] = [randomUUID(), await hashSecret(clientSecret)];
  return { clientSecret, stored: (createdAt) => ({ id, hash, createdAt, usedAt: null }) };
}
