/**
 * The keys that access tokens are signed and verified with, as the store has them, so that all replicas agree.
 *
 * A new key is made when the newest is 30 days old. It is in the store for five minutes before it signs, and every
 * replica looks there at least once a minute: so none is asked to verify a token of a key that it does not know. A key
 * that has a successor stays until its last token has ended. All of it is looked at on use; there is no loop.
 */
import { after, DAY, hasCome, MARGIN, MINUTE } from '../domain/durations.ts';
import {
  ACCESS_TOKEN_LIFE, ACCESS_TOKEN_PURPOSE, type AccessTokenKey, type AccessTokenSigner, type AccessTokenVerifier, createAccessTokenVerifier, makeAccessTokenKey,
  openAccessTokenSigner,
} from '../keys/access-token.ts';
import type { Sealer } from '../keys/seal.ts';
import type { ServerKey, Store } from '../store/store.ts';

/** Seconds. */
const NEW_EVERY = 30 * DAY;
const PUBLISHED_BEFORE = 5 * MINUTE;
const LOOK_EVERY = MINUTE;

export interface TokenKeys {
  verifier(): Promise<AccessTokenVerifier>;
  signer(): Promise<AccessTokenSigner>;
  /** Public halves of all keys whose tokens are good. */
  published(): Promise<readonly Readonly<Record<string, string>>[]>;
}

type Age = Pick<ServerKey, 'kid' | 'createdAt'>;

/** The one that signs: the newest that all replicas know. `keys` are newest first, at least one. */
export const signingKey = <K extends Age>(keys: readonly K[], now: Date): K =>
  keys.find(({ createdAt }) => hasCome(after(createdAt, PUBLISHED_BEFORE), now)) ?? keys.at(-1)!;

/** Whether a new key has to be made. `keys` are newest first. */
export const isNewKeyDue = ([newest]: readonly Age[], now: Date): boolean => newest === undefined || hasCome(after(newest.createdAt, NEW_EVERY), now);

/** Keys whose last token has ended: their successor has signed alone for longer than a token lives. */
export const endedKeys = <K extends Age>(keys: readonly K[], now: Date): readonly K[] =>
  keys.filter((_, index) => index > 0 && hasCome(after(keys[index - 1]!.createdAt, PUBLISHED_BEFORE + ACCESS_TOKEN_LIFE + MARGIN), now));

interface Loaded {
  readonly at: Date;
  readonly keys: readonly ServerKey[];
  readonly verifier: AccessTokenVerifier;
}

export function createTokenKeys(store: Store, sealer: Sealer): TokenKeys {
  const signers = new Map<string, AccessTokenSigner>();
  let loaded: Loaded | null = null;
  let loading: Promise<Loaded> | null = null;

  async function signerOf(key: AccessTokenKey): Promise<AccessTokenSigner> {
    const signer = signers.get(key.kid) ?? (await openAccessTokenSigner(key, sealer));
    signers.set(key.kid, signer);
    return signer;
  }

  /** Opens the signing key too, so that one that can not be opened is known at once. A failure is not kept. */
  async function load(): Promise<Loaded> {
    const at = store.now();
    const keys = await tended(store, sealer, at);
    for (const kid of signers.keys()) if (!keys.some((key) => key.kid === kid)) signers.delete(kid);
    await signerOf(signingKey(keys, at));
    loaded = { at, keys, verifier: createAccessTokenVerifier(keys) };
    return loaded;
  }

  async function current(): Promise<Loaded> {
    if (loaded !== null && !hasCome(after(loaded.at, LOOK_EVERY), store.now())) return loaded;
    loading ??= load().finally(() => { loading = null; });
    return loading;
  }

  return {
    verifier: async () => (await current()).verifier,
    signer: async () => signerOf(signingKey((await current()).keys, store.now())),
    published: async () => (await current()).keys.map(({ publicJwk }) => publicJwk),
  };
}

/** The keys in the store, with one made that is due and those taken out whose tokens have ended. */
async function tended(store: Store, sealer: Sealer, now: Date): Promise<readonly ServerKey[]> {
  const stored = await store.read((tx) => tx.serverKeys(ACCESS_TOKEN_PURPOSE));
  const isDue = isNewKeyDue(stored, now);
  if (!isDue && endedKeys(stored, now).length === 0) return stored;
  const made = isDue ? await makeAccessTokenKey(sealer) : null;
  return store.write(async (tx) => {
    const keys = await tx.serverKeys(ACCESS_TOKEN_PURPOSE);
    for (const { kid } of endedKeys(keys, tx.now)) await tx.deleteServerKey(ACCESS_TOKEN_PURPOSE, kid);
    // Another replica may have been first.
    if (made !== null && isNewKeyDue(keys, tx.now)) await tx.putServerKey({ ...made, purpose: ACCESS_TOKEN_PURPOSE, createdAt: tx.now });
    return tx.serverKeys(ACCESS_TOKEN_PURPOSE);
  });
}
