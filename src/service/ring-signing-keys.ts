/** The key by which signers know the server's rings: one, made when it is first needed, in the store for all replicas. */
import { makeRingSigningKey, openRingSigningKey, RING_SIGNING_PURPOSE, type RingSigningKey } from '../keys/ring-signing-key.ts';
import type { EcPublicJwk } from '../keys/public-jwk.ts';
import type { Sealer } from '../keys/seal.ts';
import type { ServerKey, Store, StoreReader } from '../store/store.ts';

export interface RingSigningKeys {
  /** @throws MintmarkError `SealBroken`, `WrongKeyEncryptionKey`. */
  current(): Promise<RingSigningKey>;
}

export function createRingSigningKeys(store: Store, sealer: Sealer): RingSigningKeys {
  let opened: Promise<RingSigningKey> | null = null;
  return {
    current() {
      opened ??= open(store, sealer).catch((error: unknown) => {
        // A failure is not kept.
        opened = null;
        throw error;
      });
      return opened;
    },
  };
}

async function open(store: Store, sealer: Sealer): Promise<RingSigningKey> {
  const { kid, publicJwk, sealed } = (await store.read(stored)) ?? (await make(store, sealer));
  return openRingSigningKey({ kid, publicJwk: publicJwk as unknown as EcPublicJwk, sealed }, sealer);
}

async function make(store: Store, sealer: Sealer): Promise<ServerKey> {
  const made = await makeRingSigningKey(sealer);
  return store.write(async (tx) => {
    // Another replica may have been first.
    const key = (await stored(tx)) ?? { ...made, publicJwk: { ...made.publicJwk }, purpose: RING_SIGNING_PURPOSE, createdAt: tx.now };
    await tx.putServerKey(key);
    return key;
  });
}

/** Should there be several, then the oldest: the one that signers may have pinned. */
const stored = async (tx: StoreReader): Promise<ServerKey | null> => (await tx.serverKeys(RING_SIGNING_PURPOSE)).at(-1) ?? null;
